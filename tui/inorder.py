"""Keys one after the other: each finds the screen as the one before it has left it.

Textual gives a key to what has the focus and takes the next one at once. What is typed behind a
key that opens a line would so reach the pane that had the focus when it came, and be lost, or be
taken for commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event
from textual.screen import Screen

from stepwell.tui.escaping import EscapedKey
from stepwell.tui.keys.actions import keys_with_alt


class InOrder:
    """Holds keys and pastes back until what came of those before them is done."""

    def __init__(self, app: App[Any], give: Callable[[Event], Awaitable[None]]) -> None:
        """`give` hands an event to what has the focus; it is awaited in the app's own task."""
        self._app = app
        self._give = give
        self._waiting: deque[Event] = deque()
        self._busy = False
        self._screen: Screen[Any] | None = None

    @property
    def idle(self) -> bool:
        """No key waits, and what came of the last one is done."""
        return not self._busy

    async def take(self, event: Event) -> None:
        """Gives an event on, now or when its turn comes."""
        if self._busy:
            self._waiting.append(event)
        else:
            await self._next(event)

    async def _next(self, event: Event) -> None:
        self._busy = True
        if isinstance(event, EscapedKey):
            event, *behind = event.keys(keys_with_alt(), self._app.focused)
            self._waiting.extendleft(reversed(behind))
        first = self._app.focused or self._app.screen
        # The way that the event rises: from what had the focus to the app, which acts on it.
        way = first.ancestors_with_self
        await self._give(event)
        # What the app did may lead to messages that rise the same way, and in a place to others.
        await self._follow([*way, *(place for place in way for _ in range(2))])

    async def _follow(self, places: Sequence[DOMNode]) -> None:
        """Waits for each of them in turn, until it has handled what its queue holds."""
        if not places:
            await self._settled()
        for at, place in enumerate(places, 1):
            if place.call_later(self._follow, places[at:]):
                return  # the others have closed: nothing more comes of them

    async def _settled(self) -> None:
        screen = self._app.screen
        if screen is not self._screen:
            # It has just come on top: nothing in it has the focus before it is there.
            self._screen = screen
            await self._follow(screen.ancestors_with_self)
            return
        self._busy = False
        if self._waiting:
            await self._next(self._waiting.popleft())
