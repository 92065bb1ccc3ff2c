"""What a list does with keys before they reach their bindings: a letter that is waited for, a count."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.scroll_view import ScrollView

from stepwell.tui.keys.actions import bound_digits
from stepwell.tui.keys.counts import Counts
from stepwell.tui.keys.names import spelled
from stepwell.tui.messages import Counted


class KeyedView(ScrollView):
    """A view whose keys may have a count before them."""

    next_key: Callable[[str], None] | None = None
    """Takes the next key, whatever it else would do; then it is over."""
    _known_counts: Counts | None = None

    @property
    def _counts(self) -> Counts:
        if self._known_counts is None:
            self._known_counts = Counts(bound_digits())
        return self._known_counts

    def typed_count(self) -> int | None:
        """Returns the number that was typed before the key of now, once; None: none was."""
        return self._counts.take()

    def times(self) -> int:
        """Returns how often the key of now is to be obeyed."""
        return max(1, self.typed_count() or 1)

    def on_key(self, event: events.Key) -> None:
        """Gives a key to whoever waits for it; gathers digits."""
        if self.next_key is not None:
            taker, self.next_key = self.next_key, None
            _take(event)
            taker(spelled(event.key))
        elif event.key.isdecimal() and len(event.key) == 1:
            self._take_digit(event)
        elif event.key == "escape" and self._counts.typed:
            self._counts.drop()
            _take(event)
            self.post_message(Counted(""))
        else:
            self._counts.end()

    def _take_digit(self, event: events.Key) -> None:
        if self._counts.add(event.key):
            _take(event)
            self.post_message(Counted(self._counts.typed))


def _take(event: events.Key) -> None:
    event.stop()
    event.prevent_default()
