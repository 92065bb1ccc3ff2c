"""Folding operations into the View: pure, in journal order, associative over any split."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from stepwell.store.model.experiments import Experiment
from stepwell.store.model.seqs import united, without
from stepwell.store.model.steps import (
    AccountSet,
    BranchDropped,
    BranchSet,
    CurrentSet,
    Effect,
    ExperimentSet,
    IntentSet,
    MarkSet,
    Merging,
    MergingSet,
    Operation,
    OperationUndone,
    PurgeSet,
    Step,
    StepRecorded,
    StepRemoved,
    StepsDropped,
    Undoable,
    UndoEnded,
    VerdictGiven,
    View,
)

UNDO_LIMIT = 1_000
"""How many operations the undo list remembers."""

VERDICT_LIMIT = 200
"""How many verdicts of rules are remembered."""

TRAVEL_KINDS = frozenset({"rollback", "switch", "merge", "promote"})
"""Operations that change the workspace, so that taking them back needs a plan."""

UNDOABLE_KINDS = TRAVEL_KINDS | {"mark", "unmark", "branch", "prune"}
"""Operations that can be taken back by a plan even without a stored inverse."""

_NEVER_UNDOABLE = frozenset({"undo", "redo"})


def fold(view: View, operations: Iterable[Operation]) -> View:
    """Returns the View after the operations, which follow `view.number` in ascending order.

    `view` itself is not changed. Effects that name what is not there (a branch, an operation that
    the undo list no longer holds) change nothing.
    """
    state = _State(view)
    for operation in operations:
        state.apply(operation)
    return state.view()


def fold_on(view: View, after: Callable[[int], Iterable[Operation]]) -> View:
    """Returns the View after all operations; `after` gives those above a number.

    A purge blots out what older operations say, so that all are folded anew when one is met.
    """
    newer = list(after(view.number))
    purged = any(isinstance(effect, PurgeSet) for one in newer for effect in one.effects)
    return fold(View(), after(0)) if purged else fold(view, newer)


class _State:
    """A View under way: its mappings copied once, then changed in place."""

    def __init__(self, view: View) -> None:
        self._number = view.number
        self._last_seq = view.last_seq
        self._current = view.current
        self._branches = dict(view.branches)
        self._marks = dict(view.marks)
        self._sessions = dict(view.sessions)
        self._undoables = {u.number: u for u in view.undoables}
        self._intent = view.intent
        self._merging = view.merging
        self._experiments = dict(view.experiments)
        self._verdicts = list(view.verdicts)
        self._dropped = view.dropped
        self._purging = view.purging
        self._step_count = view.step_count
        self._raw_bytes = view.raw_bytes
        self._stored_bytes = view.stored_bytes

    def apply(self, operation: Operation) -> None:
        for effect in operation.effects:
            self._apply_effect(effect, operation)
        if _is_undoable(operation):
            self._undoables[operation.number] = Undoable(
                operation.number, operation.kind, done_by=operation.number
            )
        self._number = operation.number

    def _apply_effect(self, effect: Effect, operation: Operation) -> None:
        match effect:
            case StepRecorded(step):
                self._record(step)
            case BranchSet(branch):
                self._branches[branch.name] = branch
            case BranchDropped(name):
                self._branches.pop(name, None)
            case CurrentSet(name):
                self._current = name
            case MarkSet(step_id, mark):
                self._marks.pop(step_id, None)
                if mark is not None:
                    self._marks[step_id] = mark
            case OperationUndone(undone_number, undone):
                self._set_undone(undone_number, undone, operation.number)
            case IntentSet(intent):
                self._intent = intent
            case MergingSet() | ExperimentSet() | VerdictGiven():
                self._apply_undertaking(effect, operation)
            case _:
                self._apply_retention(effect)

    def _apply_retention(
        self, effect: StepsDropped | StepRemoved | UndoEnded | PurgeSet | AccountSet
    ) -> None:
        # Accounts are the catalogue's matter: there may be one for each step.
        match effect:
            case StepsDropped(seqs, dropped):
                self._dropped = (united if dropped else without)(self._dropped, seqs)
            case StepRemoved(_, seq, raw_bytes, stored_bytes):
                self._count(seq, raw_bytes, stored_bytes)
            case UndoEnded(numbers):
                for number in numbers:
                    self._undoables.pop(number, None)
            case PurgeSet(targets):
                self._purging = targets

    def _apply_undertaking(
        self, effect: MergingSet | ExperimentSet | VerdictGiven, operation: Operation
    ) -> None:
        match effect:
            case VerdictGiven(verdict):
                self._verdicts.append(verdict)
            case MergingSet(merging):
                self._set_merging(merging, operation)
            case ExperimentSet(name, experiment):
                self._set_experiment(name, experiment)

    def _set_experiment(self, name: str, experiment: Experiment | None) -> None:
        if experiment is None:
            self._experiments.pop(name, None)
        else:
            self._experiments[name] = experiment

    def _record(self, step: Step) -> None:
        self._count(step.seq, step.raw_bytes, step.stored_bytes)
        if step.session is not None:
            self._sessions[step.session] = step.id

    def _count(self, seq: int, raw_bytes: int, stored_bytes: int) -> None:
        self._last_seq = max(self._last_seq, seq)
        self._step_count += 1
        self._raw_bytes += raw_bytes
        self._stored_bytes += stored_bytes

    def _set_undone(self, number: int, undone: bool, by: int) -> None:
        entry = self._undoables.get(number)
        if entry is not None:
            if undone:
                entry = replace(entry, undone=True, undone_by=by)
            else:
                entry = replace(entry, undone=False, done_by=by)
            self._undoables[number] = entry

    def _set_merging(self, merging: Merging | None, operation: Operation) -> None:
        """Sets the merge under way.

        One that is over takes with it what was only a part of it: its beginning, and later changes
        of the workspace, which led from one half-merged state to another.
        """
        was = self._merging
        if merging is None and was is not None:
            concluded = operation.kind == "merge"
            for number, entry in list(self._undoables.items()):
                later = number > was.operation and entry.kind in TRAVEL_KINDS
                if later or (concluded and number == was.operation):
                    del self._undoables[number]
        if merging is not None and not merging.operation:
            merging = replace(merging, operation=operation.number)
        self._merging = merging

    def view(self) -> View:
        return View(
            number=self._number,
            last_seq=self._last_seq,
            current=self._current,
            branches=self._branches,
            marks=self._marks,
            sessions=self._sessions,
            undoables=tuple(self._undoables.values())[-UNDO_LIMIT:],
            intent=self._intent,
            merging=self._merging,
            experiments=self._experiments,
            verdicts=tuple(self._verdicts[-VERDICT_LIMIT:]),
            dropped=self._dropped,
            purging=self._purging,
            step_count=self._step_count,
            raw_bytes=self._raw_bytes,
            stored_bytes=self._stored_bytes,
        )


def _is_undoable(operation: Operation) -> bool:
    if operation.kind in _NEVER_UNDOABLE:
        return False
    return operation.kind in UNDOABLE_KINDS or operation.inverse is not None


def with_mark(step: Step, view: View) -> Step:
    """Returns the step with its mark folded in."""
    mark = view.marks.get(step.id)
    return step if mark == step.checkpoint else replace(step, checkpoint=mark)
