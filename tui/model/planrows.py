"""A plan as rows to read and tick, and as sentences. Pure."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.tui.values import (
    Applied,
    Kept,
    Operation,
    Plan,
    PlanItem,
    PlannedChanges,
    escape,
    one_line,
    plural,
    printable,
)

_FLIPS = {"undo": "Undo", "redo": "Redo"}
_TITLE = 40
"""Characters of a step's title that a headline quotes."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row. `tick` is None when nothing has to be ticked, else what the tick stands for."""

    kind: Literal["session", "change", "drift", "kept"]
    text: str = ""
    """Beside a change's path: why it needs a tick. Of other rows: all that they say."""
    change: int | None = None
    tick: bytes | None = None


def plan_rows(planned: PlannedChanges) -> tuple[PlanRow, ...]:
    """Returns the rows: other sessions' work, changes in order, other drift, what is kept."""
    reasons = {kept.path: printable(kept.reason) for kept in planned.plan.drift}
    rows = [
        PlanRow(
            "session",
            f"takes back {plural(other.steps, 'later step')} of {printable(other.session)}",
            tick=b"\0" + other.session.encode(),
        )
        for other in planned.plan.other_sessions
    ]
    shown: set[bytes] = set()
    for index, change in enumerate(planned.changes):
        path = next((p for p in (change.path, change.old_path) if p in reasons), None)
        rows.append(PlanRow("change", reasons[path] if path else "", index, path))
        shown.update(p for p in (change.path, change.old_path) if p is not None)
    rows += [
        PlanRow("drift", f"{_shown(kept)}: {printable(kept.reason)}", tick=kept.path)
        for kept in planned.plan.drift
        if kept.path not in shown
    ]
    return (*rows, *kept_rows(planned.plan.keep))


def kept_rows(kept: Sequence[Kept]) -> tuple[PlanRow, ...]:
    """Returns a row for each path that is, or was, left alone."""
    return tuple(PlanRow("kept", f"{_shown(one)}: {printable(one.reason)}") for one in kept)


def headline(planned: PlannedChanges) -> str:
    """Returns what a plan would do, in one sentence, with step and side."""
    plan = planned.plan
    step = f"#{plan.target.seq} “{one_line(plan.target.title, _TITLE)}”"
    if plan.kind in _FLIPS:
        act = f"{_FLIPS[plan.kind]}: put {_amount(plan.items)} back as in"
        return (
            f"{act} {step}" if plan.items else f"{_FLIPS[plan.kind]}: no file changes, as in {step}"
        )
    where = f"{plan.side.upper()} {step}"
    if not plan.items:
        return f"No file differs from how it was {where}"
    were = "it was" if len(plan.items) == 1 else "they were"
    return f"Put {_amount(plan.items)} back to how {were} {where}"


def operation_headline(operation: Operation, undo: bool) -> str:
    """Returns what an undo or redo without files would do."""
    act = "Undo" if undo else "Redo"
    return f"{act}: {one_line(operation.summary)}. No file changes."


def tally(plan: Plan) -> str:
    """Returns `2 written · 1 deleted · 1 new · 3 kept`, without the zeros."""
    parts = (
        (sum(bool(i.before and i.after) for i in plan.items), "written"),
        (sum(i.after is None for i in plan.items), "deleted"),
        (sum(i.before is None for i in plan.items), "new"),
        (len(plan.keep), "kept"),
    )
    return " · ".join(f"{count:,} {word}" for count, word in parts if count)


def outcome(done: Applied | Operation, undo: bool = True) -> str:
    """Returns what was done, what was not and why, and how to take it back, in one line."""
    if isinstance(done, Operation):
        return f"{'Undid' if undo else 'Did again'}: {one_line(done.summary)}."
    if not done.applied:
        return "Nothing was changed: " + (_missed(done) or "the disk already was like that.")
    left = {kept.path for kept in done.not_restored}
    written = [item for item in done.plan.items if item.path not in left]
    saved = f"saved before: #{done.safety_step.seq}."
    parts = (f"{_now(done.plan, written)}; {saved}", _missed(done), _way_back(done.plan))
    return " ".join(part for part in parts if part)


def _now(plan: Plan, written: Sequence[PlanItem]) -> str:
    """What of the disk is how; short, because it is to fit the footer of 80 cells."""
    if plan.kind in _FLIPS:
        where = f"as in #{plan.target.seq}"
    else:
        were = "it was" if len(written) == 1 else "they were"
        where = f"as {were} {plan.side} #{plan.target.seq}"
    if not written:
        return f"No file was changed, the timeline is at #{plan.target.seq}"
    return f"{_amount(written)} {'is' if len(written) == 1 else 'are'} {where}"


def _way_back(plan: Plan) -> str:
    return "U does it again." if plan.kind == "undo" else "u takes it back."


def _missed(done: Applied) -> str:
    if not done.not_restored:
        return ""
    first, count = done.not_restored[0], len(done.not_restored)
    more = f", and {count - 1:,} more" if count > 1 else ""
    return f"Not restored: {_shown(first)} ({printable(first.reason)}){more}."


def _amount(items: Sequence[PlanItem]) -> str:
    states = [item.after or item.before for item in items]
    files = sum(state is not None and not stat.S_ISDIR(state.mode) for state in states)
    return plural(files, "file") if files else plural(len(items), "folder")


def _shown(kept: Kept) -> str:
    return printable(escape(kept.path))
