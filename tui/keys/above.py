"""The part of the table of actions that is about screens above the main one."""

from __future__ import annotations

from stepwell.tui.keys.action import Action, Scope


def _help(scope: Scope) -> Action:
    """What lists the keys of a screen above the main one."""
    keys = ("question_mark",)
    return Action("help", "keys of this screen", scope, keys, hint="keys", of_screen=True)


ABOVE: tuple[Action, ...] = (
    # operations
    Action(
        "undo_this",
        "undo: preview taking back this operation",
        "operations",
        ("u", "enter", "l"),
        hint="undo…",
    ),
    Action("show_step", "show its step in the timeline", "operations", ("o",), hint="show"),
    _help("operations"),
    Action("close", "back to the timeline", "operations", ("escape", "q", "h", "O"), hint="back"),
    # rules
    Action(
        "go_back",
        "rollback: preview going back to where it was well",
        "rules",
        ("r",),
        hint="rollback…",
    ),
    Action(
        "show_cause",
        "show the step that brought it about in the timeline",
        "rules",
        ("enter", "o", "l"),
        hint="show",
    ),
    _help("rules"),
    Action("close", "back to the timeline", "rules", ("escape", "q", "h", "V"), hint="back"),
    # preview
    Action(
        "apply",
        "do it: change the disk as shown; no other key does",
        "preview",
        ("y",),
        hint="apply",
    ),
    Action(
        "tick",
        "tick or leave out a file or hunk; agree to what would go",
        "preview",
        ("space",),
        hint="tick",
    ),
    Action(
        "tick_line",
        "in the diff: tick or leave out this line, or the range",
        "preview",
        ("x",),
        hint="line",
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
    _help("preview"),
    Action("cancel", "back; nothing is changed", "preview", ("escape", "q"), hint="cancel"),
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
    _help("branches"),
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
    _help("conflicts"),
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
        "preview merging what is picked; nothing is: the candidate",
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
    Action("experiment(1)", "older experiment", "review", ("greater_than_sign",)),
    Action("experiment(-1)", "newer experiment", "review", ("less_than_sign",)),
    Action("show_candidate", "show its newest step in the timeline", "review", ("o",)),
    _help("review"),
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
    _help("sessions"),
    Action("close", "back to the timeline", "sessions", ("escape", "q", "h", "s"), hint="back"),
    _help("figures"),
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
