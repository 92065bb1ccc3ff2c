"""Readers: whole operations only, look-ups of every kind, and a View that equals the fold."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from support.journals import (
    assert_whole,
    blob_of,
    index_file,
    make_store,
    put_step,
    reading,
    record,
    record_many,
    segment_file,
    step_of,
    writing,
)

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import BLOB
from stepwell.store.engine.view import fold
from stepwell.store.model.errors import FormatError, NotFoundError, ObjectMissingError
from stepwell.store.model.ids import Oid, StepId, object_id
from stepwell.store.model.steps import View

SMALL = 4_000
"""Segments of this size rotate every few operations."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Makes an empty store."""
    return make_store(tmp_path / "store")


@pytest.mark.parametrize("segment_bytes", [8 << 20, SMALL, 1])
def test_what_was_recorded_can_be_looked_up(store: Path, segment_bytes: int) -> None:
    """Operations, steps and objects are found in one segment and across many."""
    with writing(store, segment_bytes=segment_bytes) as writer:
        done = record_many(writer, 20)
        assert_whole(writer, done)
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.last_number == 20
        assert list(journal.operations()) == done
        assert list(journal.operations(after=13)) == done[13:]
        assert list(journal.operations(after=20)) == []
        assert list(journal.newest(3)) == done[:-4:-1]
        assert list(journal.newest(99)) == done[::-1]
        assert journal.step_ids() == [step_of(o).id for o in done]
        assert journal.view() == fold(View(), done)


def test_what_does_not_exist_is_not_found(store: Path) -> None:
    """Unknown numbers, ids, seqs and objects have their own errors."""
    with writing(store) as writer:
        record_many(writer, 2)
    with reading(store) as journal:
        for number in (-1, 0, 3):
            with pytest.raises(NotFoundError):
                journal.operation(number)
        for step in ("f" * 32, "abc", "no hex"):
            with pytest.raises(NotFoundError):
                journal.step(StepId(step))
        for seq in (-1, 0, 3, 1 << 70):
            assert journal.steps_by_seq(seq) is None
        unknown = object_id(BLOB, b"unknown")
        assert not journal.has(unknown)
        with pytest.raises(ObjectMissingError) as caught:
            journal.read(unknown)
        assert caught.value.facts["object"] == unknown.hex()
        with pytest.raises(ObjectMissingError):
            journal.stored_size(unknown)
        with pytest.raises(ObjectMissingError):
            list(journal.pieces(unknown))


def test_steps_are_found_by_the_beginning_of_their_id(store: Path) -> None:
    """A prefix of any length, odd ones and capitals too, finds all steps that have it."""
    with writing(store, segment_bytes=SMALL) as writer:
        ids = [step_of(o).id for o in record_many(writer, 40)]
    with reading(store) as journal:
        for wanted in ids[::7]:
            for length in (1, 2, 5, 32):
                prefix = wanted[:length]
                expected = sorted(i for i in ids if i.startswith(prefix))
                assert journal.steps_by_prefix(prefix) == expected
                assert journal.steps_by_prefix(prefix.upper()) == expected
        assert journal.steps_by_prefix("") == sorted(ids)
        assert journal.steps_by_prefix("xyz") == journal.steps_by_prefix("0" * 33) == []


def test_an_empty_journal_can_be_read(store: Path) -> None:
    """Before the first operation there is an empty View and nothing to list."""
    with reading(store) as journal:
        assert journal.last_number == 0
        assert journal.view() == View()
        assert list(journal.operations()) == list(journal.newest(5)) == journal.step_ids() == []
        assert not journal.refresh()


def test_a_folder_without_a_journal_is_refused(tmp_path: Path) -> None:
    """There is a clear error instead of an empty history."""
    with pytest.raises(FormatError, match="no journal"):
        Journal.open(tmp_path)


def test_a_reader_sees_new_operations_only_when_it_refreshes(store: Path) -> None:
    """Between refreshes a reader's world stands still, over rotations too."""
    with writing(store, segment_bytes=SMALL) as writer, reading(store) as journal:
        first = record_many(writer, 3)
        assert journal.last_number == 0
        assert journal.refresh() and not journal.refresh()
        assert_whole(journal, first)
        seen = journal.view()
        more = record_many(writer, 30)
        assert journal.last_number == 3 and journal.view() == seen
        assert journal.refresh()
        assert_whole(journal, first + more)
        assert journal.view() == writer.view() == fold(View(), first + more)


def test_a_reader_never_sees_half_an_operation(store: Path) -> None:
    """Objects written ahead of their commit, or taken back, do not exist for a reader."""
    chance = random.Random(1)
    with writing(store) as writer, reading(store) as journal:
        record(writer, b"first")
        big = [chance.randbytes(900_000) for _ in range(5)]
        transaction = writer.begin()
        oids = [transaction.add(BLOB, content) for content in big]
        assert segment_file(store).stat().st_size > 4 << 20
        journal.refresh()
        assert journal.last_number == 1
        assert not any(journal.has(oid) for oid in oids)
        transaction.abort()
        journal.refresh()
        record(writer, b"instead")
        assert journal.refresh() and journal.last_number == 2
        transaction = writer.begin()
        oids = [transaction.add(BLOB, content) for content in big]
        journal.refresh()
        assert not any(journal.has(oid) for oid in oids)
        transaction.commit("record", "all of it", [])
        assert journal.refresh()
        assert [journal.read(oid)[1] for oid in oids] == big


def test_every_prefix_of_the_file_shows_whole_operations(store: Path, tmp_path: Path) -> None:
    """Whatever part of an append a reader catches, it sees the operations before it, whole."""
    with writing(store) as writer:
        done = record_many(writer, 2)
        ends = [segment_file(store).stat().st_size]
        done.append(record(writer, b"third"))
    whole = segment_file(store).read_bytes()
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)
    segment_file(copy).write_bytes(whole[: ends[0]])
    with reading(copy) as journal, open(segment_file(copy), "ab", buffering=0) as file:
        for at in range(ends[0], len(whole)):
            assert not journal.refresh()
            assert journal.last_number == 2
            file.write(whole[at : at + 1])
        assert journal.refresh()
        assert_whole(journal, done)


def test_a_reader_survives_a_tail_that_is_cut_and_written_anew(store: Path) -> None:
    """After a writer took back a long tail, a reader finds what was written in its place."""
    chance = random.Random(2)
    with writing(store) as writer, reading(store) as journal:
        record(writer, b"first")
        for round_ in range(4):
            transaction = writer.begin()
            for _ in range(5):
                transaction.add(BLOB, chance.randbytes(1_000_000))
            journal.refresh()
            transaction.abort()
            if round_ % 2:
                journal.refresh()
            content = [chance.randbytes(700_000 * (round_ + 1)) for _ in range(2)]
            transaction = writer.begin()
            oids = [transaction.add(BLOB, c) for c in content]
            transaction.commit("record", "in its place", [])
            assert journal.refresh()
            assert [journal.read(oid)[1] for oid in oids] == content
        assert journal.verify(True).ok


def test_a_reader_that_misses_a_segment_looks_at_the_manifest_again(store: Path) -> None:
    """When segments were replaced under a reader it finds the objects in the new ones."""
    with writing(store, segment_bytes=1) as writer:
        done = record_many(writer, 3)
        blobs = [blob_of(writer, o) for o in done]
        with reading(store) as journal:
            assert journal.last_number == 3
            again = writer.begin()
            for blob, content in zip(blobs, (b"content 1\n", b"content 2\n"), strict=False):
                again._store(BLOB, blob, content)
            again.commit("seal", "the old ones again", [])
            os.rename(segment_file(store, 1), store / "gone")
            os.unlink(index_file(store, 1)) if index_file(store, 1).exists() else None
            assert journal.read(blobs[0]) == (BLOB, b"content 1\n")


def test_a_large_object_comes_in_pieces(store: Path) -> None:
    """Objects above a mebibyte are read whole, in bounded pieces, and with their stored size."""
    content = random.Random(3).randbytes(3_500_000)
    with writing(store) as writer:
        transaction = writer.begin()
        oid = transaction.add(BLOB, content)
        step, effects = put_step(transaction, 1, b"small", os.urandom)
        transaction.commit("record", "large", effects)
    with reading(store) as journal:
        assert journal.read(oid) == (BLOB, content)
        pieces = list(journal.pieces(oid))
        assert [len(p) for p in pieces] == [1 << 20] * 3 + [3_500_000 - (3 << 20)]
        assert b"".join(pieces) == content
        assert 3_500_000 <= journal.stored_size(oid) < 3_510_000
        assert journal.segment_count == 1
        assert journal.step(step.id) == step


@pytest.mark.parametrize("damage", ["absent", "garbage", "flipped", "foreign"])
def test_derived_files_may_be_lost_or_damaged(store: Path, damage: str) -> None:
    """Without index and View, or with bad ones, everything is found as before."""
    with writing(store) as writer:
        done = record_many(writer, 70)
    derived = [index_file(store), store / "view"]
    for path in derived:
        good = path.read_bytes()
        if damage == "absent":
            path.unlink()
        elif damage == "garbage":
            path.write_bytes(b"garbage")
        elif damage == "flipped":
            path.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
        else:
            other = make_store(store.parent / f"other-{path.name}")
            with writing(other) as writer:
                record_many(writer, 64)
            path.write_bytes((other / path.relative_to(store)).read_bytes())
            if path.name == "view":
                path.write_bytes(b"stepwell-checked 1 " + good)
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.view() == fold(View(), done)
        assert journal.verify(True).ok


def test_a_view_of_unknown_form_is_ignored(store: Path) -> None:
    """A sound file whose content is not a View is as good as none."""
    from stepwell.store.engine.atomic import write_checked

    with writing(store) as writer:
        done = record_many(writer, 2)
    write_checked(store / "view", b'{"number": 2}')
    with reading(store) as journal:
        assert journal.view() == fold(View(), done)


def test_the_manifest_may_be_lost(store: Path) -> None:
    """Without a manifest the segment files themselves are read, and the next writer mends it."""
    with writing(store, segment_bytes=SMALL) as writer:
        done = record_many(writer, 20)
    good = (store / "manifest").read_bytes()
    (store / "manifest").write_bytes(b"torn")
    with reading(store) as journal:
        assert_whole(journal, done)
    with writing(store) as writer:
        assert_whole(writer, done)
    assert (store / "manifest").read_bytes() == good


def test_opening_reads_only_the_newest_segment(store: Path) -> None:
    """The View and the newest operations are there although all older segments are gone."""
    with writing(store, segment_bytes=SMALL) as writer:
        done = record_many(writer, 100)
    numbers = sorted(int(p.name[:8]) for p in (store / "journal").glob("*.segment"))
    for number in numbers[:-3]:
        segment_file(store, number).unlink()
    with reading(store) as journal:
        assert journal.view() == fold(View(), done)
        assert list(journal.newest(3)) == done[:-4:-1]


def test_an_object_id_of_no_object_is_missing(store: Path) -> None:
    """Ids that share their beginning with a stored object are not confused with it."""
    with writing(store) as writer:
        record_many(writer, 70)
        oid = object_id(BLOB, b"content 1\n")
        assert writer.has(oid)
    with reading(store) as journal:
        assert journal.has(oid)
        assert not journal.has(Oid(oid[:19] + bytes([oid[19] ^ 1])))
