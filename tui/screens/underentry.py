"""What the screens share that list, below an entry, what fits the words typed into it."""

from __future__ import annotations

from stepwell.tui.messages import CursorMoved, RowOpened
from stepwell.tui.screens.above import Above
from stepwell.tui.widgets.linelist import LineList


class UnderEntry(Above):
    """Keys of the entry move the list's cursor; a second click is enter."""

    _list: LineList

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Nothing else follows the cursor."""
        message.stop()

    def on_row_opened(self, message: RowOpened) -> None:
        """A second click goes there."""
        message.stop()
        self.action_go()

    def action_go(self) -> None:
        """Leaves for what is under the cursor."""
        raise NotImplementedError

    def action_next_place(self) -> None:
        """Next row."""
        self._list.action_cursor_down()

    def action_previous_place(self) -> None:
        """Previous row."""
        self._list.action_cursor_up()

    def action_next_page(self) -> None:
        """A page down."""
        self._list.action_page_down()

    def action_previous_page(self) -> None:
        """A page up."""
        self._list.action_page_up()
