"""The console script: finds the command, runs it, and turns every error into one sentence.

A command's module is imported only when the command is called, because every run pays for each
import.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from stepwell.store import environment
from stepwell.store.cli.output import Output, OutputLost, Styled, silence_stdout, standard_output
from stepwell.store.model.errors import FailedError, StepwellError, UsageError

if TYPE_CHECKING:
    from argparse import Namespace

    from stepwell.store.cli.command import Command
    from stepwell.store.cli.signals import Stop

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("setup", "start looking after a folder"),
    "status": ("setup", "where you are, and what differs on disk"),
    "install": ("agents", "record an agent's steps: put our hooks into its settings"),
    "uninstall": ("agents", "take them out again"),
    "doctor": ("agents", "which agents are installed, reachable and heard from"),
    "keys": ("keys", "what the keys of the timeline do"),
    "demo": ("demo", "build a real history to play with, and browse it"),
    "capture": ("recording", "record the folder as a step"),
    "mark": ("recording", "make a step a checkpoint: label, note, tags"),
    "unmark": ("recording", "take a label, a tag or the whole mark away"),
    "log": ("reading", "list steps, newest first"),
    "show": ("reading", "one step with everything about it"),
    "diff": ("reading", "what differs between two steps, or on disk"),
    "cat": ("reading", "a file as it was at a step"),
    "search": ("finding", "words in titles, prompts, notes, paths and changed lines"),
    "blame": ("finding", "which step each line of a file came with"),
    "sessions": ("sessions", "who worked here, and what they were asked"),
    "metrics": ("sessions", "sessions in figures"),
    "session": ("session", "take snapshots of a session, go back to them; access to it"),
    "report": ("report", "what a session tried, failed at and kept"),
    "export": ("bundles", "write steps with their files to one file"),
    "import": ("bundles", "add the steps of such a file"),
    "remote": ("sharing", "name a git server to share timelines through"),
    "push": ("sharing", "send this timeline to a remote"),
    "pull": ("sharing", "add the timelines that others pushed there"),
    "serve": ("serving", "let other programs work with sessions, over HTTP"),
    "mcp": ("serving", "let an agent ask about its own past, over stdio"),
    "rollback": ("travel", "put the folder back as it was at a step"),
    "switch": ("travel", "go to the tip of another branch"),
    "undo": ("travel", "take back the newest rollback, switch or mark"),
    "redo": ("travel", "do again what was undone last"),
    "operations": ("travel", "list what changed the store"),
    "merge": ("merging", "merge a branch, or picked hunks of it, into this one"),
    "experiment": ("experiments", "try approaches side by side, rank them, promote one"),
    "check": ("rules", "look at the rules now, in a scratch copy"),
    "rules": ("rules", "list the rules, and what they found last"),
    "trust": ("rules", "let this workspace's stepwell.toml run"),
    "bisect": ("bisect", "find the step with which a command began to fail"),
    "branch": ("branches", "list branches; make, rename or delete one"),
    "state": ("state", "snapshots of JSON state: take, find, compare, carry"),
    "verify": ("verifying", "check that everything stored is whole"),
    "gc": ("upkeep", "seal what was recorded: packed small, as git commits"),
    "prune": ("retention", "drop old steps by the retention policy"),
    "purge": ("purge", "remove content from the history for good"),
    "rebuild": ("upkeep", "make the catalogue anew from the journal"),
    "stats": ("stats", "what the store holds, takes, and runs short of"),
    "watch": ("watching", "capture whenever the folder comes to rest"),
    "run": ("watching", "run a command, and capture around it"),
    "daemon": ("daemon", "start, stop or ask about the background process"),
    "hook": ("hook", "what agents' hooks call"),
    "transcripts": ("transcripts", "import the project's git history, or list what there is"),
}
"""Name -> (module of this package, what the list of commands says)."""

_GROUPS = (
    ("begin", ("init", "status", "install", "uninstall", "doctor", "mcp", "keys", "demo")),
    ("record", ("capture", "watch", "run", "mark", "unmark", "transcripts")),
    ("look", ("log", "show", "diff", "cat", "search", "blame", "bisect")),
    ("sessions", ("sessions", "metrics", "session", "report")),
    ("carry", ("export", "import", "remote", "push", "pull")),
    ("go back", ("rollback", "undo", "redo", "operations")),
    ("watch over it", ("check", "rules", "trust")),
    ("branch off", ("branch", "switch", "merge", "experiment")),
    ("keep the state of programs", ("state",)),
    (
        "look after the store",
        ("verify", "prune", "purge", "gc", "rebuild", "stats", "daemon", "serve"),
    ),
    ("for agents", ("hook",)),
)

_OTHER_WORDS = {
    **dict.fromkeys(("annotate", "checkpoint", "checkpoints", "label", "note", "pin"), "mark"),
    "tag": "mark",
    **dict.fromkeys(("back", "checkout", "reset", "restore", "revert", "rewind"), "rollback"),
    **dict.fromkeys(("add", "commit", "save", "snapshot"), "capture"),
    **dict.fromkeys(("history", "list", "ls", "timeline"), "log"),
    **dict.fromkeys(("find", "grep"), "search"),
    **dict.fromkeys(("browse", "tui", "ui"), ""),
    "fsck": "verify",
    "branches": "branch",
    "checks": "check",
    "experiments": "experiment",
}
"""What others call it -> the command; empty: none, which opens the timeline."""

_INTERRUPTED = 130
_PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `stepwell ARGV` and returns the exit code; no exception leaves it."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    out = standard_output(json=wants_json(arguments), may_colour=environment.may_colour())
    try:
        code = guarded(arguments, out)
        out.close()
    except BrokenPipeError:
        silence_stdout()
        return _PIPE_CLOSED
    except OutputLost as lost:
        silence_stdout()
        return _unwritable(lost, out)
    except KeyboardInterrupt:
        silence_stdout()
        return _INTERRUPTED
    return code


def guarded(
    arguments: Sequence[str], out: Output, home: Path | None = None, stop: Stop | None = None
) -> int:
    """Runs a command line and turns every error into a sentence; returns the exit code.

    `home` is the data folder; None: as the environment says. `stop` ends long work where no signal
    does.
    """
    try:
        return _run(list(arguments), out, home, stop)
    except StepwellError as error:
        return _tell(error, out)
    except (BrokenPipeError, OutputLost):
        raise
    except Exception as error:
        if environment.is_debugging():
            for line in traceback.format_exc().splitlines():
                out.note(line)
        return _tell(_unexpected(error), out)


def _unexpected(error: Exception) -> StepwellError:
    return FailedError(
        f"stepwell failed on something unforeseen: {type(error).__name__}: {error}",
        hint="set STEPWELL_DEBUG=1 for the details, and report them",
    )


def _tell(error: StepwellError, out: Output) -> int:
    if out.json:
        from stepwell.store.forms import error_form

        out.document(error_form(error))
    out.note(Styled("stepwell: ", "bad"), error.message)
    if error.hint:
        out.note(Styled("hint: ", "dim"), error.hint)
    return error.exit_code


def _unwritable(lost: OutputLost, out: Output) -> int:
    with suppress(OutputLost, BrokenPipeError):
        out.err.write([f"stepwell: the output cannot be written: {lost}"])
        out.err.flush()
    return FailedError.exit_code


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a line asks for JSON: what follows `--` is no option of ours."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return "--json" in arguments[:end]


@dataclass(frozen=True, slots=True)
class _Split:
    """The command line, cut at the command's name."""

    before: list[str]
    name: str | None
    after: list[str]


def _split(arguments: Sequence[str]) -> _Split:
    before: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        before.append(rest.pop(0))
        if before[-1] == "-C":
            if not rest:
                raise UsageError("-C needs a folder", hint="as in stepwell -C ../project log")
            before.append(rest.pop(0))
    return _Split(before, rest[0] if rest else None, rest[1:])


def _run(arguments: list[str], out: Output, home: Path | None, stop: Stop | None) -> int:
    split = _split(arguments)
    if "-h" in split.before or "--help" in split.before:
        return _help(split.name, out)
    if "--version" in split.before:
        return _version(out)
    if split.name is None:
        return _bare(split.before, out, home)
    if split.name == "help":
        return _help(split.after[0] if split.after else None, out)
    return _command(split.name, [*split.before, *split.after], out, home, stop)


def understood(arguments: Sequence[str]) -> tuple[Command, Namespace] | None:
    """Returns the command of a line with its options; None for one that asks for help or version.

    Nothing is done. A line without a command stands for `log`, as off a terminal.

    Raises:
        UsageError: as the line itself would.
    """
    from stepwell.store.cli.command import HelpAsked

    split = _split(arguments)
    if split.name == "help" or {"-h", "--help", "--version"} & set(split.before):
        return None
    command = loaded(split.name or "log")
    try:
        return command, command.parse([*split.before, *split.after])
    except HelpAsked:
        return None


def with_option(arguments: Sequence[str], option: str) -> tuple[str, ...]:
    """Returns a line with an option right after its command's name."""
    split = _split(arguments)
    return (*split.before, split.name or "log", option, *split.after)


def _command(
    name: str,
    arguments: list[str],
    out: Output,
    home: Path | None = None,
    stop: Stop | None = None,
) -> int:
    from stepwell.store.cli.command import Call, HelpAsked

    command = loaded(name)
    try:
        parsed = command.parse(arguments)
    except HelpAsked as asked:
        return _lines(str(asked), out)
    return command.run(Call(parsed, out, home, stop=stop))


def loaded(name: str) -> Command:
    """Returns the command of that name; UsageError when there is none."""
    if name not in COMMANDS:
        raise UsageError(
            f"{name} is no command", hint=_similar(name) or "stepwell --help lists the commands"
        )
    module = import_module(f"stepwell.store.cli.{COMMANDS[name][0]}")
    found = next(command for command in module.COMMANDS if command.name == name)
    return cast("Command", found)


def _similar(name: str) -> str:
    from difflib import get_close_matches

    close = [_OTHER_WORDS[name]] if name in _OTHER_WORDS else get_close_matches(name, COMMANDS, 1)
    if close == [""]:
        return "did you mean stepwell, without a command? on a terminal it opens the timeline"
    return f"did you mean stepwell {close[0]}?" if close else ""


def _bare(before: list[str], out: Output, home: Path | None) -> int:
    if not out.out.is_terminal or not out.can_ask or out.json:
        return _command("log", before, out, home)
    from stepwell.store.cli.command import Call, Command
    from stepwell.store.cli.screens import open_timeline

    bare = Command("", "browse the timeline", (), lambda call: 0)
    call = Call(bare.parse(before), out)
    return open_timeline(call.folder, call.home)


def _version(out: Output) -> int:
    from stepwell.store import __version__

    out.line(f"stepwell {__version__}")
    return 0


def _help(name: str | None, out: Output) -> int:
    if name is not None:
        return _lines(loaded(name).parser().format_help(), out)
    out.line("stepwell: a time machine for the folder that you and your agents work in")
    out.line()
    out.line("usage: stepwell [-C DIR] [COMMAND] [OPTIONS]      on a terminal, no command: browse")
    for title, names in _GROUPS:
        out.line()
        out.line(Styled(title, "strong"))
        for one in names:
            out.line("  ", Styled(f"{one:<12}", "name"), COMMANDS[one][1])
    out.line()
    out.line("A STEP is @ (newest), @~2 (two before), '#12', a branch, a label or an id prefix.")
    out.line("stepwell COMMAND --help tells more; every command takes -C DIR, most take --json.")
    return 0


def _lines(text: str, out: Output) -> int:
    for line in text.rstrip("\n").split("\n"):
        out.line(line)
    return 0
