"""`experiment pick` and `experiment judge`: parts of candidates merged, and what is thought of one."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from stepwell.store import environment
from stepwell.store.cli.command import Call, plain_text
from stepwell.store.cli.going import Verb, travel
from stepwell.store.cli.output import Output, Styled
from stepwell.store.cli.words import named, way_back
from stepwell.store.forms import step_form
from stepwell.store.mergeforms import merge_form
from stepwell.store.model.errors import UsageError
from stepwell.store.model.experiments import VERDICTS, Verdict, verdict_of
from stepwell.store.model.text import one_line

if TYPE_CHECKING:
    from stepwell.store.model.plans import PlannedChanges
    from stepwell.store.model.steps import Mark
    from stepwell.store.workspace import Workspace

_NOTE = 200
_LINES = 4
_STYLES = re.compile(r"\x1b\[[0-9;]*[mK]")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what promote, pick and judge are given."""
    add = parser.add_argument
    add(
        "--hunk",
        dest="hunks",
        metavar="ID[:LINES]",
        action="append",
        help="of pick: only this hunk, by its id in stepwell diff BASE NAME/LABEL --json, or with :1,3-5 these of its changed lines",
    )
    add("--note", metavar="N", help="of judge: why")
    add("--prefer", choices=("ours", "theirs"), help="of promote, pick: who wins where two clash")
    add("--dry-run", action="store_true", help="of promote, pick: show the plan, change nothing")
    add("--force", action="store_true", help="of promote, pick: as in merge")


def pick(call: Call, opened: Callable[[Call], Workspace]) -> int:
    """Merges what is named as LABEL:PATH, and hunks, into the current branch."""
    given = call.arguments
    name, *places = given.names

    def plan(workspace: Workspace) -> PlannedChanges:
        return workspace.plan_picks(
            plain_text(name) or "",
            paths=_paths(call, workspace, places),
            hunks=given.hunks or (),
            prefer=given.prefer,
        )

    return travel(call, Verb("merge the picks?", plan, form=merge_form, open=opened))


def _paths(call: Call, workspace: Workspace, places: Sequence[str]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for place in places:
        label, sign, path = place.partition(":")
        if not (label and sign and path):
            raise UsageError(
                f"pick takes LABEL:PATH, not {place}", hint="as in lru:app/cache.py, or lru:app"
            )
        found.append((plain_text(label) or "", call.path(workspace, path)))
    return found


def judge(call: Call) -> int:
    """Gives a candidate a verdict, and on request a note."""
    given = call.arguments
    name, label, word = (plain_text(text) or "" for text in given.names)
    with call.open() as workspace:
        before = workspace.view()
        step = workspace.judge(
            name,
            label,
            _verdict(word),
            note=plain_text(given.note),
            by=environment.user_name(),
        )
        call.tell_recovery(workspace)
        back = way_back(before, workspace.view())
        (tier,) = workspace.tiers_of([step])
    if call.out.json:
        call.out.document(step_form(step, tier))
    else:
        said = "has no verdict" if word == "none" else f"is {word}"
        call.out.line(Styled(label, "name"), f" of {name} {said}: ", *named(step), *back)
    return 0


def _verdict(word: str) -> Verdict | None:
    found = verdict_of([word])
    if found is None and word != "none":
        raise UsageError(
            f"{word!r} is no verdict", hint=f"the verdicts are {', '.join(VERDICTS)}, and none"
        )
    return found


def last_lines(said: str) -> list[str]:
    """Returns the last lines of an output that hold anything, without the styles of a terminal."""
    lines = [line.rstrip() for line in _STYLES.sub("", said).splitlines()]
    return [line for line in lines if line][-_LINES:]


def tell_opinion(out: Output, mark: Mark) -> None:
    """Tells a candidate's verdict and newest note, if it has any."""
    verdict = verdict_of(mark.tags)
    if verdict is not None:
        out.line("      ", Styled(verdict, "good" if verdict == "accepted" else "bad"))
    if mark.notes:
        out.line("      ", Styled("note: ", "dim"), one_line(mark.notes[-1].text, _NOTE))
