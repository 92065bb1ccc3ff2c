"""How plans and what came of them read in the lines of the command line."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.store.cli.output import Output, Styled
from stepwell.store.cli.words import (
    ago,
    change_line,
    changed_path,
    hunk_head,
    hunk_line,
    kept_lines,
    named,
    path_lines,
    size,
    total,
    widest_path,
)
from stepwell.store.model.changes import Hunk
from stepwell.store.model.hunknames import hunks_in_words
from stepwell.store.model.patchlines import signs_of
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Applied, Kept, Plan, PlannedChanges
from stepwell.store.model.text import plural


def tell_plan(out: Output, planned: PlannedChanges) -> None:
    """Shows what a plan changes, leaves alone, and would write over."""
    plan = planned.plan
    when = ago(plan.target.time_ns, out.now_ns)
    out.line(f"{_what(plan)} ", *named(plan.target), "  ", Styled(when, "dim"))
    cells = widest_path(planned.changes)
    for change in planned.changes:
        out.line(*change_line(change, cells))
    if planned.changes:
        out.line(*total(planned.changes), f", {size(plan.bytes)} to write")
    elif not plan.conflicts:
        out.line("no file changes" if plan.keep else "no file differs")
    _warn(out, plan)


def _what(plan: Plan) -> str:
    """Returns what is done, up to the step that it leads to."""
    side = "to before" if plan.side == "before" else "to"
    if plan.operation is not None:
        branch = f" branch {plan.branch} at" if plan.branch else ""
        return f"{plan.kind} of operation {plan.operation}, back {side}{branch}"
    if plan.kind == "switch":
        return f"switch to branch {plan.branch} at"
    parts = [escape(path) or "everything" for path in plan.paths]
    parts += hunks_in_words(plan.hunks)
    named_parts = ", ".join(parts)
    if plan.kind == "merge":
        if not plan.is_whole_merge and ", " in (plan.merged or ""):
            return f"merge of {named_parts} of {plan.merged}, the first at"
        return f"merge of {f'{named_parts} of ' if parts else ''}branch {plan.merged} at"
    if plan.only:
        return f"take back{f' of {named_parts}' if parts else ''} only what was done in"
    if plan.partial:
        return f"rollback of {named_parts or 'all files, not the branch,'} {side}"
    return f"{plan.kind} {side}"


def _warn(out: Output, plan: Plan) -> None:
    if plan.keep:
        out.line("left as it is, all or in part:")
        for line in kept_lines(plan.keep):
            out.line(*line)
    if plan.kind == "switch" and plan.leaves_hooks:
        out.line(f"the hooks are recorded as a step on branch {plan.branch}")
    if plan.drift:
        out.line(Styled("in no step yet; saved first, and written over only with --force:", "bad"))
        for line in kept_lines(plan.drift):
            out.line(*line)
    if plan.conflicts:
        out.line(Styled(_conflicting(plan), "bad"))
        for line in path_lines([(one.path, one.kind) for one in plan.conflicts]):
            out.line(*line)
    for other in plan.other_sessions:
        steps = plural(other.steps, "step")
        out.line(Styled(f"takes back {steps} of another session, {other.session}", "bad"))


def _conflicting(plan: Plan) -> str:
    if plan.leaves_conflicts:
        return (
            "changed on both sides; what cannot be merged is left in the files, for you to settle:"
        )
    if plan.kind == "merge":
        return "changed on both sides, so that nothing can be done:"
    return "changed there by later work too, so that nothing can be done:"


def tell_hunks(out: Output, planned: PlannedChanges) -> None:
    """Shows hunks with their ids, and the numbers of their changed lines, for --hunk."""
    for change in planned.changes:
        if change.hunks:
            out.line()
            out.line(Styled(changed_path(change), "strong"))
        for hunk in change.hunks:
            out.line(hunk_head(hunk), Styled(f"  --hunk {hunk.id}", "dim"))
            _tell_lines(out, hunk)
    out.line()


def _tell_lines(out: Output, hunk: Hunk) -> None:
    signs = signs_of(hunk.lines)
    cells = len(str(signs.count(b"-") + signs.count(b"+")))
    number = 0
    for sign, line in zip(signs, hunk.lines, strict=True):
        is_changed = sign in b"-+"
        number += is_changed
        told = f"{number:>{cells}} " if is_changed else " " * (cells + 1)
        out.line(Styled(told, "dim"), hunk_line(line))


def dry_end(plan: Plan) -> str:
    """Returns the last line of a dry run."""
    if plan.drift or plan.other_sessions:
        return "nothing was changed; it would need --force"
    if plan.conflicts:
        return f"nothing was changed (dry run); {plural(len(plan.conflicts), 'conflict')} to settle"
    return "nothing was changed (dry run)"


def tell_done(out: Output, done: Applied, failed: Sequence[Kept], back: str | None) -> None:
    """Says where the folder stands now and how to go back; what failed goes beside it."""
    for line in kept_lines(failed):
        out.note(*line)
    saved = f"your disk is saved as #{done.safety_step.seq}"
    if not done.applied:
        at = f"at #{done.plan.target.seq}"
        if failed:
            left = f"{plural(len(failed), 'path')} could not be put back as {at}"
            out.line(Styled(f"nothing was changed: {left}", "bad"))
        elif done.plan.keep:
            out.line("nothing was changed: what differs is left as it is")
        else:
            out.line(f"nothing had to change: {_as_wanted(done.plan, at)}")
        return
    if done.plan.leaves_conflicts:
        left = plural(len(done.plan.conflicts), "conflict")
        out.line(Styled(f"stopped at {left}", "bad"), f"; {saved}; settle the files, then:")
        out.line("  stepwell merge --resolve PATH --take ours|theirs|base    takes a side")
        out.line("  stepwell merge --continue    or, to take it back: stepwell merge --abort")
        return
    branch = f"on branch {done.plan.branch} " if done.plan.branch else ""
    where = f"now {branch}at #{done.step.seq}"
    if failed:
        where += f", but {plural(len(failed), 'path')} could not be put back"
    out.line(Styled(where, "bad" if failed else "good"), f"; {saved}; take it back: {back}")


def _as_wanted(plan: Plan, at: str) -> str:
    if plan.kind == "merge":
        return f"branch {plan.merged} is merged already"
    if plan.branch is not None:
        return f"you are on branch {plan.branch}"
    if plan.only:
        return f"nothing is left of what was done in #{plan.target.seq}"
    return f"{'that part' if plan.paths or plan.hunks else 'the folder'} is as it was {at}"
