"""The plots of the page, as SVG elements: coordinates only, all colours are the page's classes."""

from __future__ import annotations

from math import log2
from xml.etree.ElementTree import Element

from stepwell.store.model.text import printable
from stepwell.store.report import words
from stepwell.store.report.facts import Report, Told
from stepwell.store.report.tree import element

_WIDTH = 1000
_MIDDLE = 90
_TALLEST = 80
_DOT = 4
_NARROWEST = 1.5


def per_step(report: Report) -> Element:
    """Returns bars up for added and down for deleted lines of each step, and a dot for its result."""
    told = report.steps
    room = _WIDTH / max(len(told), 1)
    most = max((max(t.step.changes.added, t.step.changes.deleted) for t in told), default=0)
    parts = [_line(_MIDDLE)]
    for place, one in enumerate(told):
        parts.append(_column(one, place * room, room, most))
    return _drawing(200, parts)


def _column(one: Told, x: float, room: float, most: int) -> Element:
    step, wide = one.step, max(min(room * 0.7, 24), _NARROWEST)
    left = x + (room - wide) / 2
    up, down = (_tall(n, most) for n in (step.changes.added, step.changes.deleted))
    parts = [
        element(
            "title", printable(f"#{step.seq} {words.act(step)}: {step.title} {words.size(step)}")
        ),
        _bar(left, _MIDDLE - up, wide, up, "added"),
        _bar(left, _MIDDLE, wide, down, "deleted"),
    ]
    if step.result is not None:
        kind = "ok" if step.result.ok else "failed"
        radius = min(_DOT, max(room / 2, _NARROWEST))
        parts.append(element("circle", {"class": kind}, cx=x + room / 2, cy=188, r=radius))
    if step.checkpoint is not None:
        parts.append(_bar(left, 0, wide, 4, "mark"))
    return element("g", *parts, {} if one.kept else {"class": "left"})


def per_turn(report: Report) -> Element:
    """Returns a column a turn: commands that succeeded, and above them those that failed."""
    turns = [turn for turn in report.turns if turn.prompt is not None]
    room = _WIDTH / max(len(turns), 1)
    most = max((turn.commands for turn in turns), default=0) or 1
    parts = [_line(_TALLEST)]
    for place, turn in enumerate(turns):
        wide = min(room * 0.6, 60)
        x = place * room + (room - wide) / 2
        failed = len(turn.failed) * _TALLEST / most
        fine = (turn.commands - len(turn.failed)) * _TALLEST / most
        parts += [
            _bar(x, _TALLEST - fine, wide, fine, "ok"),
            _bar(x, _TALLEST - fine - failed, wide, failed, "failed"),
            element("text", str(turn.number), {"text-anchor": "middle"}, x=x + wide / 2, y=98),
        ]
    return _drawing(104, parts)


def _drawing(height: int, parts: list[Element]) -> Element:
    return element("svg", *parts, viewBox=f"0 0 {_WIDTH} {height}", role="img")


def _line(y: float) -> Element:
    return element("line", {"class": "axis"}, x1=0, y1=y, x2=_WIDTH, y2=y)


def _bar(x: float, y: float, wide: float, tall: float, kind: str) -> Element:
    return element("rect", {"class": kind}, x=x, y=y, width=wide, height=max(tall, 0))


def _tall(count: int, most: int) -> float:
    return 0 if count == 0 else max(2.0, _TALLEST * log2(count + 1) / log2(most + 1))
