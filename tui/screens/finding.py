"""`/` searches the pane in focus and hides nothing; `f` lists only the steps that fit a filter.

Both look through everything on another thread; what they find is shown as it comes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from itertools import count
from typing import Literal, NamedTuple

from textual.timer import Timer

from stepwell.tui.gateway import Gateway, filter_words, read_filter
from stepwell.tui.keys.actions import key_of
from stepwell.tui.keys.bindings import hints_for
from stepwell.tui.look.numbers import grouped
from stepwell.tui.messages import LinesFound, StepsFound
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.model.filterwords import completed, without_last, words_of
from stepwell.tui.model.hits import Hits
from stepwell.tui.model.listed import merged
from stepwell.tui.screens.panes import PaneName
from stepwell.tui.values import Clock, StepwellError, plural, printable
from stepwell.tui.widgets.chips import Chips
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.prompt import Prompt
from stepwell.tui.widgets.timeline import Timeline

_REST_S = 0.12
"""How long nothing is typed before what is typed is looked for."""

_EXAMPLES = "word  -word  path:src/  kind:tool  status:failed  tag:  note:  since:2h"


class Places(NamedTuple):
    """The widgets that are searched, and those that say what for."""

    timeline: Timeline
    files: FileList
    diff: DiffView
    prompt: Prompt
    chips: Chips


Later = Callable[[float, Callable[[], object]], Timer]


class Filtering:
    """The filter of the timeline: as typed, as applied, and what it let through so far."""

    def __init__(
        self, places: Places, gateway: Gateway, now: Callable[[], datetime], later: Later
    ) -> None:
        self._places = places
        self._gateway = gateway
        self._now = now
        self._later = later
        self._timer: Timer | None = None
        self._resting: str | None = None
        """What was typed last and is not applied yet."""
        self._generations = count(1)
        self._generation = 0
        self._found: array[int] = array("q")
        self._hits: Hits | None = None
        """What was found, to be walked through; None: nobody has, since there was more."""
        self._looked = 0
        self._first = False
        self._done = True
        self.query = ""
        """The filter that is applied; empty: none."""
        self._newest = 0

    def typed(self, query: str) -> None:
        """Another filter is typed; it is looked for when the keys rest."""
        self._stop_timer()
        if self._complaint(query) is None:
            self._resting = query
            self._timer = self._later(_REST_S, lambda: self._rested(query))

    def _stop_timer(self) -> None:
        self._resting = None
        if self._timer is not None:
            self._timer.stop()

    def _rested(self, query: str) -> None:
        # A timer that is stopped may have gone off already, its call waiting behind a key.
        if self._resting == query:
            self.apply(query)

    def _complaint(self, query: str) -> StepwellError | None:
        """Says where a filter cannot be read; None: it can."""
        try:
            read_filter(query, self._now())
        except StepwellError as error:
            position = int(error.facts.get("position", 0)) + 1
            reason = error.message.partition(": ")[2]
            self._places.prompt.report(f"at {position}: {printable(reason)}", "failed")
            return error
        self._places.prompt.report("")
        return None

    def apply(self, query: str) -> StepwellError | None:
        """Lists what fits from now on; an empty query lists everything. Returns why it cannot."""
        self._stop_timer()
        if query.strip() == self.query and query.strip():
            return None
        error = self._complaint(query)
        if error is not None:
            return error
        self.query = query.strip()
        self._found, self._hits, self._looked = array("q"), None, 0
        self._generation = next(self._generations)
        if not self.query:
            self._gateway.stop_search("filter")
            self._places.timeline.take_filter(None)
            self._tell(last=True)
            return None
        self._first = True
        self._search(0)
        return None

    def _search(self, newer_than: int) -> None:
        columns = self._places.timeline.columns
        self._newest = columns.seqs[-1] if len(columns) else 0
        wanted = read_filter(self.query, self._now())
        self._gateway.search_steps("filter", self._generation, wanted, newer_than)

    def grown(self) -> None:
        """There are new steps: looks at them, too."""
        if not self.query:
            return
        columns = self._places.timeline.columns
        if len(columns) and columns.seqs[-1] > self._newest and not self._first:
            self._search(self._newest)

    def take(self, message: StepsFound) -> None:
        """Lists what was found, below or above what is listed."""
        if message.generation != self._generation or not self.query:
            return
        timeline = self._places.timeline
        ordinals = (timeline.columns.ordinal(seq) for seq in message.seqs)
        self._found, self._hits = merged(self._found, ordinals), None
        self._looked = message.looked
        if message.seqs or self._first or not timeline.filtered:
            timeline.take_filter(self._found, message.steps)
        if message.last:
            self._first = False
        self._tell(message.last)

    def _tell(self, last: bool) -> None:
        self._done = last
        of = None if last else self._looked
        dims = self._places.timeline.dims
        self._places.chips.show(words_of(self.query), len(self._found), of, dims=dims)

    def dim(self) -> str:
        """Dims the steps that do not fit instead of hiding them, or the reverse; returns what is to be said."""
        if not self.query:
            return f"no filter is set: {key_of('everywhere.filter')} sets one"
        dims = self._places.timeline.dim()
        self._tell(self._done)
        if not dims:
            return "only the steps that fit are listed"
        onward = key_of("everywhere.find_next_forward")
        return f"the other steps are faint; {onward} goes to the next one that fits"

    @property
    def dims(self) -> bool:
        """There is a filter that hides nothing."""
        return bool(self.query) and self._places.timeline.dims

    def step(self, way: int) -> str:
        """Goes to the next step that fits, or the previous one; returns what is to be said."""
        if self._hits is None:
            self._hits = Hits()
            self._hits.add([-ordinal for ordinal in self._found])
        timeline = self._places.timeline
        found = self._hits.next(timeline.reading_position, way)
        if not self._done and (found is None or found[1]):
            return "still looking for steps that fit: none is found that way yet"
        if found is None:
            return "no step fits"
        timeline.go_to_position(found[0])
        if found[1]:
            return "round the end, from the top" if way > 0 else "round the top, from the end"
        return ""

    def drop_last(self) -> bool:
        """Takes the last term away; tells whether there was one."""
        if not self.query:
            return False
        self.apply(without_last(self.query))
        return True

    def complete(self, text: str) -> str:
        """Returns what is typed with its last word completed."""
        keys, values = filter_words()
        return completed(text, keys, values)


class Searching:
    """The text that is searched for in one pane, and where it was found."""

    def __init__(self, places: Places, gateway: Gateway) -> None:
        self._places = places
        self._gateway = gateway
        self._generations = count(1)
        self._generation = 0
        self._hits = Hits()
        self._origin = 0
        self._seeking = False
        self._done = False
        self._steps: list[int] = []
        """Ways to the next hit that were asked for before it was found."""
        self._rows: DiffRows | None = None
        """The diff that is searched, or whose files are."""
        self.pane: PaneName = "timeline"
        self.needle = ""
        """Empty: nothing is searched for."""

    def begin(self, pane: PaneName) -> None:
        """A search starts where the cursor of a pane stands."""
        if pane != self.pane:
            self.clear()
        self.pane = pane
        self._origin = self._position()

    def look_for(self, needle: str) -> None:
        """Looks for a text from where the search began; marks it and goes to the first hit."""
        self.needle = needle
        self._hits, self._done, self._steps = Hits(), False, []
        self._generation = next(self._generations)
        self._list().mark_hits(needle)
        self._seeking = bool(needle)
        if not needle:
            self._gateway.stop_search("find")
            self._go(self._origin)
            self._tell()
        else:
            self._look()

    def look_anew(self) -> None:
        """Looks for the same text in what files and diff show now, if they show something else.

        The cursor stays where it is, unless it is still on its way to a hit.
        """
        if not self.needle or self.pane == "timeline" or self._places.diff.rows is self._rows:
            return
        self._seeking = self._seeking and not self._done
        self._hits, self._done = Hits(), False
        self._generation = next(self._generations)
        self._tell()
        self._look()

    def _look(self) -> None:
        needle, rows = self.needle, self._places.diff.rows
        self._rows = None if self.pane == "timeline" else rows
        if self.pane == "files":
            self._take(self._places.files.rows_with(needle), last=True)
        elif self.pane == "diff":
            self._gateway.search_lines(self._generation, rows, needle)
        else:
            quoted = '"' + needle.replace("\\", "\\\\").replace('"', '\\"') + '"'
            wanted = read_filter(f"text:{quoted}", datetime.now())
            self._gateway.search_steps("find", self._generation, wanted)

    def take_steps(self, message: StepsFound) -> None:
        """Takes steps that hold the text."""
        if message.generation == self._generation and self.pane == "timeline" and self.needle:
            ordinals = [self._places.timeline.columns.ordinal(seq) for seq in message.seqs]
            self._take([-ordinal for ordinal in ordinals], message.last)

    def take_lines(self, message: LinesFound) -> None:
        """Takes lines that hold the text."""
        if message.generation == self._generation and self.pane == "diff" and self.needle:
            self._take(message.rows, message.last)

    def _take(self, positions: Sequence[int], last: bool) -> None:
        self._hits.add(positions)
        self._done = last
        if self._seeking:
            found = self._hits.at_or_after(self._origin)
            # Until everything was looked at, a hit above may only mean that one below is to come.
            if found is not None and (last or found >= self._origin):
                self._seeking = False
                self._go(found)
        self._catch_up()
        self._tell()

    def _catch_up(self) -> None:
        while self._steps and (found := self._next(self._steps[0])) is not None:
            del self._steps[0]
            self._go(found[0])
        if self._done:
            self._steps.clear()

    def _next(self, way: int) -> tuple[int, bool] | None:
        """Returns the next hit, and whether it is round the end; None: there is none yet."""
        if self._seeking:
            return None
        found = self._hits.next(self._position(), way)
        # Until everything was looked at, a nearer one may be to come.
        return None if found is None or (found[1] and not self._done) else found

    def step(self, way: int) -> str:
        """Goes to the next or previous hit, or as soon as there is one; returns what is to be said."""
        if not self.needle:
            return f"search with {key_of('everywhere.find')} first"
        found = None if self._steps else self._next(way)
        if found is None and not self._done:
            self._steps.append(way)
            return "still searching: goes there when it is found"
        if found is None:
            return f"no hit for {printable(self.needle)}"
        self._go(found[0])
        self._tell()
        if found[1]:
            return "round the end, from the top" if way > 0 else "round the top, from the end"
        return ""

    def clear(self) -> bool:
        """Ends the search; tells whether there was one."""
        had, self.needle, self._rows = bool(self.needle), "", None
        if had:
            self._gateway.stop_search("find")
            self._generation = next(self._generations)
            self._list().mark_hits("")
            self._hits, self._steps = Hits(), []
        return had

    def cancel(self) -> None:
        """Ends the search and goes back to where it began."""
        self.clear()
        self._go(self._origin)

    def _list(self) -> LineList:
        places = self._places
        lists: dict[PaneName, LineList] = {
            "timeline": places.timeline,
            "files": places.files,
            "diff": places.diff,
        }
        return lists[self.pane]

    def _position(self) -> int:
        if self.pane == "diff":
            return self._places.diff.here
        if self.pane != "timeline":
            return self._list().cursor
        return self._places.timeline.reading_position

    def _go(self, position: int) -> None:
        if self.pane == "timeline":
            self._places.timeline.go_to_position(position)
        elif self.pane == "diff":
            self._places.diff.go_to(position)
        else:
            self._list().move_to(position)

    def _tell(self) -> None:
        if not self.needle:
            self._places.prompt.report("")
            return
        found, more = len(self._hits), "" if self._done else ", searching"
        at = self._hits.place(self._position())
        which = f"{grouped(at)} of {grouped(found)}" if at else plural(found, "hit")
        role = "dim" if found or more else "warning"
        self._places.prompt.report(which + more, role)


class Finding:
    """The line at the bottom, and which of the two it is for."""

    def __init__(
        self,
        places: Places,
        gateway: Gateway,
        clock: Clock,
        zone: tzinfo | None,
        later: Later,
    ) -> None:
        def now() -> datetime:
            return datetime.fromtimestamp(clock() / 1_000_000_000, zone).astimezone(zone)

        self._places = places
        self.filter = Filtering(places, gateway, now, later)
        self.search = Searching(places, gateway)
        self._mode: Literal["", "filter", "find"] = ""
        self._before = ""

    def open_search(self, pane: PaneName) -> None:
        """Asks what to look for in a pane."""
        self._mode = "find"
        self.search.begin(pane)
        self._places.prompt.open("/", "", f"search the {pane}")

    def step(self, way: int) -> str:
        """Goes to the next or previous hit, or step that fits a filter; returns what is to be said."""
        by_filter = not self.search.needle and self.filter.dims
        return self.filter.step(way) if by_filter else self.search.step(way)

    def seek(self, needle: str) -> None:
        """Goes to where the diff holds a text; nothing is asked."""
        self.search.begin("diff")
        self.search.look_for(needle)

    def open_filter(self) -> None:
        """Asks what to list."""
        self._mode, self._before = "filter", self.filter.query
        text = f"{self._before} " if self._before else ""
        self._places.prompt.open("filter", text, _EXAMPLES)

    def hints(self) -> list[tuple[str, str]]:
        """Returns what keys do in the line: in a search there is nothing to complete."""
        if self._mode == "filter":
            return hints_for("prompt")
        keys = {"stay here": "prompt.keep", "then next hit": "everywhere.find_next_forward"}
        keys["back"] = "prompt.drop"
        return [(key_of(name), does) for does, name in keys.items()]

    def typed(self, text: str) -> None:
        """Something else stands in the line."""
        if self._mode == "filter":
            self.filter.typed(text)
        elif self._mode == "find":
            self.search.look_for(text)

    def closed(self, text: str, keep: bool) -> bool:
        """The line is to be left; tells whether it was: an unreadable filter is not kept."""
        if self._mode == "filter":
            if not keep:
                self.filter.apply(self._before)
            elif self.filter.apply(text) is not None:
                return False
        elif self._mode == "find" and not keep:
            self.search.cancel()
        self._mode = ""
        self._places.prompt.close()
        return True

    def complete(self) -> None:
        """Completes the last word of a filter."""
        if self._mode == "filter":
            prompt = self._places.prompt
            prompt.replace(self.filter.complete(prompt.text))

    def take_steps(self, message: StepsFound) -> None:
        """Gives what was found to who asked for it."""
        if message.purpose == "filter":
            self.filter.take(message)
        else:
            self.search.take_steps(message)
