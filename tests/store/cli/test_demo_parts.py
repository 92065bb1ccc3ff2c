"""The demo, by commands: a hunk, a file and a middle step are put back, and each undone exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.trees import contents

Run = Callable[..., Any]


@pytest.fixture
def hop(home: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo, with its edit that no step holds."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "hop"
    assert run("demo", "--no-open", str(folder)).code == 0
    monkeypatch.chdir(folder)
    return folder


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))


def test_a_hunk_a_file_and_a_middle_step_are_put_back_and_undone(hop: Path, run: Run) -> None:
    """Each changes what it names and nothing else; undo brings back every byte and mode."""
    before = contents(hop)
    plan = run("rollback", "visits", "--dry-run", "--json").json["plan"]
    links = next(c for c in plan["changes"] if c["path"] == "hop/links.py")
    middle = run("log", "hop top", "kind:tool", "tool:edit", "--json").json["steps"][0]
    assert (middle["title"], middle["seq"]) == ("add the command: hop top", 32)
    for words, path in (
        (("visits", "--hunk", links["hunks"][-1]["id"]), "hop/links.py"),
        (("try-sqlite", "--path", "hop/saving.py"), "hop/saving.py"),
        ((f"#{middle['seq']}", "--only"), "hop/cli.py"),
    ):
        assert run("rollback", *words, "--yes").code == 0
        assert differing(before, contents(hop)) == [path]
        assert run("undo", "--yes").code == 0
        assert contents(hop) == before


def test_the_middle_step_goes_and_later_work_stays(hop: Path, run: Run) -> None:
    """`hop top` is gone from the command line; what was built on top still passes its tests."""
    assert run("rollback", "#32", "--only", "--yes").code == 0
    assert '"top"' not in (hop / "hop/cli.py").read_text()
    assert "put(" in (hop / "hop/links.py").read_text()
