"""A report as one HTML page that needs nothing else: styles, plots and all are inside.

The page is built as a tree and serialised by the standard library, so that no text in it, however
hostile, can become markup. It runs no script and loads nothing; its policy forbids both.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from stepwell.store.model.text import printable, rfc3339
from stepwell.store.report import words
from stepwell.store.report.facts import Report, Told, Turn
from stepwell.store.report.plots import per_step, per_turn
from stepwell.store.report.tree import element

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE = """
:root { color-scheme: light dark; --page: #fbfbfa; --ink: #1d2126; --dim: #6a737d; --line: #dcdfe3;
  --card: #ffffff; --good: #1a7f4b; --bad: #c4342d; --mark: #8a6100; --lane: #2f6fd0; }
@media (prefers-color-scheme: dark) { :root { --page: #13161a; --ink: #e4e7eb; --dim: #8f99a5;
  --line: #2a3038; --card: #1a1e24; --good: #5fbf8a; --bad: #f0776d; --mark: #e0b050; --lane: #74a7f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
.dim { color: var(--dim); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem; }
.tiles dt { color: var(--dim); font-size: .8rem; } .tiles dd { margin: 0; font-size: 1.15rem; }
figure { margin: 0 0 1.5rem; overflow-x: auto; } figcaption { color: var(--dim); font-size: .85rem; }
svg { display: block; min-width: 40rem; width: 100%; height: auto; }
svg text { fill: var(--dim); font-size: 11px; }
.added { fill: var(--good); } .deleted, .failed { fill: var(--bad); } .ok { fill: var(--lane); }
.axis { stroke: var(--line); } .left { opacity: .35; } .mark { fill: var(--mark); }
details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  margin: .75rem 0; padding: .6rem .9rem; }
summary { cursor: pointer; } blockquote { margin: .6rem 0; padding-left: .8rem; white-space: pre-wrap;
  border-left: 3px solid var(--lane); overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td { padding: .15rem .6rem .15rem 0; vertical-align: top; border-top: 1px solid var(--line); }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.title { width: 100%; overflow-wrap: anywhere; }
tr.given-up td { opacity: .55; text-decoration: line-through; }
.good { color: var(--good); } .bad { color: var(--bad); } .label { color: var(--mark); }
"""


def told(report: Report) -> str:
    """Returns the whole page as text."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("meta", name="viewport", content="width=device-width"),
        element("title", f"{printable(report.session)} – Stepwell"),
        element("style", _STYLE),
    )
    page = element("html", head, element("body", _main(report)), lang="en")
    return (
        "<!doctype html>\n" + ElementTree.tostring(page, encoding="unicode", method="html") + "\n"
    )


def _main(report: Report) -> Element:
    first, last = report.steps[0].step, report.steps[-1].step
    when = f"{rfc3339(first.time_ns)} to {rfc3339(last.time_ns)}"
    return element(
        "main",
        element("h1", printable(report.session)),
        element("p", f"{when} · {printable(report.workspace)}", {"class": "dim"}),
        _tiles(report),
        element("h2", "How it went"),
        element(
            "figure",
            per_step(report),
            element("figcaption", "Lines added and deleted by each step, on a logarithmic scale; "
                    "below them the results. What was given up is pale."),
        ),
        element(
            "figure",
            per_turn(report),
            element("figcaption", "Commands that succeeded and failed in each turn."),
        ),
        element("h2", "Turn by turn"),
        *(_turn(turn) for turn in report.turns),
        *_found_by_rules(report),
        *_left_of_it(report),
    )  # fmt: skip


def _tiles(report: Report) -> Element:
    tiles = (
        element("div", element("dt", name), element("dd", value))
        for name, value in words.figures(report)
    )
    return element("dl", *tiles, {"class": "tiles"})


def _turn(turn: Turn) -> Element:
    number = "Before the first prompt" if turn.number is None else f"Turn {turn.number}"
    facts = f" · {len(turn.steps)} steps · {words.span(turn.took_ns)}"
    failed = f" · {len(turn.failed)} failed" if turn.failed else ""
    summary = element(
        "summary",
        element("strong", number),
        element("span", facts, {"class": "dim"}),
        element("span", failed, {"class": "bad"}),
    )
    prompt = [element("blockquote", _block(turn.prompt))] if turn.prompt else []
    rows = (_row(told) for told in turn.steps if told.step.kind != "prompt")
    table = element("div", element("table", *rows), {"class": "wide"})
    return element("details", summary, *prompt, table, open="open")


def _row(told: Told) -> Element:
    step = told.step
    ok = step.result is not None and step.result.ok
    title = [printable(step.title)]
    cells: Iterable[Element] = (
        element("td", f"#{step.seq}", {"class": "n dim"}),
        element("td", words.act(step)),
        element(
            "td",
            *title,
            element("span", f" {words.marked(step)}", {"class": "label"}),
            {"class": "title"},
        ),
        element("td", words.outcome(step), {"class": "n " + ("good" if ok else "bad")}),
        element("td", words.size(step), {"class": "n"}),
    )
    return element("tr", *cells, {} if told.kept else {"class": "given-up"})


def _found_by_rules(report: Report) -> list[Element]:
    if not report.verdicts:
        return []
    rows = (
        element(
            "tr",
            element("td", f"#{report.seq_of(one)}", {"class": "n dim"}),
            element("td", printable(one.rule)),
            element("td", printable(one.detail), {"class": "title"}),
            element("td", words.verdict(one), {"class": f"n {_ROLES[one.ok]}"}),
        )
        for one in report.verdicts
    )
    return [
        element("h2", "What rules found"),
        element("div", element("table", *rows), {"class": "wide"}),
    ]


_ROLES = {True: "good", False: "bad", None: "dim"}


def _left_of_it(report: Report) -> list[Element]:
    if not report.net:
        return []
    rows = (
        element(
            "tr",
            element("td", change.status),
            element("td", words.path(change), {"class": "title"}),
            element("td", words.lines(change.added, change.deleted), {"class": "n"}),
        )
        for change in report.net
    )
    return [
        element("h2", "What is left of it"),
        element("div", element("table", *rows), {"class": "wide"}),
    ]


def _block(text: str) -> str:
    return "\n".join(printable(line.expandtabs(4)) for line in text.splitlines())
