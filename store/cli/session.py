"""`session`: who has access to a session, and snapshots of it to come back to."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.going import Verb, refuse_dry_run, travel
from stepwell.store.cli.output import Output, Styled
from stepwell.store.cli.statefiles import documents
from stepwell.store.cli.words import ago, change_line, named, widest_path
from stepwell.store.forms import Form, change_form, step_form, travel_form
from stepwell.store.model.access import AccessMode, Fence
from stepwell.store.model.errors import LeaseError, UsageError
from stepwell.store.model.plans import PlannedChanges
from stepwell.store.model.steps import Step
from stepwell.store.model.text import one_line, rfc3339
from stepwell.store.sessionforms import (
    access_form,
    granted_form,
    snapshot_form,
    timeline_form,
    version_form,
)

if TYPE_CHECKING:
    from stepwell.store.sessions import Sessions
    from stepwell.store.workspace import Workspace

_TTL_MS = 30_000


def _session(call: Call) -> int:
    given = call.arguments
    action, names = _ACTIONS[given.action], [plain_text(name) or "" for name in given.names]
    least, most = action.names
    if not least <= len(names) <= most:
        raise UsageError(
            f"session {given.action} takes {action.takes}",
            hint="see stepwell session --help",
        )
    if given.action != "restore":
        refuse_dry_run(call, f"session {given.action}")
    return action.run(call, names)


@contextmanager
def _opened(call: Call) -> Iterator[tuple[Workspace, Sessions]]:
    from stepwell.store.sessions import Sessions

    with call.open() as workspace:
        yield workspace, Sessions(workspace)


@contextmanager
def _held(call: Call, session: str) -> Iterator[tuple[Workspace, Sessions]]:
    """Opens for writing in a session's name: by the lease given, or while nobody has one."""
    with _opened(call) as (workspace, sessions):
        with workspace.writing_as(Fence(session, call.arguments.lease)):
            yield workspace, sessions
        call.tell_recovery(workspace)


def _access(call: Call, names: list[str]) -> int:
    with call.open() as workspace:
        found = workspace.access(names[0])
    if call.out.json:
        call.out.document(access_form(found))
        return 0
    for lease in found.clients:
        call.out.line(
            Styled(lease.client, "name"), f"  {lease.mode}s until {rfc3339(lease.expires_ns)}"
        )
    if not found.clients:
        call.out.note(f"nobody has access to {names[0]}: anybody may take it")
    return 0


def _acquire(call: Call, names: list[str]) -> int:
    given, session = call.arguments, names[0]
    mode: AccessMode = "read" if given.read else "write"
    with call.open() as workspace:
        granted = workspace.acquire_detached(session, _client(call), mode=mode, ttl_ms=given.ttl)
        call.tell_recovery(workspace)
    if call.out.json:
        call.out.document(granted_form(granted))
    if granted.lease is None:
        if call.out.json:
            return LeaseError.exit_code
        raise LeaseError(
            f"session {session} cannot be written: {granted.holder} may write it",
            hint="wait until it is released, or has ended",
            session=session,
            holder=granted.holder,
        )
    if not call.out.json:
        until = rfc3339(granted.lease.expires_ns)
        call.out.line(f"{mode} access to {session} until {until}; lease {granted.lease.number}")
    return 0


def _release(call: Call, names: list[str]) -> int:
    with call.open() as workspace:
        released = workspace.release_access(names[0], _client(call))
        call.tell_recovery(workspace)
    if call.out.json:
        call.out.document({"released": released})
    else:
        call.out.line("released" if released else "there was no access to release")
    return 0


def _client(call: Call) -> str:
    client = plain_text(call.arguments.client)
    if client is None:
        raise UsageError(
            f"session {call.arguments.action} needs a client", hint="as in --client my-script"
        )
    return client


def _snapshot(call: Call, names: list[str]) -> int:
    given = call.arguments
    tags = [plain_text(tag) or "" for tag in given.tags or ()]
    with _held(call, names[0]) as (_, sessions):
        step = sessions.take(
            names[0],
            description=plain_text(given.message) or "",
            tags=tags,
            state=documents(call, given.state),
        )
    if call.out.json:
        call.out.document(snapshot_form(step))
    else:
        call.out.line(Styled("took ", "good"), *named(step))
    return 0


def _snapshots(call: Call, names: list[str]) -> int:
    tag = plain_text((call.arguments.tags or [None])[0])
    with _opened(call) as (workspace, sessions):
        found = sessions.snapshots(names[0] if names else None, tag=tag)
        if call.out.json:
            call.out.document({"snapshots": _forms(workspace, snapshot_form, found)})
            return 0
    return _listed(call.out, found, "no snapshot yet: stepwell session snapshot SESSION")


def _forms(
    workspace: Workspace, form: Callable[[Step, str | None], Form], steps: list[Step]
) -> list[Form]:
    return [form(*one) for one in zip(steps, workspace.tiers_of(steps), strict=True)]


def _listed(out: Output, steps: list[Step], nothing: str) -> int:
    for step in steps:
        out.line(*named(step), Styled(f"  {ago(step.time_ns, out.now_ns)}", "dim"))
    if not steps:
        out.note(nothing)
    return 0


def _show(call: Call, names: list[str]) -> int:
    with _opened(call) as (workspace, sessions):
        step = sessions.snapshot(names[0], names[1])
        state = workspace.state(names[0], at=step)
        form = snapshot_form(step, workspace.tiers_of([step])[0])
    if call.out.json:
        call.out.document({**form, "state": state})
        return 0
    call.out.line(*named(step), Styled(f"  {form['created']}", "dim"))
    if form["description"]:
        call.out.line("  ", one_line(form["description"], 200))
    for name, document in state.items():
        text = json.dumps(document, ensure_ascii=False)
        call.out.line("  ", Styled(one_line(name, 40), "name"), "  ", one_line(text, 200))
    return 0


def _delete(call: Call, names: list[str]) -> int:
    with _held(call, names[0]) as (workspace, sessions):
        step = sessions.delete(names[0], names[1])
        (tier,) = workspace.tiers_of([step])
    if call.out.json:
        call.out.document(step_form(step, tier))
    else:
        call.out.line("no snapshot any more: ", *named(step), "; bring it back: stepwell undo")
    return 0


def _restore(call: Call, names: list[str]) -> int:
    """Goes back as `rollback` does, in the session's name."""
    from stepwell.store.sessions import PlannedRestore, Sessions
    from stepwell.store.state.forms import state_change_form

    made = list[PlannedRestore]()
    fence = Fence(names[0], call.arguments.lease)

    def plan(workspace: Workspace) -> PlannedChanges:
        made.append(Sessions(workspace).plan_restore(names[0], names[1]))
        if not call.out.json:
            _tell_states(call.out, made[-1])
        return made[-1].planned

    def form(*told: Any) -> Form:
        states = [state_change_form(change) for change in made[-1].states]
        return {**travel_form(*told), "state_changes": states}

    return travel(call, Verb("put it back?", plan, form=form, fence=fence))


def _tell_states(out: Output, planned: Any) -> None:
    from stepwell.store.cli.statewords import tell_changes

    if planned.states:
        out.line(Styled("state:", "dim"))
        tell_changes(out, planned.states)


def _versions(call: Call, names: list[str]) -> int:
    with _opened(call) as (_, sessions):
        found = sessions.snapshots(names[0])[::-1]
    if call.out.json:
        call.out.document({"versions": [version_form(step) for step in found]})
        return 0
    return _listed(call.out, found, "no version yet: each snapshot is one")


def _diff(call: Call, names: list[str]) -> int:
    from stepwell.store.cli.statewords import tell_changes
    from stepwell.store.state.forms import state_change_form

    with _opened(call) as (_, sessions):
        found = sessions.diff(*names)
    if call.out.json:
        states = [state_change_form(change) for change in found.states]
        changes = [change_form(change) for change in found.changes]
        call.out.document({"changes": changes, "state_changes": states})
        return 0
    wide = widest_path(found.changes)
    for change in found.changes:
        call.out.line(*change_line(change, wide))
    tell_changes(call.out, found.states)
    return 0


def _timeline(call: Call, names: list[str]) -> int:
    tag = plain_text((call.arguments.tags or [None])[0])
    with _opened(call) as (workspace, sessions):
        found = sessions.timeline(names[0], tag=tag, limit=call.arguments.number)
        if call.out.json:
            call.out.document({"steps": _forms(workspace, timeline_form, found)})
            return 0
    return _listed(call.out, found, "no step has that tag")


class _Action:
    def __init__(self, run: Callable[[Call, list[str]], int], takes: str) -> None:
        self.run = run
        self.takes = takes
        optional = takes.count("[")
        self.names = (len(takes.split()) - optional, len(takes.split()))


_ACTIONS: Mapping[str, _Action] = {
    "access": _Action(_access, "SESSION"),
    "acquire": _Action(_acquire, "SESSION"),
    "release": _Action(_release, "SESSION"),
    "snapshot": _Action(_snapshot, "SESSION"),
    "snapshots": _Action(_snapshots, "[SESSION]"),
    "show": _Action(_show, "SESSION ID"),
    "delete": _Action(_delete, "SESSION ID"),
    "restore": _Action(_restore, "SESSION ID"),
    "versions": _Action(_versions, "SESSION"),
    "diff": _Action(_diff, "SESSION ID ID"),
    "timeline": _Action(_timeline, "SESSION"),
}


def _options(parser: argparse.ArgumentParser) -> None:
    actions = ", ".join(_ACTIONS)
    parser.add_argument("action", choices=tuple(_ACTIONS), metavar="ACTION", help=actions)
    parser.add_argument(
        "names", nargs="*", metavar="SESSION", help="as AGENT:ID; then, where one is meant, an ID"
    )
    parser.add_argument("--client", metavar="C", help="of acquire and release: who asks")
    parser.add_argument("--read", action="store_true", help="of acquire: to read only")
    parser.add_argument(
        "--ttl", metavar="MS", type=int, default=_TTL_MS, help="of acquire: for how long (30000)"
    )
    parser.add_argument(
        "--lease", metavar="N", type=int, help="of what writes: the number that acquire gave"
    )
    parser.add_argument("-m", "--message", metavar="TEXT", help="of snapshot: what it is")
    parser.add_argument(
        "--tag", dest="tags", metavar="T", action="append", help="to give, or to list"
    )
    parser.add_argument(
        "--state", metavar="NAME=FILE", action="append", help="of snapshot: JSON; may be repeated"
    )
    parser.add_argument(
        "-n", dest="number", metavar="N", type=int, default=50, help="of timeline: at most N (50)"
    )
    parser.add_argument("--dry-run", action="store_true", help="of restore: show the plan only")
    parser.add_argument(
        "--force",
        action="store_true",
        help="of restore: also over what is in no step (it is saved first) and another session's work",
    )


COMMANDS = (
    Command(
        name="session",
        summary="Take snapshots of a session and go back to them; take and release access to it.",
        details=(
            "A snapshot is a step with files and the session's state; restore brings both back, as\n"
            "rollback does. Any number of clients may read a session, one may write it: what writes\n"
            "shows its --lease, or is refused (exit status 4) while somebody else has one."
        ),
        examples=(
            'stepwell session snapshot me:s1 -m "before the move" --state plan=plan.json',
            "stepwell session restore me:s1 4df0778f --dry-run",
            "stepwell session acquire claude:s1 --client my-script --ttl 60000",
            "stepwell session release claude:s1 --client my-script",
        ),
        configure=_options,
        run=_session,
        takes_yes=True,
    ),
)
