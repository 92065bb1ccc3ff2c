"""The trees that were read last: a comparison, its plan and its proof walk over the same ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from stepwell.store.engine.objects import TREE
from stepwell.store.model.ids import Oid

_LARGEST = 64 << 10
_TOTAL = 8 << 20


class RecentTrees:
    """Remembers trees whose bytes were checked, bounded in bytes; the least recently read go first."""

    def __init__(self) -> None:
        self._trees: OrderedDict[Oid, bytes] = OrderedDict()
        self._size = 0

    def read(self, oid: Oid, load: Callable[[Oid], tuple[str, bytes]]) -> tuple[str, bytes]:
        """Returns kind and bytes of an object, from memory when it is a tree that was read lately."""
        content = self._trees.get(oid)
        if content is None:
            found = load(oid)
            self._keep(oid, found)
            return found
        self._trees.move_to_end(oid)
        return TREE, content

    def _keep(self, oid: Oid, found: tuple[str, bytes]) -> None:
        kind, content = found
        if kind != TREE or len(content) > _LARGEST or oid in self._trees:
            return
        self._trees[oid] = content
        self._size += len(content)
        while self._size > _TOTAL:
            self._size -= len(self._trees.popitem(last=False)[1])
