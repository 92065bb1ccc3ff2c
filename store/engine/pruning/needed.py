"""What the store must keep: what steps need, and plans that undo or recovery still reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import TREE
from stepwell.store.engine.pruning.reach import Reach
from stepwell.store.model.errors import IntegrityError, NotFoundError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.seqs import Seqs, holds
from stepwell.store.model.steps import (
    AccountSet,
    IntentSet,
    MergingSet,
    Operation,
    Step,
    StepRecorded,
    View,
)

_HEX = re.compile(rb"[0-9a-f]{40}")


def kept_steps(operations: Iterable[Operation], removed: Seqs) -> Iterator[Step]:
    """Yields the steps that some operations recorded, without those that are removed."""
    for operation in operations:
        for effect in operation.effects:
            if isinstance(effect, StepRecorded) and not holds(removed, effect.step.seq):
                yield effect.step


def all_objects(journal: Journal) -> set[Oid]:
    """Returns what any step needs, dropped ones too, and any plan; what cannot be read has no parts."""
    reach = Reach(journal, strict=False)
    operations = list(journal.operations())
    for step in kept_steps(operations, ()):
        reach.add(step)
    for plan in {plan for operation in operations for plan in _plans_of(operation)}:
        with suppress(IntegrityError):
            add_plan(reach, journal, plan)
    add_accounts(reach, operations, ())
    return reach.objects


def add_accounts(reach: Reach, operations: Iterable[Operation], removed: Seqs) -> None:
    """Adds the texts that came to steps afterwards, without those of steps that are removed."""
    accounts = (e for o in operations for e in o.effects if isinstance(e, AccountSet))
    for effect in accounts:
        if effect.account.said is not None and not holds(removed, effect.seq):
            reach.add_object(effect.account.said)


def add_plans(reach: Reach, journal: Journal, view: View, operations: Iterable[Operation]) -> None:
    """Adds the plans of what can be undone, redone or finished, with all contents that they name.

    Raises:
        IntegrityError: one cannot be read.
    """
    current = {u.number for u in view.undoables}
    current |= {n for u in view.undoables for n in (u.done_by, u.undone_by)}
    plans: set[Oid] = set()
    for operation in operations:
        if operation.number in current:
            plans |= set(_plans_of(operation))
    plans |= {one.plan for one in (view.intent, view.merging) if one is not None}
    for plan in plans:
        add_plan(reach, journal, plan)


def plans_of_undo(journal: Journal) -> Iterator[tuple[int, Oid]]:
    """Yields entries of the undo list, by number, with the plans that taking them back reads."""
    for entry in journal.view().undoables:
        for number in {entry.number, entry.done_by, entry.undone_by} - {0}:
            with suppress(IntegrityError, NotFoundError):
                for plan in _plans_of(journal.operation(number)):
                    yield entry.number, plan


def _plans_of(operation: Operation) -> Iterator[Oid]:
    named = operation.details.get("plan")
    if named:
        yield oid_from_hex(named)
    for effect in operation.effects:
        if isinstance(effect, IntentSet) and effect.intent is not None:
            yield effect.intent.plan
        elif isinstance(effect, MergingSet) and effect.merging is not None:
            yield effect.merging.plan


def add_plan(reach: Reach, journal: Journal, plan: Oid) -> None:
    """Adds a plan and everything of the store that its text names: any 40 digits may be an id.

    Raises:
        IntegrityError: it cannot be read.
    """
    reach.add_object(plan)
    for found in set(_HEX.findall(journal.read(plan)[1])):
        oid = oid_from_hex(found.decode("ascii"))
        if journal.has(oid):
            kind, _ = journal.read(oid)
            if kind == TREE:
                reach.add_tree(oid)
            else:
                reach.add_object(oid)
