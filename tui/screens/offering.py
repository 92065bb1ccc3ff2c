"""Offers, once, to import the sessions from before that were found for this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.app import ComposeResult

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.messages import ChangeDone, SessionsOffered
from stepwell.tui.screens.form import Form
from stepwell.tui.source import Offers, Source
from stepwell.tui.values import plural
from stepwell.tui.widgets.sentence import Sentence


def look_for_sessions(gateway: Gateway, make: Callable[[], Offers]) -> None:
    """Looks for old sessions in the background; SessionsOffered if there are some to offer."""

    def call(source: Source) -> SessionsOffered | None:
        offers = make()
        found = offers.pending(source)
        return SessionsOffered(offers, found) if found else None

    gateway.ask("search", "offers", "look for old sessions", call)


class OfferForm(Form["str | None"]):
    """Its result is what was done; None: nothing, and nobody is asked again."""

    BINDINGS = bindings_for("confirm", priority=True)

    def __init__(
        self, gateway: Gateway, glyphs: Glyphs, offers: Offers, found: Mapping[str, int]
    ) -> None:
        super().__init__(gateway, glyphs, "Sessions from before Stepwell was here")
        self._offers = offers
        self._found = found
        self._say = Sentence(id="offer-what")

    def body(self) -> ComposeResult:
        yield self._say

    def on_mount(self) -> None:
        """Says what was found, and what would be done with it."""
        names = ", ".join(f"{count:,} of {agent}" for agent, count in self._found.items())
        self._say.say(
            f"Found {names}. They can be listed and searched as timelines of their own; your files "
            "and your branch stay as they are. Later: stepwell transcripts import.",
            "dim",
        )
        self.tell_keys([("y", "import them"), ("n", "no, and do not ask again")])

    def action_yes(self) -> None:
        """Imports them."""

        def call(source: Source) -> ChangeDone:
            sessions, steps = self._offers.accept(source)
            return ChangeDone(f"imported {plural(steps, 'step')} of {plural(sessions, 'session')}")

        self.send("import old sessions", call)

    def action_no(self) -> None:
        """Leaves them, for good."""

        def call(source: Source) -> ChangeDone:
            self._offers.decline(source)
            return ChangeDone("")

        self.send("note that", call)

    def done(self, message: ChangeDone) -> None:
        self.dismiss(message.sentence or None)
