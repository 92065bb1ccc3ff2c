"""`check`, `rules`, `trust` and `bisect` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings of the person's own, unless a test writes some."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("STEPWELL_CONFIG", str(path))
    return path


def test_a_rule_file_runs_only_once_it_is_trusted(run: Run, folder: Path, tmp_path: Path) -> None:
    """What it would run is shown; when it changes it is trusted no more."""
    ran = tmp_path / "ran"
    rule = folder / "stepwell.toml"
    rule.write_text(f"[rules.lint]\nrun = 'touch {ran}'\n")
    refused = run("check")
    assert refused.code == 2 and "stepwell trust" in refused.err and not ran.exists()
    assert run("rules", "list", "--json").json == {
        "rules": [],
        "mode": "suggest",
        "untrusted": True,
    }
    trusted = run("trust")
    assert trusted.code == 0 and f"touch {ran}" in trusted.text and not ran.exists()
    assert run("check").text.startswith("✓ lint  the command succeeds") and ran.exists()
    listed = run("rules").text
    assert "lint  if fails → suggest" in listed and "✓ the command succeeds" in listed
    rule.write_text(rule.read_text() + "\n")
    assert run("check").code == 2
    assert run("trust", "--json").json["rules"][0]["run"] == ["touch", str(ran)]
    assert run("trust", "--remove").text == "it is trusted no more\n"
    assert run("check").code == 2


def test_check_gives_verdicts(run: Run, folder: Path, config: Path) -> None:
    """With since when, and the way back; of an older step only the verdict."""
    config.write_text("[rules.three]\nrun = 'grep -q three src/app.py'\ndo = 'rollback'\n")
    assert run("capture", "--label", "well").code == 0
    (folder / "src" / "app.py").write_text("one\n")
    assert run("capture", "-m", "cut").code == 0
    found = run("check", "--json").json
    (verdict,) = found["verdicts"]
    assert (verdict["rule"], verdict["ok"], verdict["action"]) == ("three", False, "suggest")
    assert verdict["detail"] == "the command ends with 1, since #3 cut"
    assert verdict["target"] == run("show", "#2", "--json").json["id"] and not found["untrusted"]
    assert f"stepwell rollback {verdict['target'][:10]}" in run("check", "--dry-run").text
    assert run("check", "--at", "#1").text.startswith("✓ three")
    assert run("check", "nothing-like-it").code == 3
    kinds = [o["kind"] for o in run("operations", "--json").json["operations"]]
    assert kinds.count("verdict") == 1


def test_no_rule_is_a_usage_error_with_an_example(run: Run, folder: Path, config: Path) -> None:
    """And a broken configuration is named."""
    assert run("check").code == 2
    config.write_text("[rules.a]\n")
    broken = run("check")
    assert broken.code == 2 and str(config) in broken.err


def test_bisect_names_the_step_its_prompt_and_its_diff(run: Run, folder: Path) -> None:
    """The command comes after the dashes, and its own options are its own."""
    for number in range(6):
        (folder / "number").write_text(f"{number}\n")
        assert run("capture", "-m", f"number {number}", "--session", "claude:1").code == 0
    words = ("--", "sh", "-c", "test ! -f number || test $(cat number) -lt 4")
    found = run("bisect", "--good", "#1", "--bad", "@", "--jobs", "2", "--json", *words).json
    assert found["first_bad"]["title"] == "number 4" and found["tried"] <= 6
    assert found["skipped"] == 0 and found["diff"][0]["path"] == "number"
    told = run("bisect", "--good", "#1", *words).text
    assert "number 4" in told and "-3\n+4\n" in told
    assert run("bisect", "--good", "#1").code == 2
    assert run("bisect", "--good", "@", "--bad", "#1", *words).code == 2
    assert run("bisect", "--good", "#5", "--bad", "@", "--", "false").code == 1
