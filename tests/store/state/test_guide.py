"""What docs/state.md shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stepwell.store import Workspace

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "state.md"


def test_the_guide_runs_from_its_first_line_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All its blocks in order, in one program, with what they print."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    Workspace.init(folder).close()
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    program = compile("\n".join(blocks), "state.md", "exec", dont_inherit=True)
    exec(program, {"__name__": "guide"})
    shown = capsys.readouterr().out.splitlines()
    assert "State before major deployment" in shown[0]
    assert "replace /tasks/t1/done False True" in shown
    assert "Imported: 1, Errors: 0" in shown
    assert any(line.startswith("shutdown:complete") for line in shown)
    assert shown[-1] == "back to {'todo': ['parse', 'test']}"


def test_the_guide_names_only_what_there_is() -> None:
    """Each name of ours in its table of names, and each option with its default."""
    from stepwell.store import StateConfig, StateSnapshots
    from stepwell.store.state.subscribers import EVENTS

    text, _, table = GUIDE.read_text().partition("## Names in other systems")
    ours = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")][1:]
    called = {name for cell in ours for name in re.findall(r"`([a-z_]+)\(", cell)}
    assert called <= {*dir(StateSnapshots)}
    assert set(re.findall(r"`([a-z]+:[a-z]+)`", "".join(ours))) <= set(EVENTS)
    options = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", text, re.MULTILINE))
    defaults = {name: getattr(StateConfig(), name) for name in StateConfig.__slots__}
    shown = {
        name: f"`{value}`"
        if isinstance(value, str)
        else f"{value:,}"
        if type(value) is int
        else str(value).lower()
        for name, value in defaults.items()
    }
    assert options == shown
