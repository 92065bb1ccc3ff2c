"""The one table of actions: bindings, footer, `?` and the key reference are made from it.

No action changes the disk: those that lead to a change open a preview, whose own key applies it.
"""

from __future__ import annotations

from stepwell.tui.keys.above import ABOVE
from stepwell.tui.keys.action import Action, Scope
from stepwell.tui.keys.names import spelled

__all__ = [
    "ACTIONS",
    "Action",
    "Scope",
    "actions_for",
    "bound_digits",
    "does_it_again",
    "key_of",
    "keys_with_alt",
    "put_in_force",
    "takes_it_back",
]

ACTIONS: tuple[Action, ...] = (
    # everywhere
    Action("help", "keys of this pane", "everywhere", ("question_mark", "ctrl+p"), hint="keys"),
    Action("pane('timeline')", "timeline", "everywhere", ("1",)),
    Action("pane('files')", "files", "everywhere", ("2",)),
    Action("pane('diff')", "diff", "everywhere", ("3",)),
    Action("next_pane", "next pane", "everywhere", ("tab",)),
    Action("previous_pane", "previous pane", "everywhere", ("shift+tab",)),
    Action(
        "undo", "undo: preview taking back the newest change", "everywhere", ("u",), hint="undo…"
    ),
    Action("zoom", "this pane on the whole screen, and back", "everywhere", ("z",), hint="zoom"),
    Action("redo", "redo: preview doing again what was undone", "everywhere", ("U", "ctrl+r")),
    Action("operations", "what was done to the store", "everywhere", ("O",)),
    Action("find", "search this pane", "everywhere", ("slash",), hint="search"),
    Action(
        "seek", "search all titles, prompts, inputs, notes, paths and diffs", "everywhere", ("S",)
    ),
    Action("jump", "to a file by some of its letters", "everywhere", ("ctrl+f",)),
    Action("find_next(1)", "next hit of the search", "everywhere", ("n",)),
    Action("find_next(-1)", "previous hit", "everywhere", ("N",)),
    Action("filter", "list only the steps that fit a filter", "everywhere", ("f",), hint="filter"),
    Action(
        "branches",
        "branches: switch, merge, make, rename, delete",
        "everywhere",
        ("b",),
        hint="branches",
    ),
    Action("merging", "conflicts of the merge under way", "everywhere", ("M",)),
    Action("experiments", "experiments: candidates beside each other", "everywhere", ("E",)),
    Action("verdicts", "rules: what they found, and since when", "everywhere", ("V",)),
    Action("copy", "copy code, patch, hunk, path or id", "everywhere", ("y",)),
    Action("edit", "open this file in $EDITOR, at this line", "everywhere", ("e",)),
    Action("pager", "this diff in $PAGER", "everywhere", ("vertical_line",)),
    Action("differ", "both sides of this file in another differ", "everywhere", ("ctrl+t",)),
    Action("command", "run any command: show, mark, rollback, gc ...", "everywhere", ("colon",)),
    Action("statistics", "figures of the store, and how it grew", "everywhere", ("I",)),
    Action(
        "theme", "the next theme: dark, light, the terminal's own colours", "everywhere", ("o",)
    ),
    Action("share(1)", "a larger part for the timeline", "everywhere", ("ctrl+right",)),
    Action("share(-1)", "a smaller part for it", "everywhere", ("ctrl+left",)),
    Action("suspend", "stop for now; fg comes back", "everywhere", ("ctrl+z",)),
    Action("times", "relative or absolute times", "everywhere", ("T",)),
    Action("reload", "read everything anew", "everywhere", ("R",)),
    Action("leave", "back, or quit", "everywhere", ("q",)),
    # lists
    Action("cursor_down", "next row", "list", ("j", "down")),
    Action("cursor_up", "previous row", "list", ("k", "up")),
    Action("half_down", "half a page down", "list", ("ctrl+d",)),
    Action("half_up", "half a page up", "list", ("ctrl+u",)),
    Action("page_down", "a page down", "list", ("pagedown",)),
    Action("page_up", "a page up", "list", ("pageup",)),
    Action("to_top", "first row", "list", ("g", "home")),
    Action(
        "to_bottom", "last row; after a number the row, step or line of it", "list", ("G", "end")
    ),
    Action("deeper", "into the row", "list", ("enter", "l", "right"), hint="open"),
    Action("back", "one step back", "list", ("h", "escape", "left")),
    # timeline
    Action(
        "restore",
        "rollback: preview going back to this step",
        "timeline",
        ("r",),
        hint="rollback…",
        of_screen=True,
    ),
    Action("diff_down", "scroll the diff down", "timeline", ("J",), of_screen=True),
    Action("diff_up", "scroll the diff up", "timeline", ("K",), of_screen=True),
    Action("now", "to where you are now", "timeline", ("at",)),
    Action(
        "landmark_newer",
        "newer landmark: prompt, checkpoint, rollback, failure, gap",
        "timeline",
        ("less_than_sign",),
    ),
    Action("landmark_older", "older landmark", "timeline", ("greater_than_sign",)),
    Action("fold", "fold the run of unchanged steps, then the turn", "timeline", ("minus",)),
    Action("unfold", "unfold the turn, or the run", "timeline", ("plus",)),
    Action("fold_all", "fold all runs, all turns, nothing", "timeline", ("underscore",)),
    Action("follow", "stay at the newest step as steps arrive", "timeline", ("F",)),
    Action(
        "annotate", "write a note on this step", "timeline", ("a",), hint="note", of_screen=True
    ),
    Action("tag", "label and tags of this step", "timeline", ("t",), hint="tag", of_screen=True),
    Action("branch_here", "branch from this step", "timeline", ("B",), of_screen=True),
    Action("pick", "pick this step, to compare two", "timeline", ("space",), of_screen=True),
    Action("range", "a range of steps from here: what all of them changed", "timeline", ("v",)),
    Action("extend(1)", "further down", "timeline", ("shift+down",)),
    Action("extend(-1)", "further up", "timeline", ("shift+up",)),
    Action(
        "base",
        "make this step the base of comparisons, or not",
        "timeline",
        ("equals_sign",),
        of_screen=True,
    ),
    Action(
        "compare",
        "compare the two picked steps, or base and this one",
        "timeline",
        ("c",),
        hint="compare",
        of_screen=True,
    ),
    Action(
        "unfilter_last",
        "take the last term of the filter away",
        "timeline",
        ("backspace",),
        of_screen=True,
    ),
    Action(
        "dim",
        "dim the steps that do not fit the filter, or hide them",
        "timeline",
        ("d",),
        of_screen=True,
    ),
    Action("set_mark", "mark this step with a letter", "timeline", ("m",), of_screen=True),
    Action(
        "go_mark",
        "go to the step marked with a letter",
        "timeline",
        ("apostrophe",),
        of_screen=True,
    ),
    Action("sessions", "sessions: prompts, steps, failures", "timeline", ("s",), of_screen=True),
    # files
    Action(
        "include",
        "pick this file for a rollback, or let go of it",
        "files",
        ("space",),
        hint="pick",
    ),
    Action(
        "restore_picked",
        "rollback: preview restoring the picked files, or this one",
        "files",
        ("r",),
        hint="rollback…",
        of_screen=True,
    ),
    Action("tree", "folders, or whole paths", "files", ("grave_accent",), hint="tree"),
    Action(
        "file_state(-1)",
        "older step that changed this file",
        "files",
        ("comma",),
        hint="its past",
        of_screen=True,
    ),
    Action(
        "file_state(1)",
        "newer step that changed this file",
        "files",
        ("full_stop",),
        of_screen=True,
    ),
    # diff
    Action(
        "file_state(-1)", "older step that changed this file", "diff", ("comma",), of_screen=True
    ),
    Action(
        "file_state(1)", "newer step that changed this file", "diff", ("full_stop",), of_screen=True
    ),
    Action("hunk_next", "next hunk", "diff", ("right_square_bracket",)),
    Action("hunk_previous", "previous hunk", "diff", ("left_square_bracket",), hint="hunk"),
    Action("file_next", "next file", "diff", ("right_curly_bracket",)),
    Action("file_previous", "previous file", "diff", ("left_curly_bracket",), hint="file"),
    Action(
        "pick_hunk",
        "pick this hunk or the range's for a rollback; or let go",
        "diff",
        ("space",),
        hint="pick",
    ),
    Action("pick_all", "pick every hunk, or none", "diff", ("A",)),
    Action("range", "select lines from here, to pick their hunks or to copy them", "diff", ("v",)),
    Action("extend(1)", "further down", "diff", ("shift+down",)),
    Action("extend(-1)", "further up", "diff", ("shift+up",)),
    Action(
        "restore_picked",
        "rollback: preview restoring the picked hunks, or this one",
        "diff",
        ("r",),
        hint="rollback…",
        of_screen=True,
    ),
    Action(
        "annotate_line", "write a note on this line", "diff", ("a",), hint="note", of_screen=True
    ),
    Action("sideways_right", "scroll right", "diff", ("L",)),
    Action("sideways_left", "scroll left", "diff", ("H",)),
    Action(
        "split", "two sides beside each other, or one below the other", "diff", ("s",), hint="split"
    ),
    Action("wrap", "break long lines, or cut them", "diff", ("w",)),
    Action("spaces", "without changes of white space only, or with them", "diff", ("W",)),
    Action("context_more", "more unchanged lines around changes", "diff", ("right_parenthesis",)),
    Action("context_less", "fewer unchanged lines", "diff", ("left_parenthesis",)),
    Action(
        "zoom",
        "the diff on the whole screen, and back",
        "diff",
        ("enter",),
        hint="zoom",
        of_screen=True,
    ),
    # the line at the bottom
    Action("keep", "keep it", "prompt", ("enter", "down"), hint="keep"),
    Action("complete", "complete the word", "prompt", ("tab",), hint="complete", of_screen=True),
    Action("drop", "leave as it was", "prompt", ("escape",), hint="leave"),
    *ABOVE,
)


_in_force: tuple[Action, ...] = ACTIONS


def put_in_force(actions: tuple[Action, ...]) -> None:
    """Takes the table with the keys that a person chose.

    Once in a process, before the first screen is imported: bindings are made with the classes.
    """
    global _in_force
    _in_force = actions


def key_of(name: str) -> str:
    """Returns the first key of an action, `everywhere.undo`, as a person reads it."""
    keys = next(action.keys for action in _in_force if action.name == name)
    return spelled(keys[0]) if keys else "(no key)"


def bound_digits() -> str:
    """Returns the digits that are keys, and so no counts when they stand alone."""
    keys = {key for action in _in_force for key in action.keys}
    return "".join(sorted(key for key in keys if len(key) == 1 and key.isdecimal()))


def keys_with_alt() -> frozenset[str]:
    """Returns the keys with alt that do something, by their names in Textual."""
    return frozenset(key for action in _in_force for key in action.keys if key.startswith("alt+"))


def takes_it_back() -> str:
    """Returns `u takes it back`, with the key in force."""
    return f"{key_of('everywhere.undo')} takes it back"


def does_it_again() -> str:
    """Returns `U does it again`, with the key in force."""
    return f"{key_of('everywhere.redo')} does it again"


def actions_for(scope: Scope) -> tuple[Action, ...]:
    """Returns the scope's actions in table order, with the keys in force."""
    return tuple(action for action in _in_force if action.scope == scope)
