"""A plan as rows to read and tick, and as sentences. Pure."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.tui.keys.actions import does_it_again, takes_it_back
from stepwell.tui.model.statedocument import STATE, StateDocument
from stepwell.tui.values import (
    Applied,
    Change,
    Conflict,
    Kept,
    Oid,
    Operation,
    PathState,
    Plan,
    PlanItem,
    PlannedChanges,
    Recovery,
    escape,
    one_line,
    plural,
    printable,
)

_CLASHES = {
    "content": "later work changed the same lines",
    "modify/delete": "later work deleted it, or changed what the step deleted",
    "add/add": "later work put something else there",
    "mode": "later work gave it another mode",
    "binary": "later work changed it, and it is binary",
    "file/directory": "later work put a folder there, or a file where a folder was",
    "rename/rename": "later work gave it another name",
    "location": "later work moved its folder",
}
_MERGE_CLASHES = {
    "content": "both sides changed the same lines",
    "modify/delete": "one side changed it, the other deleted it",
    "add/add": "both sides added it, each in its own way",
    "mode": "each side gave it another mode",
    "binary": "both sides changed it, and it is binary",
    "file/directory": "a file on one side, a folder on the other",
    "rename/rename": "each side gave it another name",
    "location": "added to a folder that the other side renamed",
}
_EMPTY = Oid(bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"))
"""The blob that holds nothing."""
_FLIPS = {"undo": "Undo", "redo": "Redo"}
_TITLE = 40
"""Characters of a step's title that a headline quotes."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row. `tick` is None when nothing has to be ticked, else what the tick stands for."""

    kind: Literal["session", "change", "state", "drift", "conflict", "kept"]
    text: str = ""
    """Beside a change's path: why it needs a tick. Of other rows: all that they say."""
    change: int | None = None
    tick: bytes | None = None
    path: bytes | None = None
    """Of a conflict: the path that would have to be left out."""


def plan_rows(planned: PlannedChanges, shown: Sequence[Change] = ()) -> tuple[PlanRow, ...]:
    """Returns the rows: others' work, conflicts, changes in order, other drift, what is kept.

    `shown` are the changes with the documents of state behind them, if there are any.
    """
    reasons = {kept.path: printable(kept.reason) for kept in planned.plan.drift}
    rows = [
        PlanRow(
            "session",
            f"takes back {plural(other.steps, 'later step')} of {printable(other.session)}",
            tick=b"\0" + other.session.encode(),
        )
        for other in planned.plan.other_sessions
    ]
    leaves = planned.plan.kind == "merge"
    rows += [
        PlanRow(
            "conflict",
            f"{_path(one.path)}: {clash(one) if leaves else _CLASHES[one.kind]}",
            path=None if leaves else one.path,
        )
        for one in planned.plan.conflicts
    ]
    named: set[bytes] = set()
    for index, change in enumerate(planned.changes):
        path = next((p for p in (change.path, change.old_path) if p in reasons), None)
        rows.append(PlanRow("change", reasons[path] if path else "", index, path))
        named.update(p for p in (change.path, change.old_path) if p is not None)
    rows += [PlanRow("state", change=at) for at in range(len(planned.changes), len(shown))]
    rows += [
        PlanRow("drift", f"{_shown(kept)}: {printable(kept.reason)}", tick=kept.path)
        for kept in planned.plan.drift
        if kept.path not in named
    ]
    return (*rows, *kept_rows(planned.plan.keep))


def clash(conflict: Conflict) -> str:
    """Returns what two merged sides do not agree on, in words."""
    return _MERGE_CLASHES[conflict.kind]


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
    if plan.kind == "switch":
        return _switch_headline(plan, step)
    if plan.kind == "merge":
        return _merge_headline(plan, step)
    if plan.only:
        what = f"Take back only what {step} changed, and keep later work"
        if plan.items or plan.conflicts:
            return what
        gone = (
            "nothing of it is left on disk" if plan.target.changes.files else "it changed no file"
        )
        return f"{what}: {gone}"
    where = f"{plan.side.upper()} {step}"
    if not plan.items:
        return f"No file differs from how it was {where}"
    were = "it was" if len(plan.items) == 1 else "they were"
    return f"Put {_amount(plan.items)} back to how {were} {where}"


def _switch_headline(plan: Plan, step: str) -> str:
    to = f"Switch to branch {one_line(plan.branch or '', 40)}, at {step}"
    return f"{to}: {_amount(plan.items)}" if plan.items else f"{to}: no file changes"


def _merge_headline(plan: Plan, step: str) -> str:
    if not plan.is_whole_merge:
        picks = f"Merge picks of {one_line(plan.merged or '', 2 * _TITLE)}"
        if plan.conflicts:
            return f"{picks}: they do not go together, or with later work"
        return f"{picks}: {_amount(plan.items)}" if plan.items else f"{picks}: no file changes"
    what = f"Merge branch {one_line(plan.merged or '', _TITLE)}, at {step}"
    does = f"{what}: {_amount(plan.items)}" if plan.items else f"{what}: no file changes"
    left = len(plan.conflicts)
    return f"{does}; {plural(left, 'conflict')} to be settled afterwards" if left else does


def settle_headline(plan: Plan, side: str) -> str:
    """Returns what taking one side of conflicts would do."""
    paths = ", ".join(_path(path) for path in plan.paths[:2])
    more = f" and {len(plan.paths) - 2:,} more" if len(plan.paths) > 2 else ""
    what = f"Take {side} of {paths}{more}"
    return what if plan.items else f"{what}: it is like that already"


def part_headline(plan: Plan, files: int, total: int, hunks: int, lines: int = 0) -> str:
    """Returns what applying a part would do: of all files so many, so much of others."""
    step = f"#{plan.target.seq} “{one_line(plan.target.title, _TITLE)}”"
    parts = [f"{files:,} of {plural(total, 'file')}"] if files else []
    parts += [plural(hunks, "hunk")] if hunks else []
    parts += [plural(lines, "single line")] if lines else []
    if not parts:
        return "Nothing is ticked"
    amount = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
    if plan.only:
        return f"Take back what {step} changed in {amount}"
    were = "it was" if files + hunks + lines == 1 else "they were"
    return f"Put {amount} back to how {were} {plan.side.upper()} {step}"


def operation_headline(operation: Operation, undo: bool) -> str:
    """Returns what an undo or redo without files would do."""
    act = "Undo" if undo else "Redo"
    return f"{act}: {one_line(operation.summary)}. No file changes."


def check_part(shown: Plan, part: Plan, agreed: bool) -> str | None:
    """Returns why a part of a plan, made just now, is not what was shown; None: it is."""
    before = {item.path: item for item in shown.items}
    for item in part.items:
        known = before.get(item.path)
        if known is None or known.before != item.before:
            return f"{_path(item.path)} changed on disk since the preview"
        if item.after != known.after and not part.hunks:
            return f"{_path(item.path)} would become something else than was shown"
    if part.conflicts:
        return f"{_path(part.conflicts[0].path)} has a conflict"
    known_drift = {one.path for one in shown.drift}
    fresh = [one for one in part.drift if not agreed or one.path not in known_drift]
    return f"{_path(fresh[0].path)}: {printable(fresh[0].reason)}" if fresh else None


def state_sentence(changes: Sequence[Change]) -> str:
    """Returns which documents go back beside the files; empty when none does."""
    found = [printable(escape(c.path)) for c in changes if isinstance(c, StateDocument)]
    names = one_line(", ".join(name.removeprefix(STATE) for name in found), 60)
    return f"State goes back, too: {names}." if found else ""


def tally(plan: Plan) -> str:
    """Returns `2 written · 1 deleted · 1 new · 3 kept`, without the zeros.

    Folders count where there is nothing else, as in the headline.
    """
    items = _files(plan.items) or plan.items
    moves = _moves(items)
    parts = (
        (sum(bool(i.before and i.after) for i in items), "written"),
        (sum(i.after is None for i in items) - moves, "deleted"),
        (sum(i.before is None for i in items) - moves, "new"),
        (moves, "moved"),
        (len(plan.keep), "kept"),
    )
    return " · ".join(f"{count:,} {word}" for count, word in parts if count)


def outcome(done: Applied | Operation, undo: bool = True) -> str:
    """Returns what was done, what was not and why, and how to take it back, in one line."""
    if isinstance(done, Operation):
        return f"{'Undid' if undo else 'Did again'}: {one_line(done.summary)}."
    if not done.applied:
        same = "what differs stays." if done.plan.keep else "the disk already was like that."
        return "Nothing was changed: " + (_missed(done) or same)
    left = {kept.path for kept in done.not_restored}
    written = [item for item in done.plan.items if item.path not in left]
    saved = f"disk saved as #{done.safety_step.seq}."
    parts = (f"{_now(done.plan, written)}; {saved}", _missed(done), _way_back(done.plan))
    return " ".join(part for part in parts if part)


def recovery_notice(done: Recovery) -> str:
    """Returns what became of an interrupted change, in one sentence."""
    how = "was finished" if done.finished else "was taken back"
    first = done.kept[0] if done.kept else None
    more = f", and {len(done.kept) - 1:,} more" if len(done.kept) > 1 else ""
    left = f"; left alone: {_shown(first)} ({printable(first.reason)}){more}" if first else ""
    return f"An interrupted {done.kind} {how} first{left}."


def _now(plan: Plan, written: Sequence[PlanItem]) -> str:
    """What of the disk is how; short, because it is to fit the footer of 80 cells."""
    if plan.kind == "switch":
        return f"You are on {one_line(plan.branch or '', 40)}, {_amount(written)} changed"
    if plan.kind == "merge":
        left = f", {plural(len(plan.conflicts), 'conflict')} to settle" if plan.conflicts else ""
        return f"Merged {one_line(plan.merged or '', 40)}, {_amount(written)} changed{left}"
    if plan.only:
        return f"What #{plan.target.seq} changed is taken back in {_amount(written)}"
    if plan.kind in _FLIPS:
        where = f"as in #{plan.target.seq}"
    else:
        were = "it was" if len(written) == 1 else "they were"
        where = f"as {were} {plan.side} #{plan.target.seq}"
    if not written:
        return f"No file was changed, the timeline is at #{plan.target.seq}"
    return f"{_amount(written)} {'is' if len(written) == 1 else 'are'} {where}"


def _way_back(plan: Plan) -> str:
    return f"{does_it_again() if plan.kind == 'undo' else takes_it_back()}."


def _missed(done: Applied) -> str:
    if not done.not_restored:
        return ""
    first, count = done.not_restored[0], len(done.not_restored)
    more = f", and {count - 1:,} more" if count > 1 else ""
    return f"Not restored: {_shown(first)} ({printable(first.reason)}){more}."


def _moves(items: Sequence[PlanItem]) -> int:
    """How many files only move: people see one file, where a plan has two paths."""
    gone = Counter(map(_content, (i.before for i in items if i.before and i.after is None)))
    come = Counter(map(_content, (i.after for i in items if i.after and i.before is None)))
    return sum(count for content, count in (gone & come).items() if content is not None)


def _content(state: PathState) -> tuple[Oid, int] | None:
    """What renames are told by, as in a diff; empty files and folders are not."""
    if state.blob is None or state.blob == _EMPTY:
        return None
    return state.blob, stat.S_IFMT(state.mode)


def _amount(items: Sequence[PlanItem]) -> str:
    files = len(_files(items)) - _moves(items)
    return plural(files, "file") if files else plural(len(items), "folder")


def _files(items: Sequence[PlanItem]) -> list[PlanItem]:
    states = ((item, item.after or item.before) for item in items)
    return [item for item, state in states if state and not stat.S_ISDIR(state.mode)]


def _shown(kept: Kept) -> str:
    return _path(kept.path)


def _path(path: bytes) -> str:
    return printable(escape(path))
