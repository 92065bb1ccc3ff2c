"""A real journal of steps without content: the catalogue never looks into snapshots."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stepwell.store.catalogue.catalogue import Catalogue
from stepwell.store.catalogue.graph import Graph
from stepwell.store.engine.atomic import make_private_folder
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import (
    Branch,
    BranchDropped,
    BranchSet,
    ChangeCounts,
    CurrentSet,
    Effect,
    Mark,
    MarkSet,
    Note,
    Snapshot,
    Step,
    StepRecorded,
    StepResult,
)

FIRST_NS = 1_700_000_000_000_000_000
_KINDS = ("prompt", "tool", "tool", "capture", "rollback", "outside", "gap")


class History:
    """Records steps on a few branches and sessions, marks some, drops some branches."""

    def __init__(self, writer: JournalWriter, seed: int = 1) -> None:
        self.writer = writer
        self.steps: list[Step] = []
        self.marks: dict[StepId, Mark] = {}
        self.heads: dict[str, StepId] = {}
        self._random = random.Random(seed)

    def record(self, count: int, *, together: int = 1) -> None:
        """Adds steps, `together` of them an operation, and now and then what else can happen."""
        for _ in range(0, count, together):
            effects: list[Effect] = []
            for _ in range(together):
                effects += self._step()
            self.commit(effects)

    def commit(self, effects: list[Effect]) -> None:
        """Commits one operation."""
        self.writer.begin().commit("record", "recorded", effects)

    def _step(self) -> list[Effect]:
        chance = self._random
        branch = chance.choice(("main", "main", "main", "main.1", "try/α"))
        known = [self.heads[branch]] if branch in self.heads else []
        if len(self.steps) > 3 and chance.random() < 0.1:
            known.append(chance.choice(self.steps).id)
        last = self.steps[-1].seq if self.steps else 0
        step = self.step(last + (3 if chance.random() < 0.05 else 1), branch, tuple(known))
        self.steps.append(step)
        self.heads[branch] = step.id
        return [StepRecorded(step), BranchSet(Branch(branch, step.id)), *self._more(step)]

    def step(self, seq: int, branch: str, parents: tuple[StepId, ...]) -> Step:
        """Returns a step with something in every field that the catalogue keeps."""
        chance = self._random
        failed = chance.random() < 0.1
        return Step(
            id=StepId(chance.randbytes(16).hex()),
            seq=seq,
            branch=branch,
            parents=parents,
            kind=chance.choice(_KINDS),  # type: ignore[arg-type]
            title=f"step {seq} \udc80\n\t‮ of \\x1b",
            time_ns=FIRST_NS + seq * 10**9,
            snapshot=Snapshot(Oid(chance.randbytes(20)), Oid(chance.randbytes(20))),
            session=chance.choice((None, "claude:1", "codex:\t2", "me:3")),
            agent=chance.choice((None, "claude")),
            changes=ChangeCounts(seq % 5, seq % 7, seq % 11),
            result=StepResult(not failed, int(failed), 12) if seq % 2 else None,
            prompt=Oid(chance.randbytes(20)) if seq % 3 else None,
            flags=chance.choice(((), ("safety",), ("joint", "unstable"), ("odd",))),
        )

    def _more(self, step: Step) -> list[Effect]:
        chance = self._random.random()
        if chance < 0.05:
            return [self._mark(step)]
        if chance < 0.07 and self.marks:
            marked = self._random.choice(sorted(self.marks))
            del self.marks[marked]
            return [MarkSet(marked, None)]
        if chance < 0.09 and "main.1" in self.heads:
            del self.heads["main.1"]
            return [BranchDropped("main.1"), CurrentSet(step.branch)]
        return []

    def _mark(self, step: Step) -> MarkSet:
        note = Note("n1", "a remark", "me", step.time_ns, None, None)
        tags = self._random.choice((("a",), ("a", "b"), ()))
        self.marks[step.id] = Mark(f"label-{step.seq % 4}", (note,), tags)
        return MarkSet(step.id, self.marks[step.id])


@contextmanager
def writing(store: Path, seed: int = 1) -> Iterator[JournalWriter]:
    """Gives a writer of the store's journal, which it makes when there is none."""
    randomness = random.Random(seed).randbytes
    clock = lambda: FIRST_NS  # noqa: E731
    make_private_folder(store)
    JournalWriter.create(store, randomness=randomness)
    with WriterLock.acquire(store, wait_s=0, clock=clock) as lock:
        writer = JournalWriter.open_writer(
            store, lock, clock=clock, randomness=randomness, durability="fast"
        )
        try:
            yield writer
        finally:
            writer.close()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """A history in a new store, still empty."""
    with writing(tmp_path / "store") as writer:
        yield History(writer)


@pytest.fixture
def journal(history: History) -> Iterator[Journal]:
    """A reader of that history's journal."""
    with Journal.open(history.writer.store) as reader:
        yield reader


@pytest.fixture
def folder(history: History) -> Path:
    """Where its catalogue is."""
    return history.writer.store / "catalogue"


Answers = dict[str, object]


def answers_of(catalogue: Catalogue) -> Answers:
    """Returns everything that a catalogue says, for comparing two of them."""
    steps = catalogue.page(None, 1_000_000)
    sessions = catalogue.sessions()
    return {
        "number": catalogue.number,
        "count": catalogue.count(),
        "steps": steps,
        "chains": [catalogue.chain(s.seq, 40) for s in steps[::17]],
        "sessions": sessions,
        "by session": {s.name: catalogue.session_steps(s.name, None, 1_000_000) for s in sessions},
        "checkpoints": catalogue.checkpoints(),
        "tagged": catalogue.checkpoints(tag="b"),
        "labelled": catalogue.checkpoints(label="label-1"),
        "branches": catalogue.branches(),
        "current": catalogue.current,
        "graph": columns_of(catalogue.graph()),
    }


def columns_of(graph: Graph) -> list[object]:
    """Returns all columns of a graph; sessions by their order of appearance."""
    order = {number: n for n, number in enumerate(dict.fromkeys(graph.sessions))}
    rows = range(len(graph))
    return [
        list(graph.seqs),
        list(graph.parents),
        list(graph.others),
        list(graph.times),
        [graph.kind(row) for row in rows],
        list(graph.flags),
        [order[number] for number in graph.sessions],
        [graph.id_of(row) for row in rows],
    ]


@pytest.fixture
def answers() -> Callable[[Catalogue], Answers]:
    """Returns the function that asks a catalogue everything."""
    return answers_of


@pytest.fixture
def writer_of() -> Callable[..., object]:
    """Returns the context manager that opens a store's journal for writing."""
    return writing
