"""What one action of the table is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal[
    "everywhere",
    "list",
    "timeline",
    "files",
    "diff",
    "preview",
    "operations",
    "branches",
    "conflicts",
    "review",
    "verdict",
    "rules",
    "copy",
    "seek",
    "sessions",
    "figures",
    "command",
    "prompt",
    "form",
    "note",
    "confirm",
    "help",
]


CHANGING = ("preview.apply", "confirm.yes")
"""What changes the disk or the store: its key does it, and nothing that leads to it."""
_ARGUMENTS = {"1)": "forward", "-1)": "back"}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does."""

    id: str
    """Textual action name; the widget or screen of `scope` has `action_ID`."""
    title: str
    """What it does, for the help."""
    scope: Scope
    keys: tuple[str, ...]
    """Textual key names, the first is the one that is shown."""
    hint: str = ""
    """Short form for the footer; empty: not shown there."""
    of_screen: bool = False
    """The screen has the method, although the keys work only in the scope's widget."""

    @property
    def name(self) -> str:
        """What the settings call it: `timeline.restore`, `everywhere.pane_files`."""
        method, _, argument = self.id.partition("(")
        what = _ARGUMENTS.get(argument, argument.strip("')"))
        return f"{self.scope}.{method}{'_' if what else ''}{what}"

    @property
    def is_way_out(self) -> bool:
        """Something has to lead back from where it is."""
        return self.id.startswith(("leave", "close", "cancel", "drop", "no"))
