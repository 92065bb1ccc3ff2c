"""Steps by page, the least recently seen page forgotten first. Fetches nothing itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from stepwell.tui.model.columns import PAGE, Columns
from stepwell.tui.values import Step

_KEPT_PAGES = 24
_KEPT_LOOSE = 4_096


class Pager:
    """What is known of the steps' text, by ordinal."""

    def __init__(self) -> None:
        self.columns = Columns()
        self._pages: OrderedDict[int, dict[int, Step]] = OrderedDict()
        self._stale: set[int] = set()
        self._loose: OrderedDict[int, Step] = OrderedDict()
        self._fresh: set[int] = set()

    def reset(self, columns: Columns, fresh: Sequence[Step] = ()) -> None:
        """Takes a new shape. What is loaded is shown until its page was loaded anew.

        `fresh` are the newest steps as they are now, so that the top needs no second request.
        """
        whole = self.columns.complete and columns.complete
        self._stale = set(self._pages) if whole else set()
        if not whole:
            self._pages.clear()
        self.columns = columns
        self._fresh.clear()
        for page, steps in self._by_page(fresh).items():
            self._pages.setdefault(page, {}).update((step.seq, step) for step in steps)

    def _by_page(self, steps: Sequence[Step]) -> dict[int, list[Step]]:
        grouped: dict[int, list[Step]] = {}
        for step in steps:
            grouped.setdefault(self.columns.ordinal(step.seq) // PAGE, []).append(step)
        return grouped

    def step(self, ordinal: int) -> Step | None:
        """Returns the step, or None when its page was not loaded yet."""
        page = self._pages.get(ordinal // PAGE)
        found = page.get(self.columns.seqs[ordinal]) if page else None
        return found or self._loose.get(ordinal)

    def put_loose(self, steps: Iterable[Step]) -> None:
        """Takes single steps, of rows that stand apart."""
        for step in steps:
            ordinal = self.columns.ordinal(step.seq)
            self._loose[ordinal] = step
            self._loose.move_to_end(ordinal)
            self._fresh.add(ordinal)
        while len(self._loose) > _KEPT_LOOSE:
            self._fresh.discard(self._loose.popitem(last=False)[0])

    def missing_loose(self, ordinals: Iterable[int]) -> list[int]:
        """Returns those that are neither on a page as it is now nor known one by one."""
        return [at for at in ordinals if at not in self._fresh and not self._is_fresh(at)]

    def _is_fresh(self, ordinal: int) -> bool:
        page = ordinal // PAGE
        return page not in self._stale and self.columns.seqs[ordinal] in self._pages.get(page, ())

    def mend(self, ordinal: int, step: Step) -> None:
        """Takes a newer form of one step, if its page is loaded."""
        page = self._pages.get(ordinal // PAGE)
        if page is not None and step.seq in page:
            page[step.seq] = step
        if ordinal in self._loose:
            self._loose[ordinal] = step

    def missing(self, low: int, high: int) -> list[int]:
        """Returns the pages to be loaded so that ordinals `low`..`high` can be drawn."""
        pages = range(max(0, low) // PAGE, max(0, high) // PAGE + 1)
        return [page for page in pages if page in self._stale or not self._whole(page)]

    def _whole(self, page: int) -> bool:
        return len(self._pages.get(page, ())) >= len(self.span(page))

    def span(self, page: int) -> range:
        """Returns the ordinals of a page."""
        return range(page * PAGE, min(len(self.columns), (page + 1) * PAGE))

    def put(self, page: int, steps: Iterable[Step]) -> None:
        """Takes a loaded page."""
        self._pages[page] = {step.seq: step for step in steps}
        self._pages.move_to_end(page)
        self._stale.discard(page)
        while len(self._pages) > _KEPT_PAGES:
            dropped, _ = self._pages.popitem(last=False)
            self._stale.discard(dropped)
