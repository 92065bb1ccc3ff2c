"""What the newest captures changed is put together as a comparison of their snapshots tells it."""

from __future__ import annotations

import hashlib
import itertools

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.capture import Since
from stepwell.store.engine.live.folders import Folder
from stepwell.store.engine.live.past import Past
from stepwell.store.engine.snapshots import Difference, Entry
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot

State = dict[int, int]
"""Path -> content, both as numbers."""

states = st.lists(st.dictionaries(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=12)


def snapshot(state: State) -> Snapshot:
    oid = Oid(hashlib.sha1(repr(sorted(state.items())).encode()).digest())
    return Snapshot(oid, oid)


def entry(state: State, path: int) -> Entry | None:
    content = state.get(path)
    name = TrackedPath(b"%d" % path)
    return None if content is None else Entry(name, 0o100644, Oid(bytes([content]) * 20))


def differing(a: State, b: State) -> list[Difference]:
    pairs = ((entry(a, path), entry(b, path)) for path in range(6))
    return [(was, now) for was, now in pairs if was != now]


def noted(past: Past, found: list[State]) -> None:
    for old, new in itertools.pairwise(found):
        trees = {Folder(b"", b"", None): b""}
        past.note(Since(snapshot(old), tuple(differing(old, new))), snapshot(new), trees)


@given(states)
def test_any_two_of_a_row_differ_as_if_they_were_compared(found: list[State]) -> None:
    """In both directions, also where the same content came again."""
    past = Past()
    noted(past, found)
    for a in found:
        for b in found:
            known = past.between(snapshot(a), snapshot(b))
            assert known == differing(a, b) or (known is None and a == b)


@given(states, st.integers(1, 6))
def test_the_oldest_are_forgotten_first_and_nothing_is_told_of_them(
    found: list[State], most: int
) -> None:
    """However few are remembered, folders counted: what is told is right, and the newest is there if it fits."""
    past = Past(most)
    noted(past, found)
    for a in found:
        for b in found:
            known = past.between(snapshot(a), snapshot(b))
            assert known is None or known == differing(a, b)
    if len(found) > 1 and 0 < len(differing(found[-2], found[-1])) < most:
        assert past.between(snapshot(found[-2]), snapshot(found[-1])) is not None


def test_a_capture_of_which_that_is_not_known_ends_the_row() -> None:
    """As one does that follows another snapshot than the last one."""
    one, two, three = ({0: n} for n in range(3))
    past = Past()
    noted(past, [one, two])
    past.note(None, snapshot(three), {})
    assert past.between(snapshot(one), snapshot(two)) is None
    noted(past, [two, three])
    assert past.between(snapshot(two), snapshot(three)) == differing(two, three)
    noted(past, [one, two])
    assert past.between(snapshot(two), snapshot(three)) is None
    assert past.between(snapshot(one), snapshot(two)) == differing(one, two)
