"""Numbers that are typed before a key: `5j`, `40G`.

A digit that is a key of its own, as those of the panes, stays one where a number would begin; behind
a 0 it counts: `012j`.
"""

from __future__ import annotations

_DIGITS = 7


class Counts:
    """What was typed so far."""

    def __init__(self, keys: str = "") -> None:
        """`keys`: the digits that have a meaning of their own."""
        self._keys = keys
        self._ready: int | None = None
        self.typed = ""
        """The digits of the count that is being typed; empty: there is none."""

    def add(self, digit: str) -> bool:
        """Takes a digit; False: it keeps its own meaning."""
        self._ready = None
        if not self.typed and digit in self._keys:
            return False
        self.typed = (self.typed + digit)[:_DIGITS]
        return True

    def end(self) -> None:
        """Another key comes: what was typed is its count; 0 is none."""
        ready = int(self.typed) if self.typed else 0
        self.drop()
        self._ready = ready or None

    def drop(self) -> None:
        """Forgets what was typed."""
        self.typed, self._ready = "", None

    def take(self) -> int | None:
        """Returns the count that the key of now has, once."""
        ready, self._ready = self._ready, None
        return ready
