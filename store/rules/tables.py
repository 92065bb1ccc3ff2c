"""Rules as a file gives them: the table `[rules]` of a configuration or of a `stepwell.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from stepwell.store.checks.numbers import check_pattern
from stepwell.store.checks.process import split_words
from stepwell.store.model.errors import UsageError
from stepwell.store.model.rules import MEASURES, Mode, Rule, RuleKind, RuleSet
from stepwell.store.rules.conditions import parse_condition

Source = Literal["config", "workspace"]

_READY: Mapping[RuleKind, tuple[str, str, str, int]] = {
    "tests": ("failures > 30%", "rollback", "step", 1),
    "compile": ("fails", "rollback", "step", 1),
    "performance": ("slower > 20%", "rollback", "turn", 3),
    "complexity": ("complexity > 10", "suggest", "step", 1),
    "maintainability": ("maintainability < 20", "suggest", "step", 1),
    "command": ("fails", "suggest", "step", 1),
}
"""Kind -> condition, action, moment and confirmations, unless the file says otherwise."""

_MODES = get_args(Mode)
_KEYS = frozenset(
    {"kind", "run", "shell", "when", "paths", "quiet_ms", "limit_s", "if", "do", "confirm"}
    | {"junit", "numbers", "milestone", "workspaces"}
)


def read_rules(table: Mapping[str, Any], file: str, source: Source, root: str = "") -> RuleSet:
    """Returns what a table `[rules]` says; a rule for other workspaces than `root` is left out.

    Raises:
        UsageError: something in it makes no sense; `file` is named in the message.
    """
    try:
        mode = _mode(table.get("mode", "suggest"))
        extras = _texts(table.get("with", []), "with")
        named = {name: value for name, value in table.items() if name not in ("mode", "with")}
        rules = [
            _rule(name, _table(name, value), source)
            for name, value in sorted(named.items())
            if _is_for(_table(name, value), root)
        ]
    except UsageError as error:
        raise UsageError(
            f"the rules in {file} make no sense: {error.message}",
            hint=error.hint or "docs/rules.md explains the settings",
        ) from error
    return RuleSet(tuple(rules), mode, extras)


def _mode(value: object) -> Mode:
    if value not in _MODES:
        raise UsageError(f"mode must be one of {', '.join(_MODES)}, not {value!r}")
    return cast(Mode, value)


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"there is no setting {name}", hint="a rule is a table: [rules.NAME]")
    return value


def _is_for(table: Mapping[str, Any], root: str) -> bool:
    return "workspaces" not in table or root in _texts(table["workspaces"], "workspaces")


def _rule(name: str, table: Mapping[str, Any], source: Source) -> Rule:
    for key in table.keys() - _KEYS:
        raise UsageError(
            f"rule {name} has no setting {key}", hint=f"there are {', '.join(sorted(_KEYS))}"
        )
    kind = _kind(name, table)
    condition, action, when, confirm = _READY[kind]
    numbers = _numbers(name, table.get("numbers", {}))
    return Rule(
        name,
        kind,
        _command(name, kind, table),
        parse_condition(_text(name, table, "if", condition), numbers),
        _one_of(name, table, "do", ("mark", "suggest", "rollback"), action),
        _one_of(name, table, "when", ("step", "turn"), when),
        _texts(table.get("paths", []), f"paths of rule {name}"),
        int(_number(name, table, "quiet_ms", 1_500, 0, 600_000)),
        _number(name, table, "limit_s", 300.0, 0.1, 86_400),
        int(_number(name, table, "confirm", confirm, 1, 10)),
        _inside(name, _text(name, table, "junit", "")),
        numbers,
        _flag(name, table, "milestone", kind == "tests"),
        source,
    )


def _kind(name: str, table: Mapping[str, Any]) -> RuleKind:
    found = table.get("kind", name if name in _READY else "command")
    if found not in _READY:
        raise UsageError(f"rule {name} is of no kind {found!r}", hint=f"one of {', '.join(_READY)}")
    return cast(RuleKind, found)


def _command(name: str, kind: RuleKind, table: Mapping[str, Any]) -> tuple[str, ...]:
    run = table.get("run")
    if kind in MEASURES:
        if run is not None:
            raise UsageError(f"rule {name} looks at the sources itself, and runs nothing")
        return ()
    if run is None:
        raise UsageError(
            f"rule {name} does not say what to run", hint='run = "python -m pytest -q"'
        )
    if _flag(name, table, "shell", False):
        if not isinstance(run, str):
            raise UsageError(f"what rule {name} gives to a shell must be one text")
        return ("/bin/sh", "-c", run)
    if isinstance(run, list) and run:
        return _texts(run, f"run of rule {name}")
    if not isinstance(run, str):
        raise UsageError(f"run of rule {name} must be a text or a list of words")
    return split_words(run)


def _inside(rule: str, path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise UsageError(f"the report {path} of rule {rule} lies outside of the workspace")
    return path


def _numbers(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise UsageError(f"numbers of rule {name} must be a table of regular expressions")
    for pattern in value.values():
        check_pattern(pattern)
    return {str(key): pattern for key, pattern in value.items()}


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise UsageError(f"{what} must be a list of texts")
    return tuple(value)


def _text(rule: str, table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise UsageError(f"{key} of rule {rule} must be a text")
    return value


def _flag(rule: str, table: Mapping[str, Any], key: str, default: bool) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise UsageError(f"{key} of rule {rule} must be true or false")
    return value


def _one_of(
    rule: str, table: Mapping[str, Any], key: str, known: tuple[str, ...], default: str
) -> Any:
    value = table.get(key, default)
    if value not in known:
        raise UsageError(f"{key} of rule {rule} must be one of {', '.join(known)}, not {value!r}")
    return value


def _number(
    rule: str, table: Mapping[str, Any], key: str, default: float, least: float, most: float
) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise UsageError(f"{key} of rule {rule} must be a number from {least:g} to {most:g}")
    return value
