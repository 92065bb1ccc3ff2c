"""`search` and `blame`: from a word to its steps, and from a line to its step."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import islice

from stepwell.store.cli.command import Call, Command, plain_text
from stepwell.store.cli.output import Output, Styled, fitted, padded
from stepwell.store.cli.words import act, age, named
from stepwell.store.environment import local_now
from stepwell.store.forms import blame_form, hit_form
from stepwell.store.model.reports import BlameLine, Hit
from stepwell.store.model.text import one_line, printable_bytes

_ON_A_SCREEN = 40
_ACT = 10


def _search(call: Call) -> int:
    given = call.arguments
    query = " ".join(plain_text(word) or "" for word in given.query)
    with call.open() as workspace:
        now = local_now()
        found = workspace.search(query, now, progress=call.out.progress)
        hits = islice(found, given.number or None)
        if call.out.json:
            listed = list(hits)
            tiers = workspace.tiers_of([hit.step for hit in listed])
            forms = [hit_form(hit, tier) for hit, tier in zip(listed, tiers, strict=True)]
            call.out.document({"hits": forms})
            return 0
        if not _tell_hits(call.out, hits):
            call.out.note("nothing holds that")
    return 0


def _tell_hits(out: Output, hits: Iterable[Hit]) -> bool:
    last = None
    for hit in hits:
        if hit.step.id != last:
            out.line(*named(hit.step), Styled(f"  {age(hit.step.time_ns, out.now_ns)}", "dim"))
            last = hit.step.id
        out.line("    ", Styled(padded(hit.where, 7), "kind"), hit.excerpt)
    return last is not None


def _search_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", dest="number", metavar="N", type=int, default=200, help="at most N; 0 all (200)"
    )
    parser.add_argument("query", nargs="+", metavar="QUERY", help="words and filters, see above")


def _blame(call: Call) -> int:
    with call.open() as workspace:
        at = workspace.get_step(call.arguments.at)
        path = call.path(workspace, call.arguments.path)
        lines = workspace.blame(path, at, progress=call.out.progress)
        if call.out.json:
            call.out.document({"lines": [blame_form(line) for line in lines]})
            return 0
    _tell_lines(call.out, lines)
    return 0


def _tell_lines(out: Output, lines: list[BlameLine]) -> None:
    digits = len(str(len(lines)))
    wide = max((len(str(line.step.seq)) for line in lines), default=1) + 1
    last = None
    for line in lines:
        step, again = line.step, line.step.id == last
        last = step.id
        who = "" if again else one_line(line.prompt or step.title, 28)
        out.line(
            Styled(padded("" if again else f"#{step.seq}", wide, right=True), "strong"),
            " ",
            Styled(padded("" if again else fitted(act(step), _ACT), _ACT), "kind"),
            Styled(padded("" if again else age(step.time_ns, out.now_ns), 4, right=True), "dim"),
            " ",
            Styled(padded(fitted(who, 28), 28), "dim"),
            Styled(f" {line.line:>{digits}} │ ", "dim"),
            printable_bytes(line.text.rstrip(b"\r\n").expandtabs(4)),
        )


def _blame_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a file of the workspace")
    parser.add_argument("--at", metavar="STEP", default="@", help="the file as it is there (@)")


COMMANDS = (
    Command(
        name="search",
        summary="Find words in titles, prompts, inputs, notes, paths and changed lines of all steps.",
        details=(
            'QUERY: words that must all occur in one text; "a phrase"; and the filters of log\n'
            "(kind: session: since: ...), which choose among the steps. Newest first."
        ),
        examples=("stepwell search parser", "stepwell search 'os.replace' path:src since:2d"),
        configure=_search_options,
        run=_search,
        after_dashes="query",
    ),
    Command(
        name="blame",
        summary="Show which step, turn and prompt each line of a file came with.",
        examples=("stepwell blame src/app.py", "stepwell blame src/app.py --at '#12' --json"),
        configure=_blame_options,
        run=_blame,
    ),
)
