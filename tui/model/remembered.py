"""What the screen remembers between two starts: how a person likes it, and where they were. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

FORMAT = 1
SHARES = range(20, 81)
"""Percent of the screen that the timeline may have."""
_MOST_LINES = 100
_LONGEST_LINE = 2_000

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Taste:
    """The same in every workspace. None: as the screen does by itself."""

    theme: str | None = None
    split: str = "auto"
    wrap: bool = False
    ignore_space: bool = False
    context: int = 3
    absolute: bool = False
    """Times, not ages."""
    tree: bool = False
    """Files as folders."""
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person was in one workspace."""

    seq: int | None = None
    """The selected step; None: the newest."""
    pane: str = "timeline"
    folds: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)
    """Steps by the letters that lead to them."""
    commands: Sequence[str] = ()
    """Lines of the command line that were run, the newest last."""


def with_line(place: Place, line: str) -> Place:
    """Returns the place with a line that was run; the same one twice running counts once.

    Neither very many nor very long ones are remembered.
    """
    if len(line) > _LONGEST_LINE or (place.commands and place.commands[-1] == line):
        return place
    return replace(place, commands=(*place.commands, line)[-_MOST_LINES:])


def written(value: Taste | Place) -> dict[str, Any]:
    """Returns a value as JSON takes it."""
    return {"format": FORMAT, **asdict(value)}


def read(kind: type[_Value], found: object) -> _Value:
    """Returns a value of what `written` made; what is foreign in it is left at its default."""
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return kind()
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
    sound = {name: v for name, v in values.items() if name in known and _is_sound(name, v)}
    return kind(**sound)


def _is_sound(name: str, value: object) -> bool:
    match name:
        case "theme":
            return value is None or isinstance(value, str)
        case "pane":
            return value in ("timeline", "files", "diff")
        case "split":
            return value in ("auto", "on", "off")
        case "context":
            return _is_number(value) and 0 <= value <= 1_000  # type: ignore[operator]
        case "share":
            return value is None or (_is_number(value) and value in SHARES)
        case "seq":
            return value is None or _is_number(value)
        case "folds":
            return _is_number(value) and value in (0, 1, 2)
        case "marks":
            return isinstance(value, dict) and all(
                isinstance(letter, str) and len(letter) == 1 and _is_number(seq)
                for letter, seq in value.items()
            )
        case "commands":
            return isinstance(value, tuple) and all(isinstance(line, str) for line in value)
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
