"""Damage, crashes and races: never an error, never a wrong row."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.catalogue import Catalogue, rebuild
from stepwell.store.catalogue import batch as batch_module
from stepwell.store.catalogue import shards as shards_module
from stepwell.store.catalogue.contents import Contents
from stepwell.store.catalogue.shards import Shards
from stepwell.store.engine.journal import Journal

Answers = Callable[[Catalogue], dict[str, object]]
Damage = Callable[[Path, random.Random], None]


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many shards and batches without thousands of steps."""
    monkeypatch.setattr(shards_module, "SHARD_STEPS", 25)
    monkeypatch.setattr(batch_module, "BATCH_STEPS", 15)


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _truncate(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def _zero(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    start = chance.randrange(len(content))
    hole = bytes(min(4_096, len(content) - start))
    path.write_bytes(content[:start] + hole + content[start + len(hole) :])


def _drop_line(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    path.write_bytes(b"".join(lines))


def _append(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.randrange(1, 200)) + b"\n")


def _delete(path: Path, chance: random.Random) -> None:
    path.unlink()


def _exchange(path: Path, chance: random.Random) -> None:
    other = chance.choice(sorted(p for p in path.parent.iterdir() if p != path))
    path.write_bytes(other.read_bytes())


def _folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"x")


def _link(path: Path, chance: random.Random) -> None:
    shutil.copy(path, path.parent.parent / "elsewhere")
    path.unlink()
    path.symlink_to(path.parent.parent / "elsewhere")


def _pipe(path: Path, chance: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


_OTHERS: tuple[Damage, ...] = (
    _truncate,
    _zero,
    _drop_line,
    _append,
    _delete,
    _exchange,
    _folder,
    _link,
    _pipe,
)


@pytest.fixture
def sound(history: Any, journal: Journal, folder: Path) -> Path:
    """The folder of a sound catalogue of 70 steps, kept up in several portions."""
    catalogue = Catalogue.open(folder, journal, writable=True)
    for count in (30, 1, 30, 9):
        history.record(count)
        journal.refresh()
        catalogue.catch_up()
    return folder


def _copies(sound: Path, damages: list[tuple[Damage, int]]) -> Iterator[Path]:
    """Yields copies of the folder, each with one damage."""
    for damage, seed in damages:
        copy = sound.with_name("copy")
        shutil.copytree(sound, copy)
        chance = random.Random(seed)
        names = sorted(p.name for p in sound.iterdir() if p.name != "lock")
        damage(copy / names[seed % len(names)], chance)
        yield copy
        shutil.rmtree(copy)
        sound.with_name("elsewhere").unlink(missing_ok=True)


def _from_files_alone(folder: Path) -> int:
    """Returns how many steps the files give without the journal's help."""
    contents = Contents.load(folder)
    shards = Shards(folder, contents.meta.generation, contents.shard_pins())
    return len(shards.steps(range(1, 10_000)))


@pytest.mark.parametrize("damages", [[_flip], _OTHERS], ids=["one bit", "otherwise"])
def test_damaged_files_change_no_answer_and_are_made_good(
    damages: list[Damage], history: Any, journal: Journal, sound: Path, answers: Answers
) -> None:
    """For readers that may write and for those that may not; then the files are whole again."""
    expected = answers(Catalogue.open(sound, journal, writable=False))
    assert expected["steps"] == history.steps[::-1]
    seeds = range(60 if len(damages) == 1 else 36)
    cases = [(damages[seed % len(damages)], seed * 7 + seed // 9) for seed in seeds]
    noticed = 0
    for copy in _copies(sound, cases):
        assert answers(Catalogue.open(copy, journal, writable=False)) == expected
        catalogue = Catalogue.open(copy, journal, writable=True)
        assert answers(catalogue) == expected
        catalogue.catch_up()
        noticed += catalogue.rebuilt
        assert answers(catalogue) == expected
        again = Catalogue.open(copy, journal, writable=True)
        assert answers(again) == expected and not again.rebuilt
        assert _from_files_alone(copy) == len(history.steps)
    assert noticed > len(seeds) // 3


def test_damage_under_an_open_catalogue_changes_no_answer(
    history: Any, journal: Journal, sound: Path, answers: Answers
) -> None:
    """What is loaded goes on being right while the journal grows; so is the next to open it."""
    cases = [((_flip, *_OTHERS)[seed % 10], seed * 3 + seed // 10) for seed in range(40)]
    catalogues = {}
    for number, (damage, seed) in enumerate(cases):
        place = sound.with_name(f"open-{number}")
        shutil.copytree(sound, place)
        catalogue = Catalogue.open(place, journal, writable=number % 4 > 0)
        catalogue.page(None, 500 if number % 2 else 1)
        names = sorted(p.name for p in place.iterdir() if p.name != "lock")
        damage(place / names[seed % len(names)], random.Random(seed))
        catalogues[place] = catalogue
    history.record(30)
    journal.refresh()
    expected = answers(Catalogue.open(sound, journal, writable=True))
    for place, catalogue in catalogues.items():
        catalogue.catch_up()
        assert answers(catalogue) == expected
        assert answers(Catalogue.open(place, journal, writable=True)) == expected


def test_a_lock_that_cannot_be_taken_is_no_error(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """Not a file, not a folder: the answers come from memory."""
    history.record(30)
    journal.refresh()
    folder.mkdir()
    (folder / "lock").mkdir()
    assert answers(Catalogue.open(folder, journal, writable=True))["steps"] == history.steps[::-1]
    shutil.rmtree(folder)
    folder.write_bytes(b"no folder")
    assert answers(Catalogue.open(folder, journal, writable=True))["steps"] == history.steps[::-1]
    assert folder.read_bytes() == b"no folder"


def _in_child(work: Callable[[], None]) -> int:
    """Runs `work` in a forked child and returns the child's id; it exits 0 only when all is well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def _exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _die_at(count: int) -> None:
    """Makes this process kill itself at its `count`-th write, half done, rename or truncation."""
    left = itertools.count(count - 1, -1)
    write, replace, truncate = os.write, os.replace, os.ftruncate

    def dying_write(fd: int, content: Any) -> int:
        if next(left) == 0:
            write(fd, bytes(content)[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(fd, content)

    def dying(call: Callable[..., None]) -> Callable[..., None]:
        def one(*arguments: Any) -> None:
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            call(*arguments)

        return one

    os.write, os.replace, os.ftruncate = dying_write, dying(replace), dying(truncate)


def test_killed_at_any_write_the_next_to_open_goes_on(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """The first catch-up, a later one and a rebuild, killed at each write and each rename."""
    store = history.writer.store
    history.record(40)
    journal.refresh()
    Catalogue.open(folder, journal, writable=True)
    shutil.copytree(folder, folder.with_name("kept"))
    history.record(30)
    journal.refresh()
    expected = answers(Catalogue.open(folder.with_name("x"), journal, writable=False))
    assert expected["steps"] == history.steps[::-1]

    def work(count: int, anew: bool) -> None:
        with Journal.open(store) as own:
            _die_at(count)
            if anew:
                rebuild(folder, own)
            else:
                Catalogue.open(folder, own, writable=True)

    for start in ("nothing", "kept", "rebuild"):
        count, code = 0, -signal.SIGKILL
        while code == -signal.SIGKILL:
            count += 1
            shutil.rmtree(folder)
            if start != "nothing":
                shutil.copytree(folder.with_name("kept"), folder)
            code = _exit_code(_in_child(lambda: work(count, start == "rebuild")))  # noqa: B023
            assert answers(Catalogue.open(folder, journal, writable=False)) == expected
            catalogue = Catalogue.open(folder, journal, writable=True)
            assert answers(catalogue) == expected and not catalogue.rebuilt
            assert _from_files_alone(folder) == len(history.steps)
            assert not [p for p in folder.iterdir() if p.name.startswith(".")]
        # Left alone it runs to its end, after more than a few writes.
        assert code == 0
        assert count > 6


def test_interrupted_at_any_write_the_same_catalogue_goes_on(
    history: Any,
    journal: Journal,
    folder: Path,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by Ctrl-C: what was half folded is neither lost nor counted twice."""
    history.record(30)
    write = os.write
    for count in itertools.count(1):
        catalogue = Catalogue.open(folder, journal, writable=True)
        history.record(20)
        journal.refresh()
        left = itertools.count(count - 1, -1)

        def interrupted(fd: int, content: Any, left: Iterator[int] = left) -> int:
            if next(left) == 0:
                raise KeyboardInterrupt
            return write(fd, content)

        monkeypatch.setattr(os, "write", interrupted)
        try:
            catalogue.catch_up()
            break
        except KeyboardInterrupt:
            pass
        finally:
            monkeypatch.setattr(os, "write", write)
        assert catalogue.count() == catalogue.number < len(history.steps)
        catalogue.catch_up()
        assert answers(catalogue)["steps"] == history.steps[::-1]
        assert _from_files_alone(folder) == len(history.steps)
        assert answers(Catalogue.open(folder, journal, writable=True)) == answers(catalogue)
        assert not catalogue.rebuilt
    assert count > 4


def test_killed_at_random_the_next_to_open_goes_on(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """Rebuilt over and over in another process, until that is killed somewhere in a rebuild."""
    history.record(150)
    journal.refresh()
    store, chance = history.writer.store, random.Random(5)
    expected = answers(Catalogue.open(folder, journal, writable=True))
    reading, writing = os.pipe()

    def work() -> None:
        with Journal.open(store) as own:
            while True:
                rebuild(folder, own)
                os.write(writing, b".")

    for _ in range(12):
        child = _in_child(work)
        os.read(reading, 1)
        began = time.monotonic()
        os.read(reading, 1)
        time.sleep(chance.random() * (time.monotonic() - began))
        os.kill(child, signal.SIGKILL)
        assert _exit_code(child) == -signal.SIGKILL
        os.set_blocking(reading, False)
        while _waiting(reading):
            pass
        os.set_blocking(reading, True)
        catalogue = Catalogue.open(folder, journal, writable=True)
        assert answers(catalogue) == expected and not catalogue.rebuilt
        assert _from_files_alone(folder) == len(history.steps)
    os.close(reading)
    os.close(writing)


def _waiting(reading: int) -> bytes:
    """Returns what waits in a pipe that does not block."""
    try:
        return os.read(reading, 100)
    except BlockingIOError:
        return b""


def test_processes_that_catch_up_at_once_all_answer_right(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """Three writers of the catalogue and one reader, while the journal grows."""
    store = history.writer.store
    history.record(40)

    def work(writable: bool) -> None:
        with Journal.open(store) as own:
            catalogue = Catalogue.open(folder, own, writable=writable)
            while own.last_number < 440:
                own.refresh()
                catalogue.catch_up()
                seqs = [step.seq for step in catalogue.page(None, 1_000)]
                assert len(seqs) == catalogue.count() == catalogue.number >= 40
                recorded = [own.step(identity).seq for identity in own.step_ids()[: len(seqs)]]
                assert seqs == recorded[::-1]
            assert not catalogue.rebuilt and catalogue.failure is None

    children = [_in_child(lambda w=w: work(w)) for w in (True, True, True, False)]  # type: ignore[misc]
    for _ in range(100):
        history.record(4)
    assert [_exit_code(child) for child in children] == [0, 0, 0, 0]
    journal.refresh()
    catalogue = Catalogue.open(folder, journal, writable=True)
    assert not catalogue.rebuilt
    expected = answers(catalogue)
    assert expected["steps"] == history.steps[::-1]
    assert _from_files_alone(folder) == len(history.steps)
    rebuild(folder, journal)
    assert answers(Catalogue.open(folder, journal, writable=False)) == expected
