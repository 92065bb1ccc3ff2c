"""Whether a key answers what is drawn, or belongs to those that came before it was."""

from __future__ import annotations

from stepwell.tui.feed.pause import BURST_S
from stepwell.tui.values import Clock

_REST_NS = int(BURST_S * 1e9)


class Rest:
    """The time that has to pass without a key before one is an answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: int | None = None
        """When what is to be answered was drawn, or the last key came; None: it is not drawn yet."""

    def begin(self) -> None:
        """What is to be answered is drawn."""
        self._since = self._clock()

    def put_off(self) -> None:
        """A key came."""
        if self._since is not None:
            self.begin()

    @property
    def over(self) -> bool:
        """A key that comes now is an answer."""
        return self._since is not None and self._clock() - self._since >= _REST_NS
