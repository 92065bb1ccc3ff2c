"""`log`: steps as lines, newest first, with lanes when several branches are listed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.graph import Lanes
from stepwell.store.cli.output import Output, Piece, Styled, cells_of, fitted, padded, text_of
from stepwell.store.cli.words import act, age, counts, marks, outcome
from stepwell.store.engine import filters
from stepwell.store.environment import local_now
from stepwell.store.forms import step_form
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.ids import StepId, short
from stepwell.store.model.steps import Step, View
from stepwell.store.model.text import one_line

if TYPE_CHECKING:
    from stepwell.store.workspace import Workspace

_ON_A_SCREEN = 20
_PAGE = 200
_ACT = 10
_SIZE = 11
_TITLE = 12
"""What is left of a title, however much stands behind it."""


def _log(call: Call) -> int:
    given = call.arguments
    wanted = filters.parse(" ".join(plain_text(w) or "" for w in given.query), local_now())
    limit = _limit(call)
    with call.open() as workspace:
        _check_branch(workspace.view(), given.branch)
        found = _matching(workspace, call, wanted)
        steps = islice(found, limit)
        if call.out.json:
            listed = list(steps)
            tiers = workspace.tiers_of(listed)
            forms = [step_form(*one) for one in zip(listed, tiers, strict=True)]
            call.out.document({"steps": forms})
            return 0
        shown = _tell(call.out, steps, workspace.view(), _lanes(call, wanted))
        if limit is not None and shown == limit and next(found, None) is not None:
            call.out.note(Styled("… there are older steps: -n 100 lists more, -n 0 all", "dim"))
    if not shown:
        call.out.note("no step fits")
    return 0


def _limit(call: Call) -> int | None:
    number: int | None = call.arguments.number
    if number is None:
        number = _ON_A_SCREEN if call.out.out.is_terminal and not call.out.json else 0
    if number < 0:
        raise UsageError("-n takes a number of steps", hint="0 stands for all")
    return min(number, sys.maxsize) or None


def _check_branch(view: View, branch: str | None) -> None:
    if branch is not None and branch not in view.branches:
        raise NotFoundError(
            f"there is no branch {branch}",
            hint=f"the branches are {', '.join(sorted(view.branches))}",
            branch=branch,
        )


def _matching(workspace: Workspace, call: Call, wanted: filters.Filter) -> Iterator[Step]:
    for step in _listed(workspace, call):
        if wanted.matches(step, workspace.changed_paths):
            yield step


def matching_steps(workspace: Workspace, query: Sequence[str]) -> Iterator[Step]:
    """Yields the steps of all branches that a query's words let through, the newest first."""
    wanted = filters.parse(" ".join(plain_text(word) or "" for word in query), local_now())
    before = None
    while page := workspace.steps(before_seq=before, limit=_PAGE, all_branches=True):
        yield from (s for s in page if wanted.matches(s, workspace.changed_paths))
        before = page[-1].seq


def _listed(workspace: Workspace, call: Call) -> Iterator[Step]:
    given = call.arguments
    before = None
    # The first page is what a screen takes, so that a short list costs no more than it shows.
    size = min(_limit(call) or _PAGE, _PAGE) + 1
    while True:
        page = workspace.steps(
            before_seq=before,
            limit=size,
            branch=given.branch,
            all_branches=given.all,
            session=None if given.branch else given.session,
        )
        yield from (step for step in page if given.session in (None, step.session))
        if len(page) < size:
            return
        before, size = page[-1].seq, _PAGE


def _lanes(call: Call, wanted: filters.Filter) -> Lanes | None:
    """Returns lanes when every step of several branches is listed; else rows hang together not."""
    return Lanes() if call.arguments.all and not wanted.terms else None


def _tell(out: Output, steps: Iterable[Step], view: View, lanes: Lanes | None) -> int:
    tips: dict[StepId, list[str]] = {}
    for branch in view.branches.values():
        tips.setdefault(branch.head, []).append(branch.name)
    current = view.branches.get(view.current)
    shown = 0
    for step in steps:
        sign = _sign(step, current is not None and step.id == current.head)
        before, own = lanes.row(step.id, step.parents, sign) if lanes else ([], sign)
        for line in before:
            out.line(Styled(line, "dim"))
        room = None if out.columns is None else out.columns - cells_of([own, "  "])
        row = _row(step, tips.get(step.id, []), out.now_ns, room)
        out.line(*_cut([own, "  ", *row], out.columns))
        shown += 1
    return shown


def _sign(step: Step, is_head: bool) -> str:
    """Returns the sign that the step has on the screen, too."""
    if step.kind == "gap":
        return "✕"
    if is_head:
        return "◉"
    if step.kind == "rollback":
        return "◆"
    return "◇" if "safety" in step.flags else "●"


def _row(step: Step, tips: list[str], now_ns: int, room: int | None) -> list[Piece]:
    """Returns a step's row; where it has no room, its title is what is cut first."""
    size = counts(step.changes.added, step.changes.deleted)
    facts: list[Piece] = [
        Styled(padded(f"#{step.seq}", 5), "strong"),
        " ",
        Styled(short(step.id), "name"),
        Styled(padded(age(step.time_ns, now_ns), 4, right=True), "dim"),
        "  ",
        Styled(padded(fitted(act(step), _ACT), _ACT), "kind"),
        " " * (_SIZE - cells_of(size)),
        *size,
        "  ",
    ]
    behind = [*outcome(step), *marks(step.checkpoint), *_tips(tips)]
    title = one_line(step.title, 80)
    if room is not None:
        title = fitted(title, max(_TITLE, room - cells_of([*facts, *behind])))
    return [*facts, Styled(title, "strong") if step.kind == "prompt" else title, *behind]


def _tips(names: list[str]) -> list[Piece]:
    return ["  ", Styled(f"↱ {', '.join(sorted(names))}", "name")] if names else []


def _cut(pieces: list[Piece], columns: int | None) -> list[Piece]:
    """Returns the pieces that fit in one line of the terminal, the last one cut."""
    if columns is None or cells_of(pieces) <= columns:
        return pieces
    kept: list[Piece] = []
    for piece in pieces:
        room = columns - cells_of(kept)
        if cells_of([piece]) > room:
            text = fitted(text_of(piece), room)
            return [*kept, text if isinstance(piece, str) else Styled(text, piece.style)]
        kept.append(piece)
    return kept


def _log_options(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--branch", metavar="B", help="of another branch than the current one")
    which.add_argument("--all", action="store_true", help="of every branch, with lanes")
    parser.add_argument("--session", metavar="S", help="of one session, as AGENT:ID")
    parser.add_argument(
        "-n",
        dest="number",
        metavar="N",
        type=int,
        help="at most N; 0 all (20 on a terminal, else all)",
    )
    parser.add_argument("query", nargs="*", metavar="QUERY", help="a filter, see above")


LOG = Command(
    name="log",
    summary="List steps, newest first.",
    details=(
        'QUERY: words that must all occur; "a phrase"; -word for not (after --); and\n'
        "path: kind: tool: tag: note: by: branch: session: since: until: status: text:"
    ),
    examples=(
        "stepwell log --all -n 50",
        "stepwell log parser status:failed since:2h",
        "stepwell log 'path:src/*.py -kind:prompt'",
    ),
    configure=_log_options,
    run=_log,
    after_dashes="query",
)
