"""How each command may be run where there is no terminal of its own, such as in the timeline.

What only reads, and what adds or takes away something that `undo` or another command brings back,
is just done. What changes the folder is previewed. What removes something for good, or lets
something run, is asked for. What needs a terminal, or reaches beyond the workspace, is a shell's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from stepwell.store.cli.command import Call


@dataclass(frozen=True, slots=True)
class Manner:
    """How one command line is to be run."""

    kind: Literal["reads", "does", "travels", "asks", "shell"]
    text: str = ""
    """Of asks: the question, without its sign; of shell: why."""
    word: str = ""
    """Of asks: what has to be typed to agree; empty: a key is enough."""
    looks: bool = False
    """Of asks: `--dry-run` shows beforehand what it would do."""


READS = Manner("reads")
DOES = Manner("does")
TRAVELS = Manner("travels")

Choice = Callable[[Call], Manner]


def manner(name: str, call: Call) -> Manner:
    """Returns how the command of that name is to be run with these options."""
    return MANNERS[name](call)


def _always(found: Manner) -> Choice:
    return lambda call: found


def _shell(why: str) -> Choice:
    return _always(Manner("shell", why))


def _asks(text: str, word: str = "") -> Manner:
    return Manner("asks", text, word)


def _unless_dry(otherwise: Manner) -> Choice:
    return lambda call: READS if call.arguments.dry_run else otherwise


def _by_action(default: Manner, others: Mapping[str, Choice], attribute: str = "action") -> Choice:
    return lambda call: others.get(getattr(call.arguments, attribute), _always(default))(call)


def _merge(call: Call) -> Manner:
    if call.arguments.conclude and not call.arguments.dry_run:
        return _asks("conclude the merge with the files as they are now")
    return _unless_dry(TRAVELS)(call)


def _check(call: Call) -> Manner:
    if call.arguments.dry_run:
        return DOES
    with call.open_whole() as workspace:
        by_itself = workspace.rules().mode == "auto"
    return (
        _asks("look now, and go back where the rules say so, by themselves") if by_itself else DOES
    )


def _gc(call: Call) -> Manner:
    dropped = "what prune dropped longer than the grace time ago"
    which = "everything that prune dropped" if call.arguments.now else dropped
    return _asks(f"seal, and remove for good {which}", "remove")


def _push(call: Call) -> Manner:
    sending = "send the timeline with its files, prompts and results"
    how = Manner("asks", sending, looks=True)
    if call.arguments.force:
        text = f"{sending}, and replace for good what was pushed for this workspace elsewhere"
        how = Manner("asks", text, "replace", looks=True)
    return _unless_dry(how)(call)


def _writing_file(call: Call) -> Manner:
    """An earlier export would be replaced, and nothing brings it back; what is no export is refused."""
    given = call.arguments
    name = getattr(given, "file", None) or next(iter(getattr(given, "arguments", ())), "")
    there = os.path.lexists(os.path.join(os.fsdecode(call.folder), name)) if name else False
    return _asks("replace the export that is there for good", "replace") if there else DOES


def _state_input(call: Call) -> Manner:
    given = call.arguments
    if "-" in (*given.arguments, given.config):
        return Manner("shell", "it reads the standard input, which the timeline has")
    if given.action == "import" and given.overwrite:
        return _asks("replace the state snapshots of the same ids for good", "replace")
    if given.action == "migrate" and given.config is not None:
        return _asks("replace the configuration of the state snapshots for good", "replace")
    return DOES


_BESIDE = "it goes on until it is ended, and would hold this screen"

MANNERS: Mapping[str, Choice] = {
    "init": _shell("this folder is looked after already, and another one has a screen of its own"),
    "status": _always(READS),
    "install": _unless_dry(
        Manner("shell", "it writes the settings of an agent, not this workspace")
    ),
    "uninstall": _unless_dry(
        Manner("shell", "it writes the settings of an agent, not this workspace")
    ),
    "doctor": _always(READS),
    "keys": _always(READS),
    "demo": _shell("it makes a workspace of its own, and opens that"),
    "capture": _always(DOES),
    "mark": _always(DOES),
    "unmark": _always(DOES),
    "log": _always(READS),
    "show": _always(READS),
    "diff": _always(READS),
    "cat": _always(READS),
    "search": _always(READS),
    "blame": _always(READS),
    "sessions": _always(READS),
    "metrics": _always(READS),
    "session": _by_action(
        READS,
        {
            **dict.fromkeys(("acquire", "release", "snapshot", "delete"), _always(DOES)),
            "restore": _unless_dry(TRAVELS),
        },
    ),
    "report": _always(READS),
    "export": _writing_file,
    "import": _unless_dry(DOES),
    "remote": _by_action(DOES, {"list": _always(READS)}, "verb"),
    "push": _push,
    "pull": _always(DOES),
    "serve": _shell(_BESIDE),
    "mcp": _shell("an agent talks with it over its standard input and output"),
    "rollback": _unless_dry(TRAVELS),
    "switch": _unless_dry(TRAVELS),
    "undo": _unless_dry(TRAVELS),
    "redo": _unless_dry(TRAVELS),
    "operations": _always(READS),
    "merge": _merge,
    "experiment": _by_action(
        READS,
        {
            **dict.fromkeys(("run", "judge", "drop"), _always(DOES)),
            **dict.fromkeys(("promote", "pick"), _unless_dry(TRAVELS)),
        },
    ),
    "check": _check,
    "rules": _always(READS),
    "trust": lambda call: (
        DOES if call.arguments.remove else _asks("let the commands in stepwell.toml run")
    ),
    "bisect": _always(READS),
    "branch": _by_action(
        READS,
        {
            **dict.fromkeys(("create", "rename"), _always(DOES)),
            "delete": _always(_asks("take the branch's name away; its steps stay")),
        },
    ),
    "state": _by_action(
        READS,
        {
            **dict.fromkeys(("put", "import", "event", "migrate"), _state_input),
            "tag": _always(DOES),
            "export": _writing_file,
            "auto": _shell(_BESIDE),
            "delete": _unless_dry(
                Manner("asks", "delete the state snapshots for good", "delete", looks=True)
            ),
        },
    ),
    "verify": lambda call: (
        _asks("mend what is damaged, as far as it is found again")
        if call.arguments.repair
        else READS
    ),
    "gc": _gc,
    "prune": _unless_dry(Manner("asks", "drop these steps", looks=True)),
    "purge": _unless_dry(Manner("asks", "remove this for good, without undo", "purge", True)),
    "rebuild": _always(DOES),
    "stats": _always(READS),
    "watch": _shell(_BESIDE),
    "run": _shell("its command has the terminal, which this screen has now"),
    "daemon": _by_action(DOES, {"status": _always(READS)}, "act"),
    "hook": _shell("agents call it, and it reads the standard input"),
    "transcripts": _by_action(READS, {"import": _always(DOES)}),
}
