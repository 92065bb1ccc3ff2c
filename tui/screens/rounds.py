"""When the disk is compared with the head."""

from __future__ import annotations

from stepwell.tui.gateway import Gateway
from stepwell.tui.values import Clock

_REST_NS = 5_000_000_000
"""The disk is compared again after so long at the earliest ..."""
_SHARE = 20
"""... and after so many times what the last comparison took."""


class Rounds:
    """Has the disk compared: again and again once it was, the more rarely the longer it takes."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._began: int | None = None
        self._due: int | None = None

    def begin(self) -> None:
        """Has it compared now."""
        self._began, self._due = self._clock(), None
        self._gateway.compare_disk()

    def ended(self) -> None:
        """Notes that it was compared."""
        now = self._clock()
        took = now - self._began if self._began is not None else 0
        self._began, self._due = None, now + max(_REST_NS, _SHARE * took)

    def make_up(self) -> None:
        """Has it compared at the next tick if it never was: what was to come before may not come."""
        if self._began is None and self._due is None:
            self._due = self._clock()

    def tick(self) -> None:
        """Has it compared when it is time to."""
        if self._due is not None and self._clock() >= self._due:
            self.begin()
