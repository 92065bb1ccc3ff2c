"""What a line that begins with `:` asks for. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

SESSION_WORDS = ("snapshot", "snapshots", "metrics", "timeline")


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to be done."""

    act: Literal["read", "rollback", "switch", "undo", "redo", "filter", "snapshot"]
    words: tuple[str, ...] = ()
    """Of read: the command line; of the others: what they are about."""
    side: Literal["before", "after"] = "after"
    only: bool = False


class NotUnderstood(Exception):
    """Carries the reason as a sentence."""


def understood(
    text: str, session: str | None, only_reads: Callable[[Sequence[str]], bool]
) -> Order:
    """Returns what a line asks for; `session` is that of the selected step.

    Raises:
        NotUnderstood: it is no command, or one that a shell has to run.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NotUnderstood("a quote is not closed") from error
    if words[:1] == ["stepwell"]:
        words = words[1:]
    if not words:
        raise NotUnderstood("type a command; tab completes it")
    name, rest = words[0], words[1:]
    if name == "session":
        return _session(rest, session)
    if only_reads(words):
        return Order("read", tuple(words))
    if name in ("rollback", "switch", "undo", "redo"):
        return _preview(name, rest)
    raise NotUnderstood(f"{name} changes the store, and has no preview: run it in a shell")


def _session(rest: Sequence[str], session: str | None) -> Order:
    word = rest[0] if rest else ""
    if word == "snapshot":
        return Order("snapshot", (" ".join(rest[1:]),))
    if word == "metrics":
        return Order("read", ("metrics", *rest[1:]))
    if word not in SESSION_WORDS:
        raise NotUnderstood(f"session takes {', '.join(SESSION_WORDS)}")
    name = rest[1] if len(rest) > 1 else session
    if name is None:
        raise NotUnderstood(f"the selected step is of no session: session {word} NAME")
    return Order("filter", (f"{'kind:checkpoint ' if word == 'snapshots' else ''}{of(name)}",))


def of(session: str) -> str:
    """Returns the filter that lists the steps of a session."""
    quoted = session.replace("\\", "\\\\").replace('"', '\\"')
    return f'session:"{quoted}"' if set(quoted) & set(' ",\\') else f"session:{session}"


def _preview(name: str, rest: Sequence[str]) -> Order:
    flags = [word for word in rest if word.startswith("--")]
    words = tuple(word for word in rest if word not in flags)
    known = {"--before", "--after", "--only"} if name == "rollback" else set()
    if set(flags) - known:
        raise NotUnderstood(f"{flags[0]}: the preview itself asks for that")
    wanted = {"rollback": (1, 1), "switch": (1, 1), "undo": (0, 1), "redo": (0, 0)}[name]
    if not wanted[0] <= len(words) <= wanted[1]:
        takes = {
            "rollback": "a STEP",
            "switch": "a branch",
            "undo": "an operation",
            "redo": "nothing",
        }
        raise NotUnderstood(f"{name} takes {takes[name]}")
    if name == "undo" and words and not words[0].isdecimal():
        raise NotUnderstood("undo takes the number of an operation")
    side: Literal["before", "after"] = "before" if "--before" in flags else "after"
    return Order(name, words, side, "--only" in flags)  # type: ignore[arg-type]


def completed(text: str, names: Sequence[str]) -> str:
    """Returns the line with its command completed as far as there is one way to go on."""
    lead, _, word = text.rpartition(" ")
    if lead not in ("", "session"):
        return text
    known = SESSION_WORDS if lead else (*names, "session")
    ends = [f"{name} " if not lead else name for name in known if name.startswith(word)]
    if not word or not ends:
        return text
    low, high = min(ends), max(ends)
    size = next((i for i, sign in enumerate(low) if sign != high[i : i + 1]), len(low))
    return f"{lead} {low[:size]}" if lead else low[:size]


class History:
    """The lines that were run, and the one that is typed."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at = 0
        self._draft = ""

    def ran(self, line: str) -> None:
        """Takes a line; the same one twice running counts once."""
        if self._lines[-1:] != [line]:
            self._lines.append(line)
        self._at = len(self._lines)

    def step(self, way: int, typed: str) -> str:
        """Returns the line before (-1) or after (1); beyond the newest what was typed."""
        if self._at == len(self._lines):
            self._draft = typed
        self._at = max(0, min(len(self._lines), self._at + way))
        return self._lines[self._at] if self._at < len(self._lines) else self._draft
