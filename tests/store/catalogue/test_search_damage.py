"""The search index: derived, checked by sums of its own, and made anew when it is damaged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.journals import flip
from support.pruning import edits

from stepwell.store import Workspace
from stepwell.store.catalogue.textindex import TEXTS, is_sound

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def found(ws: Workspace) -> list[tuple[str, str]]:
    """Returns where the word stands."""
    return [(hit.step.id, hit.where) for hit in ws.search("return", NOW)]


@pytest.mark.parametrize("how", ["cut", "zero", "foreign"])
def test_a_damaged_index_is_made_anew_on_the_way(ws: Workspace, project: Path, how: str) -> None:
    """The answer is the same as before, and blame's too."""
    edits(ws, project, 3)
    before, path = found(ws), ws.store / "catalogue" / TEXTS
    lines = ws.blame(b"src/app.py", ws.head())
    content = path.read_bytes()
    damaged = {
        "cut": content[:-700],
        "zero": content[:8192] + bytes(len(content) - 8192),
        "foreign": b"x" * len(content),
    }[how]
    for end in ("-wal", "-shm"):
        path.with_name(TEXTS + end).unlink(missing_ok=True)
    path.write_bytes(damaged)
    assert found(ws) == before
    assert ws.blame(b"src/app.py", ws.head()) == lines
    assert is_sound(path)


def test_a_changed_word_is_told_and_repaired(ws: Workspace, project: Path) -> None:
    """SQLite itself would give it out."""
    edits(ws, project, 3)
    before, path = found(ws), ws.store / "catalogue" / TEXTS
    flip(path, path.read_bytes().index(b"def run"))
    assert [(d.kind, d.id) for d in ws.verify(full=True).damaged] == [("search", TEXTS)]
    ws.repair()
    assert ws.verify(full=True).ok
    assert found(ws) == before
