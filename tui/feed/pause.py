"""When nobody types: the moment for what may wait, so that no key ever waits for it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_REST_S, _LONG_REST_S = 0.001, 0.008

BURST_S = 0.4
"""Keys that are no further apart belong together."""

_WHOLE_EVERY = 30
"""Of so many collections one looks at old objects, too."""

_MANY = 60_000
"""New objects after which a collection is due even though keys keep coming."""

_M_MMAP_THRESHOLD, _LARGE_BLOCK = -3, 256 << 10


class Pause:
    """Knows when the last key came; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._keyed = -BURST_S

    def keyed(self) -> None:
        """Notes a key."""
        self._keyed = self._now()

    def rest(self) -> None:
        """Lets the screen go first, between two pieces of work in the background."""
        time.sleep(_REST_S if self.is_on else _LONG_REST_S)

    @property
    def is_on(self) -> bool:
        """Tells whether the last key is some time ago."""
        return self._now() - self._keyed >= BURST_S


def give_back() -> None:
    """Returns memory that was freed to the system, where the C library can do that.

    Comparing large files leaves holes that a thread's heap keeps for itself otherwise.
    """
    _of_c_library("malloc_trim", 0)


def keep_no_large_blocks() -> None:
    """Has large blocks of memory returned to the system whenever they are freed, where that can be had.

    Otherwise the C library comes to keep larger and larger ones: each that it returns raises the
    size from which on it does (mallopt(3), M_MMAP_THRESHOLD), and what is kept is full of holes.
    """
    _of_c_library("mallopt", _M_MMAP_THRESHOLD, _LARGE_BLOCK)


def _of_c_library(name: str, *numbers: int) -> None:
    import ctypes  # only now: the first frame does not wait for it

    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*numbers)


class Collector:
    """Collects garbage in pauses only; what is alive at the first tick is never looked at again."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._rounds = 0

    def start(self) -> None:
        """Takes over from the interpreter's own timing, for the rest of the process."""
        gc.disable()

    def tick(self) -> None:
        """Collects when nobody types, or when too much has gathered."""
        if not self._rounds:
            gc.freeze()
            keep_no_large_blocks()
        elif self._pause.is_on or gc.get_count()[0] > _MANY:
            whole = self._rounds % _WHOLE_EVERY == 0
            gc.collect(2 if whole else 1)
            if whole:
                give_back()
        self._rounds += 1
