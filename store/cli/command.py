"""What a command of the command line is: its name, its help, its options, what it runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from stepwell.store import environment
from stepwell.store.cli.output import Output
from stepwell.store.cli.words import kept_lines
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.paths import TrackedPath, from_argument

if TYPE_CHECKING:
    from stepwell.store.cli.going import Verb
    from stepwell.store.cli.signals import Stop
    from stepwell.store.sdk import Workspace as WholeWorkspace
    from stepwell.store.workspace import Workspace


_WIDEST = 88
"""Columns that text fills at most, however wide the terminal is."""
WAIT_S = 5.0
"""How long a command waits for another process to finish writing."""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Breaks paragraphs to the width of the terminal, but no option; lines that are indented stay."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import fill

        lines: list[str] = []
        paragraph: list[str] = []
        for line in [*text.split("\n"), ""]:
            if line and not line.startswith(" "):
                paragraph.append(line)
                continue
            if paragraph:
                room = min(width, _WIDEST)
                lines.append(fill(" ".join(paragraph), room, break_on_hyphens=False))
                paragraph = []
            lines.append(line)
        return super()._fill_text("\n".join(lines[:-1]), width, indent)

    def _split_lines(self, text: str, width: int) -> list[str]:
        from textwrap import wrap

        return wrap(" ".join(text.split()), width, break_on_hyphens=False)


class HelpAsked(Exception):
    """Someone gave --help; carries the text."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises where argparse would print and exit."""

    color: bool
    """Of Python 3.14: whether help is coloured."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        said = message.replace("invalid int value", "no whole number")
        raise UsageError(
            f"{self.prog.removeprefix('stepwell ')}: {said}", hint=f"see {self.prog} --help"
        )

    def print_help(self, file: object = None) -> None:
        """Raises HelpAsked."""
        raise HelpAsked(self.format_help())


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a command."""

    arguments: argparse.Namespace
    out: Output
    given_home: Path | None = None
    """The data folder; None: as the environment says."""
    take: Callable[[Verb], object] | None = None
    """Takes a verb that changes the folder, to preview it elsewhere; None: it is asked and done here."""

    stop: Stop | None = None
    """Set when long work is to end, where no signal tells so."""

    @property
    def folder(self) -> bytes:
        """The folder that the command is about: -C, else the current one; absolute."""
        given = self.arguments.folder
        try:
            return os.path.abspath(os.fsencode(given) if given else os.getcwdb())
        except FileNotFoundError as error:
            raise NotFoundError(
                "the current folder does not exist any more", hint="change to another folder"
            ) from error

    @property
    def asks(self) -> bool:
        """Whether somebody is there to be asked, and said neither --yes nor --dry-run nor --json."""
        given = self.arguments
        settled = given.yes or getattr(given, "dry_run", False)
        return self.out.can_ask and not self.out.json and not settled

    @property
    def home(self) -> Path:
        """The data folder."""
        return self.given_home or environment.default_home()

    def open(self) -> Workspace:
        """Opens the workspace that holds the folder; the caller closes it."""
        from stepwell.store.workspace import Workspace  # after the arguments are known to be good

        return Workspace.open(
            os.fsdecode(self.folder),
            home=self.home,
            config=environment.default_capture(),
            wait_s=WAIT_S,
        )

    def open_whole(self) -> WholeWorkspace:
        """Opens it as `open` does, with experiments and rules; their modules take time to load."""
        from stepwell.store.sdk import Workspace

        return Workspace.open(
            os.fsdecode(self.folder),
            home=self.home,
            config=environment.default_capture(),
            wait_s=WAIT_S,
        )

    def path(self, workspace: Workspace, argument: str) -> TrackedPath:
        """Returns the workspace path of a file that was named relative to the folder."""
        return from_argument(argument, workspace.root, os.path.realpath(self.folder))

    def tell_recovery(self, workspace: Workspace) -> None:
        """Says what the writing verb found interrupted and settled first."""
        done = workspace.recovered
        if done is None:
            return
        how = "was finished" if done.finished else "was taken back"
        self.out.note(f"an interrupted {done.kind} {how} first (operation {done.operation})")
        for line in kept_lines(done.kept):
            self.out.note(*line)


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `run` returns the exit code."""

    name: str
    summary: str
    """One line, as the list of commands shows it."""
    examples: tuple[str, ...]
    run: Callable[[Call], int]
    configure: Callable[[argparse.ArgumentParser], object] = lambda parser: None
    details: str = ""
    takes_json: bool = True
    takes_yes: bool = False
    after_dashes: str = ""
    """Attribute to which arguments after `--` are added; such a command takes options anywhere."""

    def parser(self) -> Parser:
        """Returns the parser of everything that follows the command's name."""
        parser = Parser(
            prog=f"stepwell {self.name}",
            description=f"{self.summary}\n\n{self.details}".strip(),
            epilog="\n".join(["example:", *(f"  {line}" for line in self.examples)]),
            formatter_class=_Help,
            allow_abbrev=False,
        )
        # Escape sequences come from output.py only.
        parser.color = False
        self.configure(parser)
        parser.add_argument("-C", dest="folder", metavar="DIR", help="run as if started in DIR")
        if self.takes_json:
            parser.add_argument("--json", action="store_true", help="print one JSON document")
        if self.takes_yes:
            parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
        return parser

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Returns the options; raises UsageError or HelpAsked."""
        if not self.after_dashes:
            return self.parser().parse_args(arguments)
        own, rest = list(arguments), []
        if "--" in own:
            cut = own.index("--")
            own, rest = own[:cut], own[cut + 1 :]
        parsed = self.parser().parse_intermixed_args(own)
        setattr(parsed, self.after_dashes, [*getattr(parsed, self.after_dashes, ()), *rest])
        return parsed


def plain_text(argument: str | None) -> str | None:
    """Returns an argument as text that can be stored: bytes that are not UTF-8 as `\\xNN`."""
    if argument is None:
        return None
    return os.fsencode(argument).decode("utf-8", "backslashreplace")


def seconds(text: str) -> float:
    """Returns the seconds that an argument gives; raises UsageError."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e9:
        raise UsageError(f"{text} is no number of seconds", hint="as in 30, or 0.5")
    return number
