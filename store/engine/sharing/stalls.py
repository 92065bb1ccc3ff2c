"""Ends programs that do nothing any more, or too much.

A server may take a connection and never say a word, or send until the disk is full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stepwell.store.engine.scratch import activity, end_processes

PACE_S = 1.0
"""So often it is looked."""
LOOKS = 120
"""After so many looks at which nothing had moved they are ended."""


class Watch:
    """Tells whether what was watched had to be ended, and why."""

    def __init__(self) -> None:
        self.stalled = False
        self.flooded = False


@contextmanager
def watched(scratch: Path, is_too_much: Callable[[], bool]) -> Iterator[Watch]:
    """Watches the processes that work in a scratch folder; ends all of them when none moves for long.

    So it does when what they have made `is_too_much`.

    A process moves when it computes, reads or writes. Looks are counted, not time: while the whole
    machine sleeps nothing is late. Where there is no /proc nothing is ended.
    """
    watch, over = Watch(), threading.Event()

    def look() -> None:
        before, same = activity(scratch), 0
        while not over.wait(PACE_S):
            now = activity(scratch)
            same = same + 1 if now and now == before else 0
            before = now
            watch.flooded = watch.flooded or is_too_much()
            watch.stalled = watch.stalled or same >= LOOKS
            if now and (watch.flooded or same >= LOOKS):
                end_processes(scratch, gently=True)
                same = 0

    thread = threading.Thread(target=look, name="stepwell-stalls", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
