"""What crashes and rotting disks leave: void tails are cut, damage is never."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from support.journals import (
    assert_whole,
    blob_of,
    flip,
    index_file,
    make_store,
    reading,
    record,
    record_many,
    segment_file,
    step_of,
    writing,
)

from stepwell.store.engine.journal.segment import HEADER_BYTES
from stepwell.store.engine.objects import BLOB
from stepwell.store.engine.view import fold
from stepwell.store.model.errors import FormatError, IntegrityError, NotFoundError
from stepwell.store.model.steps import Operation, View

Journaled = tuple[Path, list[Operation], list[int]]
"""A store, its operations, and where the file ended after each."""


@pytest.fixture
def journaled(tmp_path: Path) -> Journaled:
    """Makes a store of four operations without derived files."""
    store = make_store(tmp_path / "store")
    done, ends = [], [segment_file(store).stat().st_size]
    with writing(store) as writer:
        for n in range(4):
            done.append(record(writer, b"content %d\n" % n))
            ends.append(segment_file(store).stat().st_size)
    return store, done, ends


def copy_of(store: Path, name: str) -> Path:
    """Copies a store."""
    return Path(shutil.copytree(store, store.parent / name))


def test_a_record_cut_at_any_byte_is_void(journaled: Journaled) -> None:
    """Older operations are intact, the tail is gone, and the next append works."""
    store, done, ends = journaled
    whole = segment_file(store).read_bytes()
    for cut in range(ends[3], ends[4]):
        segment_file(store).write_bytes(whole[:cut])
        with reading(store) as journal:
            assert journal.last_number == 3
        with writing(store) as writer:
            assert segment_file(store).stat().st_size == ends[3]
            assert_whole(writer, done[:3])
            again = record(writer, b"again")
            assert again.number == 4
        with reading(store) as journal:
            assert_whole(journal, [*done[:3], again])
            assert journal.verify(True).ok
    assert not segment_file(store, 2).exists()


@pytest.mark.parametrize("filler", [b"\0", b"\xff", None])
def test_garbage_behind_the_last_commit_is_cut(journaled: Journaled, filler: bytes | None) -> None:
    """Blocks that a power cut left behind do not count."""
    store, done, ends = journaled
    with open(segment_file(store), "ab") as file:
        file.write(filler * 9_000 if filler else random.Random(1).randbytes(300_000))
    with writing(store) as writer:
        assert segment_file(store).stat().st_size == ends[4]
        done.append(record(writer, b"next"))
        assert_whole(writer, done)


def test_any_damaged_byte_of_the_last_record_leaves_the_rest(journaled: Journaled) -> None:
    """Flip any byte of the last record: the older ones are intact and appending works."""
    store, done, ends = journaled
    whole = segment_file(store).read_bytes()
    for at in range(ends[3], ends[4]):
        segment_file(store).write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        _check_after_damage(store, done[:3], whole[: ends[3]])
        for path in (store / "journal").glob("*[2-9].*"):
            path.unlink()
        (store / "manifest").unlink()


def _check_after_damage(store: Path, intact: list[Operation], start: bytes) -> None:
    with writing(store) as writer:
        assert_whole(writer, intact)
        again = record(writer, b"again")
        assert_whole(writer, [again])
    assert segment_file(store).read_bytes()[: len(start)] == start
    with reading(store) as journal:
        assert_whole(journal, [*intact, again])


def test_any_damaged_byte_in_the_middle_is_kept_and_reported(journaled: Journaled) -> None:
    """Flip any byte of the second record: nothing is cut, the others stay usable, verify tells."""
    store, done, ends = journaled
    whole = segment_file(store).read_bytes()
    others = [done[0], *done[2:]]
    for at in range(ends[1], ends[2]):
        damaged = whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :]
        segment_file(store).write_bytes(damaged)
        with reading(store) as journal:
            assert not journal.verify(False).ok
        with writing(store) as writer:
            assert_whole(writer, others)
            fifth = record(writer, b"fifth")
            assert fifth.number == 5
        assert segment_file(store).read_bytes() == damaged
        with reading(store) as journal:
            assert_whole(journal, [*others, fifth])
            _check_second(store, done[1])
        for path in (store / "journal").glob("*[2-9].*"):
            path.unlink()
        (store / "manifest").unlink()


def _check_second(store: Path, lost: Operation) -> None:
    """The damaged operation reads whole, or fails with an integrity error, and is in the report."""
    with reading(store) as journal:
        damaged = journal.verify(True).damaged
        assert damaged[0].kind == "frame" and damaged[0].id.startswith("1:")
        try:
            assert journal.operation(2) == lost
        except IntegrityError:
            assert ("operation", "2") in [(d.kind, d.id) for d in damaged]
            with pytest.raises(NotFoundError):
                journal.step(step_of(lost).id)
            return
        try:
            journal.read(blob_of(journal, lost))
        except IntegrityError:
            affected = [d for d in damaged if d.kind == "object"]
            assert [d.operations for d in affected] == [(2,)]
            assert [d.affects for d in affected] == [(step_of(lost).id,)]


def test_a_shortened_segment_is_damage_when_the_index_knows_more(tmp_path: Path) -> None:
    """Acknowledged operations that vanished are reported, and their numbers not given again."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        done = record_many(writer, 70)
        view = writer.view()
    whole = segment_file(store).read_bytes()
    cut = whole[: len(whole) * 2 // 3]
    segment_file(store).write_bytes(cut)
    with reading(store) as journal:
        left = journal.last_number
        assert 40 < left < 60
        assert_whole(journal, done[:left])
        assert journal.view().branches == fold(View(), done[:left]).branches
        assert not journal.verify(False).ok
    with writing(store) as writer:
        assert segment_file(store).read_bytes() == cut
        assert writer.view().last_seq == view.last_seq
        new = record(writer, b"new")
        assert new.number == 71 and step_of(new).seq == 71
        assert_whole(writer, [*done[:left], new])
    with reading(store) as journal:
        lost = [d.id for d in journal.verify(False).damaged if d.kind == "operation"]
        assert lost == [str(n) for n in range(left + 1, 71)]
        assert journal.view().branches["main"].head == step_of(new).id


@pytest.mark.parametrize("derived", ["index", "view"])
def test_either_derived_file_proves_a_loss(tmp_path: Path, derived: str) -> None:
    """One witness is enough; opening again and again makes no further segments."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        done = record_many(writer, 64)
    (store / "view" if derived == "index" else index_file(store)).unlink()
    whole = segment_file(store).read_bytes()
    segment_file(store).write_bytes(whole[:-1])
    for _ in range(3):
        with writing(store) as writer:
            assert writer.next_number == 65
            assert_whole(writer, done[:63])
    assert segment_file(store).read_bytes() == whole[:-1]
    assert segment_file(store, 2).exists() and not segment_file(store, 3).exists()


def test_a_proven_loss_is_not_forgotten_when_the_view_cannot_be_saved(tmp_path: Path) -> None:
    """Heads are steps that can be read, also after the next operation."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        done = record_many(writer, 64)
    stale = (store / "view").read_bytes()
    segment_file(store).write_bytes(segment_file(store).read_bytes()[:-1])
    with writing(store) as writer:
        record(writer, b"next")
    (store / "view").write_bytes(stale)
    with reading(store) as journal:
        view = journal.view()
        assert view.number == 65 and view.step_count == 64
        assert view.last_seq == 65
        assert journal.step(view.branches["main"].head).seq == 65
        assert_whole(journal, done[:63])


def test_a_header_has_a_second_copy(journaled: Journaled) -> None:
    """Damage in either copy of the header loses nothing and is reported."""
    store, done, _ = journaled
    for at in range(HEADER_BYTES):
        flip(segment_file(store), at)
        with reading(store) as journal:
            assert_whole(journal, done)
            assert [d.id for d in journal.verify(False).damaged] == ["1:0"]
        flip(segment_file(store), at)
    with reading(store) as journal:
        assert journal.verify(False).ok


def test_a_header_lost_twice_is_taken_from_the_index(tmp_path: Path) -> None:
    """With an index the segment stays readable; without one it is lost, and work goes on."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        done = record_many(writer, 64)
    flip(segment_file(store), 10)
    flip(segment_file(store), HEADER_BYTES - 1)
    with writing(store) as writer:
        assert_whole(writer, done)
        done.append(record(writer, b"next"))
    with reading(store) as journal:
        assert_whole(journal, done)
        assert not journal.verify(False).ok
    index_file(store).unlink()
    with writing(store) as writer:
        assert record(writer, b"after").number == 66
    with reading(store) as journal:
        assert_whole(journal, done[64:])
        kinds = {d.kind for d in journal.verify(False).damaged}
        assert {"segment", "operation"} <= kinds


def test_a_segment_of_a_newer_format_is_refused(journaled: Journaled) -> None:
    """Its frames are not guessed at."""
    import struct
    import zlib

    store, _, _ = journaled
    raw = bytearray(segment_file(store).read_bytes())
    struct.pack_into("<I", raw, 8, 2)
    struct.pack_into("<I", raw, 32, zlib.crc32(raw[:32]))
    segment_file(store).write_bytes(raw)
    with pytest.raises(FormatError, match="format 2"):
        reading(store)


def test_a_missing_segment_costs_only_what_it_held(tmp_path: Path) -> None:
    """Other operations are usable, lost objects raise, and verify names segment and operations."""
    store = make_store(tmp_path / "store")
    with writing(store, segment_bytes=1) as writer:
        done = record_many(writer, 5)
        lost_blob = blob_of(writer, done[2])
    segment_file(store, 3).unlink()
    with reading(store) as journal:
        assert_whole(journal, done[3:])
        assert_whole(journal, done[1:2])
        with pytest.raises(IntegrityError):
            journal.operation(3)
        with pytest.raises(IntegrityError):
            journal.read(lost_blob)
        damaged = [(d.kind, d.id) for d in journal.verify(False).damaged]
        assert ("segment", "3") in damaged and ("operation", "3") in damaged
    with writing(store) as writer:
        assert record(writer, b"next").number == 6


def test_the_newest_segment_may_be_missing(tmp_path: Path) -> None:
    """The next writer goes on behind it and gives no number twice that anything remembers."""
    store = make_store(tmp_path / "store")
    with writing(store, segment_bytes=10_000) as writer:
        done = record_many(writer, 100)
        writer._save_view()
    newest = max((store / "journal").glob("*.segment"))
    newest.unlink()
    with writing(store) as writer:
        assert record(writer, b"next").number == 101
    with reading(store) as journal:
        assert_whole(journal, done[:5])


def test_a_journal_of_which_nothing_is_left_is_not_begun_anew(journaled: Journaled) -> None:
    """Else the history would be void when its file comes back."""
    store, done, _ = journaled
    content = segment_file(store).read_bytes()
    segment_file(store).unlink()
    with pytest.raises(IntegrityError, match="missing"), writing(store):
        pass
    segment_file(store).write_bytes(content)
    with writing(store) as writer:
        assert_whole(writer, done)
        assert record(writer, b"next").number == 5


def test_a_void_commit_of_a_failed_sync_does_not_come_back(tmp_path: Path) -> None:
    """What was reported as failed stays void, though its bytes are back after a power cut."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        done = record_many(writer, 2)
        before = segment_file(store).stat().st_size
        failed = record(writer, b"its sync will be said to have failed")
        reappearing = segment_file(store).read_bytes()
        assert writer._appender is not None
    segment_file(store).write_bytes(reappearing[:before])
    with writing(store) as writer:
        assert writer._appender is not None
        writer._appender.failed = True
        done.append(record(writer, b"third"))
    segment_file(store).write_bytes(reappearing)
    with reading(store) as journal:
        assert done[-1].number == failed.number == 3
        assert_whole(journal, done)
        assert list(journal.operations()) == done
        assert journal.verify(True).ok


def test_damage_far_from_the_end_does_not_stop_a_long_scan(tmp_path: Path) -> None:
    """Large objects with damage inside are jumped over; their neighbours are found."""
    store = make_store(tmp_path / "store")
    content = random.Random(5).randbytes(3_000_000)
    with writing(store) as writer:
        done = record_many(writer, 2)
        middle = segment_file(store).stat().st_size + 1_500_000
        transaction = writer.begin()
        large = transaction.add(BLOB, content)
        transaction.commit("record", "large", [])
        more = record_many(writer, 2)
    flip(segment_file(store), middle)
    with reading(store) as journal:
        assert_whole(journal, done + more)
        with pytest.raises(IntegrityError):
            journal.read(large)
        with pytest.raises(IntegrityError):
            list(journal.pieces(large))
        report = journal.verify(True)
        assert ("object", large.hex()) in [(d.kind, d.id) for d in report.damaged]
