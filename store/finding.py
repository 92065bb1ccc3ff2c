"""Searching and blame: what the full-text index and the history answer together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from stepwell.store.catalogue import Catalogue
from stepwell.store.catalogue.search import search, touching
from stepwell.store.engine import filters, reading
from stepwell.store.engine.blame import blame
from stepwell.store.engine.context import Progress
from stepwell.store.engine.journal import Journal
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
        step = reading.with_mark(hit.step, view)
        if wanted.matches(step, lambda one: reading.changed_paths(journal, one)):
            yield Hit(step, hit.where, hit.excerpt)


class _Lineage:
    """The history as blame asks it: columns of the catalogue, and the index of changed paths."""

    def __init__(self, catalogue: Catalogue, changing: Callable[[bytes], Collection[int]]) -> None:
        self._catalogue = catalogue
        self._graph = catalogue.graph()
        self.changing = changing

    def step(self, seq: int) -> Step:
        step = self._catalogue.step_by_seq(seq)
        assert step is not None
        return step

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

    view = journal.view()
    prompts: dict[tuple[str, int | None], str | None] = {}
    lines = []
    for number, (text, step) in enumerate(
        blame(journal, _Lineage(catalogue, changing), at, path), start=1
    ):
        turn = (step.session or "", step.turn)
        if turn not in prompts:
            prompts[turn] = _prompt(journal, catalogue, step)
        lines.append(BlameLine(number, text, reading.with_mark(step, view), prompts[turn]))
    return lines


def _prompt(journal: Journal, catalogue: Catalogue, step: Step) -> str | None:
    """Returns the first line of what the step's turn was asked for."""
    if step.session is None or step.turn is None:
        return None
    before = step.seq + 1
    while page := catalogue.session_steps(step.session, before, 50):
        for earlier in page:
            if earlier.turn is not None and earlier.turn < step.turn:
                return None
            if earlier.kind == "prompt" and earlier.prompt is not None:
                text = journal.read(earlier.prompt)[1].decode("utf-8", "replace")
                return one_line(text)
        before = page[-1].seq
    return None
