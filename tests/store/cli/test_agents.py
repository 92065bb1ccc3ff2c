"""`stepwell install`, `uninstall` and `doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without anything, and no agent's variable set."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "PI_CODING_AGENT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "person"


def test_a_dry_run_shows_the_change_and_writes_nothing(run: Run, folder: Path) -> None:
    """As a diff."""
    shown = run("install", "claude", "--dry-run")
    assert shown.code == 0
    assert '+  "hooks": {' in shown.text
    assert not (folder / ".claude").exists()


def test_install_and_uninstall(run: Run, folder: Path, person: Path) -> None:
    """Claude Code's in the project's own settings, Codex's in the home folder, with what to do next."""
    claude = run("install", "claude", "--json").json
    assert claude["applied"] and claude["files"] == [str(folder / ".claude/settings.local.json")]
    codex = run("install", "codex")
    assert "open /hooks in Codex" in codex.err
    assert (person / ".codex" / "hooks.json").exists()
    assert "installed already" in run("install", "codex").text
    assert run("uninstall", "claude").code == run("uninstall", "codex").code == 0
    assert not (folder / ".claude/settings.local.json").exists()
    assert run("uninstall", "codex").text == "nothing to remove\n"


def test_doctor_tells_the_state_of_every_agent(run: Run, folder: Path) -> None:
    """Installed and reachable, not trusted, last heard from, and what could not be captured."""
    run("install", "claude")
    run("install", "codex")
    assert run("capture", "-m", "x", "--session", "claude:s", "--tag", "t").code == 0
    rows = {row["agent"]: row for row in run("doctor", "--json").json["agents"]}
    assert len(rows) == 9
    assert rows["claude"]["installed"] and rows["claude"]["reachable"]
    assert rows["claude"]["last_event"] and not rows["claude"]["problem"]
    assert "trust" in rows["codex"]["problem"]
    assert rows["gemini"]["installed"] == []
    told = run("doctor").text
    assert "✓ claude" in told and "✗ codex" in told


def test_what_cannot_be_installed(run: Run, folder: Path) -> None:
    """An unknown agent, and a configuration that cannot be read."""
    assert run("install", "nobody").code == 2
    (folder / ".claude").mkdir()
    (folder / ".claude" / "settings.local.json").write_text("{")
    refused = run("install", "claude", "--json")
    assert refused.code == 4
    assert json.loads(refused.out)["error"]["code"] == "refused"


def test_going_back_past_an_install_is_told_as_it_is(run: Run, folder: Path) -> None:
    """What differs and stays is listed, not denied; a switch says that it records the hooks."""
    assert run("branch", "create", "early").code == 0
    run("install", "claude")
    assert run("capture", "-m", "hooks").code == 0
    settings = ".claude/settings.local.json"
    told = run("rollback", "@~1", "--files-only", "--yes").text.splitlines()
    assert told[1] == "no file changes" and any(settings in line for line in told)
    assert told[-1] == "nothing was changed: what differs is left as it is"
    switched = run("switch", "early", "--yes").text
    assert "the hooks are recorded as a step on branch early" in switched
    steps = run("log", "--json").json["steps"]
    assert [(one["seq"], one["branch"]) for one in steps] == [(3, "early"), (1, "main")]
    again = run("switch", "main", "--yes").text
    assert "the hooks" not in again and (folder / settings).exists()
