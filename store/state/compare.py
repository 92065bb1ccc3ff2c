"""What differs between two JSON values, by path: one walk over both.

The changes read in order are an RFC 6902 patch. Values are compared as JSON: 1, 1.0 and true are
three different things.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepwell.store.model.errors import UsageError
from stepwell.store.state.documents import pointer
from stepwell.store.state.values import CollectionSummary, StateChange, StateSummary

Found = list[StateChange]


def changes_between(old: Any, new: Any) -> tuple[StateChange, ...]:
    """Returns what to do to `old`, in order, to have `new`; both as JSON gives them.

    Raises:
        UsageError: they are nested deeper than the interpreter can follow.
    """
    found: Found = []
    try:
        _compare(old, new, "", found)
    except RecursionError as error:
        raise UsageError(
            "the states are nested too deeply to be compared", hint="flatten them"
        ) from error
    return tuple(found)


def _compare(old: Any, new: Any, path: str, found: Found) -> None:
    kind = type(old)
    if kind is not type(new):
        found.append(StateChange("replace", path, old, new))
    elif kind is dict:
        _compare_objects(old, new, path, found)
    elif kind is list:
        _compare_lists(old, new, path, found)
    elif not _same_scalar(old, new):
        found.append(StateChange("replace", path, old, new))


def _compare_objects(old: dict[str, Any], new: dict[str, Any], path: str, found: Found) -> None:
    for key, value in old.items():
        if key not in new:
            found.append(StateChange("remove", pointer(path, key), value, None))
            continue
        other = new[key]
        # Most members are unchanged and no containers: told here, without a call and a pointer.
        kind = type(value)
        if (
            kind is not type(other)
            or kind is dict
            or kind is list
            or not _same_scalar(value, other)
        ):
            _compare(value, other, pointer(path, key), found)
    for key, value in new.items():
        if key not in old:
            found.append(StateChange("add", pointer(path, key), None, value))


def _compare_lists(old: list[Any], new: list[Any], path: str, found: Found) -> None:
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    gone = _shift(before, after)
    found += [StateChange("remove", f"{path}/{start}", value, None) for value in before[:gone]]
    before = before[gone:]
    both = min(len(before), len(after))
    for index in range(both):
        _compare(before[index], after[index], f"{path}/{start + index}", found)
    for index in range(len(before) - 1, both - 1, -1):
        found.append(StateChange("remove", f"{path}/{start + index}", before[index], None))
    for index in range(both, len(after)):
        found.append(StateChange("add", f"{path}/{start + index}", None, after[index]))


def _common(old: Sequence[Any], new: Sequence[Any]) -> int:
    """Returns how many first items are the same."""
    for count, (one, other) in enumerate(zip(old, new, strict=False)):
        if not same(one, other):
            return count
    return min(len(old), len(new))


def _shift(old: list[Any], new: list[Any]) -> int:
    """Returns how many first items of `old` went when what is left is how `new` begins; else 0.

    That is what happens to a window over a growing list: only its two ends change.
    """
    if not new:
        return 0
    for count in range(1, len(old)):
        if same(old[count], new[0]):
            rest = old[count:]
            return count if _common(rest, new) == len(rest) else 0
    return 0


def same(old: Any, new: Any) -> bool:
    """Tells whether two values are the same JSON."""
    kind = type(old)
    if kind is not type(new):
        return False
    if kind is dict:
        if len(old) != len(new):
            return False
        return all(key in new and same(value, new[key]) for key, value in old.items())
    if kind is list:
        return len(old) == len(new) and all(map(same, old, new))
    return _same_scalar(old, new)


def _same_scalar(old: Any, new: Any) -> bool:
    # -0.0 equals 0.0, and is written otherwise.
    return bool(old == new) and (old != 0 or type(old) is not float or repr(old) == repr(new))


def summarised(changes: Sequence[StateChange]) -> StateSummary:
    """Returns the changes counted by top-level collection."""
    tallies: dict[str, _Tally] = {}
    for change in changes:
        name, _, inner = change.path.removeprefix("/").partition("/")
        name = name.replace("~1", "/").replace("~0", "~")
        tallies.setdefault(name, _Tally()).count(change, inner)
    return StateSummary(len(changes), {name: one.total() for name, one in tallies.items()})


class _Tally:
    """Counts what happened to the items of one collection."""

    def __init__(self) -> None:
        self._changes = self._added = self._removed = 0
        self._changed: set[str] = set()

    def count(self, change: StateChange, inner: str) -> None:
        self._changes += 1
        item, _, deeper = inner.partition("/")
        if deeper or change.op == "replace":
            self._changed.add(item)
        elif change.op == "add":
            self._added += _items(change.new, whole=not inner)
        else:
            self._removed += _items(change.old, whole=not inner)

    def total(self) -> CollectionSummary:
        return CollectionSummary(self._changes, self._added, self._removed, len(self._changed))


def _items(value: Any, *, whole: bool) -> int:
    """Returns how many items came or went with a value; `whole` when it is the collection."""
    return max(1, len(value)) if whole and isinstance(value, dict | list) else 1
