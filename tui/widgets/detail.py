"""What is known of the selected step, in a few lines; hidden where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stepwell.tui.look.fit import cells, clip
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import full_stamp, took
from stepwell.tui.look.numbers import grouped
from stepwell.tui.look.palette import Paint, paint_for
from stepwell.tui.model.rows import subject_of, word_of
from stepwell.tui.values import Note, Step, one_line, short

Line = Sequence[Segment]


class Detail(Widget):
    """A hairline title and the lines of one step."""

    DEFAULT_CSS = "Detail { height: 6; }"

    def __init__(self, glyphs: Glyphs, zone: tzinfo | None = None) -> None:
        super().__init__(id="detail")
        self._glyphs = glyphs
        self._zone = zone
        self._step: Step | None = None
        self._instead = ""

    def show(self, step: Step | None, instead: str = "") -> None:
        """Shows a step, or one sentence."""
        if (step, instead) != (self._step, self._instead):
            self._step, self._instead = step, instead
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        paint = paint_for(self.app.current_theme.dark)
        lines = [self._title(width, paint), *self._lines(width - 1, paint)]
        line = lines[y] if y < len(lines) else ()
        base = paint("text", "ground")
        return Strip(line).apply_style(base).adjust_cell_length(width, base)

    def _title(self, width: int, paint: Paint) -> Line:
        rule = self._glyphs.rule * max(0, width - 8)
        return [Segment(" Detail ", paint("dim")), Segment(rule, paint("faint"))]

    def _lines(self, width: int, paint: Paint) -> list[Line]:
        step = self._step
        if step is None:
            return [[Segment(f" {clip(self._instead, width - 1)}", paint("dim"))]]
        lines = [self._who(step, paint), self._what(step, width, paint), self._how(step, paint)]
        notes = step.checkpoint.notes if step.checkpoint else ()
        return [line for line in (*lines, *(self._note(n, width, paint) for n in notes)) if line]

    def _who(self, step: Step, paint: Paint) -> Line:
        word, role = word_of(step)
        session = one_line(step.session or "", 40)
        return [
            Segment(f" #{step.seq}", paint("strong", bold=True)),
            Segment(f"  {word}", paint(role)),
            Segment(f"  {full_stamp(step.time_ns, self._zone)}", paint("text")),
            Segment(f"  {session}" if session else "", paint("dim")),
        ]

    def _what(self, step: Step, width: int, paint: Paint) -> Line:
        subject = subject_of(step)
        return [Segment(f" {clip(subject, width - 1)}", paint("text"))] if subject else []

    def _how(self, step: Step, paint: Paint) -> Line:
        said = [f"{grouped(step.coverage.stored)} files"]
        if step.coverage.skipped:
            said.append(f"{grouped(step.coverage.skipped)} not stored")
        if step.coverage.unstable:
            said.append(f"{grouped(step.coverage.unstable)} unstable")
        if step.result and step.result.duration_ms is not None:
            said.append(took(step.result.duration_ms))
        if step.model:
            said.append(one_line(step.model, 24))
        dot = f" {self._glyphs.separator} "
        ids = Segment(f"  {short(step.id)}", paint("dim"))
        return [Segment(f" {dot.join(said)}", paint("dim")), ids]

    def _note(self, note: Note, width: int, paint: Paint) -> Line:
        by = f" ({one_line(note.by, 24)})" if note.by else ""
        text = clip(one_line(note.text, 400), max(4, width - 4 - cells(by)))
        sign = Segment(f" {self._glyphs.note} ", paint("note"))
        return [sign, Segment(text, paint("text")), Segment(by, paint("dim"))]
