"""Steps by page, the least recently seen page forgotten first. Fetches nothing itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from stepwell.tui.model.columns import PAGE, Columns
from stepwell.tui.values import Step

_KEPT_PAGES = 24


class Pager:
    """What is known of the steps' text, by ordinal."""

    def __init__(self) -> None:
        self.columns = Columns()
        self._pages: OrderedDict[int, dict[int, Step]] = OrderedDict()
        self._stale: set[int] = set()

    def reset(self, columns: Columns, fresh: Sequence[Step] = ()) -> None:
        """Takes a new shape. What is loaded is shown until its page was loaded anew.

        `fresh` are the newest steps as they are now, so that the top needs no second request.
        """
        whole = self.columns.complete and columns.complete
        self._stale = set(self._pages) if whole else set()
        if not whole:
            self._pages.clear()
        self.columns = columns
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
        return page.get(self.columns.seqs[ordinal]) if page else None

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
