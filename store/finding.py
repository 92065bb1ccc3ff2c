"""Searching and blame: what the full-text index and the history answer together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from stepwell.store.catalogue import Catalogue, Graph
from stepwell.store.catalogue.graph import KINDS
from stepwell.store.catalogue.search import search, touching
from stepwell.store.engine import filters, reading
from stepwell.store.engine.blame import blame
from stepwell.store.engine.context import Progress
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.pruning.shown import Shown
from stepwell.store.engine.view import with_mark
from stepwell.store.model.errors import UsageError
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.reports import BlameLine, Hit
from stepwell.store.model.steps import Step
from stepwell.store.model.text import one_line


def hits(
    folder: Path,
    journal: Journal,
    catalogue: Catalogue,
    query: str,
    now: datetime,
    progress: Progress,
) -> Iterator[Hit]:
    """Yields where the words of a query stand, in steps that its filters let through.

    Raises:
        UsageError: the query cannot be read, or has no word.
    """
    asked = filters.parse(query, now)
    words = [t.values[0] for t in asked.terms if t.key == "text" and not t.negated]
    rest = filters.Filter(tuple(t for t in asked.terms if t.key != "text" or t.negated))
    if not words:
        raise UsageError(
            "there is no word to search for",
            hint="give one, or list steps by filter alone: stepwell log QUERY",
            query=query,
        )
    return _let_through(journal, search(folder, journal, catalogue, words, progress=progress), rest)


def _let_through(journal: Journal, found: Iterable[Hit], wanted: filters.Filter) -> Iterator[Hit]:
    view = journal.view()
    for hit in found:
        step = with_mark(hit.step, view)
        if wanted.matches(step, lambda one: reading.changed_paths(journal, one)):
            yield Hit(step, hit.where, hit.excerpt)


class _Lineage:
    """The history as blame asks it: columns of the catalogue, and the index of changed paths."""

    def __init__(
        self, journal: Journal, graph: Graph, changing: Callable[[bytes], Collection[int]]
    ) -> None:
        self._journal = journal
        self._shown = Shown(journal, journal.view().dropped)
        self._graph = graph
        self.changing = changing

    def step(self, seq: int) -> Step:
        return self._shown.linked(self._journal.step(self._graph.id_of(self._graph.row_at(seq))))

    def parents(self, seq: int) -> Sequence[int]:
        row = self._graph.row_of(seq)
        if row is None:
            return ()
        return [n for n in (self._graph.parents[row], self._graph.others[row]) if n]


def blamed(
    folder: Path,
    journal: Journal,
    catalogue: Catalogue,
    at: Step,
    path: TrackedPath,
    progress: Progress,
) -> list[BlameLine]:
    """Returns each line of a file at a step, with the step that it came with and its prompt."""

    def changing(wanted: bytes) -> Collection[int]:
        return touching(folder, journal, catalogue, wanted, progress=progress)

    view, graph = journal.view(), catalogue.graph()
    prompts = _Prompts(journal, graph)
    found = blame(journal, _Lineage(journal, graph, changing), at, path)
    return [
        BlameLine(number, text, with_mark(step, view), prompts.of(step))
        for number, (text, step) in enumerate(found, start=1)
    ]


def prompt_of(journal: Journal, catalogue: Catalogue, step: Step) -> str | None:
    """Returns the first line of what a step's turn was asked for; None when it has no prompt."""
    return _Prompts(journal, catalogue.graph()).of(step)


class _Prompts:
    """What the turns of steps were asked for, each read once."""

    def __init__(self, journal: Journal, graph: Graph) -> None:
        self._journal = journal
        self._graph = graph
        self._rows: dict[int, list[int]] = {}
        self._lines: dict[int, tuple[int | None, str | None]] = {}
        prompt = KINDS.index("prompt")
        for row, kind in enumerate(graph.kinds):
            if kind == prompt:
                self._rows.setdefault(graph.sessions[row], []).append(row)

    def of(self, step: Step) -> str | None:
        """Returns the first line of the step's prompt; None when its turn has none."""
        if step.session is None or step.turn is None:
            return None
        row = self._graph.row_at(step.seq)
        rows = self._rows.get(self._graph.sessions[row], [])
        at = bisect_right(rows, row) - 1
        if at < 0:
            return None
        if rows[at] not in self._lines:
            self._lines[rows[at]] = self._line(rows[at])
        turn, line = self._lines[rows[at]]
        return line if turn == step.turn else None

    def _line(self, row: int) -> tuple[int | None, str | None]:
        prompt = self._journal.step(self._graph.id_of(row))
        if prompt.prompt is None:
            return prompt.turn, None
        text = self._journal.read(prompt.prompt)[1].decode("utf-8", "replace")
        return prompt.turn, one_line(text)
