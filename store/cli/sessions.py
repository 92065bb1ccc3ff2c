"""`sessions` and `metrics`: who worked here, and in figures how it went."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.output import Output, Styled, padded
from stepwell.store.cli.words import ago, size
from stepwell.store.model.text import one_line, plural, rfc3339
from stepwell.store.sessionforms import session_form

if TYPE_CHECKING:
    from stepwell.store.catalogue.rows import SessionFigures


def _sessions(call: Call) -> int:
    return _told(call, None, whole=False)


def _metrics(call: Call) -> int:
    return _told(call, plain_text(call.arguments.session), whole=True)


def _told(call: Call, name: str | None, *, whole: bool) -> int:
    from stepwell.store.sessions import Sessions

    with call.open() as workspace:
        found = Sessions(workspace).figures(name)
    if call.out.json:
        call.out.document({"sessions": [session_form(one) for one in found]})
        return 0
    for one in found:
        _tell(call.out, one, whole=whole)
    if not found:
        call.out.note("no session yet: `stepwell install AGENT` has an agent's steps recorded")
    return 0


def _tell(out: Output, figures: SessionFigures, *, whole: bool) -> None:
    row = figures.row
    when = ago(row.last_ns, out.now_ns)
    failed = [Styled(f", {row.failed:,} failed", "bad")] if row.failed else []
    out.line(
        Styled(row.name, "strong"),
        Styled(f"  {when}  ", "dim"),
        plural(row.steps, "step"),
        *failed,
    )
    if figures.prompt:
        out.line("    ", one_line(figures.prompt, 100))
    for name, value in _facts(figures) if whole else ():
        out.line("    ", Styled(padded(name, 13), "dim"), value)


_WHOSE = {"command": "a command", "daemon": "the daemon", None: ""}


def _facts(figures: SessionFigures) -> list[tuple[str, str]]:
    row, average, peak = figures.row, figures.row.average_ms, figures.peak_memory_bytes
    facts = [
        ("commands", f"{row.commands:,}"),
        ("average", "not known" if average is None else f"{average:,.0f} ms"),
        (
            "memory",
            "not known"
            if peak is None
            else f"{size(peak)} at most, {_WHOSE[figures.peak_memory_of]}",
        ),
        ("first", rfc3339(row.first_ns)),
        ("last", rfc3339(row.last_ns)),
        ("accessed", rfc3339(figures.last_accessed_ns)),
        ("in the store", size(row.stored_bytes)),
    ]
    return [*facts, ("written by", figures.writer)] if figures.writer else facts


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
        details="The average is that of the newest 100 calls that told how long they took. Memory is the most\n"
        "that a command of `stepwell run` took, such as an agent, or a process that it ran; what stays\n"
        "below our own size cannot be told. Where none is known it is the most that the daemon, or one\n"
        "before it, took.",
        examples=("stepwell metrics", "stepwell metrics claude:demo-1 --json"),
        configure=_metrics_options,
        run=_metrics,
    ),
)
