"""Counting what was looked at, for the store's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.tui.gateway import Gateway
    from stepwell.tui.source import Source


def note_look(gateway: Gateway, at_hand: bool, ahead: bool) -> None:
    """Has it counted that a step's diff was looked at, and whether memory had it already.

    `ahead`: it was read before anybody looked at it.
    """

    def call(source: Source) -> None:
        source.note_look(at_hand, ahead)

    gateway.ask("search", object(), "count looks", call)
