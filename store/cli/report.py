"""`report`: what a session tried, failed at and kept."""

from __future__ import annotations

import argparse

from stepwell.store.cli.command import Call, Command
from stepwell.store.report import form as json_form
from stepwell.store.report.facts import gather


def _report(call: Call) -> int:
    given = call.arguments
    form = "json" if call.out.json else given.format
    with call.open() as workspace:
        report = gather(workspace, given.session)
    if form == "json":
        call.out.document(json_form.told(report))
    elif form == "html":
        from stepwell.store.report import page

        call.out.exact(page.told(report).encode())
    else:
        from stepwell.store.report import markdown

        call.out.exact(markdown.told(report).encode())
    return 0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", help="as AGENT:ID, see stepwell sessions")
    parser.add_argument(
        "--format", choices=("md", "json", "html"), default="md", help="md, unless said otherwise"
    )


COMMANDS = (
    Command(
        name="report",
        summary="Tell what a session tried, failed at and kept.",
        details="html is one page that needs no network: stepwell report S --format html > s.html",
        examples=("stepwell report claude:demo-1", "stepwell report claude:demo-1 --format html"),
        configure=_options,
        run=_report,
    ),
)
