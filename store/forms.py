"""The public JSON forms: values -> dictionaries exactly as the interface documents them.

Times are RFC 3339 UTC, ids hex, modes octal text, sizes bytes. A path that is not UTF-8 is escaped,
with its bytes beside it as `path_bytes` (base64). Nothing here reads a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import base64_of, escape, needs_bytes
from stepwell.store.model.plans import (
    Applied,
    Conflict,
    Kept,
    OtherSession,
    PathState,
    Plan,
    PlannedChanges,
)
from stepwell.store.model.reports import BlameLine, BranchRow, Hit, Status
from stepwell.store.model.steps import (
    Covered,
    Mark,
    Note,
    Operation,
    Snapshot,
    Step,
    StepResult,
)
from stepwell.store.model.text import rfc3339

Form = dict[str, Any]


def path_form(path: bytes | None, name: str = "path") -> Form:
    """Returns `{name: text}`, with `name_bytes` beside when the path is not UTF-8."""
    if path is None:
        return {name: None}
    form: Form = {name: escape(path)}
    if needs_bytes(path):
        form[f"{name}_bytes"] = base64_of(path)
    return form


def text_form(text: str | None) -> str | None:
    """Returns text that every JSON reader takes: a lone surrogate becomes an escape."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")


def mode_form(mode: int | None) -> str | None:
    """Returns a full mode as six octal digits, as git writes it."""
    return None if mode is None else f"{mode:06o}"


def _hex(oid: Oid | None) -> str | None:
    return None if oid is None else oid.hex()


def step_form(step: Step, tier: str | None = None) -> Form:
    """Returns a Step; `tier` is where its content lies now.

    None: as of a step that was just recorded, in segments (L2); a milestone is in L3 always.
    """
    return {
        "id": step.id,
        "seq": step.seq,
        "branch": text_form(step.branch),
        "parents": list(step.parents),
        "session": text_form(step.session),
        "agent": text_form(step.agent),
        "turn": step.turn,
        "kind": step.kind,
        "tool": text_form(step.tool),
        "title": text_form(step.title),
        "time": rfc3339(step.time_ns),
        "snapshot": snapshot_form(step.snapshot),
        "changes": {
            "files": step.changes.files,
            "added": step.changes.added,
            "deleted": step.changes.deleted,
        },
        "checkpoint": None if step.checkpoint is None else mark_form(step.checkpoint),
        "result": None if step.result is None else result_form(step.result),
        "model": text_form(step.model),
        "tokens": None if step.tokens is None else asdict(step.tokens),
        "compression": {"raw_bytes": step.raw_bytes, "stored_bytes": step.stored_bytes},
        "coverage": {
            "stored": step.coverage.stored,
            "skipped": step.coverage.skipped,
            "unstable": step.coverage.unstable,
            "ignored": step.coverage.ignored,
        },
        "state": _hex(step.state),
        "tier": tier or ("L3" if step_type(step) == "milestone" else "L2"),
        "type": step_type(step),
        "flags": list(step.flags),
        "reason": text_form(step.reason),
        "author": text_form(step.author),
        "source": text_form(step.source),
    }


def step_type(step: Step) -> str:
    """Returns "operation", "checkpoint" or "milestone"."""
    return "operation" if step.checkpoint is None else type_of(step.checkpoint)


def type_of(mark: Mark) -> str:
    """Returns the type of a step with a mark: "checkpoint" or "milestone"."""
    return "checkpoint" if mark.milestone is None else "milestone"


def snapshot_form(snapshot: Snapshot) -> Form:
    """Returns `{tree, extras}`."""
    return {"tree": snapshot.tree.hex(), "extras": snapshot.extras.hex()}


def mark_form(mark: Mark) -> Form:
    """Returns a checkpoint; `note` is the newest note's text."""
    return {
        "label": text_form(mark.label),
        "notes": [note_form(note) for note in mark.notes],
        "note": text_form(mark.notes[-1].text) if mark.notes else None,
        "tags": [text_form(tag) for tag in mark.tags],
        "milestone": _milestone_form(mark.milestone),
        "created": None if mark.created_ns is None else rfc3339(mark.created_ns),
        "by": text_form(mark.by),
    }


def _milestone_form(milestone: Mapping[str, Any] | None) -> Form | None:
    if milestone is None:
        return None
    known = {name: milestone.get(name) for name in ("quality", "baseline", "project_state")}
    return {**known, **{name: plain_form(value) for name, value in milestone.items()}}


def note_form(note: Note) -> Form:
    """Returns `{id, text, by, time, path, line}`."""
    return {
        "id": note.id,
        "text": text_form(note.text),
        "by": text_form(note.by),
        "time": rfc3339(note.time_ns),
        **path_form(note.path),
        "line": note.line,
    }


def result_form(result: StepResult) -> Form:
    """Returns `{ok, exit_code, duration_ms}`."""
    return {"ok": result.ok, "exit_code": result.exit_code, "duration_ms": result.duration_ms}


def covered_form(covered: Covered) -> Form:
    """Returns `{path, reason}`."""
    return {**path_form(covered.path), "reason": covered.reason}


def shown_step_form(
    step: Step,
    changes: Sequence[Change],
    covered: Iterable[Covered],
    texts: Mapping[str, str | None],
    base: Snapshot | None,
) -> Form:
    """Returns a Step with everything that `show` adds.

    `texts` holds prompt, input, result_text and said. `base` is the first parent's snapshot: `patch.hash`
    is its tree, the content to which reverting `patch.files` leads (of a rename both names); None
    for a first step.
    """
    names = {path for one in changes for path in (one.path, one.old_path) if path is not None}
    files = [escape(path) for path in sorted(names)]
    return {
        **step_form(step),
        "diff": [change_form(change) for change in changes],
        "coverage": [covered_form(one) for one in covered],
        "coverage_counts": step_form(step)["coverage"],
        **{name: text_form(texts.get(name)) for name in ("prompt", "input", "result_text", "said")},
        "patch": {"hash": None if base is None else base.tree.hex(), "files": files},
    }


def change_form(change: Change) -> Form:
    """Returns a Change with its hunks."""
    return {
        **path_form(change.path),
        **path_form(change.old_path, "old_path"),
        "status": change.status,
        "old_mode": mode_form(change.old_mode),
        "new_mode": mode_form(change.new_mode),
        "old_blob": _hex(change.old_blob),
        "new_blob": _hex(change.new_blob),
        "binary": change.binary,
        "too_large": change.too_large,
        "added": change.added,
        "deleted": change.deleted,
        "hunks": [hunk_form(hunk) for hunk in change.hunks],
    }


def hunk_form(hunk: Hunk) -> Form:
    """Returns a Hunk; its lines come without their line feed, a carriage return stays.

    When a line is not UTF-8, each bad byte is `\\xNN` and `lines_bytes` (base64) has them all.
    """
    bare = [line.removesuffix(b"\n") for line in hunk.lines]
    form: Form = {
        "id": hunk.id,
        "old_start": hunk.old_start,
        "old_lines": hunk.old_lines,
        "new_start": hunk.new_start,
        "new_lines": hunk.new_lines,
        "lines": [line.decode("utf-8", "backslashreplace") for line in bare],
    }
    if any(needs_bytes(line) for line in bare):
        form["lines_bytes"] = [base64_of(line) for line in bare]
    return form


def kept_form(kept: Kept) -> Form:
    """Returns `{path, reason}`."""
    return {**path_form(kept.path), "reason": text_form(kept.reason)}


def conflict_form(conflict: Conflict) -> Form:
    """Returns `{path, kind, base, ours, theirs}`; each side is `{mode, blob}` or null."""
    return {
        **path_form(conflict.path),
        "kind": conflict.kind,
        "base": _state_form(conflict.base),
        "ours": _state_form(conflict.ours),
        "theirs": _state_form(conflict.theirs),
    }


def _state_form(state: PathState | None) -> Form | None:
    if state is None:
        return None
    return {"mode": mode_form(state.mode), "blob": _hex(state.blob)}


def branch_form(row: BranchRow) -> Form:
    """Returns a row of `branch`."""
    return {
        "name": text_form(row.name),
        "head": row.head,
        "base": row.base,
        "current": row.current,
        "kept": row.kept,
        "ahead": row.ahead,
        "behind": row.behind,
    }


def other_session_form(other: OtherSession) -> Form:
    """Returns `{session, steps}`."""
    return {"session": text_form(other.session), "steps": other.steps}


def plan_form(planned: PlannedChanges) -> Form:
    """Returns a Plan; `changes` lead from the disk as it is to the disk as it will be."""
    return {**_bare_plan(planned.plan), "changes": [change_form(c) for c in planned.changes]}


def _bare_plan(plan: Plan) -> Form:
    return {
        "id": plan.id,
        "kind": plan.kind,
        "target": plan.target.id,
        "target_seq": plan.target.seq,
        "side": plan.side,
        "changes": [],
        "keep": [kept_form(kept) for kept in plan.keep],
        "drift": [kept_form(kept) for kept in plan.drift],
        "other_sessions": [other_session_form(other) for other in plan.other_sessions],
        "bytes": plan.bytes,
        "branch": text_form(plan.branch),
        "partial": plan.partial,
        "only": plan.only,
        "conflicts": [conflict_form(conflict) for conflict in plan.conflicts],
    }


def travel_form(
    planned: PlannedChanges | None, applied: Applied | None, undo: str | None = None
) -> Form:
    """Returns what rollback, switch, undo and redo report; `applied` None: nothing was done (a dry run).

    `safety_step` and `step` are step ids; `undo` is the command that takes it back.
    """
    done = applied is not None
    return {
        "plan": None if planned is None else plan_form(planned),
        "applied": applied is not None and applied.applied,
        "safety_step": applied.safety_step.id if applied else None,
        "safety_seq": applied.safety_step.seq if applied else None,
        "step": applied.step.id if applied else None,
        "step_seq": applied.step.seq if applied else None,
        "operation": applied.operation if applied else None,
        "undo": undo if done else None,
        "not_restored": [kept_form(kept) for kept in applied.not_restored] if applied else [],
        "conflicts": [conflict_form(one) for one in planned.plan.conflicts] if planned else [],
    }


def operation_form(operation: Operation, *, undone: bool, undoable: bool) -> Form:
    """Returns a row of `operations`."""
    return {
        "id": operation.id,
        "number": operation.number,
        "kind": operation.kind,
        "time": rfc3339(operation.time_ns),
        "session": text_form(operation.session),
        "summary": text_form(operation.summary),
        "undone": undone,
        "undoable": undoable,
    }


def pending_form(status: Status) -> Form | None:
    """Returns what `pending_recovery` holds: None when nothing was interrupted."""
    intent = status.pending
    if intent is None:
        return None
    return {
        "kind": intent.kind,
        "target": intent.target,
        "safety": intent.safety,
        "paths_left": len(status.pending_paths),
    }


def hit_form(hit: Hit, tier: str) -> Form:
    """Returns a hit of a search; its step as a whole, with the tier that it lies in."""
    return {
        "step": step_form(hit.step, tier),
        "where": hit.where,
        "excerpt": text_form(hit.excerpt),
    }


def blame_form(line: BlameLine) -> Form:
    """Returns a line with the step that it came with; `text` without its line feed."""
    step = line.step
    return {
        "line": line.line,
        "text": line.text.rstrip(b"\r\n").decode("utf-8", "backslashreplace"),
        "step": step.id,
        "seq": step.seq,
        "title": text_form(step.title),
        "session": step.session,
        "turn": step.turn,
        "agent": step.agent,
        "prompt": None if line.prompt is None else text_form(line.prompt),
    }


def error_form(error: StepwellError) -> Form:
    """Returns `{"error": {code, message, hint, ...facts}}`."""
    facts = {name: plain_form(value) for name, value in error.facts.items()}
    said = {
        "code": error.code,
        "message": text_form(error.message),
        "hint": text_form(error.hint),
        "exit_code": error.exit_code,
    }
    return {"error": {**facts, **said}}


def plain_form(value: Any) -> Any:
    """Returns any value that an error or a milestone carries as JSON; bytes as an escaped path."""
    if isinstance(value, str):
        return text_form(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return escape(value)
    if isinstance(value, Mapping):
        return {str(name): plain_form(one) for name, one in value.items()}
    return _compound_form(value)


def _compound_form(value: Any) -> Any:
    known: dict[type, Any] = {
        Step: step_form,
        Change: change_form,
        Covered: covered_form,
        Conflict: conflict_form,
        Kept: kept_form,
        OtherSession: other_session_form,
    }
    if type(value) in known:
        return known[type(value)](value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_form(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Iterable):
        return [plain_form(one) for one in value]
    return text_form(str(value))
