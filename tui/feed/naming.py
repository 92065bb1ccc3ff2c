"""What the `:` line asks the store beside its commands: names to complete, the step of a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from stepwell.tui.messages import NamesLoaded, StepNamed
from stepwell.tui.source import Source

if TYPE_CHECKING:
    from stepwell.tui.gateway import Gateway, Post


def load_names(gateway: Gateway, to: Post) -> None:
    """Reads what command lines may be completed with; NamesLoaded to `to`."""

    def call(source: Source) -> Message:
        inside, view = gateway.commands.load(), source.view()
        marks = view.marks.values()
        known = inside.Known(
            tuple(view.branches),
            tuple(mark.label for mark in marks if mark.label),
            tuple(sorted({tag for mark in marks for tag in mark.tags})),
            tuple(view.sessions),
            tuple(view.experiments),
        )
        return NamesLoaded(lambda words: inside.offers(words, known))

    gateway.ask("search", "names", "read the names", call, to=to)


def name_step(gateway: Gateway, to: Post, generation: int, reference: str) -> None:
    """Finds the step that a reference names; StepNamed or Failed to `to`."""

    def call(source: Source) -> Message:
        return StepNamed(generation, source.get_step(reference))

    gateway.ask("search", "name", "find the step", call, to=to)
