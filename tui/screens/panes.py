"""Which pane has the focus and which are to be seen, as classes that the stylesheet reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from textual.screen import Screen

from stepwell.tui.widgets.linelist import LineList

PaneName = Literal["timeline", "files", "diff"]
ORDER: tuple[PaneName, ...] = ("timeline", "files", "diff")


class Panes:
    """Moves the focus among the lists of a screen, showing the pane before it is focused."""

    def __init__(self, screen: Screen[None], lists: Mapping[PaneName, LineList]) -> None:
        self._screen = screen
        self._lists = lists
        self.current: PaneName = "timeline"
        self.zoomed = False
        self._lines = 3
        self.share: int | None = None
        """Percent of the screen that the timeline has; None: as the stylesheet says."""

    def go(self, name: PaneName) -> None:
        """Shows a pane and gives it the focus."""
        self.current = name
        self._mark()
        # At once, not as a later call: the next key may be on its way already.
        self._screen.set_focus(self._lists[name], scroll_visible=False)

    def step(self, way: int) -> None:
        """Goes to the next (1) or previous (-1) pane, round and round."""
        self.go(ORDER[(ORDER.index(self.current) + way) % len(ORDER)])

    def took_focus(self, name: PaneName) -> None:
        """Notes a focus that came by the mouse."""
        if name != self.current:
            self.current = name
            self._mark()

    def toggle_zoom(self) -> None:
        """Gives the current pane the whole screen, or takes it back."""
        self.zoomed = not self.zoomed
        self._mark()

    def fit_files(self, files: int) -> None:
        """Gives the list of files as many lines as it needs: at least 3, at most a third.

        It shrinks only when much of it would be empty, so that walking past steps is calm.
        """
        share = 2 if self._screen.has_class("-wide") else 3
        most = max(3, self._screen.size.height // share)
        wanted = max(3, min(files, most))
        if wanted > self._lines or wanted < self._lines - 2 or self._lines > most:
            self._lines = wanted
        self.share_height()

    def share_height(self) -> None:
        """Applies the height of the list of files where it stands under the timeline."""
        beside = self._screen.has_class("-medium") or self._screen.has_class("-wide")
        fixed = beside and not (self.zoomed or self._screen.has_class("-tiny"))
        pane = self._screen.query_one("#files-pane")
        pane.styles.height = self._lines + 1 if fixed else "1fr"

    @property
    def usual_share(self) -> int:
        """What the stylesheet gives the timeline, in percent."""
        return 38 if self._screen.has_class("-wide") else 48

    def share_room(self) -> None:
        """Applies the timeline's part: of the width, or where panes are stacked of the height."""
        timeline = self._screen.query_one("#timeline-pane").styles
        diff, side = (self._screen.query_one(name).styles for name in ("#diff-pane", "#side"))
        for styles in (timeline, diff):
            styles.clear_rule("width")
        for styles in (timeline, diff, side):
            styles.clear_rule("height")
        if self.share is None or self.zoomed or self._screen.has_class("-tiny"):
            return
        if self._screen.has_class("-wide"):
            timeline.width = f"{self.share}%"
        elif self._screen.has_class("-medium"):
            diff.width = f"{100 - self.share}%"
        else:
            timeline.height = f"{self.share}fr"
            diff.height = side.height = f"{100 - self.share}fr"

    def restore_focus(self) -> None:
        """Focuses the current pane again, after a resize has hidden or shown panes."""
        if self._screen.focused is not self._lists[self.current]:
            self.go(self.current)

    def _mark(self) -> None:
        for name in ORDER:
            self._screen.set_class(name == self.current, f"-on-{name}")
        self._screen.set_class(self.zoomed, "-zoom")
        self.share_height()
        self.share_room()
