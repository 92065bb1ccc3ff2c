"""The objects that were read or written last: a plan, its preview and its execution share them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from stepwell.store.model.ids import Oid

_LARGEST = 64 << 10
_TOTAL = 8 << 20

Object = tuple[str, bytes]
"""Kind and bytes."""


class RecentObjects:
    """Remembers small objects whose bytes were checked; the least recently used go first.

    Bounded in bytes. Any thread may use it.
    """

    def __init__(self) -> None:
        self._objects: OrderedDict[Oid, Object] = OrderedDict()
        self._size = 0
        self._mutex = threading.Lock()
        self.intact: set[Oid] | None = None
        """Objects of which a stored copy was seen to be intact; None: nobody wants to know."""
        self.packed: set[Oid] | None = None
        """The same of copies in packs, which are there as long as their pack is."""

    def read(self, oid: Oid, load: Callable[[Oid], Object]) -> Object:
        """Returns kind and bytes of an object, from memory when it was used lately."""
        with self._mutex:
            found = self._objects.get(oid)
            if found is not None:
                self._objects.move_to_end(oid)
                return found
        found = load(oid)
        self.keep(oid, *found)
        return found

    def clear(self) -> None:
        """Frees everything, without waiting for the collector of garbage."""
        with self._mutex:
            self._objects.clear()
            self._size = 0

    def seen(self, oid: Oid, found: Object | None) -> Object | None:
        """Takes note of what was just read from a stored copy, and returns it."""
        if found is not None and self.intact is not None:
            self.intact.add(oid)
        return found

    def keep(self, oid: Oid, kind: str, content: bytes) -> None:
        """Remembers an object whose bytes are known to be right."""
        if len(content) > _LARGEST:
            return
        with self._mutex:
            if oid in self._objects:
                return
            self._objects[oid] = (kind, content)
            self._size += len(content)
            while self._size > _TOTAL:
                self._size -= len(self._objects.popitem(last=False)[1][1])
