"""The order of a plan's acts.

What is in the way goes first; then folders come, files and links, the other deletions, and modes of
folders last. So a full disk is met before anything that nothing replaces is deleted.
"""

from __future__ import annotations

import stat
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

from stepwell.store.model.paths import TrackedPath, parent
from stepwell.store.model.plans import PathState, PlanItem

Act = Literal["remove", "remove_folder", "make_folder", "write", "set_folder_mode"]

Scheduled = tuple[Act, int, PlanItem]


def schedule(items: Iterable[tuple[int, PlanItem]]) -> list[Scheduled]:
    """Returns the acts that carry out the items, given with their numbers, in order.

    An item that turns a folder into something else, or a file into a folder, has two acts.
    """
    ordered = sorted(items, key=lambda pair: pair[1].path)
    removals = [(_removal(item), index, item) for index, item in ordered if _removes(item)]
    removals.reverse()  # what is in a folder before the folder
    needed = _Needed(item for _, item in ordered)
    return [
        *(r for r in removals if needed.by(r[2])),
        *(("make_folder", i, item) for i, item in ordered if _makes_folder(item)),
        *(("write", i, item) for i, item in ordered if _writes(item)),
        *(r for r in removals if not needed.by(r[2])),
        *(("set_folder_mode", i, item) for i, item in reversed(ordered) if _is_folder(item.after)),
    ]


def _removes(item: PlanItem) -> bool:
    """Tells whether something goes that a rename cannot replace."""
    if item.before is None:
        return False
    return item.after is None or _is_folder(item.before) != _is_folder(item.after)


def _removal(item: PlanItem) -> Act:
    return "remove_folder" if _is_folder(item.before) else "remove"


def _makes_folder(item: PlanItem) -> bool:
    return _is_folder(item.after) and not _is_folder(item.before)


def _writes(item: PlanItem) -> bool:
    return item.after is not None and not _is_folder(item.after)


def _is_folder(state: PathState | None) -> bool:
    return state is not None and stat.S_ISDIR(state.mode)


class _Needed:
    """Which removals must come before the writing."""

    def __init__(self, items: Iterable[PlanItem]) -> None:
        self._replaced: set[TrackedPath] = set()
        self._folded: set[str] = set()
        for item in items:
            if item.after is not None:
                if _removes(item):
                    self._replaced.add(item.path)
                if item.before is None:
                    self._folded.add(_folded(item.path))

    def by(self, item: PlanItem) -> bool:
        # On a file system that folds case or accents the second is the same place under another
        # name.
        return any(
            path in self._replaced or _folded(path) in self._folded for path in _upwards(item.path)
        )


def _upwards(path: TrackedPath) -> Iterator[TrackedPath]:
    while path:
        yield path
        path = parent(path)


def _folded(path: TrackedPath) -> str:
    return unicodedata.normalize("NFC", path.decode("utf-8", "surrogateescape")).casefold()
