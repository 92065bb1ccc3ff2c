"""A rollback that finds no room, and then none to say so."""

from __future__ import annotations

from pathlib import Path

from support.limits import files_up_to

from stepwell.store import PlannedChanges, Workspace
from stepwell.store.model.errors import NoSpaceError

_PIECE = 64
"""Smaller than any operation, so that a limit is met at which one fits and the next does not."""


def test_a_rollback_that_cannot_even_be_withdrawn_says_what_follows(
    ws: Workspace, project: Path
) -> None:
    """The next command that writes tries it again, and undo takes that back."""
    (project / "long").write_bytes(bytes(1_000_000))
    step = ws.capture("long")
    (project / "long").unlink()
    ws.capture("short")
    limit = (ws.store / "journal" / "00000001.segment").stat().st_size
    while ws.view().intent is None:
        limit += _PIECE
        planned = ws.plan_rollback(step)
        with files_up_to(limit):
            hint = _hint_of_failure(ws, planned)
        ws.refresh()
    assert "the next command that writes tries the rollback again" in hint
    assert not (project / "long").exists()
    ws.settle()
    assert (project / "long").stat().st_size == 1_000_000
    ws.undo()
    assert not (project / "long").exists()


def _hint_of_failure(ws: Workspace, planned: PlannedChanges) -> str:
    try:
        ws.apply(planned)
    except NoSpaceError as error:
        return error.hint
    raise AssertionError("there was room")
