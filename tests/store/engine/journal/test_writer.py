"""The writer: one write a commit, nothing stored twice, damage healed, rotation, leftovers."""

from __future__ import annotations

import gc
import os
import random
import stat
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.journals import (
    Ticks,
    assert_whole,
    blob_of,
    chance,
    flip,
    index_file,
    make_store,
    reading,
    record,
    record_many,
    segment_file,
    writing,
)

from stepwell.store.engine.journal import JournalWriter, appender
from stepwell.store.engine.journal.segment import HEADER_BYTES
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.objects import BLOB, TREE, FileMovedError
from stepwell.store.engine.view import fold
from stepwell.store.model.errors import BusyError, FailedError, UsageError
from stepwell.store.model.ids import object_id
from stepwell.store.model.steps import OperationUndone, View


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Makes an empty store."""
    return make_store(tmp_path / "store")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Counts the system calls that write and sync, which still happen."""
    made: list[str] = []
    write, sync = os.write, os.fdatasync

    def counted_write(fd: int, data: bytes) -> int:
        made.append("write")
        return write(fd, data)

    def counted_sync(fd: int) -> None:
        made.append("sync")
        sync(fd)

    monkeypatch.setattr(os, "write", counted_write)
    monkeypatch.setattr(appender, "sync_content", counted_sync)
    yield made


def test_a_small_capture_is_one_write_and_one_sync(store: Path, calls: list[str]) -> None:
    """Objects and operation reach the disk together."""
    with writing(store, durability="durable") as writer:
        record(writer, b"first")
        calls.clear()
        record(writer, b"second")
        assert calls == ["write", "sync"]


def test_fast_durability_does_not_sync(store: Path, calls: list[str]) -> None:
    """The mode that survives a kill only waits for nothing."""
    with writing(store, durability="fast") as writer:
        record(writer, b"first")
        assert calls == ["write"]


def test_a_large_transaction_is_written_as_it_grows(store: Path, calls: list[str]) -> None:
    """No more than a few mebibytes wait in memory."""
    content = random.Random(1).randbytes(1_000_000)
    with writing(store) as writer:
        transaction = writer.begin()
        for n in range(20):
            transaction.add(BLOB, content + bytes([n]))
            waiting = HEADER_BYTES + (n + 1) * 1_000_000 - segment_file(store).stat().st_size
            assert waiting < 5_300_000
        transaction.commit("record", "large", [])
        assert 4 <= len(calls) <= 6


def test_an_operation_holds_what_it_was_given(store: Path) -> None:
    """Kind, summary, effects, inverse, session, details, clock and a fresh id are recorded."""
    effects, inverse = [OperationUndone(1, True)], [OperationUndone(1, False)]
    with writing(store) as writer:
        record(writer, b"first")
        done = writer.begin().commit(
            "undo", "took it back", effects, inverse=inverse, session="a:1", details={"n": [1]}
        )
        assert writer.next_number == 3
    assert (done.number, done.kind, done.summary) == (2, "undo", "took it back")
    assert (done.effects, done.inverse) == (tuple(effects), tuple(inverse))
    assert (done.session, done.details) == ("a:1", {"n": [1]})
    assert len(done.id) == 32 and done.time_ns > 1_700_000_000 * 10**9
    with reading(store) as journal:
        assert journal.operation(2) == done


def test_known_objects_are_not_stored_again(store: Path) -> None:
    """Neither within a transaction nor in a later one nor by a later writer."""
    content = random.Random(2).randbytes(50_000)
    with writing(store) as writer:
        transaction = writer.begin()
        oid = transaction.add(BLOB, content)
        assert transaction.add(BLOB, content) == oid == object_id(BLOB, content)
        assert transaction.raw_bytes == 50_000 and transaction.stored_bytes >= 50_000
        transaction.commit("record", "first", [])
        again = writer.begin()
        again.add(BLOB, content)
        assert again.raw_bytes == again.stored_bytes == 0
        again.abort()
    with writing(store) as writer:
        writer.begin().add(BLOB, content)
    assert segment_file(store).stat().st_size < 52_000


def test_a_tree_and_a_blob_of_the_same_bytes_are_two_objects(store: Path) -> None:
    """The kind is part of the id and comes back."""
    with writing(store) as writer:
        transaction = writer.begin()
        blob, tree = transaction.add(BLOB, b""), transaction.add(TREE, b"")
        transaction.commit("record", "both", [])
        assert writer.read(blob) == (BLOB, b"") and writer.read(tree) == (TREE, b"")


def test_a_transaction_reads_its_own_objects(store: Path) -> None:
    """Before the commit only the transaction knows them, buffered or written out."""
    contents = [random.Random(n).randbytes(900_000) for n in range(8)]
    contents.append(random.Random(9).randbytes(2_500_000))
    with writing(store) as writer:
        first = record(writer, b"first")
        with writer.begin() as transaction:
            oids = [transaction.add(BLOB, c) for c in contents]
            assert [transaction.read(oid)[1] for oid in oids] == contents
            assert all(transaction.has(oid) for oid in oids)
            assert not any(writer.has(oid) for oid in oids)
            assert transaction.read(blob_of(writer, first))[1] == b"first"
        assert segment_file(store).stat().st_size < 2_000


@pytest.mark.parametrize("size", [20, 3_000_000])
def test_a_damaged_object_is_written_anew_when_it_is_re_used(store: Path, size: int) -> None:
    """A flipped bit in a stored object does not poison the step that re-uses its content."""
    content = random.Random(4).randbytes(size)
    with writing(store) as writer:
        transaction = writer.begin()
        oid = transaction.add(BLOB, content)
        transaction.commit("record", "first", [])
        record_many(writer, 64)
    named = segment_file(store).read_bytes().index(oid)
    flip(segment_file(store), named + 32 if size == 20 else 1_000_000)
    with writing(store) as writer:
        assert not writer.is_sound(oid)
        transaction = writer.begin()
        transaction.add(BLOB, content)
        assert transaction.raw_bytes == size
        transaction.commit("record", "healed", [])
        assert writer.read(oid)[1] == content
        assert b"".join(writer.pieces(oid)) == content
    with reading(store) as journal:
        assert journal.read(oid)[1] == content
        assert [d.kind for d in journal.verify(True).damaged] == ["frame"]


def test_an_older_copy_makes_up_for_a_damaged_newer_one(store: Path) -> None:
    """A lookup that finds damage goes on to the next copy."""
    with writing(store) as writer:
        first = record(writer, b"precious content")
        oid = blob_of(writer, first)
        flip_at = segment_file(store).stat().st_size
        transaction = writer.begin()
        transaction._store(BLOB, oid, b"precious content")
        transaction.commit("record", "a second copy", [])
        flip(segment_file(store), flip_at + 50)
        assert writer.read(oid) == (BLOB, b"precious content")
        assert b"".join(writer.pieces(oid)) == b"precious content"


def file_with(folder: Path, content: bytes) -> int:
    """Returns the descriptor of a new file; its position is at the end, which must not matter."""
    fd = os.open(folder / "file", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, content)
    return fd


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_a_file_is_stored_exactly(store: Path, tmp_path: Path, size: int) -> None:
    """Files of any size come back byte for byte, and are not stored twice."""
    content = random.Random(size).randbytes(size)
    fd = file_with(tmp_path, content)
    try:
        with writing(store) as writer:
            transaction = writer.begin()
            oid = transaction.add_file(fd, size)
            assert oid == object_id(BLOB, content) == transaction.add_file(fd, size)
            assert transaction.raw_bytes == size
            transaction.commit("record", "file", [])
            assert writer.read(oid)[1] == content
            before = segment_file(store).stat().st_size
            with writer.begin() as again:
                again.add_file(fd, size)
            assert segment_file(store).stat().st_size == before
    finally:
        os.close(fd)


@pytest.mark.parametrize("size", [100, 3_000_000])
@pytest.mark.parametrize("difference", [-1, 1])
def test_a_file_of_another_length_is_refused(
    store: Path, tmp_path: Path, size: int, difference: int
) -> None:
    """The transaction goes on as if the file had not been tried."""
    fd = file_with(tmp_path, bytes(size))
    try:
        with writing(store) as writer:
            transaction = writer.begin()
            transaction.add(BLOB, b"before")
            with pytest.raises(FileMovedError):
                transaction.add_file(fd, size + difference)
            transaction.add(BLOB, b"after")
            assert transaction.raw_bytes == 11
            transaction.commit("record", "the rest", [])
    finally:
        os.close(fd)
    with reading(store) as journal:
        assert journal.verify(True).ok and journal.last_number == 1


def test_a_file_that_changes_between_hash_and_copy_is_taken_back(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written of it is cut off again, even beyond the buffer."""
    size = 12_000_000
    fd = file_with(tmp_path, random.Random(6).randbytes(size))
    pread, calls = os.pread, 0

    def changing(at_fd: int, length: int, offset: int) -> bytes:
        nonlocal calls
        calls += at_fd == fd
        if at_fd == fd and calls == 20:
            os.pwrite(fd, b"changed", 9_000_000)
        return pread(at_fd, length, offset)

    monkeypatch.setattr(os, "pread", changing)
    try:
        with writing(store) as writer:
            transaction = writer.begin()
            kept = transaction.add(BLOB, b"before")
            with pytest.raises(FileMovedError):
                transaction.add_file(fd, size)
            assert segment_file(store).stat().st_size < 1_000
            assert transaction.read(kept)[1] == b"before"
            oid = transaction.add_file(fd, size)
            transaction.commit("record", "second try", [])
            assert writer.read(oid)[1] == pread(fd, size, 0)
    finally:
        os.close(fd)
    with reading(store) as journal:
        assert journal.verify(True).ok


def test_segments_rotate_after_they_are_full(store: Path) -> None:
    """A full segment gets its index, the next one is made with the next append only."""
    with writing(store, segment_bytes=2_000) as writer:
        done = []
        while segment_file(store).stat().st_size <= 2_000:
            done.append(record(writer, b"content %d" % len(done)))
        assert not segment_file(store, 2).exists() and not index_file(store).exists()
        done.append(record(writer, b"one more"))
        assert segment_file(store, 2).exists() and index_file(store).exists()
        assert_whole(writer, done)
        assert writer.view() == fold(View(), done)


def test_derived_files_are_written_at_close_only_when_worthwhile(store: Path) -> None:
    """A few operations more do not cost every command an index."""
    with writing(store) as writer:
        record_many(writer, 63)
    assert not index_file(store).exists() and not (store / "view").exists()
    with writing(store) as writer:
        record(writer, b"one more")
    assert index_file(store).exists() and (store / "view").exists()
    before = index_file(store).stat().st_ino
    with writing(store) as writer:
        record(writer, b"and one")
    assert index_file(store).stat().st_ino == before


def test_a_segment_that_was_never_named_is_removed(store: Path) -> None:
    """A crash between making a segment and naming it leaves nothing behind."""
    with writing(store, segment_bytes=1) as writer:
        done = record_many(writer, 2)
    header = segment_file(store, 2).read_bytes()[:HEADER_BYTES]
    segment_file(store, 3).write_bytes(header)
    segment_file(store, 4).write_bytes(header[:10])
    (store / "journal" / ".00000001.index.99-1.stepwell-tmp").write_bytes(b"killed")
    (store / ".view.99-1.stepwell-tmp").write_bytes(b"killed")
    with writing(store, segment_bytes=1) as writer:
        assert not segment_file(store, 3).exists() and not segment_file(store, 4).exists()
        done += record_many(writer, 3)
        assert_whole(writer, done)
    assert not list(store.rglob("*.stepwell-tmp"))


def test_a_segment_that_is_gone_when_it_is_looked_at_is_no_loss(store: Path) -> None:
    """A sealing removes what it has packed without the lock: the name is there, the file is not."""
    vanishing = store / "journal" / "00000099.segment"
    vanishing.symlink_to(store / "no-such-file")
    with writing(store) as writer:
        assert_whole(writer, record_many(writer, 2))
        assert writer.manifest.segments == (1,)
    assert not vanishing.is_symlink()


def test_an_old_manifest_does_not_lose_segments(store: Path) -> None:
    """Segments with operations are kept although the manifest that came back lacks them."""
    with writing(store, segment_bytes=1) as writer:
        done = record_many(writer, 2)
        old = (store / "manifest").read_bytes()
        done += record_many(writer, 2)
    (store / "manifest").write_bytes(old)
    with writing(store, segment_bytes=1) as writer:
        assert_whole(writer, done)
        assert record(writer, b"next").number == 5


def test_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Files are 0600 and folders 0700 under a umask that gives all and one that takes all."""
    for mask in (0, 0o777):
        old = os.umask(mask)
        try:
            store = tmp_path / f"{mask}"
            store.mkdir()
            store.chmod(0o700)
            JournalWriter.create(store, randomness=chance())
            with writing(store, segment_bytes=2_000) as writer:
                record_many(writer, 70)
        finally:
            os.umask(old)
        found = list(store.rglob("*"))
        assert len(found) > 10
        for path in found:
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_creating_is_repeatable(store: Path) -> None:
    """A second creation leaves the journal alone, and finishes one that was interrupted."""
    with writing(store) as writer:
        done = record_many(writer, 2)
    JournalWriter.create(store, randomness=chance())
    with reading(store) as journal:
        assert_whole(journal, done)
    half = store.parent / "half"
    (half / "journal").mkdir(parents=True)
    segment_file(half).write_bytes(b"stepw")
    JournalWriter.create(half, randomness=chance())
    with writing(half) as writer:
        record_many(writer, 2)
        assert writer.verify(True).ok


def test_only_one_transaction_is_open_at_a_time(store: Path) -> None:
    """A second one is refused; a finished one takes nothing more."""
    with writing(store) as writer:
        transaction = writer.begin()
        with pytest.raises(UsageError, match="another transaction"):
            writer.begin()
        transaction.abort()
        transaction.abort()
        with pytest.raises(UsageError, match="over"):
            transaction.add(BLOB, b"late")
        with pytest.raises(UsageError, match="over"):
            transaction.commit("record", "late", [])
        record(writer, b"next")


def test_nothing_is_written_without_the_lock(store: Path) -> None:
    """A writer whose lock was released refuses, and so does opening one."""
    lock = WriterLock.acquire(store, wait_s=0, clock=Ticks())
    writer = JournalWriter.open_writer(store, lock, clock=Ticks(), randomness=chance())
    lock.release()
    try:
        with pytest.raises(BusyError):
            writer.begin()
    finally:
        writer.close()
    with pytest.raises(BusyError):
        JournalWriter.open_writer(store, lock, clock=Ticks(), randomness=chance())


def test_a_closed_writer_refuses(store: Path) -> None:
    """After close there is an error, not a write."""
    with WriterLock.acquire(store, wait_s=0, clock=Ticks()) as lock:
        writer = JournalWriter.open_writer(store, lock, clock=Ticks(), randomness=chance())
        writer.close()
        writer.close()
        with pytest.raises(UsageError, match="closed"):
            writer.begin()


def test_a_file_that_somebody_else_has_changed_is_not_appended_to(store: Path) -> None:
    """The writer notices, and goes on in a new segment."""
    with writing(store) as writer:
        done = record_many(writer, 2)
        with open(segment_file(store), "ab") as file:
            file.write(b"foreign")
        with pytest.raises(FailedError, match="another program"):
            writer.begin()
        done += record_many(writer, 2)
        assert segment_file(store, 2).exists()
    with reading(store) as journal:
        assert_whole(journal, done)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("record"), st.integers(0, 5)),
            st.tuples(st.just("abort"), st.integers(0, 5)),
            st.tuples(st.just("reopen"), st.booleans()),
            st.tuples(st.just("refresh"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_any_history_reads_back(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    """Whatever is recorded, aborted and reopened: reader and writer agree with the model."""
    store = make_store(tmp_path_factory.mktemp("history") / "store")
    done = []
    journal = reading(store)
    remaining = list(acts)
    while remaining:
        with writing(store, segment_bytes=1_500) as writer:
            while remaining:
                act, n = remaining.pop(0)
                if act == "record":
                    done.append(record(writer, b"content %d" % n))
                elif act == "abort":
                    writer.begin().add(BLOB, b"aborted %d" % n)
                    writer._transaction.abort()  # type: ignore[union-attr]
                elif act == "refresh":
                    journal.refresh()
                    assert journal.view() == fold(View(), done)
                else:
                    break
            assert_whole(writer, done)
            assert writer.view() == fold(View(), done)
    journal.refresh()
    assert list(journal.operations()) == done
    assert journal.verify(True).ok
    journal.close()


def test_a_closed_writer_is_gone_with_its_files_at_once(store: Path) -> None:
    """And not when garbage is collected, which a daemon does rarely."""
    gc.disable()
    try:
        with writing(store) as writer:
            record_many(writer, 3)
            left = [weakref.ref(writer), *map(weakref.ref, writer.segments())]
        del writer
        assert [one() for one in left] == [None] * len(left)
    finally:
        gc.enable()
