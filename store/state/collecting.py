"""Reading large JSON without the collector of cyclic garbage in between."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Has the collector rest, if it is on: what is parsed here holds no cycles.

    It would look at each of the thousands of new objects again and again, and now and then at every
    object of the program, which takes longer than the parsing. Threads share the collector: it is on
    again when the first that had it rest is done.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
