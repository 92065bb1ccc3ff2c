"""The one table of actions: bindings, footer, `?` and the key reference are made from it.

No action changes the disk: those that lead to a change open a preview, whose own key applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepwell.tui.keys.names import spelled

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
    Action("find", "search this pane", "everywhere", ("slash",), hint="search"),
    Action("seek", "search all prompts, inputs, notes, paths and diffs", "everywhere", ("S",)),
    Action("find_next(1)", "next hit of the search", "everywhere", ("n",)),
    Action("find_next(-1)", "previous hit", "everywhere", ("N",)),
    Action("filter", "list only the steps that fit a filter", "everywhere", ("f",), hint="filter"),
    Action(
        "branches", "branches: switch, make, rename, delete", "everywhere", ("b",), hint="branches"
    ),
    Action("merging", "conflicts of the merge under way", "everywhere", ("M",)),
    Action("experiments", "experiments: candidates beside each other", "everywhere", ("E",)),
    Action("verdicts", "rules: what they found, and since when", "everywhere", ("V",)),
    Action("copy", "copy code, patch, hunk, path or id", "everywhere", ("y",)),
    Action("edit", "open this file in $EDITOR, at this line", "everywhere", ("e",)),
    Action("pager", "this diff in $PAGER", "everywhere", ("vertical_line",)),
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
        "include", "pick this file for a restore, or let go of it", "files", ("space",), hint="pick"
    ),
    Action(
        "restore_picked",
        "preview restoring the picked files, or this one",
        "files",
        ("r",),
        hint="restore…",
        of_screen=True,
    ),
    Action("tree", "folders, or whole paths", "files", ("grave_accent",), hint="tree"),
    # operations
    Action(
        "undo_this",
        "preview taking back this operation",
        "operations",
        ("u", "enter", "l"),
        hint="undo…",
    ),
    Action("close", "back to the timeline", "operations", ("escape", "q", "h", "O"), hint="back"),
    # rules
    Action("go_back", "preview going back to where it was well", "rules", ("r",), hint="restore…"),
    Action(
        "show_cause",
        "show the step that brought it about in the timeline",
        "rules",
        ("enter", "o", "l"),
        hint="show",
    ),
    Action("close", "back to the timeline", "rules", ("escape", "q", "h", "V"), hint="back"),
    # diff
    Action("hunk_next", "next hunk", "diff", ("right_square_bracket",)),
    Action("hunk_previous", "previous hunk", "diff", ("left_square_bracket",), hint="hunk"),
    Action("file_next", "next file", "diff", ("right_curly_bracket",)),
    Action("file_previous", "previous file", "diff", ("left_curly_bracket",), hint="file"),
    Action(
        "pick_hunk",
        "pick this hunk for a restore, or let go of it",
        "diff",
        ("space",),
        hint="pick",
    ),
    Action("pick_all", "pick every hunk, or none", "diff", ("A",)),
    Action(
        "restore_picked",
        "preview restoring the picked hunks, or this one",
        "diff",
        ("r",),
        hint="restore…",
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
    # preview
    Action("apply", "do it: change the disk as shown", "preview", ("y",), hint="apply"),
    Action(
        "tick",
        "tick this file or hunk, or leave it out; agree to a row that would lose something",
        "preview",
        ("space",),
        hint="tick",
    ),
    Action("tick_all", "tick everything, agreeing to all rows", "preview", ("A",)),
    Action(
        "flip", "the other side: before or after the step", "preview", ("b",), hint="before/after"
    ),
    Action(
        "reach",
        "take back only this step's own change, or all since",
        "preview",
        ("o",),
        hint="only this",
    ),
    Action("switch", "between list and diff", "preview", ("tab", "shift+tab"), hint="list/diff"),
    Action("cancel", "back; nothing is changed", "preview", ("escape", "q"), hint="cancel"),
    # the line at the bottom
    Action("keep", "keep it", "prompt", ("enter", "down"), hint="keep"),
    Action("complete", "complete the word", "prompt", ("tab",), hint="complete", of_screen=True),
    Action("drop", "leave as it was", "prompt", ("escape",), hint="leave"),
    # branches
    Action(
        "switch_to",
        "preview switching to this branch",
        "branches",
        ("s", "enter", "l"),
        hint="switch…",
    ),
    Action(
        "merge_in",
        "preview merging this branch into the one that you are on",
        "branches",
        ("M",),
        hint="merge…",
    ),
    Action("new_branch", "new branch at the selected step", "branches", ("n",), hint="new"),
    Action("rename_branch", "give this branch another name", "branches", ("R",), hint="rename"),
    Action(
        "delete_branch",
        "delete this branch's name; its steps stay",
        "branches",
        ("D",),
        hint="delete…",
    ),
    Action("show_head", "show its newest step in the timeline", "branches", ("o",), hint="show"),
    Action("close", "back to the timeline", "branches", ("escape", "q", "h", "b"), hint="back"),
    # conflicts of a merge
    Action("take('ours')", "preview taking our side", "conflicts", ("o",), hint="ours…"),
    Action("take('theirs')", "preview taking their side", "conflicts", ("t",), hint="theirs…"),
    Action("take('base')", "preview going back to the base", "conflicts", ("b",)),
    Action("take_all('ours')", "preview taking our side of all", "conflicts", ("O",)),
    Action("take_all('theirs')", "preview taking their side of all", "conflicts", ("T",)),
    Action("edit", "open the file in $EDITOR", "conflicts", ("e",), hint="edit"),
    Action(
        "conclude", "conclude the merge, after a question", "conflicts", ("c",), hint="conclude…"
    ),
    Action("abort", "preview taking the merge back", "conflicts", ("x",), hint="abort…"),
    Action("clash(1)", "next place where the sides differ", "conflicts", ("right_square_bracket",)),
    Action(
        "clash(-1)", "previous place", "conflicts", ("left_square_bracket",), hint="next/previous"
    ),
    Action("sides(1)", "scroll the sides down", "conflicts", ("J",), hint="scroll"),
    Action("sides(-1)", "scroll the sides up", "conflicts", ("K",)),
    Action("help", "all keys of this screen", "conflicts", ("question_mark",), hint="keys"),
    Action(
        "close",
        "back; the merge stays under way",
        "conflicts",
        ("escape", "q", "h", "M"),
        hint="back",
    ),
    # review of an experiment
    Action("candidate(1)", "next candidate", "review", ("l", "right"), hint="candidate"),
    Action("candidate(-1)", "previous candidate", "review", ("h", "left")),
    Action(
        "review_file(1)", "next file", "review", ("j", "down", "right_curly_bracket"), hint="file"
    ),
    Action("review_file(-1)", "previous file", "review", ("k", "up", "left_curly_bracket")),
    Action("review_hunk(1)", "next hunk of all diffs", "review", ("right_square_bracket",)),
    Action("review_hunk(-1)", "previous hunk", "review", ("left_square_bracket",), hint="hunk"),
    Action(
        "review_pick('hunk')", "pick this hunk of the candidate", "review", ("space",), hint="pick"
    ),
    Action("review_pick('file')", "pick the whole file of the candidate", "review", ("x",)),
    Action("review_pick('all')", "pick all that the candidate changed", "review", ("A",)),
    Action(
        "merge_picks",
        "preview merging what is picked, or with nothing picked the candidate",
        "review",
        ("M",),
        hint="merge…",
    ),
    Action(
        "verdict", "verdict on this candidate: accepted, rejected", "review", ("t",), hint="verdict"
    ),
    Action("review_note", "note on this candidate", "review", ("a",), hint="note"),
    Action("promote", "preview merging this candidate", "review", ("p",)),
    Action("review_output", "what the failed checks said, or the diffs again", "review", ("v",)),
    Action("review_scroll(1)", "scroll the diffs down", "review", ("J", "pagedown")),
    Action("review_scroll(-1)", "scroll the diffs up", "review", ("K", "pageup")),
    Action("review_sideways(1)", "scroll the diffs right", "review", ("L",)),
    Action("review_sideways(-1)", "scroll the diffs left", "review", ("H",)),
    Action("help", "all keys of this screen", "review", ("question_mark",), hint="keys"),
    Action("experiment(1)", "older experiment", "review", ("greater_than_sign",)),
    Action("experiment(-1)", "newer experiment", "review", ("less_than_sign",)),
    Action("show_candidate", "show its newest step in the timeline", "review", ("o",)),
    Action("close", "back to the timeline", "review", ("escape", "q", "E"), hint="back"),
    # verdict on a candidate
    Action("judge('accepted')", "accepted", "verdict", ("a",)),
    Action("judge('rejected')", "rejected", "verdict", ("r",)),
    Action("judge('')", "no verdict", "verdict", ("n",)),
    Action("leave_form", "leave without a change", "verdict", ("escape", "q", "t")),
    # what to copy
    Action("copy_this('code')", "the hunk's code, without signs", "copy", ("c",)),
    Action("copy_this('hunk')", "the hunk, as in a patch", "copy", ("h",)),
    Action("copy_this('patch')", "the file's patch", "copy", ("p",)),
    Action("copy_this('path')", "the file's path", "copy", ("f",)),
    Action("copy_this('id')", "the step's id", "copy", ("i",)),
    Action("leave_copy", "leave", "copy", ("escape", "q", "y")),
    # search through everything
    Action("go", "to this place", "seek", ("enter",), hint="go there"),
    Action("next_place", "next place", "seek", ("down", "ctrl+n"), hint="choose"),
    Action("previous_place", "previous place", "seek", ("up", "ctrl+p")),
    Action("next_page", "a page down", "seek", ("pagedown",)),
    Action("previous_page", "a page up", "seek", ("pageup",)),
    Action("leave_seek", "back to the timeline", "seek", ("escape",), hint="back"),
    # sessions, figures, commands
    Action(
        "list_session", "list its steps alone", "sessions", ("enter", "l"), hint="list its steps"
    ),
    Action("close", "back to the timeline", "sessions", ("escape", "q", "h", "s"), hint="back"),
    Action("close", "back to the timeline", "figures", ("escape", "q", "h", "I"), hint="back"),
    Action("run_line", "run the line", "command", ("enter",), hint="run"),
    Action(
        "complete_line", "complete the word, or list the ways", "command", ("tab",), hint="complete"
    ),
    Action("earlier", "the line before", "command", ("up",), hint="before"),
    Action("later", "the line after", "command", ("down",)),
    Action("text_down", "scroll what was said down", "command", ("pagedown",), hint="scroll"),
    Action("text_up", "scroll it up", "command", ("pageup",)),
    Action(
        "leave_line", "end the command that runs, or go back", "command", ("escape",), hint="back"
    ),
    # forms
    Action("save", "save what was typed", "form", ("ctrl+s",), hint="save"),
    Action("leave_form", "leave without a change", "form", ("escape",), hint="leave"),
    Action("remove", "remove the newest note", "note", ("ctrl+r",), hint="remove"),
    Action("yes", "do it", "confirm", ("y",), hint="do it"),
    Action("no", "leave without a change", "confirm", ("escape", "q", "n"), hint="leave"),
    # help
    Action("run", "do it now", "help", ("enter",), hint="run"),
    Action("down", "next", "help", ("down", "ctrl+n")),
    Action("up", "previous", "help", ("up", "ctrl+p")),
    Action("close", "back", "help", ("escape",), hint="back"),
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


def takes_it_back() -> str:
    """Returns `u takes it back`, with the key in force."""
    return f"{key_of('everywhere.undo')} takes it back"


def does_it_again() -> str:
    """Returns `U does it again`, with the key in force."""
    return f"{key_of('everywhere.redo')} does it again"


def actions_for(scope: Scope) -> tuple[Action, ...]:
    """Returns the scope's actions in table order, with the keys in force."""
    return tuple(action for action in _in_force if action.scope == scope)
