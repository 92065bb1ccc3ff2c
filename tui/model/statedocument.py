"""A document of the state that a step carries beside its files, shown among them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.tui.values import Change

STATE = "state: "
"""What the name of such a document is shown after."""


@dataclass(frozen=True, slots=True)
class StateDocument(Change):
    """What differs in one document, with a line for each place in it.

    Its path is what a person reads; no file is called so, and nothing of it is picked by itself:
    state comes back with a whole rollback alone.
    """
