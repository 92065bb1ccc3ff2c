"""What speaks against a change of the workspace, as errors."""

from __future__ import annotations

from stepwell.store.engine.context import Context
from stepwell.store.engine.importing import SOME_FILES, WITHOUT_FILES
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.recording import head_step, require_head
from stepwell.store.model.errors import (
    ConflictError,
    DriftError,
    OtherSessionError,
    RefusedError,
)
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Plan
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import Merging, Step
from stepwell.store.model.text import plural


def refuse_while_merging(journal: Journal, what: str, operation: int | None) -> None:
    """Raises RefusedError while a merge is under way, unless `operation` is the one that began it."""
    merging = journal.view().merging
    if merging is not None and merging.operation != operation:
        raise merge_under_way(merging, what)


def merge_under_way(merging: Merging, what: str) -> RefusedError:
    """Returns the error for what has to wait for a merge."""
    return RefusedError(
        f"the {what} was not started: the merge of {merging.branch} is under way",
        hint="settle its conflicts and run `stepwell merge --continue`, or `stepwell merge --abort`",
        branch=merging.branch,
    )


def refuse_without_files(what: str, *steps: Step) -> None:
    """Raises RefusedError when a step's files are not all known: the disk cannot be made like it."""
    for step in steps:
        if WITHOUT_FILES in step.flags:
            why, hint = (
                "does not tell what the files were",
                "such a step can be read, not gone back to",
            )
        elif SOME_FILES in step.flags:
            why = "tells of some files only, and not what shell commands did"
            hint = f"stepwell cat '#{step.seq}:PATH' gives one of them as it was then"
        else:
            continue
        raise RefusedError(
            f"the {what} was not started: step #{step.seq} was imported from an agent's own"
            f" record, which {why}",
            hint=hint,
            step=step.id,
        )


def refuse(writer: JournalWriter, context: Context, plan: Plan, force: bool) -> None:
    """Raises what speaks against carrying a plan out now.

    Raises:
        RefusedError: a step was recorded, a branch moved, or a merge began since the preview.
        ConflictError: the plan has conflicts that cannot be left on disk.
        DriftError, OtherSessionError: not forced.
    """
    head = require_head(head_step(writer, writer.view()), context.root)
    if head.id != plan.head.id:
        raise RefusedError(
            f"the {plan.kind} was not started: step #{head.seq} was recorded since the preview",
            hint="look at a new preview",
            head=head.id,
        )
    if holds(writer.view().dropped, plan.target.seq):
        raise RefusedError(
            f"the {plan.kind} was not started: step #{plan.target.seq} was pruned since the preview",
            hint="`stepwell undo` takes the prune back",
            step=plan.target.id,
        )
    if not plan.partial or plan.kind == "merge":
        refuse_while_merging(writer, plan.kind, plan.operation)
    if plan.branch not in (None, writer.view().current):
        _refuse_moved(writer, plan)
    if plan.conflicts and not plan.leaves_conflicts:
        raise conflict(plan)
    if plan.drift and not force:
        raise _drift(plan)
    if plan.other_sessions and not force:
        names = ", ".join(o.session for o in plan.other_sessions)
        raise OtherSessionError(
            f"the {plan.kind} would take back later work of another session: {names}",
            hint="give --force to take it back too; `stepwell undo` brings it back",
            other_sessions=[{"session": o.session, "steps": o.steps} for o in plan.other_sessions],
        )


def _drift(plan: Plan) -> DriftError:
    paths = [escape(d.path) for d in plan.drift]
    return DriftError(
        f"{plural(len(paths), 'path')} to be changed would lose content that is in no step: "
        f"{', '.join(paths[:3])}{' ...' if len(paths) > 3 else ''}",
        hint="run `stepwell capture` first, or give --force: the safety step saves it",
        drift=[{"path": escape(d.path), "reason": d.reason} for d in plan.drift],
    )


def _refuse_moved(writer: JournalWriter, plan: Plan) -> None:
    """Raises unless the branch that becomes current is where the plan leads."""
    branch = writer.view().branches.get(plan.branch or "")
    if branch is None or branch.head != plan.target.id:
        what = "is gone" if branch is None else "moved"
        raise RefusedError(
            f"the {plan.kind} was not started: branch {plan.branch} {what} since",
            hint="look at a new preview, or name the branch with `stepwell switch`",
            branch=plan.branch,
        )


def conflict(plan: Plan) -> ConflictError:
    """Returns the error for a plan with conflicts that cannot be left on disk."""
    paths = [escape(one.path) for one in plan.conflicts]
    shown = f"{', '.join(paths[:3])}{' ...' if len(paths) > 3 else ''}"
    if plan.kind == "merge":
        return ConflictError(
            f"part of {plan.merged} cannot be merged on its own: both sides changed {shown}",
            hint="give --prefer ours or theirs, leave those paths out, or merge the whole branch",
            conflicts=plan.conflicts,
        )
    return ConflictError(
        f"step #{plan.target.seq} cannot be taken back on its own: later work changed the same "
        f"places of {shown}",
        hint="leave those paths out with --path, or roll back to before the later work",
        conflicts=plan.conflicts,
    )
