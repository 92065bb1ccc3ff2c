"""What a rollback's done record costs, and how little a capture may ask of the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.engine.journal import JournalWriter


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns a folder with one file."""
    made = tmp_path / "project"
    made.mkdir()
    (made / "notes.txt").write_text("first\n")
    return made


@pytest.fixture
def ws(root: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Yields it as a workspace."""
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        yield workspace


def edit(ws: Workspace, root: Path, text: str) -> Step:
    (root / "notes.txt").write_text(text)
    return ws.record().step


def test_a_rollback_does_not_read_the_history(
    ws: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many steps and left futures there are, it looks at what it takes back."""
    first = edit(ws, root, "begin\n")
    edit(ws, root, "a future\n")
    ws.apply(ws.plan_rollback(first))
    assert "main.1" in ws.view().branches
    for n in range(60):
        edit(ws, root, f"{n}\n")
    target = edit(ws, root, "target\n")
    edit(ws, root, "after\n")
    planned, asked = ws.plan_rollback(target), []
    plain = JournalWriter.step

    def counting(self: JournalWriter, step: str) -> Step:
        asked.append(step)
        return plain(self, step)  # type: ignore[arg-type]

    monkeypatch.setattr(JournalWriter, "step", counting)
    ws.apply(planned)
    assert len(asked) < 20
    assert {"main.1", "main.2"} <= set(ws.view().branches)


def test_a_left_future_that_is_gone_to_is_dropped(ws: Workspace, root: Path) -> None:
    """Its name would say nothing of its own; others stay."""
    first = ws.head()
    edit(ws, root, "one future\n")
    ws.apply(ws.plan_rollback(first))
    second = edit(ws, root, "another future\n")
    ws.apply(ws.plan_rollback(first))
    assert {"main.1", "main.2"} <= set(ws.view().branches)
    ws.apply(ws.plan_rollback(second))
    branches = ws.view().branches
    assert "main.1" in branches
    assert "main.2" not in branches


@pytest.mark.parametrize(("durability", "syncs"), [("durable", True), ("fast", False)])
def test_only_a_durable_capture_waits_for_the_disk(
    durability: str, syncs: bool, ws: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fast` is asked for when a workspace is opened, and what it records is there all the same."""
    synced: list[int] = []
    plain = os.fdatasync

    def noting(fd: int) -> None:
        synced.append(fd)
        plain(fd)

    monkeypatch.setattr("stepwell.store.engine.journal.appender.sync_content", noting)
    with Workspace.open(root, home=ws.home, durability=durability) as opened:  # type: ignore[arg-type]
        step = edit(opened, root, "second\n")
    assert bool(synced) is syncs
    assert ws.refresh()
    assert ws.head().id == step.id
    assert ws.verify(full=True).ok
