"""What to copy: one key each. It changes nothing but the clipboard."""

from __future__ import annotations

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from stepwell.tui.keys.actions import actions_for
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.keys.names import spelled
from stepwell.tui.screens.above import Above
from stepwell.tui.widgets.sentence import Sentence

Copied = Literal["code", "patch", "hunk", "path", "id"]


class CopyMenu(Above, ModalScreen["Copied | None"]):
    """Its result is what is to be copied."""

    BINDINGS = bindings_for("copy", priority=True)
    CSS = """
    CopyMenu { align: center bottom; background: $background 55%; }
    CopyMenu:ansi { background: transparent; }
    CopyMenu #copy {
        width: 100%; max-width: 64; height: auto; padding: 0 1;
        background: $panel; border: round $accent;
    }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="copy"):
            for number, action in enumerate(a for a in actions_for("copy") if a.keys):
                line = Sentence(id=f"copy-{number}")
                line.keys([(f"{spelled(action.keys[0]):<4}", action.title)])
                yield line

    def action_copy_this(self, what: Copied) -> None:
        """Leaves with what to copy."""
        self.dismiss(what)

    def action_leave_copy(self) -> None:
        """Leaves without a change."""
        self.dismiss(None)
