"""The keys in force: those of the table, as a person's settings change them.

A setting that makes no sense, or that gives a key two meanings, is left out and told; what it was
about keeps its own keys. So a mistake in the settings never keeps anybody out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from stepwell.tui.keys.action import CHANGING
from stepwell.tui.keys.actions import ACTIONS, Action, Scope
from stepwell.tui.keys.names import is_typed, key_named, spelled
from stepwell.tui.keys.presets import PRESETS

TOGETHER: tuple[tuple[Scope, ...], ...] = (
    ("timeline", "list", "everywhere"),
    ("files", "list", "everywhere"),
    ("diff", "list", "everywhere"),
    *((scope, "list") for scope in ("operations", "preview", "branches", "conflicts", "review",
                                    "sessions", "figures", "rules")),
    ("copy",), ("seek",), ("command",), ("prompt",), ("form", "note"), ("confirm",), ("verdict",), ("help",),
)  # fmt: skip
"""Scopes whose keys work at the same time, the nearest first."""

_TYPING: frozenset[Scope] = frozenset(("seek", "command", "prompt", "form", "note", "help"))
"""Where letters are text."""

Table = Mapping[str, tuple[str, ...]]
"""Keys by an action's name."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """What keys do."""

    actions: tuple[Action, ...]
    problems: tuple[str, ...] = ()
    """What of the settings was left out, a sentence each."""


def keymap(settings: Mapping[str, object], actions: Sequence[Action] = ACTIONS) -> Keymap:
    """Returns the keys in force by a `[keys]` table: `preset`, and keys by the names of actions.

    A value is a key, a list of keys, or false for none.
    """
    problems: list[str] = []
    by_name = {action.name: action for action in actions}
    asked = _preset(settings.get("preset", "default"), problems)
    for name, value in settings.items():
        if name != "preset":
            keys = _read(name, value, by_name, problems)
            asked |= {name: keys} if keys is not None else {}
    asked = _without_clashes(asked, by_name, problems)
    in_force = tuple(replace(a, keys=asked.get(a.name, a.keys)) for a in actions)
    return Keymap(in_force, tuple(problems))


def _preset(name: object, problems: list[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(name, str) or name not in PRESETS:
        problems.append(f"there is no preset {name}; there are {', '.join(PRESETS)}")
        return {}
    return {action: tuple(map(key_named, keys)) for action, keys in PRESETS[name].items()}


def _read(
    name: str, value: object, by_name: Mapping[str, Action], problems: list[str]
) -> tuple[str, ...] | None:
    """Returns the keys that a setting gives an action; None: it makes no sense, which is told."""
    why = ""
    if name not in by_name:
        why = "there is no such action; stepwell keys lists them"
    elif value is False and by_name[name].is_way_out:
        why = "without it there would be no way out"
    elif value is False:
        return ()
    else:
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list) and given and all(isinstance(key, str) and key for key in given):
            return _named(name, given, by_name[name].scope, problems)
        why = "it must be a key, a list of keys, or false"
    problems.append(f"{name}: {why}")
    return None


def _named(
    name: str, given: Sequence[str], scope: Scope, problems: list[str]
) -> tuple[str, ...] | None:
    try:
        keys = tuple(map(key_named, given))
    except ValueError as error:
        problems.append(f"{name}: {error}")
        return None
    typed = [key for key in keys if scope in _TYPING and is_typed(key)]
    if typed:
        problems.append(f"{name}: {spelled(typed[0])} is text there")
        return None
    return keys


def _without_clashes(
    asked: dict[str, tuple[str, ...]], by_name: Mapping[str, Action], problems: list[str]
) -> dict[str, tuple[str, ...]]:
    """Drops what gives a key two meanings; what keeps its own keys then may clash with the rest."""
    while True:
        table = {name: asked.get(name, action.keys) for name, action in by_name.items()}
        clash = next(_clashes(table, by_name), None)
        if clash is None:
            return asked
        key, *names = clash
        problems.append(f"{spelled(key)} would be both {' and '.join(names)}: they keep their keys")
        asked = {name: keys for name, keys in asked.items() if name not in names}


def _clashes(table: Table, by_name: Mapping[str, Action]) -> Iterator[tuple[str, str, str]]:
    """Yields a key and the two actions that it would mean; what the table itself hides is meant."""
    for one, other in _neighbours(by_name):
        own = set(by_name[one].keys) & set(by_name[other].keys)
        for key in table[one]:
            if key in table[other] and key not in own:
                yield key, one, other


def _neighbours(by_name: Mapping[str, Action]) -> Iterator[tuple[str, str]]:
    """Yields pairs of actions that no key may mean both: those that work at the same time.

    What changes the disk shares no key with anything, lest the key that opens a preview applies it.
    """
    for scopes in TOGETHER:
        group = [name for name, action in by_name.items() if action.scope in scopes]
        yield from combinations(group, 2)
    for name in CHANGING:
        yield from ((name, other) for other in by_name if other not in (name, *CHANGING))
