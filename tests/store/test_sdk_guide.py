"""What docs/sdk.md shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import stepwell.store

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "sdk.md"


def test_the_guide_runs_from_its_first_line_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All its blocks in order, in one program, with what they print."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home"))
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    program = compile("\n".join(blocks), "sdk.md", "exec", dont_inherit=True)
    exec(program, {"__name__": "guide"})
    assert capsys.readouterr().out.splitlines() == [
        "2 greet 1",
        "edit True one line changed",
        "3 be loud",
        "2 greet",
        "b'greet.py' [b\"-print('hello')\\n\", b\"+print('HELLO')\\n\"]",
        "b\"print('hello')\\n\" {'plan': {'todo': ['test']}}",
        "[b'greet.py']",
        "drift",
        "True print('hello')",
        "print('by hand')",
        "True True",
        "yes False",
        "True",
        "not_found · no step, branch or label is called no-such-branch",
    ]


def test_the_guide_imports_only_what_is_supported() -> None:
    """Names of the package itself."""
    imported = re.findall(r"^from stepwell(\S*) import (.+)$", GUIDE.read_text(), re.MULTILINE)
    names = {name for _, some in imported for name in some.split(", ")}
    assert {module for module, _ in imported} == {".store"}
    assert names <= {*stepwell.store.__all__}
