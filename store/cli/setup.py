"""`init` and `status`: begin, and see where you are."""

from __future__ import annotations

import argparse
import os

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.daemon import daemon_form
from stepwell.store.cli.output import Styled
from stepwell.store.cli.words import (
    ago,
    capped_lines,
    change_line,
    left_out_lines,
    named,
    path_lines,
    size,
    total,
    widest_path,
)
from stepwell.store.forms import Form, change_form, covered_form, path_form, pending_form
from stepwell.store.mergeforms import merge_status_form
from stepwell.store.model.ids import short
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Conflict
from stepwell.store.model.reports import MergeStatus, Status
from stepwell.store.model.text import plural


def _init(call: Call) -> int:
    from stepwell.store.workspace import Workspace

    folder = os.fsdecode(call.folder)
    with Workspace.init(
        folder,
        home=call.home,
        force=call.arguments.force,
        guarded=[environment.user_folder()],
        config=environment.default_capture(),
    ) as workspace:
        step = workspace.head()
        if call.out.json:
            call.out.document(
                {
                    "workspace": workspace.id,
                    **path_form(workspace.root, "root"),
                    "store": str(workspace.store),
                    "step": step.id,
                    "seq": step.seq,
                }
            )
            return 0
        call.out.line("looking after ", Styled(escape(workspace.root), "strong"))
        call.out.line("newest step ", *named(step), f", {plural(step.coverage.stored, 'file')}")
        for line in capped_lines(workspace.covered(step)):
            call.out.note(line)
        call.out.line('go on with: stepwell capture -m "what you did", or just stepwell to browse')
    return 0


def _init_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="also a home folder, or one of that size"
    )


def status_form(status: Status, daemon: Form) -> Form:
    """Returns what `status --json` gives."""
    return {
        "workspace": status.workspace,
        **path_form(status.root, "root"),
        "store": str(status.store),
        "branch": status.branch,
        "head": status.head.id,
        "head_seq": status.head.seq,
        "dirty": [change_form(change) for change in status.dirty],
        "pending_recovery": pending_form(status),
        "merge": merge_status_form(status),
        "daemon": daemon,
        "sessions": status.sessions,
        "steps": status.steps,
        "store_bytes": status.store_bytes,
        "not_stored": [covered_form(one) for one in status.left_out],
    }


def _status(call: Call) -> int:
    with call.open() as workspace:
        status = workspace.status()
        daemon = daemon_form(workspace)
    if call.out.json:
        call.out.document(status_form(status, daemon))
        return 0
    _tell_place(call, status, daemon)
    _tell_pending(call, status)
    _tell_merging(call, status)
    _tell_dirty(call, status)
    for line in left_out_lines(status.left_out):
        call.out.line(*line)
    return 0


def _tell_place(call: Call, status: Status, daemon: Form) -> None:
    out, head = call.out, status.head
    when = ago(head.time_ns, out.now_ns)
    out.line(
        "on ", Styled(f"↱ {status.branch}", "name"), " at ", *named(head), "  ", Styled(when, "dim")
    )
    facts = [
        escape(status.root),
        plural(status.steps, "step"),
        plural(status.sessions, "session"),
        f"store {size(status.store_bytes)}",
        f"daemon {daemon['pid']}" if daemon["running"] else "no daemon",
    ]
    out.line(Styled(" · ".join(facts), "dim"))


def _tell_pending(call: Call, status: Status) -> None:
    if status.pending is None:
        return
    call.out.line()
    call.out.line(
        Styled(f"an interrupted {status.pending.kind} is pending", "bad"),
        f" ({plural(len(status.pending_paths), 'path')} left)"
        ": the next command that writes settles it; your disk before it is "
        f"{short(status.pending.safety)}",
    )


def _tell_merging(call: Call, status: Status) -> None:
    merging = status.merging
    if merging is None:
        return
    out = call.out
    out.line()
    out.line(Styled(f"the merge of {merging.branch} is under way", "bad"))
    for line in path_lines([(one.path, _settled(merging, one)) for one in merging.conflicts]):
        out.line(*line)
    out.line(
        Styled("settle the files, then: stepwell merge --continue   back: merge --abort", "dim")
    )


def _settled(merging: MergeStatus, conflict: Conflict) -> str:
    left = conflict.path in merging.unsettled
    return f"{conflict.kind}, conflict markers left" if left else conflict.kind


def _tell_dirty(call: Call, status: Status) -> None:
    out, seq = call.out, status.head.seq
    out.line()
    if not status.dirty:
        out.line(f"the disk is as at #{seq}: nothing to capture")
        return
    cells = widest_path(status.dirty)
    for change in status.dirty:
        out.line(*change_line(change, cells))
    out.line(*total(status.dirty), f" since #{seq}")
    out.line(
        Styled(
            'keep: stepwell capture -m "..."  see: stepwell diff  back: stepwell rollback @',
            "dim",
        )
    )


COMMANDS = (
    Command(
        name="init",
        summary="Start looking after a folder: register it and record its first step.",
        details=(
            "The folder is the git root around the current folder, else the current folder.\n"
            "Nothing is written into it. A folder that was moved keeps its history."
        ),
        examples=("stepwell init", "stepwell -C ~/src/shop init"),
        configure=_init_options,
        run=_init,
    ),
    Command(
        name="status",
        summary="Show where you are, and what differs on disk from the newest step.",
        examples=("stepwell status",),
        run=_status,
    ),
)
