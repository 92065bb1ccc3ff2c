"""The newest steps ready in memory: what they say, how many there are, and what they spare."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.engine.tiers import Recent
from stepwell.store.engine.tiers.recent import make_ready
from stepwell.store.model.errors import ObjectMissingError
from stepwell.store.model.ids import Oid, StepId
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


def journal(ws: Workspace) -> object:
    return ws._journal


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
    recent = ws._context.recent
    assert len(recent) == 0
    while ws.make_ready():
        pass
    assert step.id in recent._ready
    said = recent.of(Nothing(ws), step)
    assert said.forward == ws.unified_diff(step)
    reader = recent.over(Nothing(ws))
    blobs = {reader.read(oid)[1] for oid in said.blobs}
    assert blobs == {b"first\n", b"second\n"}


def test_undo_and_redo_take_contents_from_memory(
    ws: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a ready step concerns is not read from the journal when it is written back."""
    first = ws.head()
    edit(ws, root, "second\n")
    while ws.make_ready():
        pass
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
    """Another session's steps do not push them out."""
    recent = Recent(steps=3)
    mine = [edit(ws, root, f"mine {n}\n", "me:1") for n in range(5)]
    other = edit(ws, root, "other\n", "other:1")
    for step in (*mine, other):
        recent.of(ws._journal, step)
    assert set(recent._ready) == {s.id for s in (*mine[2:], other)}


def test_rings_are_bounded_in_bytes(ws: Workspace, root: Path) -> None:
    """The oldest go first, a step that is too large never comes, and nothing is counted twice."""
    steps = [edit(ws, root, f"{n}\n" * 2000) for n in range(6)]
    sizes = [make_ready(ws._journal, step).size for step in steps]
    recent = Recent(limit=sum(sizes[-2:]) + 10)
    for step in steps:
        recent.of(ws._journal, step)
    assert set(recent._ready) == {s.id for s in steps[-2:]}
    assert recent.bytes == sum(sizes[-2:])
    recent.shrink(0)
    assert (recent.bytes, len(recent), recent._blobs, recent._rings) == (0, 0, {}, {})
    (root / "large").write_bytes(b"x" * (5 << 20))
    large = ws.record().step
    assert recent.of(ws._journal, large).blobs == {}


class Untouched(Nothing):
    """Steps that nobody may ask for."""

    def step(self, step: StepId) -> Step:
        raise AssertionError("a large change was computed")


@pytest.mark.parametrize("size", ["bytes", "lines", "files"])
def test_a_large_change_is_not_even_computed(ws: Workspace, size: str) -> None:
    """As a first capture's: the daemon would keep the memory that it takes."""
    counts = ChangeCounts(files=5_000 if size == "files" else 1, added=10**6 * (size == "lines"))
    step = replace(ws.head(), raw_bytes=55 << 20 if size == "bytes" else 1, changes=counts)
    recent = Recent()
    recent.note(step)
    assert recent.make_next(Untouched(ws))
    assert len(recent) == 0 and not recent.waits
