"""A mirror's history as values: read without writing, checked as hostile, ready to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from stepwell.store.engine.bundles.check import MOST_STEPS, Contents, checked
from stepwell.store.engine.bundles.format import LARGEST_ENTRY, MOST_BYTES, malformed
from stepwell.store.engine.bundles.names import Origin
from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.engine.importing import IMPORTED
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.sealing.history import SealedOperations, chunks_of, history_entries
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.engine.sealing.refs import operations_commit
from stepwell.store.engine.view import fold
from stepwell.store.model.errors import (
    FailedError,
    IntegrityError,
    ObjectDamagedError,
    ObjectMissingError,
)
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import Operation, Step, StepRecorded, StepRemoved, View

PULLED = "pulled"
"""The flag of a step that came from a remote."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a workspace had pushed."""

    contents: Contents
    """The steps that were asked for, and where branches end."""
    steps: frozenset[StepId]
    """All steps that the workspace itself recorded."""


def origin_of(remote: str, fetched: Fetched) -> Origin:
    """Returns how what was fetched from a remote is recorded."""
    flags = (IMPORTED, PULLED)
    return Origin(remote, f"the remote {remote}", flags, fetched.steps, only_new=True)


def removed_steps(journal: Journal) -> frozenset[StepId]:
    """Returns the steps that were recorded here, and removed for good since."""
    if not journal.view().dropped:
        return frozenset()
    sealed = takewhile(lambda one: one.number <= journal.sealed.last, journal.operations())
    return frozenset(
        effect.step for one in sealed for effect in one.effects if isinstance(effect, StepRemoved)
    )


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
            self._bytes += self._size(oid)
            if self._bytes > MOST_BYTES:
                raise malformed(f"it holds more than {MOST_BYTES >> 30} GiB")
        kind, data = super().read(oid)
        self._kinds[oid] = kind
        return kind, data

    def _size(self, oid: Oid) -> int:
        try:
            size = self._opened().size(oid)
        except NotImportableError:
            return 0  # reading it tells what is wrong
        if size > LARGEST_ENTRY:
            raise malformed("an object in it is too large")
        return size


def read_mirror(
    mirror: Path, is_here: Callable[[StepId], bool], is_removed: Callable[[StepId], bool]
) -> Fetched:
    """Returns what a mirror holds; steps of it that a third workspace recorded are left out.

    Steps come in the order in which they were recorded. Those that were pruned, there or here, are
    left out, and what followed them follows what they followed. Every object that a step needs is
    read and hashed once.

    Raises:
        IntegrityError: something in it is not as it has to be.
    """
    objects = _Mirror(mirror)
    try:
        view, told = _history(mirror, objects)
        here = {step.id for step in told if is_here(step.id)}
        steps = _without(
            told,
            lambda one: holds(view.dropped, one.seq) or (one.id not in here and is_removed(one.id)),
        )
        own = {step.id for step in steps if PULLED not in step.flags}
        new = own - here
        pairs = [(s, view.marks.get(s.id)) for s in steps if s.id in new]
        ends = {b.name: b.head for b in view.branches.values() if b.head in own}
        return Fetched(checked(pairs, ends, objects), frozenset(own))
    except (IntegrityError, FailedError) as error:
        raise _refused(mirror, str(error.facts.get("reason", error.message))) from error
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise _refused(mirror, "its operations cannot be read") from error


def _refused(mirror: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"what was fetched was refused: {why}",
        hint="nothing of it was imported; have it pushed again after `stepwell verify --full`",
        path=str(mirror),
    )


def _history(mirror: Path, objects: Packs) -> tuple[View, list[Step]]:
    """Returns the View at the end of a history, and all steps that it tells of."""
    steps: list[Step] = []

    def told() -> Iterator[Operation]:
        for operation in _operations(mirror, objects):
            steps.extend(e.step for e in operation.effects if isinstance(e, StepRecorded))
            if len(steps) > MOST_STEPS:
                raise malformed("it has too many steps")
            yield operation

    return fold(View(), told()), steps


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


def _operations(mirror: Path, objects: Packs) -> Iterator[Operation]:
    commit = operations_commit(mirror)
    if commit is None:
        raise IntegrityError("it has no operations")
    operations = SealedOperations(objects)
    for chunk in chunks_of(history_entries(objects, commit)):
        yield from operations.operations(chunk)
