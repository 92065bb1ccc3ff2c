"""What was refused, with its remedy in the words of the screen: keys, not commands of a shell. Pure."""

from __future__ import annotations

import re

from stepwell.tui.keys.actions import key_of
from stepwell.tui.values import StepwellError, printable

_MERGING = "in the timeline {merging} leads to its conflicts: {conclude} there concludes the merge, {abort} takes it back"
_ON_SCREEN = {
    "settle its conflicts and run `stepwell merge --continue`, or `stepwell merge --abort`": _MERGING,
    "conclude it (stepwell merge --continue) or take it back (--abort) first": _MERGING,
    "see `stepwell operations`": "in the timeline {operations} lists what was done",
    "look at a new preview": "",
    "give --prefer ours or theirs, leave those paths out, or merge the whole branch": (
        "leave those paths out, or merge the whole branch"
    ),
    "leave those paths out with --path, or roll back to before the later work": (
        "leave those paths out, or go back to before the later work"
    ),
    "choose all of it, or name it with --path": "choose all of it",
    "leave out --before or --only: the first step can only be gone back to": (
        "the first step can only be gone back to"
    ),
}
"""The remedies that keys are for, by what the library says; a new preview comes by itself."""
_COMMAND = re.compile(
    r"\bstepwell (?=(branch|capture|diff|gc|log|merge|operations|rollback|show|switch|undo"
    r"|unmark|verify)\b)"
)


def told(error: StepwellError) -> str:
    """Returns what failed and what can be done, printable, in one line."""
    hint = remedy(error.hint)
    return printable(error.message + (f" ({hint})" if hint else ""))


def remedy(hint: str) -> str:
    """Returns a hint of the library with keys where there are some, else commands after `:`."""
    keys = {
        "merging": key_of("everywhere.merging"),
        "conclude": key_of("conflicts.conclude"),
        "abort": key_of("conflicts.abort"),
        "operations": key_of("everywhere.operations"),
    }
    if hint in _ON_SCREEN:
        return _ON_SCREEN[hint].format(**keys)
    return _COMMAND.sub(":", hint) if key_of("everywhere.command") == ":" else hint
