"""`capture`, `mark` and `unmark`: what adds to the history."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.output import Output, Piece, Styled
from stepwell.store.cli.statefiles import documents
from stepwell.store.cli.words import capped_lines, counts, covered_lines, marks, named, way_back
from stepwell.store.forms import step_form
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Covered, Step
from stepwell.store.model.text import plural

if TYPE_CHECKING:
    from stepwell.store.engine.recording import Recorded
    from stepwell.store.workspace import Workspace

INCOMPLETE = 7

_LINE = re.compile(r"(.+):([0-9]{1,9})", re.DOTALL)


def _capture(call: Call) -> int:
    given = call.arguments
    with call.open() as workspace:
        session, state = _session(plain_text(given.session)), documents(call, given.state)
        message, label = plain_text(given.message) or "", plain_text(given.label)
        tags, by = _tags(given.tags), environment.user_name()
        act = workspace.plain_act(message, session, tags, label, state, by)
        recorded = workspace.record(label=label, act=act, only_changes=not (label or tags))
        call.tell_recovery(workspace)
    if call.out.json:
        form = step_form(recorded.step)
        call.out.document({"unchanged": True, "head": form} if recorded.unchanged else form)
    else:
        _tell(call.out, recorded)
        for line in capped_lines(recorded.covered):
            call.out.note(line)
    return _tell_lost(call.out, recorded.lost)


def _session(name: str | None) -> str | None:
    if name is not None and not name.strip():
        raise UsageError("the session has no name", hint="as in --session claude:s1")
    return name


def _tags(given: list[str] | None) -> list[str]:
    tags = [plain_text(tag) or "" for tag in given or ()]
    if not all(tag.strip() for tag in tags):
        raise UsageError("a tag is empty", hint="as in --tag green")
    return tags


def _tell(out: Output, recorded: Recorded) -> None:
    step = recorded.step
    if recorded.unchanged:
        out.line("nothing changed since ", *named(step))
        return
    out.line("captured ", *named(step), *marks(step.checkpoint))
    size = counts(step.changes.added, step.changes.deleted)
    out.line("  ", plural(step.changes.files, "file"), *([" ", *size] if size else []))


def _tell_lost(out: Output, lost: tuple[Covered, ...]) -> int:
    if not lost:
        return 0
    out.note(Styled(f"{plural(len(lost), 'path')} not, or not surely, stored:", "bad"))
    for line in covered_lines(lost):
        out.note(*line)
    return INCOMPLETE


def _capture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--message",
        metavar="TEXT",
        help="what was done; lines after the first: a note, which pruning keeps",
    )
    parser.add_argument("--session", metavar="S", help="whose step it is, as AGENT:ID")
    parser.add_argument("--tag", dest="tags", metavar="T", action="append", help="may be repeated")
    parser.add_argument("--label", metavar="L", help="make it a checkpoint of this name")
    parser.add_argument(
        "--state",
        metavar="NAME=FILE",
        action="append",
        help="JSON that the step carries beside the files, and a rollback brings back; may be repeated",
    )


def _mark(call: Call) -> int:
    given = call.arguments
    if given.note is None and (given.at or given.by):
        raise UsageError("--at and --by say more about a --note", hint="give --note TEXT too")
    with call.open() as workspace:
        step, before = workspace.get_step(given.step), workspace.view()
        path, line = _place(call, workspace, step, given.at) if given.at else (None, None)
        step = workspace.mark(
            step,
            label=plain_text(given.label),
            note=plain_text(given.note),
            tags=_tags(given.tags),
            milestone=_milestone(workspace, step) if given.milestone else False,
            by=plain_text(given.by) or environment.user_name(),
            path=path,
            line=line,
        )
        call.tell_recovery(workspace)
        back = way_back(before, workspace.view())
        (tier,) = workspace.tiers_of([step])
    return _tell_mark(call.out, step, tier, back)


def _milestone(workspace: Workspace, step: Step) -> Mapping[str, Any]:
    """Returns what is measured of a milestone; of one that is a milestone already, nothing anew."""
    from stepwell.store.rules.milestones import measured  # lizard is loaded when it is needed

    known = step.checkpoint and step.checkpoint.milestone
    return {} if known is not None else measured(workspace, step)


def _place(
    call: Call, workspace: Workspace, step: Step, where: str
) -> tuple[TrackedPath, int | None]:
    """Returns path and line of PATH[:LINE]; a file whose own name ends so is taken as it is."""
    found = _LINE.fullmatch(where)
    whole = call.path(workspace, where)
    if found is None or _lines_of(workspace, step, whole) is not None:
        return whole, None
    path, line = call.path(workspace, found[1]), int(found[2])
    count = _lines_of(workspace, step, path)
    if count is not None and not 1 <= line <= count:
        raise UsageError(
            f"{found[1]} has no line {line} in step #{step.seq}",
            hint=f"it has {plural(count, 'line')}",
        )
    return path, line


def _lines_of(workspace: Workspace, step: Step, path: TrackedPath) -> int | None:
    """Returns how many lines a file has in a step; None when there is no such file."""
    try:
        return len(workspace.read_file(step, path).splitlines())
    except NotFoundError:
        return None


def _mark_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", help="@, @~2, '#12', a branch, a label, an id")
    parser.add_argument("--label", metavar="L", help="a name, by git's rules for refs")
    parser.add_argument("--note", metavar="N", help="a remark; each adds one")
    parser.add_argument("--at", metavar="PATH[:LINE]", help="what the note is about")
    parser.add_argument("--by", metavar="NAME", help="who writes the note (you)")
    parser.add_argument("--tag", dest="tags", metavar="T", action="append", help="may be repeated")
    parser.add_argument("--milestone", action="store_true", help="keep it for ever")


def _unmark(call: Call) -> int:
    given = call.arguments
    with call.open() as workspace:
        before = workspace.view()
        step = workspace.unmark(
            workspace.get_step(given.step),
            label=given.label,
            tags=_tags(given.tags),
            notes=given.notes or (),
        )
        call.tell_recovery(workspace)
        back = way_back(before, workspace.view())
        (tier,) = workspace.tiers_of([step])
    return _tell_mark(call.out, step, tier, back)


def _unmark_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", help="@, @~2, '#12', a branch, a label, an id")
    parser.add_argument("--label", action="store_true", help="take only the label away")
    parser.add_argument(
        "--tag", dest="tags", metavar="T", action="append", help="take only this tag away"
    )
    parser.add_argument(
        "--note",
        dest="notes",
        metavar="ID",
        action="append",
        help="take only this note away; stepwell show has the ids",
    )


def _tell_mark(out: Output, step: Step, tier: str, back: Sequence[Piece]) -> int:
    if out.json:
        out.document(step_form(step, tier))
    elif step.checkpoint is None:
        out.line(*named(step), " is no checkpoint", *back)
    else:
        out.line(*named(step), *marks(step.checkpoint), *back)
    return 0


COMMANDS = (
    Command(
        name="capture",
        summary="Record the folder as it is as a new step.",
        details="When nothing differs and no mark is asked for, nothing is recorded.",
        examples=('stepwell capture -m "parser accepts tabs" --tag green',),
        configure=_capture_options,
        run=_capture,
    ),
    Command(
        name="mark",
        summary="Make a step a checkpoint: give it a label, a note, tags.",
        examples=(
            'stepwell mark @ --label green --note "all tests pass"',
            'stepwell mark "#12" --note "why not a set?" --at src/app.py:40 --by ana',
        ),
        configure=_mark_options,
        run=_mark,
    ),
    Command(
        name="unmark",
        summary="Take a step's label, a tag, a note, or its whole mark away.",
        details="The step itself stays. stepwell undo brings the mark back.",
        examples=("stepwell unmark green --label", "stepwell unmark '#12'"),
        configure=_unmark_options,
        run=_unmark,
    ),
)
