"""The top line: workspace, branch, number of steps, following, activity, time of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.segment import Segment

from stepwell.tui.look.fit import clip
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.numbers import buckets, grouped
from stepwell.tui.widgets.bars import Bar, length
from stepwell.tui.widgets.spark import spark_segments

_SPARK = 32
_SPARK_LEAST = 8
_ACTIVE = 2000
"""Steps that the line of bars spans."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the header says."""

    name: str = ""
    branch: str = ""
    steps: int | None = None
    """None: not read yet."""
    following: bool = True
    unseen: int = 0
    clock: str = ""
    alarm: str = ""
    """What rules found too bad; empty: nothing."""
    short: str = ""
    """What the store runs short of; empty: nothing."""
    merging: str = ""
    """Of the merge under way: the branch and what is left; empty: none."""


class Header(Bar):
    """Draws a Heading; `say` changes parts of it."""

    def __init__(self, heading: Heading, glyphs: Glyphs) -> None:
        super().__init__()
        self._heading = heading
        self._glyphs = glyphs
        self._times_ns: Sequence[int] = ()

    def say(self, **parts: Any) -> None:
        """Replaces fields of the Heading."""
        heading = replace(self._heading, **parts)
        if heading != self._heading:
            self._heading = heading
            self.refresh()

    def show_activity(self, times_ns: Sequence[int]) -> None:
        """Takes the newest steps' times, ascending."""
        self._times_ns = times_ns[-_ACTIVE:]
        self.refresh()

    def left(self, width: int) -> Sequence[Segment]:
        heading, paint = self._heading, self.paint
        parts = [
            Segment(" stepwell ", paint("accent", bold=True)),
            Segment(f" {clip(heading.name, max(8, width // 4))}", paint("strong", bold=True)),
        ]
        if heading.branch:
            name = clip(heading.branch, max(8, width // 5))
            parts.append(Segment(f"  {self._glyphs.branch} {name}", paint("branch")))
        if heading.steps is not None:
            noun = "step" if heading.steps == 1 else "steps"
            parts.append(Segment(f"  {grouped(heading.steps)} {noun}", paint("dim")))
        return [*parts, *self._news()]

    def _news(self) -> Sequence[Segment]:
        heading, paint = self._heading, self.paint
        if heading.merging:
            return [Segment(f"  merging {heading.merging}", paint("failed", bold=True))]
        if heading.alarm:
            sign = self._glyphs.failed
            return [Segment(f"  {sign} {heading.alarm}", paint("failed", bold=True))]
        if heading.short:
            return [Segment(f"  {heading.short}", paint("warning", bold=True))]
        if heading.unseen:
            text = f"  {self._glyphs.new} {grouped(heading.unseen)} new"
            return [Segment(text, paint("warning", bold=True))]
        return [Segment("  follow", paint("ok"))] if heading.following else []

    def right(self, width: int) -> Sequence[Segment]:
        clock = Segment(f"  {self._heading.clock} ", self.paint("dim"))
        room = min(_SPARK, width - length([clock]))
        if room < _SPARK_LEAST or len(self._times_ns) < 2:
            return [clock] if length([clock]) <= width else []
        values = buckets(self._times_ns, room)
        return [*spark_segments(values, self._glyphs, self.paint), clock]
