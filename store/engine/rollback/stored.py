"""The stored form of a plan: what an intent keeps, so that recovery can finish or undo it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.store.model.errors import FormatError
from stepwell.store.model.ids import StepId, oid_from_hex
from stepwell.store.model.paths import escape, unescape
from stepwell.store.model.plans import Conflict, Kept, OtherSession, PathState, Plan, PlanItem
from stepwell.store.model.steps import Snapshot, Step

FORMAT = 1


def encode_plan(plan: Plan) -> bytes:
    """Returns the canonical bytes that an intent stores; steps are named by their ids.

    `contents` is not among them: the intent's operation stores those as blobs; nor is `disk`, which
    matters only before the plan begins.
    """
    form: dict[str, Any] = {
        "format": FORMAT,
        "id": plan.id,
        "kind": plan.kind,
        "target": plan.target.id,
        "side": plan.side,
        "snapshot": [plan.snapshot.tree.hex(), plan.snapshot.extras.hex()],
        "head": plan.head.id,
        "items": [[escape(i.path), _form(i.before), _form(i.after)] for i in plan.items],
        "keep": [[escape(k.path), k.reason] for k in plan.keep],
        "drift": [[escape(k.path), k.reason] for k in plan.drift],
        "other_sessions": [[o.session, o.steps] for o in plan.other_sessions],
        "bytes": plan.bytes,
        "operation": plan.operation,
    }
    if plan.branch is not None:
        form["branch"] = plan.branch
    if plan.partial:
        form["part"] = {
            "only": plan.only,
            "paths": [escape(path) for path in plan.paths],
            "hunks": list(plan.hunks),
        }
    if plan.merged is not None:
        form["merged"] = plan.merged
    if plan.conflicts:
        form["conflicts"] = [
            [escape(c.path), c.kind, _form(c.base), _form(c.ours), _form(c.theirs)]
            for c in plan.conflicts
        ]
    return json.dumps(form, sort_keys=True, separators=(",", ":")).encode("ascii")


def decode_plan(data: bytes, step: Callable[[StepId], Step]) -> Plan:
    """Returns the plan of canonical bytes; `step` gives the step of an id.

    Raises:
        FormatError: the bytes are no plan, or of a format that this version does not know.
    """
    try:
        form = json.loads(data)
        if form["format"] != FORMAT:
            raise ValueError(f"format {form['format']}")
        return _plan_of(form, step)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"the plan of a rollback cannot be read: {error}") from error


def _plan_of(form: Mapping[str, Any], step: Callable[[StepId], Step]) -> Plan:
    tree, extras = form["snapshot"]
    part: Mapping[str, Any] = form.get("part", {})
    return Plan(
        id=form["id"],
        kind=form["kind"],
        target=step(StepId(form["target"])),
        side=form["side"],
        snapshot=Snapshot(oid_from_hex(tree), oid_from_hex(extras)),
        head=step(StepId(form["head"])),
        items=tuple(PlanItem(unescape(p), _parsed(b), _parsed(a)) for p, b, a in form["items"]),
        keep=tuple(Kept(unescape(p), reason) for p, reason in form["keep"]),
        drift=tuple(Kept(unescape(p), reason) for p, reason in form["drift"]),
        other_sessions=tuple(OtherSession(s, n) for s, n in form["other_sessions"]),
        bytes=form["bytes"],
        operation=form["operation"],
        branch=form.get("branch"),
        partial="part" in form,
        only=part.get("only", False),
        paths=tuple(unescape(path) for path in part.get("paths", ())),
        hunks=tuple(part.get("hunks", ())),
        merged=form.get("merged"),
        conflicts=tuple(
            Conflict(unescape(path), kind, *map(_parsed, sides))
            for path, kind, *sides in form.get("conflicts", ())
        ),
    )


def _form(state: PathState | None) -> list[str | None] | None:
    if state is None:
        return None
    return [f"{state.mode:o}", state.blob.hex() if state.blob else None]


def _parsed(form: list[str | None] | None) -> PathState | None:
    if form is None:
        return None
    mode, blob = form
    return PathState(int(str(mode), 8), oid_from_hex(blob) if blob else None)
