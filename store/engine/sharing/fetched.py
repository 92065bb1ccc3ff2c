"""A mirror's history as values: read without writing, checked as hostile, ready to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepwell.store.engine.bundles.check import Contents, checked
from stepwell.store.engine.bundles.load import Origin
from stepwell.store.engine.importing import IMPORTED
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
from stepwell.store.model.seqs import Seqs, holds
from stepwell.store.model.steps import Operation, Step, StepRecorded, View

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


class _Mirror(Packs):
    """The objects of a mirror, in which something may be missing."""

    def kind(self, oid: Oid) -> str:
        try:
            return super().kind(oid)
        except (ObjectMissingError, ObjectDamagedError):
            return ""


def read_mirror(mirror: Path, wanted: Callable[[StepId], bool]) -> Fetched:
    """Returns what a mirror holds; steps of it that a third workspace recorded are left out.

    Steps come in the order in which they were recorded. Those that were pruned are left out, and
    what followed them follows what they followed.

    Raises:
        IntegrityError: something in it is not as it has to be.
    """
    objects = _Mirror(mirror)
    try:
        view, steps = _history(mirror, objects)
        own = {step.id for step in steps if PULLED not in step.flags}
        pairs = [(s, view.marks.get(s.id)) for s in steps if s.id in own and wanted(s.id)]
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
    """Returns the View at the end of a history, and the steps that are shown in it."""
    steps: list[Step] = []

    def told() -> Iterator[Operation]:
        for operation in _operations(mirror, objects):
            steps.extend(e.step for e in operation.effects if isinstance(e, StepRecorded))
            yield operation

    view = fold(View(), told())
    return view, _without_dropped(steps, view.dropped)


def _without_dropped(steps: Sequence[Step], dropped: Seqs) -> list[Step]:
    """Returns the others, each after what the dropped ones before it followed."""
    shown: list[Step] = []
    instead: dict[StepId, StepId | None] = {}
    for step in steps:
        found = (instead.get(parent, parent) for parent in step.parents)
        parents = tuple(dict.fromkeys(parent for parent in found if parent is not None))
        if holds(dropped, step.seq):
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
