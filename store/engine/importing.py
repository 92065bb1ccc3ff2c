"""Recording steps of another history, many to an operation, on branches of their own.

The parents of each step come before it, so an import that is cut off leaves a whole prefix, and
the next one goes on behind it. A branch of the workspace's own is never moved.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from stepwell.store.engine.context import Context
from stepwell.store.engine.diff import changes, counts
from stepwell.store.engine.extras import Extras, read_extras
from stepwell.store.engine.foreign import ForeignObjects, NotImportableError, TreeCopier
from stepwell.store.engine.journal import JournalWriter, Transaction
from stepwell.store.engine.objects import BLOB, ObjectSink
from stepwell.store.engine.references import check_free
from stepwell.store.model.errors import BusyError, RefusedError
from stepwell.store.model.ids import Oid, StepId, mint_step_id
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    Effect,
    Snapshot,
    Step,
    StepKind,
    StepRecorded,
    View,
)
from stepwell.store.model.text import plural

IMPORTED = "imported"
PARTIAL = "partial"
"""Flag of an imported step that lacks a parent: what came before it was not imported."""

PULLED = "pulled"
"""Flag of a step that came from a remote: what it says of itself is nobody's word here."""

FROM = "from:"
"""What the flag of a pulled step begins with; the workspace that recorded it follows."""

WITHOUT_FILES = "without-files"
"""Flag of an imported step that tells what was done, and whose files are unknown."""

SOME_FILES = "some-files"
"""Flag of an imported step that holds only those files that an agent's own record tells of."""

BATCH_STEPS = 200
_BATCH_BYTES = 32 << 20
_CACHE_BYTES = 32 << 20
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A step to be, as the other history tells it."""

    source: str
    """What it is there, as `git:<commit>`; a step with the same one exists at most once."""
    parents: tuple[str, ...]
    """Their sources; those that are not known are left out."""
    tree: Oid
    branch: str
    kind: StepKind
    title: str
    text: str
    author: str
    time_ns: int
    leads: bool = False
    """The branch is to end here as long as nothing newer of it is recorded."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of the other history that could not become a step, and why."""

    source: str
    reason: str


_Drafts = TypeVar("_Drafts", contravariant=True)


_Tips = TypeVar("_Tips", contravariant=True)


class StepImport(Protocol[_Drafts, _Tips]):
    """What records the steps of another history, some at a time, and then where branches end."""

    def record(self, writer: JournalWriter, context: Context, drafts: _Drafts) -> int:
        """Records the first of the drafts as one operation; returns how many it has dealt with."""

    def finish(self, writer: JournalWriter, tips: _Tips) -> None:
        """Makes the branches end where they do in the other history."""


class HistoryImport:
    """One import under way. `known` maps sources to steps; it grows as steps are recorded."""

    def __init__(
        self,
        objects: ForeignObjects,
        *,
        agent: str,
        session: str,
        head: StepId | None,
        known: Mapping[str, StepId],
    ) -> None:
        self.imported = 0
        self.left_out: list[LeftOut] = []
        self.branches: dict[str, str] = {}
        """Wanted branch name -> the name that it got here."""
        self._objects = objects
        self._agent = agent
        self._session = session
        self._head = head
        self._known: dict[str, tuple[StepId, ...]] = {s: (i,) for s, i in known.items()}
        self._copier: TreeCopier | None = None
        self._cache = _Cache()
        self._snapshots: OrderedDict[StepId, Snapshot] = OrderedDict()

    def record(self, writer: JournalWriter, context: Context, drafts: Sequence[Draft]) -> int:
        """Records the first of the drafts as one operation; returns how many it has dealt with.

        Those are all of them unless they are large. What cannot be imported is noted in `left_out`,
        and its children are joined to its parents.

        Raises:
            BusyError: another import of the same history is running.
            NoSpaceError, FailedError: nothing of the drafts was recorded.
        """
        view = self._checked(writer)
        copier = self._copier_for(writer, context)
        done, effects, led = 0, list[Effect](), dict[str, list[Step]]()
        with writer.begin() as transaction:
            batch = _Batch(writer, transaction, self._cache.over(transaction), view, context)
            for draft in drafts[:BATCH_STEPS]:
                done += 1
                step = self._step(draft, batch, copier)
                if step is None:
                    continue
                effects.append(StepRecorded(step))
                if draft.leads:
                    led.setdefault(step.branch, []).append(step)
                if transaction.stored_bytes > _BATCH_BYTES:
                    break
            effects += [_moved(view, name, steps) for name, steps in led.items()]
            self._commit(transaction, effects)
        return done

    def finish(self, writer: JournalWriter, tips: Mapping[str, str]) -> None:
        """Makes the branches end where they do in the other history; `tips` are sources.

        A branch of which nothing could be imported is left out.
        """
        view = self._checked(writer)
        effects: list[Effect] = []
        for wanted, source in tips.items():
            ends = self._known.get(source)
            if not ends:
                continue
            name = self._name_of(wanted, view, writer)
            branch = view.branches.get(name, Branch(name, ends[0], ends[0]))
            if view.branches.get(name) != replace(branch, head=ends[0]):
                effects.append(BranchSet(replace(branch, head=ends[0])))
        with writer.begin() as transaction:
            self._commit(transaction, effects)

    def _checked(self, writer: JournalWriter) -> View:
        view = writer.view()
        if view.sessions.get(self._session) != self._head:
            raise BusyError(
                f"the import of {self._session} was stopped: another one is running",
                hint="run it again when that is done; what was imported stays",
                pid=None,
            )
        self.branches.clear()
        return view

    def _commit(self, transaction: Transaction, effects: list[Effect]) -> None:
        steps = [effect.step for effect in effects if isinstance(effect, StepRecorded)]
        if not effects:
            # What these remember goes with the transaction.
            self._copier, self._cache = None, _Cache()
            return
        what = plural(len(steps), "step") if steps else plural(len(effects), "branch end")
        transaction.commit(
            "import", f"imported {what} from {self._agent}", effects, session=self._session
        )
        self.imported += len(steps)
        if steps:
            self._head = steps[-1].id

    def _copier_for(self, writer: JournalWriter, context: Context) -> TreeCopier:
        if self._copier is None:
            view = writer.view()
            tip = view.branches.get(view.current)
            # The modes of the workspace's own files, so that comparing shows no false difference.
            modes = read_extras(writer, writer.step(tip.head).snapshot.extras) if tip else Extras()
            self._copier = TreeCopier(self._objects, context.capture.cap_bytes, modes)
        return self._copier

    def _step(self, draft: Draft, batch: _Batch, copier: TreeCopier) -> Step | None:
        parents = tuple(
            dict.fromkeys(i for source in draft.parents for i in self._known.get(source, ()))
        )
        before = batch.transaction.raw_bytes, batch.transaction.stored_bytes
        try:
            copied = copier.copy(draft.tree, batch.sink)
        except NotImportableError as error:
            self.left_out.append(LeftOut(draft.source, str(error)))
            self._known[draft.source] = parents
            return None
        old = self._snapshot_of(parents[0], batch.writer) if parents else None
        whole = all(self._known.get(source) for source in draft.parents)
        step = Step(
            id=mint_step_id(batch.context.randomness),
            seq=batch.next_seq(),
            branch=self._name_of(draft.branch, batch.view, batch.writer),
            parents=parents,
            kind=draft.kind,
            title=draft.title,
            time_ns=draft.time_ns,
            snapshot=copied.snapshot,
            session=self._session,
            agent=self._agent,
            tool=self._agent,
            changes=counts(changes(batch.sink, old, copied.snapshot, hunks=False)),
            coverage=copied.counts,
            coverage_blob=copied.coverage_blob,
            rules_blob=copied.rules_blob,
            input=batch.sink.add(BLOB, draft.text.encode("utf-8", "surrogateescape")),
            raw_bytes=batch.transaction.raw_bytes - before[0],
            stored_bytes=batch.transaction.stored_bytes - before[1],
            flags=(IMPORTED,) if whole else (IMPORTED, PARTIAL),
            author=draft.author,
            source=draft.source,
        )
        self._known[draft.source] = (step.id,)
        self._remember(step)
        return step

    def _remember(self, step: Step) -> None:
        if len(self._snapshots) >= _REMEMBERED:
            self._snapshots.popitem(last=False)
        self._snapshots[step.id] = step.snapshot

    def _snapshot_of(self, step: StepId, writer: JournalWriter) -> Snapshot:
        found = self._snapshots.get(step)
        return found if found is not None else writer.step(step).snapshot

    def _name_of(self, wanted: str, view: View, writer: JournalWriter) -> str:
        if wanted not in self.branches:
            self.branches[wanted] = free_name(
                self._agent, wanted, view, lambda branch: _is_ours(branch, view, writer)
            )
        return self.branches[wanted]


class _Batch:
    """What the steps of one operation share."""

    def __init__(
        self,
        writer: JournalWriter,
        transaction: Transaction,
        sink: _Cached,
        view: View,
        context: Context,
    ) -> None:
        self.writer = writer
        self.transaction = transaction
        self.sink = sink
        self.view = view
        self.context = context
        self._last_seq = view.last_seq

    def next_seq(self) -> int:
        """Returns the number of the next step."""
        self._last_seq += 1
        return self._last_seq


class _Cache:
    """The objects that were used last, which the next steps are about to be compared with."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Oid, tuple[str, bytes]] = OrderedDict()
        self._bytes = 0

    def over(self, below: ObjectSink) -> _Cached:
        """Returns a sink that passes on what it is given and reads from here first."""
        return _Cached(below, self)

    def get(self, oid: Oid) -> tuple[str, bytes] | None:
        """Returns kind and bytes of an object that is kept."""
        return self._kept.get(oid)

    def keep(self, oid: Oid, found: tuple[str, bytes]) -> None:
        """Keeps an object at the price of the one kept longest."""
        if oid in self._kept or len(found[1]) > _CACHE_BYTES // 4:
            return
        self._kept[oid] = found
        self._bytes += len(found[1])
        while self._bytes > _CACHE_BYTES:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= len(dropped)


class _Cached:
    """An ObjectSink with such a cache over it."""

    def __init__(self, below: ObjectSink, cache: _Cache) -> None:
        self._below = below
        self._cache = cache

    def has(self, oid: Oid) -> bool:
        return self._below.has(oid)

    def read(self, oid: Oid) -> tuple[str, bytes]:
        found = self._cache.get(oid)
        if found is None:
            found = self._below.read(oid)
            self._cache.keep(oid, found)
        return found

    def add(self, kind: str, data: bytes) -> Oid:
        oid = self._below.add(kind, data)
        self._cache.keep(oid, (kind, data))
        return oid

    def add_file(self, fd: int, size: int) -> Oid:
        return self._below.add_file(fd, size)


def _moved(view: View, name: str, steps: Sequence[Step]) -> BranchSet:
    """Returns the branch with its new steps; a new one was made at the first one's parent."""
    base = next(iter(steps[0].parents), None)
    branch = view.branches.get(name, Branch(name, steps[0].id, base))
    return BranchSet(replace(branch, head=steps[-1].id))


def _is_ours(branch: Branch, view: View, writer: JournalWriter) -> bool:
    flags = writer.step(branch.head).flags
    return branch.name != view.current and IMPORTED in flags and PULLED not in flags


def free_name(agent: str, wanted: str, view: View, is_ours: Callable[[Branch], bool]) -> str:
    """Returns `AGENT/WANTED`, or `AGENT-2/WANTED` and so on where a branch of another origin is."""
    for folder in _folders(agent):
        name = f"{folder}/{wanted}"
        if name in view.branches:
            if is_ours(view.branches[name]):
                return name
            continue
        if _stands_free(name, view.branches):
            return name
    raise AssertionError("unreachable: the numbers do not end")


def _folders(agent: str) -> Iterable[str]:
    yield agent
    number = 2
    while True:
        yield f"{agent}-{number}"
        number += 1


def _stands_free(name: str, taken: Iterable[str]) -> bool:
    try:
        check_free(name, taken, "branch")
    except RefusedError:
        return False
    return True
