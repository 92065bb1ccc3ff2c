"""What a rollback's done record costs, and how little a capture may ask of the disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.engine import settle
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.journal.transaction import Transaction
from stepwell.store.engine.rollback.together import Together
from stepwell.store.model.errors import FailedError


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


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns what happens after the files are changed, when a disk is as slow as it can be."""
    happened: list[str] = []
    looked = threading.Event()
    sync, look, commit = Together.sync, settle.take_with, Transaction.commit

    def slow_sync(self: Together) -> bool:
        done = sync(self)
        if happened:
            assert looked.wait(60)
            happened.append("durable")
        else:
            happened.append("drafts durable")
        return done

    def noted_look(*args: Any, **options: Any) -> Any:
        found = look(*args, **options)
        happened.append("looked")
        looked.set()
        return found

    def noted_commit(self: Transaction, kind: str, *args: Any, **options: Any) -> Any:
        if happened:
            happened.append(kind)
        return commit(self, kind, *args, **options)

    monkeypatch.setattr(Together, "sync", slow_sync)
    monkeypatch.setattr(settle, "take_with", noted_look)
    monkeypatch.setattr(Transaction, "commit", noted_commit)
    return happened


def many_folders(root: Path) -> None:
    for n in range(12):
        (root / f"folder{n}").mkdir(exist_ok=True)
        (root / f"folder{n}" / "file").write_text(os.urandom(8).hex())


def test_the_record_is_written_when_all_is_durable_and_not_before(
    ws: Workspace, root: Path, order: list[str]
) -> None:
    """Meanwhile the disk is looked at."""
    many_folders(root)
    target = ws.record().step
    many_folders(root)
    ws.record()
    ws.apply(ws.plan_rollback(target))
    if "durable" not in order:
        pytest.skip("the file system of temporary files has no sync of all")
    assert order == ["drafts durable", "looked", "durable", "rollback"]


def test_when_the_look_fails_the_next_command_finishes(
    ws: Workspace, root: Path, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun to be made durable is waited for, and nothing stays open."""
    many_folders(root)
    target = ws.record().step
    many_folders(root)
    ws.record()
    planned, look = ws.plan_rollback(target), settle.take_with

    def failing(*args: Any, **options: Any) -> Any:
        look(*args, **options)
        raise FailedError("looking at the workspace failed: no memory")

    with monkeypatch.context() as patch:
        patch.setattr(settle, "take_with", failing)
        with pytest.raises(FailedError):
            ws.apply(planned)
    assert "rollback" not in order
    recovery = ws.settle()
    assert recovery is not None and recovery.finished
    assert ws.head().snapshot.tree == target.snapshot.tree


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
