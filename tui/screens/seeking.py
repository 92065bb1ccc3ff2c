"""Search through everything that steps said and changed; what is found leads to its step.

Results come in while the index is still being made. Another query ends the search before it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, tzinfo
from itertools import count
from typing import NamedTuple

from rich.segment import Segment
from textual.app import ComposeResult
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for, hints_for
from stepwell.tui.look.fit import clip, fit, fit_right
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.moments import AGE_CELLS, age
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import BackAsked, Failed, TextsFound
from stepwell.tui.model.hitrows import MOST, HitRow, HitRows, needle_of
from stepwell.tui.model.remedies import told
from stepwell.tui.model.rows import subject_of, word_of
from stepwell.tui.screens.underentry import UnderEntry
from stepwell.tui.values import Clock, Hit, StepwellError, plural, printable
from stepwell.tui.widgets.entry import Entry
from stepwell.tui.widgets.footer import Footer
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.pane import Pane
from stepwell.tui.widgets.sentence import Sentence

_REST_S = 0.15
"""How long nothing is typed before what is typed is looked for."""
_WORD, _WHERE, _SEQ = 8, 7, 8
_EXAMPLES = 'word   "two words"   path:src/   kind:tool   session:   since:2d'


class Found(NamedTuple):
    """What a person chose, and what was looked for."""

    query: str
    hit: Hit | None = None
    """None: nothing; the query is kept for the next time."""


class HitList(LineList):
    """A step, and below it each place that holds the words."""

    can_focus = False

    def __init__(self, clock: Clock, glyphs: Glyphs) -> None:
        super().__init__(id="texts", glyphs=glyphs)
        self._clock = clock
        self.hits = HitRows()

    def begin(self, needle: str) -> None:
        """Forgets what was found; `needle` is marked in what is found next."""
        self.hits = HitRows()
        self.mark_hits(printable(needle))
        self.set_count(0)

    def add(self, hits: Sequence[Hit]) -> None:
        """Takes further hits, below those that are listed."""
        first = not self.hits.rows
        self.hits.add(hits)
        if first:
            self.set_count(len(self.hits.rows), cursor=1)
        else:
            self.grow(len(self.hits.rows))

    @property
    def selected(self) -> HitRow | None:
        """The place under the cursor."""
        return self.hits.rows[self.cursor] if self.hits.rows else None

    def row_key(self, index: int) -> Hashable | None:
        return index

    def can_stand_on(self, index: int) -> bool:
        return self.hits.rows[index].hit is not None

    def draw_row(self, index: int, width: int) -> Sequence[Segment]:
        row = self.hits.rows[index]
        if row.hit is None:
            return self._step(row, width)
        where = Segment("    " + fit(row.hit.where, _WHERE), self.paint("accent"))
        room = max(0, width - _WHERE - 5)
        text = clip(printable(row.hit.excerpt), room, self.glyphs.ellipsis)
        return [where, Segment(text, self.paint("text"))]

    def _step(self, row: HitRow, width: int) -> Sequence[Segment]:
        word, role = word_of(row.step)
        since = age(self._clock(), row.step.time_ns)
        room = max(0, width - _SEQ - AGE_CELLS - _WORD - 5)
        subject = clip(subject_of(row.step), room, self.glyphs.ellipsis)
        return [
            Segment(fit(f" #{row.step.seq}", _SEQ), self.paint("dim")),
            Segment(fit_right(since, AGE_CELLS + 1), self.paint("dim")),
            Segment("  " + fit(word, _WORD), self.paint(role)),
            Segment(subject, self.paint("strong", bold=True)),
        ]


class SeekScreen(UnderEntry, Screen[Found]):
    """The entry takes the keys; arrows choose among what is found."""

    BINDINGS = bindings_for("seek", priority=True)
    _list: HitList
    CSS = """
    SeekScreen { layout: vertical; }
    SeekScreen #seek-query {
        height: 1; border: none; padding: 0 1; background: $panel;
    }
    """

    def __init__(
        self, gateway: Gateway, clock: Clock, zone: tzinfo | None, glyphs: Glyphs, query: str
    ) -> None:
        """`query`: what was looked for last."""
        super().__init__()
        self._gateway = gateway
        self._clock = clock
        self._zone = zone
        self._list = HitList(clock, glyphs)
        self._entry = Entry(query, placeholder=_EXAMPLES, id="seek-query", select_on_focus=True)
        self._status = Sentence(id="seek-status")
        self._footer = Footer()
        self._generations = count(1)
        self._generation = 0
        self._query = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._entry
        yield Pane("S", self._list, id="texts-pane")
        yield self._status
        yield self._footer

    def on_mount(self) -> None:
        """Looks for what was looked for last."""
        self._entry.cursor_blink = False
        self._entry.focus()
        self._list.set_caption("Everything that was said and changed")
        self._footer.show_hints(hints_for("seek"))
        self._tell("type words to search titles, prompts, inputs, notes, paths and changes", "dim")
        if self._entry.value:
            self._begin()

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._gateway.stop_search("texts")

    def _tell(self, text: str, role: str) -> None:
        self._status.say(f" {text}", role)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Another query; it is looked for when the keys rest."""
        message.stop()
        self._gateway.stop_search("texts")
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_REST_S, self._begin)

    def _begin(self) -> None:
        query = self._entry.value.strip()
        self._query = query
        self._generation = next(self._generations)
        self._list.begin(needle_of(query))
        self._list.set_caption("Everything that was said and changed", "")
        if not query:
            self._gateway.stop_search("texts")
            self._tell("type words", "dim")
            return
        now = datetime.fromtimestamp(self._clock() / 1_000_000_000, self._zone).astimezone()
        self._tell("searching", "dim")
        self._gateway.search_texts(self.post_message, self._generation, query, now)

    def on_texts_found(self, message: TextsFound) -> None:
        """Lists what was found, and says how far the search is."""
        if message.generation != self._generation:
            return
        if message.error is not None:
            self._refuse(message.error)
            return
        if message.hits:
            self._list.add(message.hits)
        hits = self._list.hits
        self._list.set_caption("Everything that was said and changed", grouped(hits.places))
        found = f"{plural(hits.places, 'place')} in {plural(hits.steps, 'step')}"
        if not message.last:
            self._tell(f"{found}, {message.doing}", "dim")
        elif hits.full:
            self._tell(f"the newest {grouped(MOST)} places: a further word narrows them", "warning")
        else:
            self._tell(
                found if hits.places else "nothing holds that", "ok" if hits.places else "warning"
            )

    def on_failed(self, message: Failed) -> None:
        """Says what could not be read."""
        self._refuse(message.error)

    def _refuse(self, error: StepwellError) -> None:
        self._tell(told(error), "failed")

    def on_back_asked(self, message: BackAsked) -> None:
        """Leaves."""
        message.stop()
        self.action_leave_seek()

    def action_go(self) -> None:
        """Leaves for the place under the cursor, once what is typed was looked for."""
        if self._entry.value.strip() != self._query:
            self._begin()
            return
        row = self._list.selected
        if row is not None and row.hit is not None:
            self.dismiss(Found(self._entry.value, row.hit))

    def action_leave_seek(self) -> None:
        """Leaves for where one was."""
        self.dismiss(Found(self._entry.value))
