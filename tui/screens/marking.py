"""The forms that make a step a checkpoint: a note of several lines; label and tags as words."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.widgets import Input

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.actions import takes_it_back
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.fit import fit_path
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.marks import shown_path
from stepwell.tui.look.palette import Paint
from stepwell.tui.messages import ChangeDone
from stepwell.tui.model.marks import MarkWords, read_words, spell_words
from stepwell.tui.model.rows import called
from stepwell.tui.screens.form import Form, Lines
from stepwell.tui.source import Source
from stepwell.tui.values import Mark, Note, Step
from stepwell.tui.widgets.detail import note_lines
from stepwell.tui.widgets.entry import Draft, Entry

_NOTES = 4
"""Known notes that are shown above the entry."""


class Mended(NamedTuple):
    """A step whose mark was changed."""

    step: Step
    sentence: str


Place = tuple[bytes | None, int | None]


class NoteForm(Form["Mended | None"]):
    """Writes a note on a step, or on a line of a file of it."""

    BINDINGS = bindings_for("note", priority=True)

    def __init__(
        self,
        gateway: Gateway,
        glyphs: Glyphs,
        step: Step,
        place: Place,
        drafts: MutableMapping[str, str],
    ) -> None:
        """`drafts` keeps what was typed and not sent, by place."""
        path, line = place
        where = called(step)
        if path is not None:
            where = f"#{step.seq} {fit_path(shown_path(path), 50, glyphs.ellipsis)}:{line or 1}"
        super().__init__(gateway, glyphs, f"Note on {where}")
        self._step = step
        self._place = place
        self._drafts = drafts
        self._entry = Draft(drafts.get(self._draft, ""), id="note", soft_wrap=True)
        self._entry.styles.height = 5

    @property
    def _draft(self) -> str:
        return f"{self._step.id} {self._place}"

    @property
    def _notes(self) -> Sequence[Note]:
        mark = self._step.checkpoint
        return mark.notes[-_NOTES:] if mark else ()

    def body(self) -> ComposeResult:
        known = Lines(self._known, id="known-notes")
        known.styles.height = len(self._notes)
        known.display = bool(self._notes)
        yield known
        yield self._entry

    def _known(self, width: int, paint: Paint) -> list[Sequence[Segment]]:
        return [note_lines(note, width, paint, self.glyphs)[0] for note in self._notes]

    def on_mount(self) -> None:
        """The entry takes the keys."""
        self._entry.cursor_blink = False
        self._entry.focus()
        keys = [("ctrl+s", "save the note"), ("esc", "leave, keeping the draft")]
        self.tell_keys([*keys, ("ctrl+r", "remove the newest")] if self._notes else keys)

    def action_save(self) -> None:
        """Sends the note."""
        text = self._entry.text.strip()
        if not text:
            self.complain("an empty note is not kept")
            return
        step, (path, line), by = self._step, self._place, self.gateway.by

        def call(source: Source) -> ChangeDone:
            marked = source.mark(step, note=text, by=by, path=path, line=line)
            return ChangeDone(f"noted on #{step.seq}; {takes_it_back()}", marked)

        self.send("write the note", call)

    def action_remove(self) -> None:
        """Takes the newest note away."""
        step, notes = self._step, self._notes
        if not notes:
            self.complain("there is no note to remove")
            return

        def call(source: Source) -> ChangeDone:
            marked = source.unmark(step, notes=[notes[-1].id])
            return ChangeDone(f"removed the newest note of #{step.seq}; {takes_it_back()}", marked)

        self.send("remove the note", call)

    def done(self, message: ChangeDone) -> None:
        self._drafts.pop(self._draft, None)
        assert message.step is not None
        self.dismiss(Mended(message.step, message.sentence))

    def action_leave_form(self) -> None:
        """Leaves; what was typed is there when the form is opened again."""
        if self._entry.text.strip():
            self._drafts[self._draft] = self._entry.text
        else:
            self._drafts.pop(self._draft, None)
        super().action_leave_form()


class TagForm(Form["Mended | None"]):
    """Edits the label and tags of a step as words; an empty entry takes them away."""

    def __init__(self, gateway: Gateway, glyphs: Glyphs, step: Step) -> None:
        super().__init__(gateway, glyphs, f"Tags of {called(step)}")
        self._step = step
        self._before = _words(step.checkpoint)
        self._entry = Entry(
            spell_words(self._before),
            placeholder="green flaky label:v1",
            id="tags",
            select_on_focus=False,
        )

    def body(self) -> ComposeResult:
        yield self._entry

    def on_mount(self) -> None:
        """The entry takes the keys."""
        self._entry.cursor_blink = False
        self._entry.focus()
        self._entry.cursor_position = len(self._entry.value)
        keys = [("enter", "save"), ("esc", "leave"), ("label:NAME", "names the step")]
        self.tell_keys([*keys, ("empty", "takes all away")])

    def on_input_changed(self, message: Input.Changed) -> None:
        """An old complaint is about other words."""
        message.stop()
        self.complain("")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Sends the words."""
        message.stop()
        self.action_save()

    def action_save(self) -> None:
        """Sends the words."""
        try:
            words = read_words(self._entry.value)
        except ValueError as error:
            self.complain(str(error))
            return
        step, before = self._step, self._before

        def call(source: Source) -> ChangeDone:
            return ChangeDone(_sentence(step, words), set_words(source, step, before, words))

        if words == before:
            self.dismiss(None)
        else:
            self.send("mark the step", call)

    def done(self, message: ChangeDone) -> None:
        assert message.step is not None
        self.dismiss(Mended(message.step, message.sentence))


def set_words(source: Source, step: Step, before: MarkWords, words: MarkWords) -> Step:
    """Makes the label and tags of a step as wished for, and returns it."""
    gone = tuple(tag for tag in before.tags if tag not in words.tags)
    unlabel = before.label is not None and words.label is None
    if gone or unlabel:
        step = source.unmark(step, label=unlabel, tags=gone)
    fresh = tuple(tag for tag in words.tags if tag not in before.tags)
    label = words.label if words.label != before.label else None
    if fresh or label:
        step = source.mark(step, label=label, tags=fresh)
    return step


def _words(mark: Mark | None) -> MarkWords:
    return MarkWords(mark.label, mark.tags) if mark else MarkWords(None, ())


def _sentence(step: Step, words: MarkWords) -> str:
    now = spell_words(words)
    return f"#{step.seq} {'is ' + now if now else 'has no tags now'}; {takes_it_back()}"
