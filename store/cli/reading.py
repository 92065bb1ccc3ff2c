"""`show`, `diff` and `cat`; `log` has a file of its own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.listing import LOG
from stepwell.store.cli.milestonewords import milestone_lines
from stepwell.store.cli.output import Output, Piece, Styled
from stepwell.store.cli.words import (
    act,
    ago,
    change_line,
    changed_path,
    covered_lines,
    hunk_head,
    hunk_line,
    marks,
    outcome,
    size,
    token_words,
    total,
    widest_path,
)
from stepwell.store.forms import Form, change_form, shown_step_form
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.paths import TrackedPath, escape, unescape
from stepwell.store.model.steps import Note, Step
from stepwell.store.model.text import plural, rfc3339

if TYPE_CHECKING:
    from stepwell.store.state.values import StateChange
    from stepwell.store.workspace import Workspace

_STEP = "@, @~2, '#12', a branch, a label, an id"
_BAR = 24
_TEXT_LINES = 12
_COVERED = 20


def _show(call: Call) -> int:
    with call.open() as workspace:
        step = workspace.with_account(workspace.get_step(call.arguments.step))
        changes = workspace.step_changes(step)
        texts = {
            "prompt": workspace.text(step.prompt),
            "input": workspace.text(step.input),
            "result_text": workspace.text(step.result_text),
            "said": workspace.text(step.said),
        }
        covered = workspace.covered(step)
        states = _state_changes(workspace, step)
        if call.out.json:
            base = workspace.get_step(step.parents[0]).snapshot if step.parents else None
            form = shown_step_form(step, changes, covered, texts, base)
            tier = workspace.tiers_of([step])[0]
            where = {"tier": tier, "stands_for": workspace.stands_for(step)}
            call.out.document({**form, **where, **_states_form(workspace, step, states)})
            return 0
        folded = workspace.stands_for(step)
    _tell_step(call.out, step, folded)
    for name, text in texts.items():
        _tell_text(call.out, name.replace("_", " "), text)
    if covered:
        call.out.line()
        call.out.line(Styled("not stored:", "dim"))
        for line in covered_lines(covered[:_COVERED]):
            call.out.line(*line)
        if len(covered) > _COVERED:
            more = plural(len(covered) - _COVERED, "more path")
            call.out.line(Styled(f"  … {more}: see --json", "dim"))
    if states:
        from stepwell.store.cli.statewords import tell_changes

        call.out.line()
        call.out.line(Styled("state:", "dim"))
        tell_changes(call.out, states)
    call.out.line()
    _tell_stat(call.out, changes)
    _tell_hunks(call.out, changes)
    return 0


def _state_changes(workspace: Workspace, step: Step) -> Sequence[StateChange]:
    if step.state is None and not step.parents:
        return ()
    from stepwell.store.statechanges import own_state_changes

    return own_state_changes(workspace, step)


def _states_form(workspace: Workspace, step: Step, changes: Sequence[StateChange]) -> Form:
    from stepwell.store.state.forms import state_change_form

    return {
        "states": workspace.states(step),
        "state_changes": [state_change_form(change) for change in changes],
    }


def _tell_step(out: Output, step: Step, folded: int) -> None:
    out.line(
        Styled(f"step #{step.seq}", "strong"), " ", Styled(step.id, "name"), *marks(step.checkpoint)
    )
    out.line(Styled(step.title, "strong"), *outcome(step))
    when = f"{rfc3339(step.time_ns)} ({ago(step.time_ns, out.now_ns)})"
    kind = act(step) if act(step) == step.kind else f"{step.kind}, {act(step)}"
    facts = [("when", when), ("branch", step.branch), ("kind", kind)]
    facts += [("session", step.session)] if step.session else []
    facts += [("turn", str(step.turn))] if step.turn is not None else []
    facts += [("model", step.model)] if step.model else []
    facts += [("tokens", token_words(step.tokens))] if step.tokens else []
    facts += [("author", step.author)] if step.author else []
    facts += [("source", step.source)] if step.source else []
    facts += [("reason", step.reason)] if step.reason else []
    facts.append(("new", f"{size(step.raw_bytes)}, {size(step.stored_bytes)} in the store"))
    facts += (
        [("folded", f"{plural(folded, 'dropped step')} before it: its diff is theirs, too")]
        if folded
        else []
    )
    milestone = step.checkpoint.milestone if step.checkpoint else None
    facts += [("project", line) for line in milestone_lines(milestone or {})]
    for name, value in facts:
        out.line(Styled(f"{name:<8}", "dim"), " ", value)
    for note in step.checkpoint.notes if step.checkpoint else ():
        _tell_note(out, note)


def _tell_note(out: Output, note: Note) -> None:
    """Writes `✎ text  src/app.py:12  ana, 3h ago  3fa9c1d2`, all behind the text's last line."""
    *lines, last = note.text.expandtabs(4).split("\n")
    head: list[Piece] = [Styled("note    ", "dim"), " "]
    for number, line in enumerate([*lines, last]):
        end = _about(note, out.now_ns) if number == len(lines) else []
        sign = "  " if number else "✎ "
        out.line(*(head if not number else [" " * 9]), Styled(sign + line, "mark"), *end)


def _about(note: Note, now_ns: int) -> list[Piece]:
    line = "" if note.line is None else f":{note.line}"
    place = "" if note.path is None else f"  {escape(note.path)}{line}"
    who = ", ".join(part for part in (note.by, ago(note.time_ns, now_ns)) if part)
    return [place, Styled(f"  {who}  {note.id}", "dim")]


def _tell_text(out: Output, name: str, text: str | None) -> None:
    if text is None:
        return
    lines = text.splitlines()
    out.line()
    out.line(Styled(f"{name}:", "dim"))
    for line in lines[:_TEXT_LINES]:
        out.line("  ", line.expandtabs(4))
    if len(lines) > _TEXT_LINES:
        out.line(Styled(f"  … {plural(len(lines) - _TEXT_LINES, 'more line')}: see --json", "dim"))


def _diff(call: Call) -> int:
    given = call.arguments
    old, new = _sides(given.steps)
    if given.patch and given.ignore_space:
        raise UsageError("a patch that ignores white space would not apply", hint="leave out -w")
    with call.open() as workspace:
        a = workspace.get_step(old)
        b = None if new is None else workspace.get_step(new)
        paths = _wanted_paths(call, workspace)
        if given.patch and not call.out.json:
            call.out.exact(workspace.patch(a, b, paths=paths))
            return 0
        changes = workspace.diff(
            a,
            b,
            paths=paths,
            hunks=call.out.json or not given.stat,
            ignore_space=given.ignore_space,
        )
    if call.out.json:
        call.out.document({"changes": [change_form(change) for change in changes]})
        return 0
    _tell_stat(call.out, changes, bars=given.stat)
    if not given.stat:
        _tell_hunks(call.out, changes)
    return 0


def _sides(steps: list[str]) -> tuple[str, str | None]:
    if len(steps) > 2:
        raise UsageError(
            f"diff compares two steps, not {len(steps)}",
            hint="paths come after --, as in stepwell diff @~1 @ -- src",
        )
    return steps[0] if steps else "@", steps[1] if len(steps) == 2 else None


def _wanted_paths(call: Call, workspace: Workspace) -> list[TrackedPath]:
    """Returns the paths as typed, and also as the JSON forms spell them."""
    paths = [call.path(workspace, argument) for argument in call.arguments.paths]
    return list(dict.fromkeys([*paths, *(unescape(os.fsdecode(path)) for path in paths)]))


def _tell_stat(out: Output, changes: tuple[Change, ...], *, bars: bool = False) -> None:
    if not changes:
        out.line("no difference")
        return
    cells = widest_path(changes)
    most = max(change.added + change.deleted for change in changes)
    for change in changes:
        out.line(*change_line(change, cells), *(_bar(change, most) if bars else []))
    out.line(*total(changes))


def _bar(change: Change, most: int) -> list[Piece]:
    changed = change.added + change.deleted
    if not changed:
        return []
    length = max(1, changed * _BAR // most) if most > _BAR else changed
    plus = round(length * change.added / changed)
    return ["  ", Styled("+" * plus, "good"), Styled("-" * (length - plus), "bad")]


def _tell_hunks(out: Output, changes: tuple[Change, ...]) -> None:
    for change in changes:
        if not change.hunks:
            continue
        out.line()
        out.line(Styled(f"{change.status} {changed_path(change)}", "strong"))
        for hunk in change.hunks:
            out.line(hunk_head(hunk))
            for line in hunk.lines:
                out.line(hunk_line(line))


def _diff_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "steps",
        nargs="*",
        metavar="STEP",
        help=f"A and B: {_STEP}; A is @ and B the disk if left out",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--stat", action="store_true", help="only how much changed where")
    how.add_argument("--patch", action="store_true", help="what git apply takes")
    how.add_argument(
        "-w",
        "--ignore-space",
        action="store_true",
        help="no lines that differ in white space only",
    )
    parser.set_defaults(paths=[])


def _cat(call: Call) -> int:
    reference, colon, name = call.arguments.what.partition(":")
    if not colon or not name:
        raise UsageError(
            f"{call.arguments.what} does not name a file of a step",
            hint="write STEP:PATH, as in @~1:src/app.py",
        )
    with call.open() as workspace:
        content = _content(
            workspace, workspace.get_step(reference), _file_paths(call, workspace, name)
        )
    call.out.exact(content)
    return 0


def _file_paths(call: Call, workspace: Workspace, name: str) -> list[TrackedPath]:
    """Returns what the name may mean: from the workspace's root, or from the folder for `./`."""
    if name.startswith(("/", "./", "../")):
        path = call.path(workspace, name)
    else:
        path = TrackedPath(os.path.normpath(os.fsencode(name)))
    return list(dict.fromkeys([path, unescape(os.fsdecode(path))]))


def _content(workspace: Workspace, step: Step, paths: list[TrackedPath]) -> bytes:
    for path in paths[:-1]:
        try:
            return workspace.read_file(step, path)
        except NotFoundError:
            continue
    return workspace.read_file(step, paths[-1])


COMMANDS = (
    LOG,
    Command(
        name="show",
        summary="Show one step: what it was, what it changed, what it could not store.",
        examples=("stepwell show @", "stepwell show '#12' --json"),
        configure=lambda parser: parser.add_argument("step", metavar="STEP", help=_STEP),
        run=_show,
    ),
    Command(
        name="diff",
        summary="Show what turns step A into step B, or into the disk as it is.",
        examples=(
            "stepwell diff",
            "stepwell diff green @ --stat",
            "stepwell diff @~3 @ --patch -- src | git apply --check",
        ),
        configure=_diff_options,
        run=_diff,
        after_dashes="paths",
    ),
    Command(
        name="cat",
        summary="Write a file as it was at a step, byte for byte.",
        details="PATH begins at the workspace's root; ./PATH at the current folder.",
        examples=("stepwell cat @~1:src/app.py > app.old.py",),
        configure=lambda parser: parser.add_argument("what", metavar="STEP:PATH", help="one file"),
        run=_cat,
        takes_json=False,
    ),
)
