"""`gc` and `rebuild`: looking after the store."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.going import DECLINED
from stepwell.store.cli.output import Output, Styled
from stepwell.store.cli.words import size
from stepwell.store.model.reports import Sealed, Stats, Swept
from stepwell.store.model.text import plural
from stepwell.store.retention import read_policy

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace


def _gc(call: Call) -> int:
    started = time.monotonic_ns()
    policy = read_policy(environment.default_config())
    grace = 0 if call.arguments.now else policy.grace_minutes
    with call.open() as workspace:
        sealed = agreed = None
        if call.asks:
            sealed = workspace.seal(progress=call.out.progress)
            agreed = _agreed(call.out, workspace, grace)
            if agreed is None:
                _tell_sealed(call.out, sealed)
                call.out.note("nothing was removed")
                return DECLINED
        done = workspace.gc(grace_minutes=grace, only=agreed, progress=call.out.progress)
        call.tell_recovery(workspace)
        over = _over(workspace.stats(), policy.max_bytes)
    took_ms = (time.monotonic_ns() - started) // 1_000_000
    if call.out.json:
        form = asdict(done.sealed)
        outer = {name: form.pop(name) for name in ("packs", "merged")}
        outer |= {"removed": asdict(done.swept), "over_bytes": over}
        call.out.document({"sealed": form, **outer, "took_ms": took_ms})
    else:
        _tell_sealed(call.out, sealed or done.sealed)
        _tell_swept(call.out, done.swept)
        if over:
            call.out.line(
                Styled("over the limit", "bad"), f" by {size(over)}: `stepwell prune` drops more"
            )
    return 0


def _agreed(out: Output, workspace: Workspace, grace: int) -> tuple[int, ...] | None:
    """Returns the steps that may go for good, asking where there are any; None: it was declined."""
    workspace.refresh()
    going = workspace.removable(grace_minutes=grace)
    if not going:
        return going
    out.line(
        Styled("would remove for good", "mark"),
        f" {plural(len(going), 'step')} that `stepwell prune` dropped, #{going[0]} to #{going[-1]}"
        if len(going) > 1
        else f" #{going[0]}, which `stepwell prune` dropped",
    )
    agreed = out.ask("remove for good? no undo brings back what is removed")
    return going if agreed else None


def _over(stats: Stats, limit: int | None) -> int:
    """Returns by how much the history exceeds the size limit; 0 when it does not."""
    return 0 if limit is None else max(0, stats.segment_bytes + stats.sealed_bytes - limit)


def _tell_sealed(out: Output, done: Sealed) -> None:
    if done.operations:
        out.line(
            Styled("sealed", "good"),
            f" {plural(done.steps, 'step')}, {plural(done.operations, 'operation')}:",
            f" {size(done.bytes_before)} in segments are {size(done.bytes_after)} in packs",
        )
    else:
        out.line("nothing to seal: everything that was recorded is sealed")
    if done.merged:
        out.line(f"{plural(done.merged, 'pack')} were merged into one")


def _tell_swept(out: Output, done: Swept) -> None:
    if done.steps:
        out.line(
            Styled("removed", "good"),
            f" {plural(done.steps, 'dropped step')} for good: {size(done.bytes_before)} are now",
            f" {size(done.bytes_after)}",
        )


def _gc_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--now", action="store_true", help="also remove what was dropped within the grace time"
    )


def _rebuild(call: Call) -> int:
    with call.open() as workspace:
        count = workspace.rebuild()
    if call.out.json:
        call.out.document({"steps": count})
    else:
        call.out.line(f"the catalogue was made anew: {plural(count, 'step')}")
    return 0


COMMANDS = (
    Command(
        name="gc",
        summary="Seal what was recorded: pack it small; remove what was dropped.",
        configure=_gc_options,
        details="What is sealed is commits of an ordinary git repository. Steps that `prune` dropped\n"
        "longer ago than the grace time (two hours, or `grace_minutes`) are removed for good; on a\n"
        "terminal it asks before that, and --yes goes on at once.\n"
        "Captures go on meanwhile. The repository is `repo.git` in the store that\n"
        "`stepwell status` names; `git log BRANCH` there lists the steps.",
        examples=("stepwell gc",),
        run=_gc,
        takes_yes=True,
    ),
    Command(
        name="rebuild",
        summary="Make the catalogue anew from the journal, and a lost journal from what is sealed.",
        details="The catalogue only speeds lists up: nothing is lost with it.",
        examples=("stepwell rebuild",),
        run=_rebuild,
    ),
)
