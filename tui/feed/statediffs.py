"""What differs in the state that steps carry, as documents to be listed beside the files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from stepwell.tui.model.statedocument import STATE, StateDocument
from stepwell.tui.source import Source
from stepwell.tui.values import Hunk, Step, TrackedPath

if TYPE_CHECKING:
    from stepwell.store import Workspace
    from stepwell.tui.values import Plan

_Documents = Mapping[str, Mapping[str, Any]]
"""Session ("" for none) -> name -> document."""

_MOST = 2_000
"""Places of one document that are told."""
_LONGEST = 2_000
"""Characters of a value that are told."""


def step_documents(
    source: Source, step: Step | None, base: Step | None
) -> tuple[StateDocument, ...]:
    """Returns what a step changed of the state, or what leads to it from `base`."""
    if step is None or (base is None and step.state is None and not step.parents):
        return ()
    before = base
    if before is None and step.parents:
        before = source.get_step(step.parents[0])
    return _documents(source, before, step)


def plan_documents(source: Source, plan: Plan) -> tuple[StateDocument, ...]:
    """Returns what a plan would do to the state."""
    target = plan.target
    if not plan.restores_state:
        return ()
    onto = target if plan.side == "after" else source.get_step(target.parents[0])
    return _documents(source, plan.head, onto)


def _documents(source: Source, before: Step | None, after: Step) -> tuple[StateDocument, ...]:
    if (before.state if before else None) == after.state:
        return ()
    workspace = cast("Workspace", source)
    old: _Documents = workspace.states(before) if before else {}
    return tuple(_differing(old, workspace.states(after), after.session or ""))


def _differing(old: _Documents, new: _Documents, own: str) -> Iterator[StateDocument]:
    for session in sorted(old.keys() | new.keys(), key=lambda name: (name != own, name)):
        of = "" if session == own else f" of {session or 'no session'}"
        was, now = old.get(session, {}), new.get(session, {})
        for name in sorted(was.keys() | now.keys()):
            if found := _document(f"{STATE}{name}{of}", name, was, now):
                yield found


def _document(
    title: str, name: str, was: Mapping[str, Any], now: Mapping[str, Any]
) -> StateDocument | None:
    lines = list(_lines(name, was, now))
    if not lines:
        return None
    deleted = sum(line.startswith(b"-") for line in lines)
    added = sum(line.startswith(b"+") for line in lines)
    numbers = (min(1, deleted), deleted, min(1, added), added)
    return StateDocument(
        TrackedPath(_bytes(title)),
        "A" if name not in was else "D" if name not in now else "M",
        added=added,
        deleted=deleted,
        hunks=(Hunk(title, *numbers, lines),),
    )


def _lines(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[bytes]:
    """Yields a line for each place and side, `-/todo/0  "write"`; new and gone documents in full."""
    from stepwell.store.state.compare import changes_between

    if name not in was or name not in now:
        sign, whole = ("+", now[name]) if name in now else ("-", was[name])
        for line in json.dumps(whole, ensure_ascii=False, indent=2).splitlines()[:_MOST]:
            yield _bytes(f"{sign}{line[:_LONGEST]}\n")
        return
    for change in changes_between(was[name], now[name])[:_MOST]:
        if change.op != "add":
            yield _bytes(f"-{change.path or '/'}  {_short(change.old)}\n")
        if change.op != "remove":
            yield _bytes(f"+{change.path or '/'}  {_short(change.new)}\n")


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:_LONGEST]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
