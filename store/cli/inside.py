"""Commands run inside another program: those that only read, their text returned, not printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from stepwell.store.cli.main import COMMANDS, guarded
from stepwell.store.cli.output import Channel, Output

_READING = frozenset(
    (
        "status",
        "log",
        "show",
        "diff",
        "cat",
        "search",
        "blame",
        "bisect",
        "rules",
        "operations",
        "sessions",
        "metrics",
        "verify",
        "stats",
        "help",
    )
)
_READING_PARTS = {
    "branch": ("",),
    "experiment": ("list", "show"),
    "transcripts": ("list",),
    "daemon": ("status",),
    "session": ("access", "snapshots", "show", "versions", "diff", "timeline"),
}
"""Commands of which only these first words read; empty: without any word."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said."""

    text: str
    """Both streams in the order of writing; bytes that are no UTF-8 are replaced."""
    code: int


def names() -> tuple[str, ...]:
    """Returns the commands, in the order of the list that help shows."""
    return tuple(COMMANDS)


def only_reads(words: Sequence[str]) -> bool:
    """Tells whether a command line changes neither disk nor store."""
    if not words:
        return False
    # An option may be shortened, as long as it is clear.
    if words[0] == "verify" and any(word.startswith("--rep") for word in words):
        return False
    if words[0] in _READING or list(words[1:]) == ["--help"]:
        return True
    return (words[1] if len(words) > 1 else "") in _READING_PARTS.get(words[0], ())


def tell(
    words: Sequence[str],
    folder: str,
    home: Path | None,
    columns: int,
    now_ns: int,
    *,
    plain: bool = False,
) -> Told:
    """Runs `stepwell WORDS` as if started in `folder`; an error is text and an exit code.

    `columns` is the width that lists are fitted to, `now_ns` the moment that ages count from, `home`
    the data folder (None: as the environment says); `plain` keeps the signs to ASCII.

    Raises:
        ValueError: the command does more than read.
    """
    if not only_reads(words):
        raise ValueError(f"{words[0] if words else 'nothing'} does more than read")
    stream = BytesIO()
    channel = Channel(stream, encoding="ascii" if plain else "utf-8")
    out = Output(channel, channel, "--json" in words, columns, now_ns)
    code = guarded(["-C", folder, *words], out, home)
    return Told(stream.getvalue().decode("utf-8", "replace"), code)
