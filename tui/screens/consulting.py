"""Screens that are asked something and lead back to a place of the timeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING

from stepwell.tui.messages import ChangeDone, ChangeRefused, CommandTold
from stepwell.tui.screens.openers import Openers
from stepwell.tui.screens.panes import Panes
from stepwell.tui.screens.showing import Showing

if TYPE_CHECKING:
    from stepwell.tui.model.commandline import History
    from stepwell.tui.screens.commanding import Ordered
    from stepwell.tui.screens.finding import Finding
    from stepwell.tui.screens.seeking import Found


class Consulting(Openers):
    """The main screen's actions of that kind; `MainScreen` is the only class that is made."""

    showing: Showing
    _panes: Panes
    _zone: tzinfo | None
    _sought = ""
    _history: History | None = None
    _commands: tuple[str, ...] = ()
    """Lines that were run at other times."""
    _keep_line: Callable[[str], object]

    async def _find(self) -> Finding:
        """What searches and filters."""
        raise NotImplementedError

    def action_seek(self) -> None:
        """Searches titles, prompts, inputs, notes, paths and diffs of all steps."""
        from stepwell.tui.screens.seeking import SeekScreen

        screen = SeekScreen(self._gateway, self._clock, self._zone, self._glyphs, self._sought)
        self.app.push_screen(screen, self._found)

    async def _found(self, found: Found | None) -> None:
        from stepwell.tui.model.hitrows import needle_of

        if found is None:
            return
        self._sought = found.query
        if found.hit is None:
            return
        finding = await self._find()
        finding.filter.apply("")
        seq, needle = found.hit.step.seq, needle_of(found.query)
        self.timeline.go_to(seq)
        if found.hit.where in ("title", "note") or not needle:
            return
        self._panes.go("diff")
        self.showing.when_shown(seq, lambda: finding.seek(needle))

    async def action_command(self) -> None:
        """Asks for a command."""
        from stepwell.tui.model.commandline import History
        from stepwell.tui.screens.commanding import CommandScreen

        self._history = self._history or History(self._commands)
        selected = self.timeline.selected
        screen = CommandScreen(
            self._gateway, self._clock, self._glyphs, selected, self._history, self._keep_line
        )
        await self.app.push_screen(screen, self._ordered)

    async def _ordered(self, ordered: Ordered | None) -> None:
        if ordered is None:
            return
        if ordered.wish is not None:
            self.preview(ordered.wish)
        elif ordered.query is not None:
            (await self._find()).filter.apply(ordered.query)

    def on_command_told(self, message: CommandTold) -> None:
        """Says how a command ended whose screen was left meanwhile."""
        ending = message.ending
        if ending.wrote:
            self._gateway.poll()
            self.compare_disk()
            how = "stopped" if ending.stopped else ending.last or "done"
            self.say(f"{ending.name}: {how}", "failed" if ending.code else "ok")

    def on_change_done(self, message: ChangeDone) -> None:
        """Says what was done for a screen that was left meanwhile."""
        self.say(message.sentence, "ok")
        self._gateway.poll()

    def on_change_refused(self, message: ChangeRefused) -> None:
        """Says why it was not."""
        self.say(f"nothing was changed: {message.error.message}", "failed")

    def action_sessions(self) -> None:
        """Lists the sessions."""
        from stepwell.tui.screens.sessions import SessionsScreen

        screen = SessionsScreen(self._gateway, self._clock, self._glyphs)
        self.app.push_screen(screen, self._chosen_session)

    async def _chosen_session(self, name: str | None) -> None:
        from stepwell.tui.model.commandline import of

        if name is not None:
            (await self._find()).filter.apply(of(name))

    def action_statistics(self) -> None:
        """Shows the store's figures."""
        from stepwell.tui.screens.statistics import StatisticsScreen

        self.app.push_screen(StatisticsScreen(self._gateway, self._clock, self._zone, self._glyphs))
