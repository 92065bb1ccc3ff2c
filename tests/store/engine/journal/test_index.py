"""Indexes: file and memory answer alike, and a file that cannot be trusted is ignored."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.store.engine.journal.frames import StepKey
from stepwell.store.engine.journal.index import (
    Extent,
    Identity,
    MappedIndex,
    TailIndex,
    write_index,
)
from stepwell.store.engine.journal.walk import Group
from stepwell.store.model.ids import Oid

IDENTITY = Identity(3, b"saltsalt", 5)
OIDS = st.sampled_from([Oid(bytes([n]) * 20) for n in range(6)])


@st.composite
def groups(draw: st.DrawFn) -> list[Group]:
    """Draws committed groups whose objects repeat now and then."""
    found, at = [], 80
    for number in range(5, 5 + draw(st.integers(0, 12))):
        objects = []
        for oid in draw(st.lists(OIDS, max_size=4)):
            objects.append((oid, at))
            at += 10
        steps = tuple(
            StepKey(bytes([number, n]) * 8, number * 10 + n) for n in range(draw(st.integers(0, 2)))
        )
        count = len(objects) + 1
        found.append(Group(number, at, at + 10, tuple(objects), steps, count, True))
        at += 10
    return found


def tail_of(found: list[Group]) -> TailIndex:
    """Returns the index in memory."""
    tail = TailIndex()
    for group in found:
        tail.add(group)
    return tail


def write(path: Path, *tails: TailIndex) -> MappedIndex:
    """Writes an index file from parts and opens it."""
    extent = Extent(1_000, sum(t.frames for t in tails))
    write_index(path, IDENTITY, extent, [t.tables() for t in tails])
    mapped = MappedIndex.open(path, 3)
    assert mapped is not None
    return mapped


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(groups(), st.integers(0, 12))
def test_a_file_answers_as_memory_does(tmp_path: Path, found: list[Group], cut: int) -> None:
    """Every lookup agrees, whether the file was written in one go or from two parts."""
    tail = tail_of(found)
    mapped = write(tmp_path / "index", tail_of(found[:cut]), tail_of(found[cut:]))
    for n in range(7):
        oid = Oid(bytes([n]) * 20)
        assert mapped.object_offsets(oid) == tail.object_offsets(oid)
    rows = [mapped.operation_row(i) for i in range(mapped.operation_count)]
    assert rows == tail.operations
    assert mapped.last_number == (rows[-1][0] if rows else 0)
    assert list(mapped.step_keys()) == list(tail.step_keys())
    for key, seq in tail.step_keys():
        assert mapped.step_offset(key) == tail.step_offset(key)
        assert mapped.seq_row(seq) == tail.seq_row(seq)
    low, high = bytes([6]) + bytes(15), bytes([9]) + b"\xff" * 15
    assert list(mapped.keys_between(low, high)) == sorted(tail.keys_between(low, high))
    assert mapped.step_offset(bytes(16)) is None and mapped.seq_row(1) is None


@pytest.mark.parametrize("count", [0, 1, 700, 20_001])
def test_whoever_asks_often_gets_the_same_answers(tmp_path: Path, count: int) -> None:
    """Though only some looks go to the table then; ids that begin alike are told apart all the same."""
    ids = [Oid(hashlib.sha1(b"%d" % n).digest()) for n in range(count)]
    group = Group(5, 10, 20, tuple((oid, n) for n, oid in enumerate(ids)), (), count + 1, True)
    mapped = write(tmp_path / "index", tail_of([group]))
    absent = [Oid(oid[:2] + bytes(18)) for oid in ids[:300]]
    absent += [Oid(hashlib.sha1(b"no %d" % n).digest()) for n in range(300)]
    for _ in range(2):
        assert [mapped.object_offsets(oid) for oid in ids] == [[n] for n in range(count)]
        assert not any(mapped.object_offsets(oid) for oid in absent)


def test_the_newest_copy_of_an_object_comes_first(tmp_path: Path) -> None:
    """Of several copies the one written last is tried first."""
    oid = Oid(b"x" * 20)
    found = [Group(5, 300, 400, ((oid, 100), (oid, 200)), (), 3, True)]
    assert tail_of(found).object_offsets(oid) == [200, 100]
    assert write(tmp_path / "index", tail_of(found)).object_offsets(oid) == [200, 100]


def test_every_flipped_byte_makes_the_file_untrusted(tmp_path: Path) -> None:
    """No damage to an index goes unnoticed."""
    path = tmp_path / "index"
    write(path, tail_of([Group(5, 90, 99, ((Oid(b"x" * 20), 80),), (), 2, True)]))
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        assert MappedIndex.open(path, 3) is None


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 4_096])
def test_a_file_that_is_no_index_is_ignored(tmp_path: Path, content: bytes) -> None:
    """Empty, short and foreign files read as absent."""
    (tmp_path / "index").write_bytes(content)
    assert MappedIndex.open(tmp_path / "index", 3) is None
    assert MappedIndex.open(tmp_path / "absent", 3) is None


def test_an_index_of_another_segment_is_ignored(tmp_path: Path) -> None:
    """An index counts only for the segment that it was made for."""
    write(tmp_path / "index", TailIndex())
    assert MappedIndex.open(tmp_path / "index", 4) is None
