"""`sessions` and `metrics`: who worked here, and in figures how it went."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Output, Styled, padded
from stepwell.store.cli.words import ago, size
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.text import one_line, plural, rfc3339
from stepwell.store.sessionforms import session_form

if TYPE_CHECKING:
    from stepwell.store.catalogue import SessionRow
    from stepwell.store.workspace import Workspace


def _sessions(call: Call) -> int:
    with call.open() as workspace:
        return _told(call, workspace, workspace.sessions(), figures=False)


def _metrics(call: Call) -> int:
    name = call.arguments.session
    with call.open() as workspace:
        rows = workspace.sessions()
        found = [row for row in rows if name in (None, row.name)]
        if name is not None and not found:
            raise NotFoundError(
                f"there is no session {name}", hint="stepwell sessions lists them", session=name
            )
        return _told(call, workspace, found, figures=True)


def _told(call: Call, workspace: Workspace, rows: list[SessionRow], *, figures: bool) -> int:
    if call.out.json:
        writers = workspace.writers()
        forms = [
            session_form(row, workspace.text(row.prompt), writers.get(row.name)) for row in rows
        ]
        call.out.document({"sessions": forms})
        return 0
    for row in rows:
        _tell(call.out, workspace, row, figures=figures)
    if not rows:
        call.out.note("no session yet: `stepwell install AGENT` has an agent's steps recorded")
    return 0


def _tell(out: Output, workspace: Workspace, row: SessionRow, *, figures: bool) -> None:
    when = ago(row.last_ns, out.now_ns)
    failed = [Styled(f", {row.failed:,} failed", "bad")] if row.failed else []
    out.line(
        Styled(row.name, "strong"),
        Styled(f"  {when}  ", "dim"),
        plural(row.steps, "step"),
        *failed,
    )
    if prompt := workspace.text(row.prompt):
        out.line("    ", one_line(prompt, 100))
    if not figures:
        return
    average = row.average_ms
    facts = [
        ("commands", f"{row.commands:,}"),
        ("average", "not known" if average is None else f"{average:,.0f} ms"),
        ("first", rfc3339(row.first_ns)),
        ("last", rfc3339(row.last_ns)),
        ("in the store", size(row.stored_bytes)),
    ]
    for name, value in facts:
        out.line("    ", Styled(padded(name, 13), "dim"), value)


def _metrics_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", nargs="?", help="one of them, as AGENT:ID")


COMMANDS = (
    Command(
        name="sessions",
        summary="List the sessions, with what each was asked first, the newest first.",
        examples=("stepwell sessions", "stepwell sessions --json"),
        run=_sessions,
    ),
    Command(
        name="metrics",
        summary="Show the figures of sessions: commands, failures, durations, size.",
        details="The average is that of the newest 100 calls that told how long they took.",
        examples=("stepwell metrics", "stepwell metrics claude:demo-1 --json"),
        configure=_metrics_options,
        run=_metrics,
    ),
)
