"""What is known of the selected step, in a few lines; hidden where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from textwrap import wrap

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stepwell.tui.look.fit import cells, clip, fit_path
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.look.moments import full_stamp, took
from stepwell.tui.look.numbers import grouped
from stepwell.tui.look.palette import Paint, paint_for
from stepwell.tui.model.rows import subject_of, word_of
from stepwell.tui.values import Note, Step, one_line, plural, short

Line = Sequence[Segment]
_ROOMY = 10
"""From so many lines on, long text goes on in further lines."""


class Detail(Widget):
    """A hairline title and the lines of one step; the newest notes, when there are any."""

    DEFAULT_CSS = """
    Detail { height: 4; }
    Detail.-noted { height: 6; }
    """

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
            self.set_class(bool(_notes(step)), "-noted")
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        paint = paint_for(self.app.current_theme)
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
        return [
            self._who(step, width, paint),
            *self._what(step, width, paint),
            self._how(step, paint),
            *self._remarks(step, width, paint),
        ]

    def _who(self, step: Step, width: int, paint: Paint) -> Line:
        word, role = word_of(step)
        by = one_line(step.session or step.author or "", 60)
        front = [
            Segment(f" #{step.seq}", paint("strong", bold=True)),
            Segment(f"  {word}", paint(role)),
            Segment(f"  {full_stamp(step.time_ns, self._zone)}", paint("text")),
        ]
        room = width - sum(cells(part.text) for part in front) - 2
        return [*front, Segment(f"  {clip(by, room)}" if room > 4 else "", paint("dim"))]

    @property
    def _more(self) -> int:
        """How many lines a text may take."""
        return 4 if self.size.height >= _ROOMY else 1

    def _what(self, step: Step, width: int, paint: Paint) -> list[Line]:
        return self._wrapped(subject_of(step), width - 1, paint)

    def _wrapped(self, text: str, width: int, paint: Paint) -> list[Line]:
        if not text:
            return []
        if self._more == 1:
            return [[Segment(f" {clip(text, width)}", paint("text"))]]
        lines = wrap(text, max(8, width))[: self._more]
        return [[Segment(f" {line}", paint("text"))] for line in lines]

    def _how(self, step: Step, paint: Paint) -> Line:
        said = [plural(step.coverage.stored, "file")]
        if step.coverage.skipped:
            said.append(f"{grouped(step.coverage.skipped)} not stored")
        if step.coverage.unstable:
            said.append(f"{grouped(step.coverage.unstable)} unstable")
        if step.result and step.result.exit_code:
            said.append(f"exit {step.result.exit_code}")
        if step.result and step.result.duration_ms is not None:
            said.append(took(step.result.duration_ms))
        if step.model:
            said.append(one_line(step.model, 24))
        if step.tokens:
            said.append(
                f"{grouped(step.tokens.input)} tokens in, {grouped(step.tokens.output)} out"
            )
        dot = f" {self._glyphs.separator} "
        ids = Segment(f"  {short(step.id)}", paint("dim"))
        return [Segment(f" {dot.join(said)}", paint("dim")), ids]

    def _remarks(self, step: Step, width: int, paint: Paint) -> list[Line]:
        """Notes, the newest first; what does not fit is counted."""
        lines = [
            line
            for note in reversed(_notes(step))
            for line in note_lines(note, width, paint, self._glyphs, self._more)
        ]
        room = self.size.height - 4
        if len(lines) <= max(1, room):
            return lines
        kept = lines[: max(1, room)]
        more = Segment(f"  +{len(_notes(step)) - 1} more", paint("dim"))
        return [*kept[:-1], [*kept[-1], more]] if len(_notes(step)) > len(kept) else kept


def note_lines(note: Note, width: int, paint: Paint, glyphs: Glyphs, most: int = 1) -> list[Line]:
    """Returns a note as lines of at most `width` cells: where, what, by whom."""
    where = ""
    if note.path is not None:
        where = shown_path(note.path) + (f":{note.line}" if note.line else "") + " "
        where = fit_path(where, max(8, width // 2), glyphs.ellipsis)
    by = f" ({one_line(note.by, 24)})" if note.by else ""
    sign = Segment(f" {glyphs.note} ", paint("note"))
    place = Segment(where, paint("hunk"))
    text = one_line(" ".join(note.text.split()), 400)
    room = max(4, width - 12 - cells(by) - cells(where))
    if most == 1 or cells(text) <= room:
        return [[sign, place, Segment(clip(text, room), paint("text")), Segment(by, paint("dim"))]]
    first, *rest = wrap(text, max(8, width - 4))[:most]
    lines: list[Line] = [[sign, place, Segment(first if not where else "", paint("text"))]]
    if where:
        rest = [first, *rest]
    lines += [[Segment(f"   {line}", paint("text"))] for line in rest]
    return [*lines[:-1], [*lines[-1], Segment(by, paint("dim"))]]


def _notes(step: Step | None) -> tuple[Note, ...]:
    return step.checkpoint.notes if step is not None and step.checkpoint else ()
