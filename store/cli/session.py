"""`session`: who has access to a session."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.output import Styled
from stepwell.store.model.access import AccessMode
from stepwell.store.model.errors import LeaseError, UsageError
from stepwell.store.model.text import rfc3339
from stepwell.store.sessionforms import access_form, granted_form

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

_TTL_MS = 30_000


def _session(call: Call) -> int:
    given = call.arguments
    session = plain_text(given.session) or ""
    with call.open() as workspace:
        return _ACTIONS[given.action](call, workspace, session)


def _access(call: Call, workspace: Workspace, session: str) -> int:
    found = workspace.access(session)
    if call.out.json:
        call.out.document(access_form(found))
        return 0
    for lease in found.clients:
        call.out.line(
            Styled(lease.client, "name"), f"  {lease.mode}s until {rfc3339(lease.expires_ns)}"
        )
    if not found.clients:
        call.out.note(f"nobody has access to {session}: anybody may take it")
    return 0


def _acquire(call: Call, workspace: Workspace, session: str) -> int:
    given = call.arguments
    mode: AccessMode = "read" if given.read else "write"
    granted = workspace.acquire_detached(session, _client(call), mode=mode, ttl_ms=given.ttl)
    call.tell_recovery(workspace)
    if call.out.json:
        call.out.document(granted_form(granted))
    if granted.lease is None:
        if not call.out.json:
            raise LeaseError(
                f"session {session} cannot be written: {granted.holder} may write it",
                hint="wait until it is released, or has ended",
                session=session,
                holder=granted.holder,
            )
        return LeaseError.exit_code
    if not call.out.json:
        until = rfc3339(granted.lease.expires_ns)
        call.out.line(f"{mode} access to {session} until {until}; lease {granted.lease.number}")
    return 0


def _release(call: Call, workspace: Workspace, session: str) -> int:
    released = workspace.release_access(session, _client(call))
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


_ACTIONS: Mapping[str, Callable[[Call, Workspace, str], int]] = {
    "access": _access,
    "acquire": _acquire,
    "release": _release,
}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=tuple(_ACTIONS), metavar="ACTION", help=_listed())
    parser.add_argument("session", metavar="SESSION", help="as AGENT:ID")
    parser.add_argument("--client", metavar="C", help="of acquire and release: who asks")
    parser.add_argument("--read", action="store_true", help="of acquire: to read only")
    parser.add_argument(
        "--ttl", metavar="MS", type=int, default=_TTL_MS, help="of acquire: for how long (30000)"
    )


def _listed() -> str:
    return ", ".join(_ACTIONS)


COMMANDS = (
    Command(
        name="session",
        summary="See who has access to a session; take and release it.",
        details=(
            "Any number of clients may read a session, one may write it. Access ends with its time;\n"
            "acquire again to renew it. A write that carries the number of a lease that has ended is\n"
            "refused (exit status 4)."
        ),
        examples=(
            "stepwell session acquire claude:s1 --client my-script --ttl 60000",
            "stepwell session access claude:s1",
            "stepwell session release claude:s1 --client my-script",
        ),
        configure=_options,
        run=_session,
    ),
)
