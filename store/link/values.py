"""The facade's values as JSON and back, exactly: dataclasses, bytes, tuples, lists, mappings, paths.

```
None, bool, int, float, str    themselves
tuple                          [...]
dataclass                      {"ITS NAME": [its fields in order]}
bytes, list, mapping, path     {"bytes": "latin-1"}, {"list": [...]}, {"map": {...}}, {"path": "..."}
lines of a hunk                {"lines": "latin-1"}
```

Both sides are of one version (link/wire.py), so that fields can be told by their order. Only the
classes listed here are ever made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from stepwell.store.engine.access import Wish
from stepwell.store.engine.recording import Act, Recorded
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.model import (
    access,
    changes,
    errors,
    experiments,
    plans,
    reports,
    retention,
    rules,
    steps,
    tiering,
)
from stepwell.store.model.patchlines import PatchLines

Json = Any


def _classes(module: ModuleType) -> list[type]:
    found = vars(module).values()
    return [c for c in found if is_dataclass(c) and isinstance(c, type)]


@dataclass(frozen=True, slots=True)
class Given:
    """Stands for an argument of a request in a field of its answer: who asked has it."""

    position: int


_MODULES = (access, changes, experiments, plans, reports, retention, rules, steps, tiering)

_CLASSES: dict[str, type] = {
    one.__name__: one
    for one in [
        *(c for module in _MODULES for c in _classes(module)),
        Act,
        CaptureConfig,
        Given,
        Recorded,
        Wish,
    ]
}
_FIELDS = {one: tuple(f.name for f in fields(one)) for one in _CLASSES.values()}
_THEMSELVES = frozenset({type(None), bool, int, float, str})
_NESTED = frozenset({list, dict})
"""What a JSON value may consist of that is more than itself."""


def dumps(value: object) -> bytes:
    """Returns the JSON text of a value; raises TypeError for one that is not carried."""
    return json.dumps(to_json(value), separators=(",", ":")).encode("ascii")


def loads(text: bytes) -> Any:
    """Returns the value of a JSON text; raises ValueError for anything else."""
    try:
        return from_json(json.loads(text))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no value: {error}") from error


def to_json(value: Any) -> Json:
    """Returns the JSON form of a value."""
    return _FORM_OF[type(value)](value)


def _forms(values: Iterable[Any]) -> list[Json]:
    # Most of what is sent stands for itself; a call for each would be half of the time.
    return [one if type(one) in _THEMSELVES else _FORM_OF[type(one)](one) for one in values]


class _FormOf(dict[type, Callable[[Any], Json]]):
    """What makes the JSON forms of a class's values; made when its first one is sent."""

    def __missing__(self, kind: type) -> Callable[[Any], Json]:
        if kind in _FIELDS:
            form = _form_of_fields(kind)
        else:
            fitting = (form for known, form in _FORMS if issubclass(kind, known))
            form = next(fitting, _refuse)
        self[kind] = form
        return form


_FORM_OF = _FormOf()


def _refuse(value: object) -> Json:
    raise TypeError(f"{type(value).__name__} is not carried")


def _form_of_fields(kind: type) -> Callable[[Any], Json]:
    name, names = kind.__name__, _FIELDS[kind]
    # Of one name alone `attrgetter` gives no tuple.
    get = attrgetter(*names) if len(names) > 1 else lambda value: [getattr(value, n) for n in names]
    return lambda value: {name: _forms(get(value))}


_FORMS: Sequence[tuple[type, Callable[[Any], Json]]] = (
    *((kind, lambda value: value) for kind in _THEMSELVES),
    (tuple, _forms),
    (bytes, lambda value: {"bytes": value.decode("latin-1")}),
    (PatchLines, lambda value: {"lines": value.text.decode("latin-1")}),
    (list, lambda value: {"list": _forms(value)}),
    (
        Mapping,
        lambda value: {"map": dict(zip(map(str, value), _forms(value.values()), strict=True))},
    ),
    (Path, lambda value: {"path": os.fspath(value)}),
)


def from_json(form: Json) -> Any:
    """Returns the value of a JSON form."""
    if type(form) is list:
        return tuple(_values(form))
    if type(form) is not dict:
        return form
    ((name, content),) = form.items()
    plain = _PLAIN.get(name)
    return _CLASSES[name](*_values(content)) if plain is None else plain(content)


def _values(forms: Iterable[Json]) -> list[Any]:
    return [from_json(one) if type(one) in _NESTED else one for one in forms]


_PLAIN: Mapping[str, Callable[[Json], Any]] = {
    "bytes": lambda text: text.encode("latin-1"),
    "lines": lambda text: PatchLines(text.encode("latin-1")),
    "list": _values,
    "map": lambda items: dict(zip(items, _values(items.values()), strict=True)),
    "path": Path,
}


def without_given(value: Any, arguments: Sequence[object]) -> Any:
    """Returns an answer without those of its fields that came with the request: a plan is long."""
    given = {id(one): Given(at) for at, one in enumerate(arguments) if is_dataclass(one)}
    return _with(value, {n: given[id(v)] for n, v in _fields_of(value) if id(v) in given})


def with_given(value: Any, arguments: Sequence[object]) -> Any:
    """Returns the answer of which `without_given` made this one."""
    found = _fields_of(value)
    return _with(value, {n: arguments[v.position] for n, v in found if isinstance(v, Given)})


def _fields_of(value: Any) -> list[tuple[str, Any]]:
    names = _FIELDS.get(type(value), ())
    return [(name, getattr(value, name)) for name in names]


def _with(value: Any, known: Mapping[str, object]) -> Any:
    return replace(value, **known) if known else value


def error_to_json(error: errors.StepwellError) -> bytes:
    """Returns the JSON text of an error."""
    facts = {k: v if _carried(v) else str(v) for k, v in error.facts.items()}
    return dumps({"code": error.code, "message": error.message, "hint": error.hint, "facts": facts})


def _carried(value: object) -> bool:
    try:
        to_json(value)
    except TypeError:
        return False
    return True


def error_from_json(text: bytes) -> errors.StepwellError:
    """Returns the error as it was raised, of the same class; raises ValueError as `loads`."""
    form = loads(text)
    kind = _kinds(errors.StepwellError).get(form["code"], errors.FailedError)
    return kind(form["message"], hint=form["hint"], **form["facts"])


def _kinds(root: type[errors.StepwellError]) -> dict[str, type[errors.StepwellError]]:
    """Returns the class of each code: of two that share one, the more general."""
    found: dict[str, type[errors.StepwellError]] = {}
    for one in root.__subclasses__():
        found = {**_kinds(one), **found, one.code: one}
    return found
