"""RFC 6902 and RFC 7396 patches; the one module that knows the jsonpatch package.

Differences are found by `compare`, because jsonpatch takes several times as long over a large
state; applying and checking patches is its work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jsonpatch

from stepwell.store.model.errors import UsageError
from stepwell.store.state.values import StateChange

Operations = list[dict[str, Any]]

STORED = ("add", "remove", "replace")
"""The operations that stored patches are made of: none of them can multiply content."""


def operations(changes: Iterable[StateChange]) -> Operations:
    """Returns the changes as an RFC 6902 patch."""
    return [
        {"op": one.op, "path": one.path}
        if one.op == "remove"
        else {"op": one.op, "path": one.path, "value": one.new}
        for one in changes
    ]


def apply_patch(state: Any, patch: Any) -> Any:
    """Applies an RFC 6902 patch to a state that the caller gives away; returns the new state.

    Raises:
        UsageError: it is no patch, or does not fit the state.
    """
    try:
        return jsonpatch.JsonPatch(patch).apply(state, in_place=True)
    except (
        jsonpatch.JsonPatchException,
        jsonpatch.JsonPointerException,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise UsageError(
            f"the patch does not fit the state: {error}", hint="RFC 6902 says what a patch is"
        ) from error


def is_stored_patch(patch: Any) -> bool:
    """Tells whether a value has the shape of a patch that we store."""
    return isinstance(patch, list) and all(
        isinstance(one, dict)
        and one.get("op") in STORED
        and isinstance(one.get("path"), str)
        and set(one) == ({"op", "path"} if one["op"] == "remove" else {"op", "path", "value"})
        for one in patch
    )


def merge(state: Any, patch: Any) -> Any:
    """Applies an RFC 7396 merge patch to a state that the caller gives away."""
    if not isinstance(patch, dict):
        return patch
    merged = state if isinstance(state, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
