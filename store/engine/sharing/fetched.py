"""A mirror's history as values: read without writing, checked as hostile, ready to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepwell.store.engine.accounts import with_account
from stepwell.store.engine.bundles.check import MOST_STEPS, Contents, checked
from stepwell.store.engine.bundles.format import LARGEST_ENTRY, LARGEST_STEPS, MOST_BYTES, malformed
from stepwell.store.engine.bundles.names import Origin
from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.engine.importing import FROM, IMPORTED, PULLED
from stepwell.store.engine.sealing.history import SealedOperations, chunks_of, history_entries
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.engine.sealing.refs import operations_commit
from stepwell.store.engine.sharing.here import Here
from stepwell.store.engine.sharing.known import Taken, Trace, UnsoundError
from stepwell.store.engine.view import fold
from stepwell.store.model.errors import (
    IntegrityError,
    ObjectDamagedError,
    ObjectMissingError,
    RefusedError,
)
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import AccountSet, Operation, PurgeSet, Step, StepRecorded, View


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a workspace had pushed."""

    contents: Contents
    """The steps that were asked for, and where branches end."""
    steps: frozenset[StepId]
    """All steps that the workspace itself recorded."""
    taken: Taken
    """What the next one from there has to begin with."""


def origin_of(remote: str, workspace: str) -> Origin:
    """Returns how what a workspace pushed to a remote is recorded."""
    flags = (IMPORTED, PULLED, f"{FROM}{workspace}")
    return Origin(remote, f"the remote {remote}", flags, is_workspace=True)


class _Mirror(Packs):
    """The objects of a mirror: something may be missing, and nothing may be beyond the limits."""

    def __init__(self, mirror: Path) -> None:
        super().__init__(mirror)
        self._kinds: dict[Oid, str] = {}
        self._bytes = 0

    def kind(self, oid: Oid) -> str:
        """Returns the kind of an object once its bytes were hashed; empty when it is not here."""
        if oid not in self._kinds:
            try:
                self.read(oid)
            except (ObjectMissingError, ObjectDamagedError):
                return ""
        return self._kinds[oid]

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind and bytes as `Packs` does, once its head has told that it is not too large."""
        if oid not in self._kinds:
            self._bytes += self.size(oid)
            if self._bytes > MOST_BYTES:
                raise malformed(f"it holds more than {MOST_BYTES >> 30} GiB")
        kind, data = super().read(oid)
        self._kinds[oid] = kind
        return kind, data

    def size(self, oid: Oid) -> int:
        """Returns the size of an object, not read whole; 0 when it cannot be read.

        Raises:
            IntegrityError: it is too large.
        """
        try:
            size = self._opened().size(oid)
        except NotImportableError:
            return 0  # reading it tells what is wrong
        if size > LARGEST_ENTRY:
            raise malformed("an object in it is too large")
        return size


def read_mirror(mirror: Path, ours: Here, before: Taken | None, *, accept: bool = False) -> Fetched:
    """Returns what a mirror holds; steps of it that a third workspace recorded are left out.

    Steps come in the order in which they were recorded. Those that were pruned, there or here, are
    left out, and what followed them follows what they followed. Every object that a step needs is
    read and hashed once.

    `before` is as far as it was taken before. With `accept` it need not go on from there, nor agree
    with the steps that are here already.

    Raises:
        UnsoundError: something in it is not as it has to be.
        RefusedError: it does not go on from `before`, or contradicts a step that is here.
        FailedError: the system refused to read it, or what is here.
    """
    objects = _Mirror(mirror)
    try:
        told = _history(mirror, objects, None if accept else before)
        view = told.view
        here = set[StepId]()
        for step in filter(lambda one: ours.has(one.id), told.steps):
            here.add(step.id)
            if not accept and PULLED not in step.flags:
                ours.check(step, purged=told.purged)
        steps = _without(
            told.steps,
            lambda one: (
                holds(view.dropped, one.seq) or (one.id not in here and ours.was_removed(one.id))
            ),
        )
        own = {step.id for step in steps if PULLED not in step.flags}
        new = own - here
        pairs = [(s, view.marks.get(s.id)) for s in steps if s.id in new]
        ends = {b.name: b.head for b in view.branches.values() if b.head in own}
        return Fetched(checked(pairs, ends, objects), frozenset(own), told.taken)
    except IntegrityError as error:
        raise _refused(mirror, str(error.facts.get("reason", error.message))) from error
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise _refused(mirror, "its operations cannot be read") from error


def _refused(mirror: Path, why: str) -> UnsoundError:
    return UnsoundError(
        f"what was fetched was refused: {why}",
        hint="nothing of it was imported; have it pushed again after `stepwell verify --full`",
        path=str(mirror),
        reason=why,
        **_named(mirror),
    )


def _named(mirror: Path) -> dict[str, str]:
    """Returns the fact that names what was refused; it may be newer than what was asked for."""
    commit = operations_commit(mirror)
    return {} if commit is None else {"operations": commit.hex()}


class _Told:
    """A history as its operations tell it, one after the other."""

    def __init__(self, before: Taken | None) -> None:
        self.view = View()
        self.purged = False
        """Contents were taken away from some of its steps."""
        self._steps: dict[StepId, Step] = {}
        self._trace = Trace(before)

    @property
    def steps(self) -> list[Step]:
        """All its steps, in order, with what was told of them later."""
        return list(self._steps.values())

    @property
    def taken(self) -> Taken:
        """All of it."""
        return self._trace.taken

    def read(self, operations: Iterator[Operation]) -> None:
        """Takes all operations; raises RefusedError when it is another history than before."""
        self.view = fold(self.view, map(self._take, operations))
        if not self._trace.goes_on:
            raise RefusedError(
                "it does not go on from what came of it before: it was put back or replaced",
                hint="what came before stays; ask whoever pushes it. If all is well,"
                " `stepwell pull REMOTE --accept WORKSPACE` takes it as it is now",
            )

    def _take(self, operation: Operation) -> Operation:
        self._trace.add(operation)
        for effect in operation.effects:
            if isinstance(effect, StepRecorded):
                if effect.step.id in self._steps:
                    raise malformed("a step is in it twice")
                self._steps[effect.step.id] = effect.step
            elif isinstance(effect, AccountSet) and effect.step in self._steps:
                told = with_account(self._steps[effect.step], effect.account)
                self._steps[effect.step] = told
            elif isinstance(effect, PurgeSet):
                self.purged = True
        if len(self._steps) > MOST_STEPS:
            raise malformed("it has too many steps")
        return operation


def _history(mirror: Path, objects: _Mirror, before: Taken | None) -> _Told:
    told = _Told(before)
    told.read(_operations(mirror, objects))
    return told


def _without(steps: Sequence[Step], is_out: Callable[[Step], bool]) -> list[Step]:
    """Returns the others, each after what those before it that are out followed."""
    shown: list[Step] = []
    instead: dict[StepId, StepId | None] = {}
    for step in steps:
        found = (instead.get(parent, parent) for parent in step.parents)
        parents = tuple(dict.fromkeys(parent for parent in found if parent is not None))
        if is_out(step):
            instead[step.id] = next(iter(parents), None)
        else:
            shown.append(replace(step, parents=parents))
    return shown


def _operations(mirror: Path, objects: _Mirror) -> Iterator[Operation]:
    commit = operations_commit(mirror)
    if commit is None:
        raise IntegrityError("it has no operations")
    operations = SealedOperations(objects)
    for chunk in chunks_of(history_entries(objects, commit)):
        if objects.size(chunk.blob) > LARGEST_STEPS:
            raise malformed("its operations are too large")
        yield from operations.operations(chunk)
