"""State snapshots as a person reads them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stepwell.store.cli.command import Call
from stepwell.store.cli.output import Output, Piece, Styled, padded
from stepwell.store.cli.words import ago, size
from stepwell.store.model.ids import short
from stepwell.store.model.text import one_line, plural

if TYPE_CHECKING:
    from stepwell.store.state.values import (
        ImportReport,
        StateChange,
        StateComparison,
        StateSnapshot,
        StateStatistics,
    )

INCOMPLETE = 7
_WIDEST = 24


def snapshot_line(one: StateSnapshot, now_ns: int) -> list[Piece]:
    """Returns a snapshot as one line of a list."""
    more: list[Piece] = []
    if one.tags:
        more += ["  ", Styled(" ".join(f"+{one_line(tag, _WIDEST)}" for tag in one.tags), "mark")]
    if one.description:
        more += ["  ", one_line(one.description, 60)]
    session = one_line(one.session, _WIDEST)
    return [
        Styled(short(one.id), "name"),
        f"  {ago(one.time_ns, now_ns):>8}  {one.type:<11}  {size(one.size):>9}  ",
        padded(session, 10) if more else session,
        *more,
    ]


def tell_one(call: Call, one: StateSnapshot) -> int:
    """Tells of one snapshot; returns the exit code."""
    from stepwell.store.state.forms import snapshot_form

    if call.out.json:
        call.out.document(snapshot_form(one))
    else:
        call.out.line(*snapshot_line(one, call.out.now_ns))
    return 0


def tell_going(call: Call, going: Mapping[str, StateSnapshot | None]) -> None:
    """Tells which snapshots would go, by id, None: a damaged one."""
    if call.out.json:
        call.out.document({"deleted": list(going), "applied": False})
        return
    colon = ":" if going else ""
    call.out.line(Styled("would delete", "mark"), f" {plural(len(going), 'snapshot')}{colon}")
    for identity, one in going.items():
        damaged = [Styled(short(identity), "name"), "  damaged"]
        call.out.line("  ", *(snapshot_line(one, call.out.now_ns) if one else damaged))
    if not call.asks:
        call.out.line("nothing was changed")


_SIGNS: Mapping[str, Styled] = {
    "add": Styled("+", "good"),
    "remove": Styled("−", "bad"),
    "replace": Styled("~", "name"),
}


def tell_comparison(out: Output, found: StateComparison) -> None:
    """Tells what differs: the counts, then each change."""
    for name, one in found.summary.collections.items():
        parts = ((one.added, "added"), (one.removed, "removed"), (one.changed, "changed"))
        counted = ", ".join(f"{count:,} {word}" for count, word in parts if count)
        out.line(Styled(one_line(name) or "the state", "strong"), f"  {counted}")
    tell_changes(out, found.changes)
    out.line(plural(found.summary.total_changes, "change"))


def tell_changes(out: Output, changes: Iterable[StateChange]) -> None:
    """Tells each change on a line: its sign, where, from what to what."""
    from stepwell.store.statechanges import words_of

    for change in changes:
        out.line("  ", _SIGNS[change.op], " ", words_of(change))


def tell_report(call: Call, report: ImportReport, more: Mapping[str, Any]) -> int:
    """Tells what became of an import's items; returns the exit code."""
    from stepwell.store.state.forms import report_form

    if call.out.json:
        call.out.document({**report_form(report), **more})
    else:
        for one in report.errors:
            call.out.note(Styled("left out ", "bad"), f"{one.item}: {one.reason}")
        call.out.line(
            f"imported {plural(report.imported, 'snapshot')}, {report.skipped:,} were there already"
        )
        if more:
            call.out.line("the configuration was taken over")
    return INCOMPLETE if report.errors else 0


def tell_statistics(out: Output, found: StateStatistics) -> None:
    """Tells the figures."""
    rows: list[tuple[str, str]] = [
        ("snapshots", f"{found.total:,} ({found.full:,} full, {found.incremental:,} incremental)"),
        ("tagged", f"{found.tagged:,}"),
        ("automatic", f"{found.automatic:,}"),
        ("states", size(found.total_size)),
        ("as stored", f"{size(found.stored_bytes)} ({found.compression_ratio or 1}x smaller)"),
    ]
    for name, value in rows:
        out.line(Styled(padded(name, 12), "dim"), " ", value)
    for name, count in found.sessions.items():
        out.line(Styled("of session  ", "dim"), f" {one_line(name, 60)}: {count:,}")
    for one in found.damaged:
        out.line(Styled("damaged", "bad"), f" {one.reason}")


def tell_state(call: Call, state: Any) -> int:
    """Tells a state as JSON that a person can read; returns the exit code."""
    text = json.dumps(state, indent=2, ensure_ascii=True, allow_nan=False)
    call.out.exact(text.encode("ascii") + b"\n")
    return 0


class AutomaticSeen:
    """What came of automatic snapshots, told as it comes."""

    def __init__(self, out: Output, wanted: int | None) -> None:
        self.made: list[StateSnapshot] = []
        self.errors: list[str] = []
        self.enough = threading.Event()
        self._out = out
        self._wanted = wanted

    def created(self, told: Mapping[str, Any]) -> None:
        """Tells one snapshot, and sets `enough` with the last that is wanted."""
        self.made.append(told["snapshot"])
        if not self._out.json:
            self._out.line(*snapshot_line(told["snapshot"], self._out.now_ns))
            self._out.out.flush()
        if self._wanted is not None and len(self.made) >= self._wanted:
            self.enough.set()

    def failed(self, told: Mapping[str, Any]) -> None:
        """Tells why one was not taken."""
        self.errors.append(told["error"])
        self._out.note(Styled("not taken: ", "bad"), told["error"])
