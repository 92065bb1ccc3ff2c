"""Differences are patches that lead from one state to the other, and are counted truly."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import example, given
from support.states import JSON

from stepwell.store.model.errors import UsageError
from stepwell.store.state.compare import changes_between, summarised
from stepwell.store.state.documents import decode, encode
from stepwell.store.state.patches import apply_patch, is_stored_patch, merge, operations


@given(JSON, JSON)
@example([1, 2, 3, 4], [3, 4, 5])
@example([0, True, 1.0], [False, 1, 1])
@example({"a": {"b": [0.0]}}, {"a": {"b": [-0.0]}})
@example({"": {"~/": 1}}, {"": {"~/": 2, "/~1": []}})
def test_a_difference_applied_gives_the_other_state(old: Any, new: Any) -> None:
    """As the text has it, for our own use and for every other reader of RFC 6902."""
    changes = changes_between(old, new)
    patch = operations(changes)
    assert is_stored_patch(decode(encode(patch)))
    assert encode(apply_patch(decode(encode(old)), decode(encode(patch)))) == encode(new)
    assert encode(jsonpatch.apply_patch(old, patch)) == encode(new)
    assert bool(changes) == (encode(old) != encode(new))


@given(JSON, JSON)
def test_old_values_are_those_that_are_replaced(old: Any, new: Any) -> None:
    """A change that is not an addition says what was there when its turn came."""
    state = decode(encode([old]))
    for change in changes_between([old], [new]):
        if change.op != "add":
            there = jsonpatch.JsonPointer(change.path).resolve(state)
            assert encode(there) == encode(change.old)
        state = apply_patch(state, decode(encode(operations([change]))))


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        (list(range(100)), [*range(1, 100), 100], 2),
        (list(range(100)), [-1, *range(100)], 1),
        (list(range(100)), [*range(40), *range(60, 100)], 20),
        ([{"n": n} for n in range(100)], [{"n": n if n != 50 else 0} for n in range(100)], 1),
    ],
    ids=["window", "prepended", "cut", "one item"],
)
def test_lists_that_change_as_lists_do_have_short_differences(
    old: list[Any], new: list[Any], count: int
) -> None:
    """Sliding windows, insertions, deletions and changed items."""
    assert len(changes_between(old, new)) == count


def test_changes_are_counted_by_collection() -> None:
    """Items that came, went and changed, however many changes there are within one."""
    old = {"agents": {"a": {"x": 1, "y": 1}, "b": {}}, "tasks": [1, 2], "gone": [1, 2, 3], "n": 1}
    new = {"agents": {"a": {"x": 2, "y": 2}, "c": {}}, "tasks": [1, 2, 3], "n": 2, "a/b": {"q": 1}}
    summary = summarised(changes_between(old, new))
    assert summary.total_changes == 8
    shown = {
        name: (one.changes, one.added, one.removed, one.changed)
        for name, one in summary.collections.items()
    }
    assert shown == {
        "agents": (4, 1, 1, 1),
        "tasks": (1, 1, 0, 0),
        "gone": (1, 0, 3, 0),
        "n": (1, 0, 0, 1),
        "a/b": (1, 1, 0, 0),
    }
    assert (summary.changed("agents"), summary.changed("nothing")) == (3, 0)


def test_a_patch_that_does_not_fit_is_told() -> None:
    """In a sentence, whatever is wrong with it."""
    for patch in ([{"op": "remove", "path": "/x"}], [{"op": "add"}], "x", [1], {"op": "x"}, 5):
        with pytest.raises(UsageError):
            apply_patch({"a": 1}, patch)


def test_merge_patches_do_as_the_rfc_shows() -> None:
    """The examples of RFC 7396's appendix that differ in kind."""
    assert merge({"a": "b"}, {"a": "c"}) == {"a": "c"}
    assert merge({"a": "b", "b": "c"}, {"a": None}) == {"b": "c"}
    assert merge({"a": [1]}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}
    assert merge({"a": "foo"}, None) is None
    assert merge([1, 2], {"a": "b", "c": None}) == {"a": "b"}
    assert merge({}, {"a": {"bb": {"ccc": None}}}) == {"a": {"bb": {}}}
