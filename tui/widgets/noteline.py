"""The newest note of the selected step in one line, where the details have no room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.values import Note, Step
from stepwell.tui.widgets.bars import Bar
from stepwell.tui.widgets.detail import note_lines


class NoteLine(Bar):
    """Has the class `-noted` while there is a note; the stylesheet says where it is shown."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="note-line")
        self._glyphs = glyphs
        self._notes: Sequence[Note] = ()

    def show(self, step: Step | None) -> None:
        """Takes the selected step."""
        notes = step.checkpoint.notes if step is not None and step.checkpoint else ()
        if notes != self._notes:
            self._notes = notes
            self.set_class(bool(notes), "-noted")
            self.refresh()

    def left(self, width: int) -> Sequence[Segment]:
        if not self._notes:
            return ()
        return note_lines(self._notes[-1], width - 6, self.paint, self._glyphs)[0]

    def right(self, width: int) -> Sequence[Segment]:
        more = len(self._notes) - 1
        return [Segment(f"+{more} ", self.paint("dim"))] if more > 0 else ()
