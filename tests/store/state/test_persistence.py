"""Keeping what is in memory: loading, saving, rotation, damage, and never stopping the host."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support.limits import files_up_to
from support.states import JSON

from stepwell.store import MemoryPersistence
from stepwell.store.model.errors import UsageError
from stepwell.store.state.documents import encode
from stepwell.store.state.envelope import enclosed, opened
from stepwell.store.state.persistable import DelegatesPersistence, Persistable, persistable

NEVER_MS = 3_600_000


class Memory:
    """A storage."""

    def __init__(self, data: Any = None) -> None:
        self.data = data

    def snapshot(self) -> Any:
        return self.data

    def restore(self, data: Any) -> None:
        self.data = data


class Database:
    """A storage that persists itself."""


class Marked(Memory):
    """One that could be taken, and says that it need not be."""

    persists_itself = True


class Resilient(DelegatesPersistence):
    """A wrapper around one of two storages."""

    def __init__(self, behind: object) -> None:
        self.behind = behind

    @property
    def persisted(self) -> object:
        return self.behind


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged."""
    caplog.set_level(logging.DEBUG, logger="stepwell.persistence")
    return caplog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Not made yet, nor its parent."""
    return tmp_path / "data" / "memory"


def over(storage: object, folder: Path, **options: Any) -> MemoryPersistence:
    return MemoryPersistence(storage, folder, **{"interval_ms": NEVER_MS, **options})


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("snapshot-"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(JSON)
def test_any_content_comes_back(tmp_path: Path, data: Any) -> None:
    """Through the file, and through the service."""
    text = encode(data)
    content = opened(enclosed(text, 1_700_000_000_123_000_000))
    assert encode(content.data) == text
    assert content.timestamp == "2023-11-14T22:13:20.123Z"
    folder = tmp_path / "any"
    with over(Memory(data), folder):
        pass
    storage = Memory("empty")
    with over(storage, folder):
        assert encode(storage.data) == text
    shutil.rmtree(folder)


def test_the_file_names_version_time_and_checksum(folder: Path) -> None:
    """As gzipped JSON that anybody can read."""
    with over(Memory({"n": 1}), folder, clock=lambda: 1_700_000_000_000_000_000):
        pass
    path = folder / "snapshot-00000001.json.gz"
    assert json.loads(gzip.decompress(path.read_bytes())) == {
        "version": 1,
        "timestamp": "2023-11-14T22:13:20.000Z",
        "checksum": {
            "algorithm": "sha256",
            "digest": hashlib.sha256(b'{"n":1}').hexdigest(),
        },
        "data": {"n": 1},
    }


def test_the_last_three_are_kept(folder: Path) -> None:
    """Or as many as wanted; what did not change is not saved again."""
    storage = Memory(0)
    with over(storage, folder) as persistence:
        for storage.data in range(6):
            assert persistence.save() is True
            assert persistence.save() is True
    assert files(folder) == [f"snapshot-{n:08d}.json.gz" for n in (4, 5, 6)]
    with over(storage, folder, keep=1) as persistence:
        storage.data = "more"
    assert files(folder) == ["snapshot-00000007.json.gz"]


def test_the_folder_is_private_and_kept_out_of_git(folder: Path) -> None:
    """By a file in it, so that the project's own files stay as they are."""
    with over(Memory(1), folder):
        pass
    assert (folder / ".gitignore").read_text() == "*\n"
    assert folder.stat().st_mode & 0o777 == 0o700
    git = ["git", "-C", str(folder.parent)]
    subprocess.run([*git, "init", "-q"], check=True)
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, check=True)
    assert status.stdout == b""


def test_a_wrapper_that_cannot_say_what_is_behind_it_stops_nothing(folder: Path) -> None:
    """It counts as one that persists itself."""
    with over(DelegatesPersistence(), folder) as persistence:
        assert persistence.save() is False and persistence.load() is None
    assert not folder.exists()


@pytest.mark.parametrize(
    "storage", [Database(), Marked(1), Resilient(Database()), Resilient(Resilient(Marked(1)))]
)
def test_nothing_is_done_for_a_storage_that_persists_itself(folder: Path, storage: object) -> None:
    """No folder, no thread, no handler."""
    before = [signal.getsignal(signal.SIGTERM), threading.active_count()]
    with over(storage, folder) as persistence:
        assert [signal.getsignal(signal.SIGTERM), threading.active_count()] == before
        assert persistence.save() is False
    assert not folder.parent.exists()


def test_wrappers_delegate_to_what_is_behind_them(folder: Path) -> None:
    """However deep, and to whatever is behind at the time."""
    wrapper = Resilient(Resilient(Memory({"n": 1})))
    assert isinstance(wrapper, Persistable) and persistable(wrapper) is wrapper
    with over(wrapper, folder) as persistence:
        persistence.save()
        wrapper.behind = Database()
        assert persistence.save() is False
        assert wrapper.snapshot() is None and wrapper.restore(5) is None
        wrapper.behind = Memory({"n": 2})
    inner = Memory()
    with over(Resilient(inner), folder):
        assert inner.data == {"n": 2}


def _flip(content: bytes) -> bytes:
    return content[:-20] + bytes([content[-20] ^ 4]) + content[-19:]


def _with(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        document = json.loads(gzip.decompress(content))
        change(document)
        return gzip.compress(json.dumps(document).encode())

    return changed


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "cut short"),
    "cut": (lambda content: content[:-9], "cut short"),
    "flipped": (_flip, "cannot be used"),
    "appended": (lambda content: content + b"x", "follows its end"),
    "no gzip": (lambda content: b"{}", "cannot be used"),
    "no object": (lambda content: gzip.compress(b"[]"), "no snapshot of a storage"),
    "nested": (lambda content: gzip.compress(b"[" * 100_000), "cannot be used"),
    "edited": (_with(lambda one: one.update(data={"n": 7})), "does not match its checksum"),
    "newer": (_with(lambda one: one.update(version=2)), "has version 2"),
    "other sum": (_with(lambda one: one["checksum"].update(algorithm="md5")), "'md5'"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_snapshot_that_cannot_be_used_gives_way_to_the_one_before(
    folder: Path, logged: pytest.LogCaptureFixture, name: str
) -> None:
    """With the reason logged; it is put aside, where rotation never reaches it."""
    storage = Memory()
    with over(storage, folder) as persistence:
        for n in (1, 2, 3):
            storage.data = {"n": n}
            persistence.save()
    change, reason = DAMAGE[name]
    newest = folder / files(folder)[-1]
    bad = change(newest.read_bytes())
    newest.write_bytes(bad)
    logged.clear()
    again = Memory("empty")
    with over(again, folder) as persistence:
        assert again.data == {"n": 2}
        for n in range(5):
            again.data = {"later": n}
            persistence.save()
    assert "is refused" in logged.text and reason in logged.text
    assert (folder / f"{newest.name}.refused").read_bytes() == bad
    assert len(files(folder)) == 4


def test_when_none_can_be_used_the_start_is_fresh(
    folder: Path, logged: pytest.LogCaptureFixture
) -> None:
    """And nothing of what was tried stays in the storage."""

    class Picky(Memory):
        def restore(self, data: Any) -> None:
            self.data = "half of it"
            if "n" in data:
                raise KeyError("sessions")
            self.data = data

    storage = Memory()
    with over(storage, folder) as persistence:
        for n in (1, 2):
            storage.data = {"n": n}
            persistence.save()
    picky = Picky({"fresh": True})
    persistence = over(picky, folder)
    assert persistence.start() is None
    assert picky.data == {"fresh": True}
    persistence.close()
    assert "starting fresh" in logged.text and "KeyError" in logged.text
    assert sum(name.endswith(".refused") for name in files(folder)) == 2
    assert over(Memory(), folder).load() is not None


def test_a_storage_that_gives_no_snapshot_stops_nothing(
    folder: Path, logged: pytest.LogCaptureFixture
) -> None:
    """Neither by raising nor by giving what is no JSON; the last good one stays."""
    storage = Memory({"n": 1})
    with over(storage, folder) as persistence:
        assert persistence.save() is True
        storage.data = {"when": {1, 2}}
        assert persistence.save() is False
        assert "a set has no form in JSON" in logged.text
        storage.snapshot = lambda: 1 / 0  # type: ignore[method-assign]
        assert persistence.save() is False
    assert opened((folder / files(folder)[-1]).read_bytes()).data == {"n": 1}


def test_a_storage_that_changes_meanwhile_is_asked_again(folder: Path) -> None:
    """As a dictionary says that changes while it is walked over."""
    answers = iter([RuntimeError("changed size"), RuntimeError("changed size"), {"n": 1}])

    class Moving(Memory):
        def snapshot(self) -> Any:
            answer = next(answers, {"n": 1})
            if isinstance(answer, Exception):
                raise answer
            return answer

    persistence = over(Moving(), folder)
    persistence._begin()
    assert persistence.save() is True
    persistence.close()
    assert opened((folder / files(folder)[0]).read_bytes()).data == {"n": 1}


def test_a_full_disk_leaves_the_last_snapshot_and_the_host_running(
    folder: Path, logged: pytest.LogCaptureFixture
) -> None:
    """The next save that finds room succeeds."""
    storage = Memory({"n": 1})
    with over(storage, folder) as persistence:
        persistence.save()
        storage.data = {"n": 2}
        for size in (0, 50, 100):
            with files_up_to(size):
                assert persistence.save() is False
        assert files(folder) == ["snapshot-00000001.json.gz"]
        assert [name for name in os.listdir(folder) if "tmp" in name] == []
    assert "not saved" in logged.text
    assert opened((folder / files(folder)[-1]).read_bytes()).data == {"n": 2}


def test_a_folder_that_cannot_be_used_stops_nothing(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    """The program serves without being saved, and the log says so."""
    (tmp_path / "file").write_text("")
    with over(Memory(1), tmp_path / "file" / "memory") as persistence:
        assert persistence.save() is False
    assert "nothing will be saved" in logged.text


def test_snapshots_come_at_the_interval(folder: Path) -> None:
    """Without anybody calling."""
    numbers = iter(range(1_000_000))

    class Counting(Memory):
        def snapshot(self) -> Any:
            return next(numbers)

    reached = threading.Event()

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("removed"):
                reached.set()

    handler = Told()
    logging.getLogger("stepwell.persistence").addHandler(handler)
    try:
        with over(Counting(), folder, interval_ms=5):
            assert reached.wait(30)
    finally:
        logging.getLogger("stepwell.persistence").removeHandler(handler)
    assert len(files(folder)) == 3


def test_handlers_of_the_host_are_called_and_come_back(folder: Path) -> None:
    """After the snapshot; what the host put in place meanwhile is left alone."""
    seen: list[Any] = []

    def mine(number: int, frame: object) -> None:
        seen.append((number, files(folder)))

    old = signal.signal(signal.SIGTERM, mine), signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with over(Memory({"n": 1}), folder):
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            assert seen == [(signal.SIGTERM, ["snapshot-00000001.json.gz"])]
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        with over(Memory({"n": 2}), folder):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, old[0])
        signal.signal(signal.SIGINT, old[1])


def test_a_storage_whose_lock_is_held_cannot_hang_a_signal(
    folder: Path, logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a deadline the host goes on."""
    monkeypatch.setattr("stepwell.store.state.persistence.DEADLINE_S", 0.05)
    lock, seen = threading.Lock(), []

    class Locked(Memory):
        def snapshot(self) -> Any:
            with lock:
                return 1

    old = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with over(Locked(), folder):
            with lock:
                signal.raise_signal(signal.SIGTERM)
            assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, old)
    assert "took too long" in logged.text


def test_outside_the_main_thread_signals_are_left_alone(
    folder: Path, logged: pytest.LogCaptureFixture
) -> None:
    """Everything else works there."""
    storage, before = Memory({"n": 1}), signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with over(storage, folder):
            assert signal.getsignal(signal.SIGTERM) == before

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert files(folder) and "only the main thread" in logged.text


def test_on_an_event_loop_the_storage_is_only_touched_on_the_loop(folder: Path) -> None:
    """Loading, every snapshot and the last one; writing happens beside it."""
    threads: set[int] = set()

    class Watched(Memory):
        def __init__(self, enough: asyncio.Event) -> None:
            super().__init__({"n": 0})
            self.enough = enough

        def snapshot(self) -> Any:
            threads.add(threading.get_ident())
            self.data["n"] += 1
            if self.data["n"] % 10 == 0:
                self.enough.set()
            return dict(self.data)

        def restore(self, data: Any) -> None:
            threads.add(threading.get_ident())
            super().restore(data)

    async def serve() -> int:
        enough = asyncio.Event()
        storage = Watched(enough)
        async with over(storage, folder, interval_ms=1):
            await enough.wait()
        return int(storage.data["n"])

    first, second = asyncio.run(serve()), asyncio.run(serve())
    assert second > first >= 10 and len(files(folder)) == 3
    assert threads == {threading.get_ident()}


def test_an_older_state_never_replaces_a_newer_one(folder: Path) -> None:
    """Whatever order two savers come to the file in."""
    storage = Memory({"n": 1})
    persistence = over(storage, folder)
    persistence.start()
    old = persistence._take()
    storage.data = {"n": 2}
    assert old is not None and persistence.save() and persistence._store(old)
    persistence.close()
    assert opened((folder / files(folder)[-1]).read_bytes()).data == {"n": 2}


def test_a_forked_child_saves_nothing(folder: Path) -> None:
    """The folder is its parent's."""
    script = """
import os, sys
from stepwell.store import MemoryPersistence
class Memory:
    data = {"of": "the parent"}
    def snapshot(self): return self.data
    def restore(self, data): self.data = data
memory = Memory()
persistence = MemoryPersistence(memory, sys.argv[1])
persistence.start()
child = os.fork()
if not child:
    memory.data = {"of": "the child"}
    os._exit(persistence.save())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
persistence.close()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, folder], check=True)
    assert opened((folder / files(folder)[-1]).read_bytes()).data == {"of": "the parent"}


def test_options_out_of_range_are_refused(folder: Path) -> None:
    """Before anything is done."""
    for options in ({"interval_ms": 0}, {"keep": 0}):
        with pytest.raises(UsageError):
            over(Memory(), folder, **options)


def test_every_operation_is_logged(folder: Path, logged: pytest.LogCaptureFixture) -> None:
    """Loading, saving, rotation, the end; under one name."""
    storage = Memory({"n": 1})
    for n in range(3):
        with over(storage, folder, keep=1):
            storage.data = {"n": n + 2}
    words = [record.getMessage().split()[0] for record in logged.records]
    assert words == [
        *("no", "saved", "closed"),
        *("restored", "saved", "removed", "closed"),
        *("restored", "saved", "removed", "closed"),
    ]
    assert {record.name for record in logged.records} == {"stepwell.persistence"}
