"""The newest steps ready in memory: what they say, how many there are, and what they spare."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.engine.tiers import Tiers, key_of, make_ready
from stepwell.store.engine.tiers.ready import LARGEST, Ready
from stepwell.store.engine.tiers.recent import Held, Recent
from stepwell.store.model.errors import ObjectMissingError
from stepwell.store.model.ids import Oid, StepId, object_id
from stepwell.store.model.steps import ChangeCounts


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


class Nothing:
    """Steps of a store from which nothing can be read any more."""

    def __init__(self, below: Workspace) -> None:
        self._below = below

    def step(self, step: StepId) -> Step:
        return self._below.get_step(step)

    def has(self, oid: Oid) -> bool:
        return False

    def read(self, oid: Oid) -> tuple[str, bytes]:
        raise ObjectMissingError(f"object {oid.hex()} is not in the store")


def all_ready(ws: Workspace) -> Tiers:
    """Does what a daemon does in idle moments."""
    while ws.has_unready:
        ws.make_ready()
    return ws._context.tiers


def edit(ws: Workspace, root: Path, text: str, session: str | None = None) -> Step:
    (root / "notes.txt").write_text(text)
    return ws.record(session=session).step


def test_a_step_has_its_diff_forward_and_back(ws: Workspace, root: Path, tmp_path: Path) -> None:
    """Both are what `git apply` takes, and they undo each other byte for byte."""
    (root / "new").write_bytes(b"\0binary\n")
    step = edit(ws, root, "first\nsecond")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "notes.txt").write_text("first\n")
    for reverse in (False, True):
        patch = ws.unified_diff(step, reverse=reverse)
        subprocess.run(["git", "apply", "-"], cwd=copy, input=patch, check=True)
        if not reverse:
            assert (copy / "notes.txt").read_text() == "first\nsecond"
            assert (copy / "new").read_bytes() == b"\0binary\n"
    assert (copy / "notes.txt").read_text() == "first\n"
    assert not (copy / "new").exists()


def test_recorded_steps_are_made_ready_when_there_is_time(ws: Workspace, root: Path) -> None:
    """Not while they are recorded; then no store is needed for them."""
    step = edit(ws, root, "second\n")
    assert len(ws._context.tiers.recent) == 0
    tiers = all_ready(ws)
    said = tiers.recent.get(key_of(step))
    assert said is not None
    assert said.patch(Nothing(ws), reverse=False) == ws.unified_diff(step)
    reader = tiers.over(Nothing(ws))
    assert {reader.read(oid)[1] for oid in said.blobs} == {b"first\n", b"second\n"}


def test_undo_and_redo_take_contents_from_memory(
    ws: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a ready step concerns is not read from the journal when it is written back."""
    first = ws.head()
    edit(ws, root, "second\n")
    all_ready(ws)
    planned = ws.plan_rollback(first)
    read: list[Oid] = []
    plain = type(ws._journal).read

    def noting(self: object, oid: Oid) -> tuple[str, bytes]:
        read.append(oid)
        return plain(self, oid)  # type: ignore[arg-type]

    monkeypatch.setattr("stepwell.store.engine.journal.JournalWriter.read", noting)
    ws.apply(planned)
    written = {item.after.blob for item in planned.plan.items if item.after}
    assert written.isdisjoint(read)
    assert (root / "notes.txt").read_text() == "first\n"


def test_a_ring_holds_the_newest_steps_of_a_session(ws: Workspace, root: Path) -> None:
    """Another session's steps do not push them out; what is pushed out is handed on."""
    left: list[Held] = []
    recent = Recent(left.append, steps=3)
    mine = [edit(ws, root, f"mine {n}\n", "me:1") for n in range(5)]
    other = edit(ws, root, "other\n", "other:1")
    for step in (*mine, other):
        recent.keep(step, make_ready(ws._journal, step))
    assert [key_of(step) in recent for step in (*mine, other)] == [
        False,
        False,
        True,
        True,
        True,
        True,
    ]
    assert [held.key for held in left] == [key_of(mine[0]), key_of(mine[1])]


def test_the_order_of_making_does_not_matter(ws: Workspace, root: Path) -> None:
    """After a burst the newest are made first, and still the oldest give way."""
    steps = [edit(ws, root, f"{n}\n") for n in range(5)]
    recent = Recent(lambda held: None, steps=3)
    for step in reversed(steps):
        recent.keep(step, make_ready(ws._journal, step))
    assert [key_of(step) in recent for step in steps] == [False, False, True, True, True]
    assert [[held.seq for held in ring] for ring in recent.rings()] == [[4, 5, 6]]


def test_what_neighbours_share_is_held_and_counted_once(ws: Workspace, root: Path) -> None:
    """What one step left is what the next began with; letting go of all leaves nothing."""
    steps = [edit(ws, root, f"{n}\n" * 2000) for n in range(6)]
    made = [make_ready(ws._journal, step) for step in steps]
    recent = Recent(lambda held: None)
    for step, ready in zip(steps, made, strict=True):
        recent.keep(step, ready)
    contents = {oid: content for ready in made for oid, content in ready.blobs.items()}
    assert recent.contents() == contents and len(contents) == 7
    assert recent.bytes == sum(r.bare for r in made) + sum(map(len, contents.values()))
    assert recent.raw_bytes == sum(ready.size for ready in made)
    recent.drop_contents([key_of(steps[0]), key_of(steps[1])])
    assert len(recent.contents()) == 5
    recent.drop([key_of(step) for step in steps])
    assert (recent.bytes, recent.raw_bytes, len(recent), recent.contents()) == (0, 0, 0, {})
    assert [*recent.rings()] == []


def test_a_step_that_is_too_large_never_comes(ws: Workspace, root: Path) -> None:
    """Nor the contents of one whose change alone is small enough."""
    (root / "large").write_bytes(b"x\n" * (LARGEST // 3))
    step = ws.record().step
    recent = Recent(lambda held: None)
    recent.keep(step, Ready((), (), {}, LARGEST + 1))
    assert len(recent) == 0
    assert make_ready(ws._journal, step).blobs == {}


class Untouched(Nothing):
    """Steps that nobody may ask for."""

    def step(self, step: StepId) -> Step:
        raise AssertionError("a large change was computed")


@pytest.mark.parametrize("size", ["bytes", "lines", "files"])
def test_a_large_change_is_not_even_computed(ws: Workspace, size: str) -> None:
    """As a first capture's: the daemon would keep the memory that it takes."""
    counts = ChangeCounts(files=5_000 if size == "files" else 1, added=10**6 * (size == "lines"))
    step = replace(ws.head(), raw_bytes=55 << 20 if size == "bytes" else 1, changes=counts)
    tiers = Tiers()
    tiers.note(step)
    assert tiers.make_next(Untouched(ws))
    assert len(tiers.recent) == 0 and not tiers.waits


class Noted:
    """Steps of a store, and which objects were read there."""

    def __init__(self, below: Workspace) -> None:
        self._below = below._journal
        self.read_ids: list[Oid] = []

    def step(self, step: StepId) -> Step:
        return self._below.step(step)

    def has(self, oid: Oid) -> bool:
        return self._below.has(oid)

    def read(self, oid: Oid) -> tuple[str, bytes]:
        self.read_ids.append(oid)
        return self._below.read(oid)

    def stored_size(self, oid: Oid) -> int:
        return self._below.stored_size(oid)


@pytest.mark.parametrize(("times", "are_read"), [(8, True), (80, False)])
def test_of_a_large_change_what_it_replaced_is_read_ahead(
    ws: Workspace, root: Path, times: int, are_read: bool
) -> None:
    """Trees, and contents unless there are many; never what is new in it."""
    before, replaced = ws.head(), object_id("blob", b"first\n")
    (root / "notes.txt").write_text("second\n")
    (root / "large").write_bytes(os.urandom(times * LARGEST))
    step = ws.record().step
    steps, tiers = Noted(ws), Tiers()
    tiers.note(step)
    assert tiers.make_next(steps)
    assert len(tiers.recent) == 0
    of_both = {oid for one in (before, step) for oid in (one.snapshot.tree, one.snapshot.extras)}
    assert set(steps.read_ids) == of_both | ({replaced} if are_read else set())


def test_of_large_files_that_went_nothing_is_read_ahead(ws: Workspace, root: Path) -> None:
    """Nobody would remember them, and captures would wait; of many small ones only so many are."""
    contents = [os.urandom(40_000) for _ in range(2)] + [
        b"%d" % n + bytes(60_000) for n in range(100)
    ]
    for number, content in enumerate(contents):
        (root / f"asset{number}").write_bytes(content)
    before = ws.record().step
    for number in range(len(contents)):
        (root / f"asset{number}").unlink()
    step = ws.record().step
    steps, tiers = Noted(ws), Tiers()
    tiers.note(step)
    assert tiers.make_next(steps)
    trees = {oid for one in (before, step) for oid in (one.snapshot.tree, one.snapshot.extras)}
    read = [contents[n] for n, oid in enumerate(map(blob_id, contents)) if oid in steps.read_ids]
    assert set(steps.read_ids) <= trees | set(map(blob_id, read))
    assert not {*contents[:2]} & {*read}
    assert 60_000 < sum(map(len, read)) <= (4 << 20) + 60_000


def blob_id(content: bytes) -> Oid:
    return object_id("blob", content)
