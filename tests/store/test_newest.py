"""The newest steps are read without the facade, and are what it would give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.store import IntegrityError, Workspace
from stepwell.store.newest import newest_steps

WITHOUT = ("stepwell.store.workspace", "stepwell.store.model.plans", "pygit2", "sqlite3")


def test_the_newest_steps_are_what_the_facade_gives(ws: Workspace, project: Path) -> None:
    """Of all branches, newest first, with their marks; the catalogue need not have them yet."""
    for number in range(4):
        (project / "README.md").write_text(f"# {number}\n")
        ws.capture(f"edit {number}")
    ws.mark(ws.get_step("#3"), label="before", note="look here")
    ws.apply(ws.plan_rollback("#2"))
    ws.capture("elsewhere")
    view, found = newest_steps(ws.store, ws.root, 5)
    ws.refresh()
    assert len(view.branches) == 2
    assert view == ws.view()
    assert [step.seq for step in found] == [6, 5, 4, 3, 2]
    assert found == ws.steps(limit=5, all_branches=True)
    assert found[3].checkpoint is not None


def test_a_history_of_which_nothing_is_left_is_refused(ws: Workspace) -> None:
    """As by the facade: an empty timeline would look as if there had never been a step."""
    for file in (ws.store / "journal").iterdir():
        file.write_bytes(b"")
    with pytest.raises(IntegrityError, match="no step of it is left"):
        newest_steps(ws.store, ws.root, 5)


def test_what_reads_them_loads_little() -> None:
    """The first frame with steps waits for each import."""
    script = (
        f"import sys, stepwell.store.newest; print({set(WITHOUT)!r} & set(sys.modules) or 'none')"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/")
    assert run.stdout == "none\n", run.stderr
