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
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
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


_MODULES = (access, changes, experiments, plans, reports, retention, rules, steps, tiering)

_CLASSES: dict[str, type] = {
    one.__name__: one
    for one in [
        *(c for module in _MODULES for c in _classes(module)),
        Act,
        CaptureConfig,
        Recorded,
        Wish,
    ]
}
_FIELDS = {one: tuple(f.name for f in fields(one)) for one in _CLASSES.values()}


def dumps(value: object) -> bytes:
    """Returns the JSON text of a value; raises TypeError for one that is not carried."""
    return json.dumps(to_json(value), separators=(",", ":")).encode("ascii")


def loads(text: bytes) -> Any:
    """Returns the value of a JSON text; raises ValueError for anything else."""
    try:
        return from_json(json.loads(text))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no value: {error}") from error


def to_json(value: object) -> Json:
    """Returns the JSON form of a value."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [to_json(one) for one in value]
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, PatchLines):
        return {"lines": value.text.decode("latin-1")}
    if isinstance(value, list):
        return {"list": [to_json(one) for one in value]}
    if isinstance(value, Mapping):
        return {"map": {str(key): to_json(one) for key, one in value.items()}}
    if isinstance(value, Path):
        return {"path": os.fspath(value)}
    names = _FIELDS.get(type(value))
    if names is None:
        raise TypeError(f"{type(value).__name__} is not carried")
    return {type(value).__name__: [to_json(getattr(value, name)) for name in names]}


def from_json(form: Json) -> Any:
    """Returns the value of a JSON form."""
    if isinstance(form, list):
        return tuple(from_json(one) for one in form)
    if not isinstance(form, dict):
        return form
    ((name, content),) = form.items()
    plain = _PLAIN.get(name)
    if plain is not None:
        return plain(content)
    return _CLASSES[name](*(from_json(one) for one in content))


_PLAIN: Mapping[str, Callable[[Json], Any]] = {
    "bytes": lambda text: text.encode("latin-1"),
    "lines": lambda text: PatchLines(text.encode("latin-1")),
    "list": lambda items: [from_json(one) for one in items],
    "map": lambda items: {key: from_json(one) for key, one in items.items()},
    "path": Path,
}


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
