"""Commands run inside another program: a line is understood first, and run as `manners` has it.

Nothing reaches the terminal: what a command says is handed on line by line.
"""

from __future__ import annotations

from argparse import Action, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from stepwell.store.cli.command import Call
from stepwell.store.cli.main import COMMANDS, guarded, loaded, understood, wants_json, with_option
from stepwell.store.cli.manners import READS, Manner, manner
from stepwell.store.cli.output import Channel, Output, Piece, text_of
from stepwell.store.cli.signals import Stop
from stepwell.store.model.errors import UsageError

if TYPE_CHECKING:
    from stepwell.store.cli.going import Verb

__all__ = [
    "STOPPED",
    "Known",
    "Line",
    "Listener",
    "Looked",
    "Place",
    "Stop",
    "look",
    "names",
    "offers",
    "read_line",
    "run",
]

STOPPED = 130
"""What a command that was stopped on request returns, as after Ctrl-C."""


_PIECE = 65_536
"""Bytes that are looked at in one go: other threads have their turn between two."""


class Stopped(KeyboardInterrupt):
    """Someone asked the command to end; it leaves things as after Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where commands run."""

    folder: str
    """As if started there; the root of the workspace."""
    home: Path | None = None
    """The data folder; None: as the environment says."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command line that was understood; nothing was done."""

    words: tuple[str, ...]
    name: str
    """Of its command; empty when it asks for help or the version."""
    manner: Manner = READS
    given: Namespace | None = None
    """Its options."""
    verb: Verb | None = None
    """Of one that travels: what plans it."""

    @property
    def is_whole(self) -> bool:
        """Planning it takes a workspace with experiments."""
        return self.verb is not None and self.verb.open is not Call.open


@dataclass(frozen=True, slots=True)
class Listener:
    """Who takes what a command says, on the command's own thread."""

    said: Callable[[str, bool], object]
    """A line, hostile as it may be, and whether it stands beside the result."""
    at: Callable[[str], object] = lambda text: None
    """How far long work is, in words."""
    columns: int = 80
    """The width that lists are fitted to."""
    now_ns: int = 0
    """When it is run: ages count from then."""
    plain: bool = False
    """Signs in ASCII."""


class Looked(NamedTuple):
    """What a look came to."""

    code: int
    """The exit code."""
    shown: frozenset[str] | None
    """What was shown to go; None: the command names nothing of the kind."""


def names() -> tuple[str, ...]:
    """Returns the commands, in the order of the list that help shows."""
    return tuple(COMMANDS)


def read_line(words: Sequence[str], place: Place) -> Line:
    """Understands `stepwell WORDS` by the command line's own parsers.

    Raises:
        StepwellError: it makes no sense, or is about another folder and more than reads.
    """
    found = understood(words)
    if found is None:
        return Line(tuple(words), "")
    command, given = found
    elsewhere = given.folder is not None
    given.folder = given.folder or place.folder
    taken: list[Verb] = []
    call = Call(given, _silent(), place.home, taken.append)
    how = manner(command.name, call)
    if elsewhere and how.kind not in ("reads", "shell"):
        raise UsageError(
            f"{command.name} is about this workspace here", hint="leave -C away, or use a shell"
        )
    if how.kind == "travels":
        command.run(call)
    verb = taken[0] if taken else None
    return Line(tuple(words), command.name, how, given, verb)


def run(
    line: Line,
    place: Place,
    listener: Listener,
    stop: Stop | None = None,
    *,
    agreed: bool = False,
    shown: frozenset[str] | None = None,
) -> int:
    """Runs a line and returns its exit code, `STOPPED` when `stop` was set before its end.

    What is asked for runs only when it was `agreed` to, and nothing goes but what a look has
    `shown`. An error is text and an exit code.

    Raises:
        ValueError: it is to be previewed, agreed to, or left to a shell.
    """
    kind = line.manner.kind
    if kind not in ("reads", "does") and not (kind == "asks" and agreed):
        raise ValueError(f"{line.name} cannot be run without further ado")
    words = line.words
    if line.given is not None and "yes" in line.given and agreed:
        words = with_option(words, "--yes")
    return _run(words, place, listener, stop or Stop(), shown).code


def look(line: Line, place: Place, listener: Listener, stop: Stop) -> Looked:
    """Shows what a line that `looks` would do."""
    return _run(with_option(line.words, "--dry-run"), place, listener, stop)


@dataclass(frozen=True, slots=True)
class Known:
    """Names that are there to be completed."""

    branches: Sequence[str] = ()
    labels: Sequence[str] = ()
    tags: Sequence[str] = ()
    sessions: Sequence[str] = ()
    experiments: Sequence[str] = ()


def offers(words: Sequence[str], known: Known) -> tuple[str, ...]:
    """Returns what may come after some words of a line: commands, actions, options, names."""
    if not words:
        return (*names(), "help")
    if words[0] == "help":
        return names()
    try:
        command = loaded(words[0])
    except UsageError:
        return ()
    actions = command.parser()._actions
    options = {text: action for action in actions for text in action.option_strings}
    places = [action for action in actions if not action.option_strings]
    before, awaiting = 0, None
    for word in words[1:]:
        if awaiting is not None:
            awaiting = None
        elif word in options:
            awaiting = options[word] if options[word].nargs != 0 else None
        else:
            before += 1
    if awaiting is not None:
        return _values(command.name, awaiting, known)
    place = places[min(before, len(places) - 1)] if places else None
    found = _values(command.name, place, known) if place is not None else ()
    return (*found, *(text for text in options if text.startswith("--")))


def _values(command: str, action: Action, known: Known) -> tuple[str, ...]:
    if action.choices is not None:
        return tuple(map(str, action.choices))
    kind = action.metavar if isinstance(action.metavar, str) and action.type is None else ""
    kinds: dict[str, Sequence[str]] = {
        "STEP": ("@", *known.branches, *known.labels),
        "NAME": known.experiments if command == "experiment" else known.branches,
        "B": known.branches,
        "S": known.sessions,
        "SESSION": known.sessions,
        "L": known.labels,
        "T": known.tags,
    }
    return tuple(kinds.get(kind, ()))


def _run(
    words: Sequence[str],
    place: Place,
    listener: Listener,
    stop: Stop,
    shown: frozenset[str] | None = None,
) -> Looked:
    said = [_Stream(listener.said, beside, stop) for beside in (False, True)]
    out, err = (
        Channel(cast(BinaryIO, one), encoding="ascii" if listener.plain else "utf-8")
        for one in said
    )
    output = _Heard(
        out, err, wants_json(words), listener.columns, listener.now_ns, at=listener.at, stop=stop
    )
    output.shown = shown
    try:
        code = guarded(["-C", place.folder, *words], output, place.home, stop)
    except KeyboardInterrupt:  # ours, or that of a command which looks at `stop` itself
        return Looked(STOPPED, None)
    for one in said:
        one.end()
    return Looked(STOPPED if stop.is_set() and code else code, output.shown)


def _silent() -> Output:
    nothing = Channel(BytesIO())
    return Output(nothing, nothing)


class _Stream:
    """Cuts what is written into lines; writing ends the command once it is to stop."""

    def __init__(self, said: Callable[[str, bool], object], beside: bool, stop: Stop) -> None:
        self._said = said
        self._beside = beside
        self._stop = stop
        self._left = b""

    def write(self, content: bytes | memoryview) -> int:
        for at in range(0, len(content), _PIECE):
            if self._stop.is_set() and not self._stop.heeded:
                raise Stopped
            piece = bytes(content[at : at + _PIECE])
            *lines, self._left = (self._left + piece).split(b"\n")
            for line in lines:
                self._tell(line)
        return len(content)

    def flush(self) -> None:
        """Whole lines are told already."""

    def end(self) -> None:
        """Tells what no line's end follows."""
        if self._left:
            self._tell(self._left)

    def _tell(self, line: bytes) -> None:
        self._said(line.decode("utf-8", "surrogateescape"), self._beside)


class _Heard(Output):
    """Tells how far long work is in words, not on a terminal, and ends it when it is to stop."""

    def __init__(
        self,
        out: Channel,
        err: Channel,
        json: bool,
        columns: int,
        now_ns: int,
        *,
        at: Callable[[str], object],
        stop: Stop,
    ) -> None:
        super().__init__(out, err, json, columns, now_ns)
        self._at = at
        self._stop = stop

    def progress(self, what: str, done: int, total: int) -> None:
        if self._stop.is_set() and not self._stop.heeded:
            raise Stopped
        self._at(f"{what} {done:,} of {total:,}" if total else f"{what} {done:,}")

    def live(self, lines: Sequence[Sequence[Piece]]) -> None:
        if lines:
            self._at("; ".join(_plain(pieces) for pieces in lines))


def _plain(pieces: Sequence[Piece]) -> str:
    return " ".join("".join(map(text_of, pieces)).split())
