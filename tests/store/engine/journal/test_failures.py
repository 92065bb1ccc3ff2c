"""A system that says no: what was acknowledged stays, the rest is taken back, work goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import journal_victim
from support.journals import (
    assert_whole,
    make_store,
    reading,
    record,
    record_many,
    segment_file,
    step_of,
    writing,
)
from support.limits import files_up_to

from stepwell.store.engine.journal import JournalWriter, appender
from stepwell.store.engine.journal.segment import HEADER_BYTES, Segment
from stepwell.store.engine.objects import BLOB
from stepwell.store.model.errors import FailedError, NoSpaceError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Makes an empty store."""
    return make_store(tmp_path / "store")


def refusing(code: int) -> Callable[..., int]:
    """Returns a system call that always fails with that error."""

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize("limit", [2_500, 3_333, 6_000])
def test_a_full_disk_loses_nothing_and_heals(store: Path, limit: int) -> None:
    """At a real size limit every failed operation is void, and appending works afterwards."""
    command = [sys.executable, journal_victim.__file__, "fill", str(store), str(limit)]
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    with reading(store) as journal:
        assert journal.last_number == int(done.stdout)
        assert journal.verify(True).ok
    assert not segment_file(store, 2).exists()


def environment() -> dict[str, str]:
    """Returns an environment in which the victim finds this project and its tests' helpers."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_failed_write_takes_the_operation_back(
    store: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The error says why and names the file; the same writer goes on in the same segment."""
    with writing(store) as writer:
        done = record_many(writer, 2)
        size = segment_file(store).stat().st_size
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refusing(code))
            with pytest.raises(FailedError) as caught:
                record(writer, b"refused")
        assert isinstance(caught.value, NoSpaceError) == (code != errno.EIO)
        assert caught.value.facts == {"errno": code, "path": str(segment_file(store))}
        assert segment_file(store).stat().st_size == size
        done += record_many(writer, 2)
        assert_whole(writer, done)
    assert not segment_file(store, 2).exists()


@pytest.mark.parametrize("kept", range(0, 700, 50))
def test_a_short_write_is_completed_or_taken_back(
    store: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """When a write stores only a part and the next one fails, the part does not stay."""
    write = os.write
    with writing(store) as writer:
        done = record_many(writer, 1)
        size = segment_file(store).stat().st_size
        calls = 0

        def short(fd: int, data: memoryview) -> int:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise OSError(errno.ENOSPC, "full")
            return write(fd, data[:kept]) if kept else 0

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", short)
            with pytest.raises(FailedError):
                record(writer, b"refused")
        assert segment_file(store).stat().st_size == size
        done += record_many(writer, 1)
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.verify(True).ok


def test_short_writes_that_go_on_lose_nothing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that takes seven bytes a time gets them all."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    with writing(store) as writer:
        done = record_many(writer, 2)
    with reading(store) as journal:
        assert_whole(journal, done)


def test_after_a_failed_sync_the_file_takes_no_more(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was to be synced counts as not written; the next operation goes to a new segment."""
    with writing(store, durability="durable") as writer:
        done = record_many(writer, 2)
        size = segment_file(store).stat().st_size
        with monkeypatch.context() as patch:
            patch.setattr(appender, "sync_content", refusing(errno.EIO))
            with pytest.raises(FailedError, match="syncing"):
                record(writer, b"refused")
        assert segment_file(store).stat().st_size == size
        assert writer.last_number == 2
        again = record(writer, b"again")
        assert again.number == 3
        assert segment_file(store).stat().st_size == size
        assert segment_file(store, 2).stat().st_size > HEADER_BYTES
        done.append(again)
        assert_whole(writer, done)
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.verify(True).ok


def test_a_reader_forgets_what_a_failed_sync_took_back(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit seen between write and failed sync is not part of the history afterwards."""
    with writing(store, durability="durable") as writer, reading(store) as journal:
        done = record_many(writer, 2)

        def looked_at(_fd: int) -> None:
            assert journal.refresh() and journal.view().number == 3
            raise OSError(errno.EIO, "lost")

        with monkeypatch.context() as patch:
            patch.setattr(appender, "sync_content", looked_at)
            with pytest.raises(FailedError):
                record(writer, b"refused")
        journal.refresh()
        assert journal.last_number == journal.view().number == 2
        done.append(record(writer, b"third"))
        assert journal.refresh()
        assert_whole(journal, done)
        assert list(journal.operations()) == done
        assert journal.view() == writer.view()


@pytest.mark.parametrize("size", [10, 60, 9_000])
@pytest.mark.parametrize("again", [1, 2, 5])
def test_a_reader_forgets_what_was_taken_back_though_the_file_has_grown_again(
    store: Path, monkeypatch: pytest.MonkeyPatch, size: int, again: int
) -> None:
    """Also where what came instead lies in the very same bytes of the file."""
    with writing(store) as writer:
        done = record_many(writer, 2)
    with reading(store) as journal:
        with losing(store) as writer, monkeypatch.context() as patch:
            void = step_of(record(writer, os.urandom(60)))
            assert journal.refresh() and journal.view().number == 3
            patch.setattr(appender, "sync_content", refusing(errno.EIO))
            with pytest.raises(FailedError, match="syncing"):
                writer.sync()
        with writing(store) as writer:
            done += [record(writer, os.urandom(size)) for _ in range(again)]
        assert journal.refresh()
        assert_whole(journal, done)
        assert list(journal.operations()) == done
        assert journal.step_ids() == [step_of(operation).id for operation in done]
        assert not journal.has(void.snapshot.tree)
        assert not journal.refresh()
        with reading(store) as fresh:
            assert journal.view() == fresh.view()


def test_a_writer_that_takes_back_while_a_reader_reads_leaves_it_nothing_void(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has just looked how long the file is."""
    with writing(store) as writer:
        done = record_many(writer, 2)
    start = segment_file(store).stat().st_size
    with writing(store) as writer:
        record(writer, b"void")
    with reading(store) as journal:
        assert journal.last_number == 3
        with writing(store) as writer:
            record(writer, b"makes the file longer")
        size = Segment.size

        def overtaken(self: Segment) -> int:
            found = size(self)
            monkeypatch.undo()
            os.truncate(self.path, start)
            with writing(store) as writer:
                done.extend(record_many(writer, 4))
            return found

        monkeypatch.setattr(Segment, "size", overtaken)
        assert journal.refresh()
        assert_whole(journal, done)
        assert list(journal.operations()) == done
        assert journal.view().number == 6


def test_bytes_that_cannot_be_cut_off_do_not_count(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When even the truncation fails, readers ignore the void bytes and a new segment is used."""
    write = os.write

    def half(fd: int, data: memoryview) -> int:
        if len(data) < 400:
            raise OSError(errno.ENOSPC, "full")
        return write(fd, data[: len(data) // 2])

    with writing(store) as writer:
        done = record_many(writer, 2)
        size = segment_file(store).stat().st_size
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            patch.setattr(os, "ftruncate", refusing(errno.EIO))
            with pytest.raises(NoSpaceError):
                record(writer, b"refused")
        assert segment_file(store).stat().st_size > size
        done += record_many(writer, 2)
        assert_whole(writer, done)
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.verify(True).ok
    with writing(store) as writer:
        done += record_many(writer, 1)
        assert_whole(writer, done)


def test_no_room_for_a_new_segment(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotation on a full disk fails cleanly, and works once there is room again."""
    with writing(store, segment_bytes=1) as writer:
        done = record_many(writer, 2)
        before = sorted(p.name for p in (store / "journal").glob("*.segment"))
        manifest = (store / "manifest").read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refusing(errno.ENOSPC))
            for _ in range(3):
                with pytest.raises(NoSpaceError):
                    record(writer, b"refused")
        assert (store / "manifest").read_bytes() == manifest
        done += record_many(writer, 2)
        assert_whole(writer, done)
    with writing(store, segment_bytes=1) as writer:
        done += record_many(writer, 1)
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.verify(True).ok
    after = {p.name for p in (store / "journal").glob("*.segment")}
    assert len(after) == len(before) + 3


def test_derived_files_need_no_room(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing on a full disk costs the next opening some time and nothing else."""
    with writing(store) as writer:
        done = record_many(writer, 70)
        monkeypatch.setattr(os, "write", refusing(errno.ENOSPC))
    monkeypatch.undo()
    assert sorted(p.name for p in store.iterdir()) == ["journal", "lock", "manifest", "tmp"]
    with reading(store) as journal:
        assert_whole(journal, done)


def test_an_interrupt_takes_the_operation_back(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a commit leaves the store as it was, and usable."""

    def interrupt(_fd: int) -> None:
        raise KeyboardInterrupt

    with writing(store, durability="durable") as writer:
        done = record_many(writer, 1)
        with monkeypatch.context() as patch:
            patch.setattr(appender, "sync_content", interrupt)
            with pytest.raises(KeyboardInterrupt):
                record(writer, b"interrupted")
        done += record_many(writer, 2)
        assert_whole(writer, done)


def test_a_failed_object_ends_the_transaction(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When an object cannot be written ahead, nothing of the transaction stays."""
    content = os.urandom(1_000_000)
    with writing(store) as writer:
        done = record_many(writer, 1)
        size = segment_file(store).stat().st_size
        transaction = writer.begin()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refusing(errno.ENOSPC))
            with pytest.raises(NoSpaceError):
                for n in range(6):
                    transaction.add(BLOB, content + bytes([n]))
        assert not transaction.open
        assert segment_file(store).stat().st_size == size
        done += record_many(writer, 1)
        assert_whole(writer, done)


def test_of_operations_that_share_a_sync_one_without_room_is_void_alone(store: Path) -> None:
    """What was committed before it is synced when the writer is closed, and what comes after goes on."""
    with writing(store, durability="durable") as writer:
        writer.defers = True
        first = record(writer, b"first")
        full = segment_file(store).stat().st_size + 100
        with files_up_to(full), pytest.raises(NoSpaceError):
            record(writer, os.urandom(5_000))
        assert writer.has_unsynced
    with writing(store) as writer:
        assert_whole(writer, [first, record(writer, b"goes on")])


def test_a_sync_that_fails_takes_all_back_that_waited_for_it(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, whether the writer is asked to sync or closed; the next one goes on from there."""
    with writing(store) as writer:
        done = record_many(writer, 2)
    before = segment_file(store).read_bytes()
    for ends in (JournalWriter.sync, JournalWriter.close):
        with losing(store) as writer, monkeypatch.context() as patch:
            record_many(writer, 3)
            patch.setattr(appender, "sync_content", refusing(errno.EIO))
            with pytest.raises(FailedError, match="syncing"):
                ends(writer)
            assert segment_file(store).read_bytes() == before
    with writing(store) as writer:
        assert_whole(writer, [*done, record(writer, b"goes on")])


@contextlib.contextmanager
def losing(store: Path) -> Iterator[JournalWriter]:
    """Holds a writer that defers its syncs, and that says when it is closed that one failed."""
    ended = False
    with (
        pytest.raises(FailedError, match="syncing"),
        writing(store, durability="durable") as writer,
    ):
        writer.defers = True
        yield writer
        ended = True
    assert ended


def refusing_once(code: int, call: Callable[..., None]) -> Callable[..., None]:
    """Returns a system call that fails with that error the first time."""
    errors = iter([OSError(code, os.strerror(code))])

    def refuse(*arguments: object) -> None:
        for error in errors:
            raise error
        call(*arguments)

    return refuse


def left_half_written(writer: JournalWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a transaction fail of which a part is written that cannot be cut off again."""
    write, transaction = os.write, writer.begin()
    pieces = iter([700])

    def short(fd: int, data: memoryview) -> int:
        for piece in pieces:
            return write(fd, data[:piece])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch, pytest.raises(NoSpaceError):
        patch.setattr(os, "write", short)
        patch.setattr(os, "ftruncate", refusing(errno.EIO))
        for _ in range(6):
            transaction.add(BLOB, os.urandom(1_000_000))


@pytest.mark.parametrize("cuts", [True, False], ids=["cut", "not cut"])
def test_a_sync_that_failed_unheard_is_told_when_the_writer_is_closed(
    store: Path, monkeypatch: pytest.MonkeyPatch, cuts: bool
) -> None:
    """What waited for it does not count, even where it still lies in the file."""
    with writing(store) as writer:
        done = record_many(writer, 2)
    with losing(store) as writer, monkeypatch.context() as patch:
        record(writer, b"waits for the sync")
        left_half_written(writer, monkeypatch)
        patch.setattr(appender, "sync_content", refusing_once(errno.EIO, os.fdatasync))
        if not cuts:
            patch.setattr(os, "ftruncate", refusing(errno.EIO))
        with pytest.raises(FailedError) as told:
            writer.begin()
        assert ("what was recorded is not known" in told.value.message) == (not cuts)
    assert writer.void_from == 3
    with writing(store, void_from=writer.void_from) as writer:
        done += record_many(writer, 1)
        assert_whole(writer, done)
    assert segment_file(store, 2).stat().st_size > HEADER_BYTES
    with reading(store) as journal:
        assert_whole(journal, done)
        assert journal.verify(True).ok


def test_what_waits_is_synced_before_another_segment_and_nothing_waits_then(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next operation has a sync of its own: what was to be shared is over."""
    with writing(store, durability="durable") as writer:
        writer.defers = True
        done = record_many(writer, 1)
        left_half_written(writer, monkeypatch)
        done += record_many(writer, 1)
        assert not writer.has_unsynced and not writer.defers
        assert segment_file(store, 2).stat().st_size > HEADER_BYTES
    with reading(store) as journal:
        assert_whole(journal, done)
