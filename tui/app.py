"""The application: wires gateway, screens, themes and timers together."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.message import Message

from stepwell.tui.escaping import reading
from stepwell.tui.feed.memory import Keeper, Memory
from stepwell.tui.feed.pause import Collector, Pause
from stepwell.tui.gateway import Gateway, Opened, comparing_beside, environment, open_workspace
from stepwell.tui.inorder import InOrder
from stepwell.tui.look.glyphs import UTF8, Glyphs, glyphs_for
from stepwell.tui.look.themes import ALL, STEPWELL, STEPWELL_ANSI, THEMES
from stepwell.tui.messages import Broke
from stepwell.tui.screens.main import MainScreen
from stepwell.tui.source import Offers
from stepwell.tui.values import Clock

if TYPE_CHECKING:
    from stepwell.store import CaptureConfig

_SWITCH_S = 0.001
"""How long a background thread may keep the interpreter while a key waits."""

_COLLECT_S = 1.0
_OFFER_S = 0.3
"""So long after the first frame old sessions are looked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person or a test chooses."""

    clock: Clock = time.time_ns
    zone: tzinfo | None = None
    """None: the local time zone."""
    glyphs: Glyphs = UTF8
    theme: str | None = None
    """The theme that the settings name, whatever is remembered; None: none."""
    differ: str = ""
    """The command that compares two files; empty: vim's."""
    poll_s: float = 0.7
    """How often other processes' steps are looked for; 0: never."""
    tick_s: float = 1.0
    """How often ages are drawn anew; 0: never."""
    rest_s: float = 0.06
    """How long the cursor rests on a step before its diff is read."""
    by: str = ""
    """Who signs notes; empty: nobody."""
    own_collector: bool = False
    """Garbage is collected in pauses only, for the rest of the process."""
    complaints: tuple[str, ...] = ()
    """What of the settings was left out."""
    offers: Callable[[], Offers] | None = None
    """Gives what can be offered of old sessions, once; None: nothing is."""
    memory: Memory | None = None
    """What was remembered from the last time; None: nothing."""
    keep_line: Callable[[str], object] = lambda line: None
    """Keeps a line of the command line for the next time; raises FailedError."""


class StepwellApp(App[int]):
    """One workspace in a terminal."""

    TITLE = "stepwell"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    INLINE_PADDING = 0

    def __init__(self, opened: Opened, settings: Settings) -> None:
        # Without colours there is still bold, dim and the swapping of ground and text.
        bare = "NO_COLOR" in environment()
        super().__init__(ansi_color=True if bare else None)
        self._settings = settings
        self.glyphs = settings.glyphs
        self.animation_level = "none"
        self.differ = settings.differ
        self.memory = settings.memory or Memory()
        """What is to be remembered for the next time."""
        self._pause = Pause()
        self._keys = InOrder(self, super().on_event)
        self.gateway = Gateway(opened, self._deliver, settings.by, self._pause)
        self.main = MainScreen(
            self.gateway,
            clock=settings.clock,
            zone=settings.zone,
            glyphs=settings.glyphs,
            rest_s=settings.rest_s,
        )

    def _deliver(self, message: Message) -> None:
        if self.main.is_running:
            self.main.post_message(message)

    @property
    def idle(self) -> bool:
        """No key waits for its turn, and nothing is asked that was not answered."""
        return self._keys.idle and self.gateway.idle and not self.main.is_starting

    def get_driver_class(self) -> type[Driver]:
        """Returns what reads the terminal, and loses no `esc` that a key follows at once."""
        return reading(super().get_driver_class())

    def get_default_screen(self) -> MainScreen:
        """Returns the main screen: nothing else is ever below it."""
        return self.main

    def on_load(self) -> None:
        """Registers the themes before the first frame."""
        for theme in ALL:
            self.register_theme(theme)
        remembered = self.memory.taste.theme
        usual = remembered if remembered in THEMES else STEPWELL.name
        self.theme = STEPWELL_ANSI.name if self.no_color else self._settings.theme or usual

    def on_mount(self) -> None:
        """Starts the timers."""
        self.main.recall(self.memory, self._settings.keep_line)
        self.app_resume_signal.subscribe(self, self._draw_anew)
        if self._settings.complaints:
            self.main.complain(self._settings.complaints)
        if self._settings.offers is not None:
            self.set_timer(_OFFER_S, self._look_for_sessions)
        if self._settings.own_collector:
            collector = Collector(self._pause)
            collector.start()
            self.set_interval(_COLLECT_S, collector.tick)
        if self._settings.poll_s:
            self.set_interval(self._settings.poll_s, lambda: self._when_idle(self.gateway.poll))
        if self._settings.tick_s:
            self.set_interval(self._settings.tick_s, lambda: self._when_idle(self.main.tick))

    def on_ready(self) -> None:
        """Starts reading once there is something to see: opening the store takes its time."""
        self.main.read()

    def _look_for_sessions(self) -> None:
        from stepwell.tui.screens.offering import look_for_sessions

        if self._settings.offers is not None:
            look_for_sessions(self.gateway, self._settings.offers)

    def _when_idle(self, call: Callable[[], None]) -> None:
        if self._pause.is_on:
            call()

    async def on_event(self, event: events.Event) -> None:
        """Notes when keys come, and lets none overtake another."""
        if isinstance(event, events.Key):
            self._pause.keyed()
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def on_broke(self, message: Broke) -> None:
        """Ends with the traceback: a defect must not look like an empty timeline."""
        raise message.error

    def _draw_anew(self, _: object) -> None:
        """Draws everything: the terminal was somebody else's meanwhile."""
        self.screen.post_message(events.ScreenResume())

    def exit(self, *given: Any, **named: Any) -> None:
        """Notes what is to be remembered while it is there to be seen."""
        self.memory = self.main.memory()
        super().exit(*given, **named)

    def on_unmount(self) -> None:
        """Waits for a change of the workspace that is under way, and for nothing else."""
        self.gateway.close()


def open_screen(
    root: Path,
    home: Path,
    *,
    config: CaptureConfig | None = None,
    by: str = "",
    weights: Callable[[], Mapping[str, float]] = dict,
    complaints: Sequence[str] = (),
    offers: Callable[[], Offers] | None = None,
    theme: str | None = None,
    differ: str = "",
) -> int:
    """Shows the workspace that holds `root` until the person leaves; returns an exit status.

    `config`, `by`, `weights` and `offers` are as for `start.run`; `complaints` are told on the screen at first; `theme` is
    used whatever is remembered, `differ` is the person's command that compares two files.

    Raises:
        StepwellError: the workspace cannot be opened, and the terminal was not touched; or, at the
            end, what is to be remembered cannot be kept.
    """
    opened = open_workspace(root, home, config, weights)
    sys.setswitchinterval(_SWITCH_S)
    glyphs = glyphs_for(sys.stdout.encoding or "ascii")
    keeper = Keeper(home, opened.root)
    settings = Settings(
        glyphs=glyphs,
        by=by,
        own_collector=True,
        complaints=tuple(complaints),
        memory=keeper.recall(),
        keep_line=keeper.keep_line,
        offers=offers,
        theme=theme,
        differ=differ,
    )
    app = StepwellApp(opened, settings)
    with comparing_beside():
        app.run()
    keeper.keep(app.memory)
    return app.return_code or 0
