"""The one table of actions: bindings, footer, `?` and the key reference are made from it.

No action changes the disk: those that lead to a change open a preview, whose own key applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal[
    "everywhere", "list", "timeline", "files", "diff", "preview", "notice", "operations", "help"
]


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


ACTIONS: tuple[Action, ...] = (
    # everywhere
    Action("help", "keys of this pane", "everywhere", ("question_mark", "ctrl+p"), hint="keys"),
    Action("pane('timeline')", "timeline", "everywhere", ("1",)),
    Action("pane('files')", "files", "everywhere", ("2",)),
    Action("pane('diff')", "diff", "everywhere", ("3",)),
    Action("next_pane", "next pane", "everywhere", ("tab",)),
    Action("previous_pane", "previous pane", "everywhere", ("shift+tab",)),
    Action("undo", "preview taking back the newest change", "everywhere", ("u",), hint="undo…"),
    Action("zoom", "this pane on the whole screen, and back", "everywhere", ("z",), hint="zoom"),
    Action("redo", "preview doing again what was undone", "everywhere", ("U", "ctrl+r")),
    Action("operations", "what was done to the store", "everywhere", ("O",)),
    Action("times", "relative or absolute times", "everywhere", ("T",)),
    Action("reload", "read everything anew", "everywhere", ("R",)),
    Action("leave", "back, or quit", "everywhere", ("q",), hint="quit"),
    # lists
    Action("cursor_down", "next row", "list", ("j", "down")),
    Action("cursor_up", "previous row", "list", ("k", "up")),
    Action("half_down", "half a page down", "list", ("ctrl+d",)),
    Action("half_up", "half a page up", "list", ("ctrl+u",)),
    Action("page_down", "a page down", "list", ("pagedown",)),
    Action("page_up", "a page up", "list", ("pageup",)),
    Action("to_top", "first row", "list", ("g", "home")),
    Action("to_bottom", "last row", "list", ("G", "end")),
    Action("deeper", "into the row", "list", ("enter", "l", "right"), hint="open"),
    Action("back", "one step back", "list", ("h", "escape", "left")),
    # timeline
    Action(
        "restore",
        "preview going back to this step",
        "timeline",
        ("r",),
        hint="restore…",
        of_screen=True,
    ),
    Action("diff_down", "scroll the diff down", "timeline", ("J",), hint="scroll", of_screen=True),
    Action("diff_up", "scroll the diff up", "timeline", ("K",), of_screen=True),
    Action("now", "to where you are now", "timeline", ("at",), hint="now"),
    Action(
        "landmark_newer",
        "newer landmark: checkpoint, rollback, failure, gap",
        "timeline",
        ("less_than_sign",),
    ),
    Action("landmark_older", "older landmark", "timeline", ("greater_than_sign",)),
    Action("follow", "stay at the newest step as steps arrive", "timeline", ("F",), hint="follow"),
    # operations
    Action(
        "undo_this",
        "preview taking back this operation",
        "operations",
        ("u", "enter", "l"),
        hint="undo…",
    ),
    Action("close", "back to the timeline", "operations", ("escape", "q", "h", "O"), hint="back"),
    # diff
    Action("hunk_next", "next hunk", "diff", ("right_square_bracket",)),
    Action("hunk_previous", "previous hunk", "diff", ("left_square_bracket",), hint="hunk"),
    Action("file_next", "next file", "diff", ("right_curly_bracket",)),
    Action("file_previous", "previous file", "diff", ("left_curly_bracket",), hint="file"),
    Action("sideways_right", "scroll right", "diff", ("L",)),
    Action("sideways_left", "scroll left", "diff", ("H",)),
    Action("context_more", "more unchanged lines around changes", "diff", ("right_parenthesis",)),
    Action("context_less", "fewer unchanged lines", "diff", ("left_parenthesis",)),
    # preview
    Action("apply", "do it: change the disk as shown", "preview", ("y",), hint="apply"),
    Action(
        "tick", "agree to this row: it would lose something", "preview", ("space",), hint="tick"
    ),
    Action("tick_all", "agree to all rows", "preview", ("A",)),
    Action(
        "flip", "the other side: before or after the step", "preview", ("b",), hint="before/after"
    ),
    Action("switch", "between list and diff", "preview", ("tab", "shift+tab"), hint="list/diff"),
    Action("cancel", "back; nothing is changed", "preview", ("escape", "q"), hint="cancel"),
    # help
    Action("run", "do it now", "help", ("enter",), hint="run"),
    Action("down", "next", "help", ("down", "ctrl+n")),
    Action("up", "previous", "help", ("up", "ctrl+p")),
    Action("close", "back", "help", ("escape",), hint="back"),
)


def actions_for(scope: Scope) -> tuple[Action, ...]:
    """Returns the scope's actions in table order."""
    return tuple(action for action in ACTIONS if action.scope == scope)
