"""Journal forms: operations, steps and Views as JSON values, and back.

These are the stored forms, short and without derived facts; what front doors print is in
`stepwell.store.forms`. Absent keys mean the field's default, so fields can be added later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from stepwell.store.engine.accountcodec import (
    account_from_json,
    account_to_json,
    tokens_from_json,
    tokens_to_json,
)
from stepwell.store.engine.experimentcodec import experiment_from_json, experiment_to_json
from stepwell.store.engine.retentioncodec import (
    ranges_from_json,
    ranges_to_json,
    retention_to_json,
)
from stepwell.store.engine.rulecodec import verdict_from_json, verdict_to_json
from stepwell.store.model.ids import OperationId, StepId, oid_from_hex
from stepwell.store.model.paths import escape, unescape
from stepwell.store.model.steps import (
    AccountSet,
    Branch,
    BranchDropped,
    BranchSet,
    ChangeCounts,
    CoverageCounts,
    CurrentSet,
    Effect,
    ExperimentSet,
    Intent,
    IntentSet,
    Mark,
    MarkSet,
    Merging,
    MergingSet,
    Note,
    Operation,
    OperationUndone,
    PurgeSet,
    Snapshot,
    Step,
    StepRecorded,
    StepRemoved,
    StepResult,
    StepsDropped,
    Undoable,
    UndoEnded,
    VerdictGiven,
    View,
)

Json = dict[str, Any]


def canonical_json(document: Any) -> bytes:
    """Returns the one byte form of a JSON value."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


_PLAIN = ("session", "agent", "turn", "tool", "model", "reason", "author", "source", "call")
_BLOBS = ("coverage_blob", "rules_blob", "prompt", "input", "result_text", "state", "said")


def step_to_json(step: Step) -> Json:
    """Returns the stored form of a step; its mark is not part of it."""
    form: Json = {
        "id": step.id,
        "seq": step.seq,
        "branch": step.branch,
        "parents": list(step.parents),
        "kind": step.kind,
        "title": step.title,
        "time_ns": step.time_ns,
        "tree": step.snapshot.tree.hex(),
        "extras": step.snapshot.extras.hex(),
        "changes": [step.changes.files, step.changes.added, step.changes.deleted],
        "coverage": [
            step.coverage.stored,
            step.coverage.skipped,
            step.coverage.unstable,
            step.coverage.ignored,
        ],
        "bytes": [step.raw_bytes, step.stored_bytes],
    }
    form |= {k: getattr(step, k) for k in _PLAIN if getattr(step, k) is not None}
    form |= {k: getattr(step, k).hex() for k in _BLOBS if getattr(step, k) is not None}
    if step.result is not None:
        told = asdict(step.result)
        if told["peak_memory_bytes"] is None:
            del told["peak_memory_bytes"]
        form["result"] = told
    if step.tokens is not None:
        form["tokens"] = tokens_to_json(step.tokens)
    if step.flags:
        form["flags"] = list(step.flags)
    return form


def step_from_json(form: Mapping[str, Any]) -> Step:
    """Returns the step of a stored form."""
    result = form.get("result")
    raw_bytes, stored_bytes = form["bytes"]
    optional: Json = {k: form.get(k) for k in _PLAIN}
    optional |= {k: oid_from_hex(form[k]) for k in _BLOBS if k in form}
    return Step(
        id=StepId(form["id"]),
        seq=form["seq"],
        branch=form["branch"],
        parents=tuple(StepId(p) for p in form["parents"]),
        kind=form["kind"],
        title=form["title"],
        time_ns=form["time_ns"],
        snapshot=Snapshot(oid_from_hex(form["tree"]), oid_from_hex(form["extras"])),
        changes=ChangeCounts(*form["changes"]),
        coverage=CoverageCounts(*form["coverage"]),
        result=StepResult(**result) if result else None,
        tokens=tokens_from_json(form.get("tokens")),
        raw_bytes=raw_bytes,
        stored_bytes=stored_bytes,
        flags=tuple(form.get("flags", ())),
        **optional,
    )


def mark_to_json(mark: Mark) -> Json:
    """Returns the stored form of a mark."""
    since: Json = {} if mark.created_ns is None else {"created_ns": mark.created_ns}
    if mark.by:
        since["by"] = mark.by
    return {
        **since,
        "label": mark.label,
        "tags": list(mark.tags),
        "milestone": None if mark.milestone is None else dict(mark.milestone),
        "notes": [
            {
                "id": n.id,
                "text": n.text,
                "by": n.by,
                "time_ns": n.time_ns,
                "path": None if n.path is None else escape(n.path),
                "line": n.line,
            }
            for n in mark.notes
        ],
    }


def mark_from_json(form: Mapping[str, Any]) -> Mark:
    """Returns the mark of a stored form."""
    notes = tuple(
        Note(**{**n, "path": None if n["path"] is None else unescape(n["path"])})
        for n in form["notes"]
    )
    since = form.get("created_ns"), form.get("by", "")
    return Mark(form["label"], notes, tuple(form["tags"]), form["milestone"], *since)


def branch_to_json(branch: Branch) -> Json:
    """Returns the stored form of a branch."""
    return {"name": branch.name, "head": branch.head, "base": branch.base, "kept": branch.kept}


def branch_from_json(form: Mapping[str, Any]) -> Branch:
    """Returns the branch of a stored form."""
    base = form["base"]
    return Branch(form["name"], StepId(form["head"]), StepId(base) if base else None, form["kept"])


def intent_to_json(intent: Intent) -> Json:
    """Returns the stored form of an intent."""
    return {
        "kind": intent.kind,
        "plan": intent.plan.hex(),
        "target": intent.target,
        "safety": intent.safety,
        "details": dict(intent.details),
    }


def intent_from_json(form: Mapping[str, Any]) -> Intent:
    """Returns the intent of a stored form."""
    return Intent(
        form["kind"],
        oid_from_hex(form["plan"]),
        StepId(form["target"]),
        StepId(form["safety"]),
        form["details"],
    )


def merging_to_json(merging: Merging) -> Json:
    """Returns the stored form of a merge under way."""
    return {
        "branch": merging.branch,
        "ours": merging.ours,
        "theirs": merging.theirs,
        "plan": merging.plan.hex(),
        "operation": merging.operation,
    }


def merging_from_json(form: Mapping[str, Any]) -> Merging:
    """Returns the merge under way of a stored form."""
    return Merging(
        form["branch"],
        StepId(form["ours"]),
        StepId(form["theirs"]),
        oid_from_hex(form["plan"]),
        form["operation"],
    )


def effect_to_json(effect: Effect) -> Json:
    """Returns the stored form of an effect; `do` names which."""
    match effect:
        case StepRecorded(step):
            return {"do": "step", "step": step_to_json(step)}
        case BranchSet(branch):
            return {"do": "branch", "branch": branch_to_json(branch)}
        case BranchDropped(name):
            return {"do": "drop_branch", "name": name}
        case CurrentSet(name):
            return {"do": "current", "name": name}
        case MarkSet(step_id, mark):
            form = None if mark is None else mark_to_json(mark)
            return {"do": "mark", "step": step_id, "mark": form}
        case OperationUndone(number, undone):
            return {"do": "undone", "number": number, "undone": undone}
        case AccountSet():
            return account_to_json(effect)
        case StepsDropped() | StepRemoved() | UndoEnded() | PurgeSet():
            return retention_to_json(effect)
        case _:
            return _undertaking_to_json(effect)


def _undertaking_to_json(effect: IntentSet | MergingSet | ExperimentSet | VerdictGiven) -> Json:
    match effect:
        case VerdictGiven(verdict):
            return {"do": "verdict", "verdict": verdict_to_json(verdict)}
        case IntentSet(intent):
            return {"do": "intent", "intent": None if intent is None else intent_to_json(intent)}
        case MergingSet(merging):
            form = None if merging is None else merging_to_json(merging)
            return {"do": "merging", "merging": form}
        case ExperimentSet(name, experiment):
            form = None if experiment is None else experiment_to_json(experiment)
            return {"do": "experiment", "name": name, "experiment": form}


_EFFECTS: Mapping[str, Callable[[Mapping[str, Any]], Effect]] = {
    "step": lambda f: StepRecorded(step_from_json(f["step"])),
    "branch": lambda f: BranchSet(branch_from_json(f["branch"])),
    "drop_branch": lambda f: BranchDropped(f["name"]),
    "current": lambda f: CurrentSet(f["name"]),
    "mark": lambda f: MarkSet(StepId(f["step"]), mark_from_json(f["mark"]) if f["mark"] else None),
    "account": account_from_json,
    "undone": lambda f: OperationUndone(f["number"], f["undone"]),
    "intent": lambda f: IntentSet(intent_from_json(f["intent"]) if f["intent"] else None),
    "experiment": lambda f: ExperimentSet(
        f["name"], experiment_from_json(f["experiment"]) if f["experiment"] else None
    ),
    "merging": lambda f: MergingSet(merging_from_json(f["merging"]) if f["merging"] else None),
    "dropped": lambda f: StepsDropped(ranges_from_json(f["seqs"]), f["dropped"]),
    "removed": lambda f: StepRemoved(StepId(f["step"]), f["seq"], *f["bytes"]),
    "verdict": lambda f: VerdictGiven(verdict_from_json(f["verdict"])),
    "undo_ended": lambda f: UndoEnded(tuple(f["numbers"])),
    "purge": lambda f: PurgeSet(tuple(f["targets"])),
}


def effect_from_json(form: Mapping[str, Any]) -> Effect:
    """Returns the effect of a stored form."""
    return _EFFECTS[form["do"]](form)


def operation_to_json(operation: Operation) -> Json:
    """Returns the stored form of an operation."""
    form: Json = {
        "number": operation.number,
        "id": operation.id,
        "kind": operation.kind,
        "time_ns": operation.time_ns,
        "summary": operation.summary,
        "effects": [effect_to_json(e) for e in operation.effects],
    }
    if operation.inverse is not None:
        form["inverse"] = [effect_to_json(e) for e in operation.inverse]
    if operation.session is not None:
        form["session"] = operation.session
    if operation.details:
        form["details"] = dict(operation.details)
    return form


def operation_from_json(form: Mapping[str, Any]) -> Operation:
    """Returns the operation of a stored form."""
    inverse = form.get("inverse")
    return Operation(
        number=form["number"],
        id=OperationId(form["id"]),
        kind=form["kind"],
        time_ns=form["time_ns"],
        summary=form["summary"],
        effects=tuple(effect_from_json(e) for e in form["effects"]),
        inverse=None if inverse is None else tuple(effect_from_json(e) for e in inverse),
        session=form.get("session"),
        details=form.get("details", {}),
    )


def view_to_json(view: View) -> Json:
    """Returns the stored form of a View."""
    return {
        "number": view.number,
        "last_seq": view.last_seq,
        "current": view.current,
        "step_count": view.step_count,
        "bytes": [view.raw_bytes, view.stored_bytes],
        "branches": [branch_to_json(b) for b in view.branches.values()],
        "marks": {s: mark_to_json(m) for s, m in view.marks.items()},
        "sessions": dict(view.sessions),
        "undoables": [[u.number, u.kind, u.undone, u.done_by, u.undone_by] for u in view.undoables],
        "intent": None if view.intent is None else intent_to_json(view.intent),
        "merging": None if view.merging is None else merging_to_json(view.merging),
        "experiments": [experiment_to_json(one) for one in view.experiments.values()],
        "verdicts": [verdict_to_json(one) for one in view.verdicts],
        "dropped": ranges_to_json(view.dropped),
        "purging": list(view.purging),
    }


def view_from_json(form: Mapping[str, Any]) -> View:
    """Returns the View of a stored form."""
    branches = [branch_from_json(b) for b in form["branches"]]
    return View(
        number=form["number"],
        last_seq=form["last_seq"],
        current=form["current"],
        branches={b.name: b for b in branches},
        marks={StepId(s): mark_from_json(m) for s, m in form["marks"].items()},
        sessions={name: StepId(head) for name, head in form["sessions"].items()},
        undoables=tuple(Undoable(*u) for u in form["undoables"]),
        intent=intent_from_json(form["intent"]) if form["intent"] else None,
        merging=merging_from_json(form["merging"]) if form.get("merging") else None,
        experiments={
            one.name: one for one in map(experiment_from_json, form.get("experiments", ()))
        },
        verdicts=tuple(map(verdict_from_json, form.get("verdicts", ()))),
        dropped=ranges_from_json(form.get("dropped", [])),
        purging=tuple(form.get("purging", ())),
        step_count=form["step_count"],
        raw_bytes=form["bytes"][0],
        stored_bytes=form["bytes"][1],
    )
