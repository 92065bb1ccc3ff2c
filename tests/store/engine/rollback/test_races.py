"""Others change the tree while a rollback runs; nothing outside it changes, nothing is lost."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.bench import Bench, Tree

FILE, FOLDER = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755

SWAPS = 2500


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[threading.Event]:
    """Repeats work in a thread for as long as the context lasts; it must not fail."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def loop() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:  # told to the test below
            failures.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()
    assert failures == []


def test_a_folder_swapped_for_a_link_thousands_of_times(bench: Bench, tmp_path: Path) -> None:
    """Writes, deletions and modes go to the folder or nowhere, never through the link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    names = [b"f%d" % n for n in range(6)]
    for name in (*names, b"gone", b"mode"):
        (outside / os.fsdecode(name)).write_bytes(b"outside\n")
    trees: list[Tree] = []
    for text in (b"one\n", b"two\n"):
        tree: Tree = {b"d/" + name: (FILE, text) for name in names}
        trees.append({**tree, b"d": (FOLDER, None), b"d/mode": (FILE, b"m")})
    trees[0][b"d/gone"] = (FILE, b"outside\n")
    trees[1][b"d/mode"] = (stat.S_IFREG | 0o600, b"m")
    bench.write(trees[0])
    away = _states(outside)
    real, link = bench.path(b"d.real"), bench.path(b"d")
    swaps = 0

    def swap() -> None:
        nonlocal swaps
        os.rename(link, real)
        os.symlink(outside, link)
        os.unlink(link)
        os.rename(real, link)
        swaps += 1

    plans = [bench.plan(trees[1], disk=trees[0]), bench.plan(trees[0], disk=trees[1])]
    with meanwhile(swap):
        turn = 0
        while swaps < SWAPS:
            bench.apply(plans[turn % 2])
            turn += 1
    assert _states(outside) == away
    texts = {t[p] for t in trees for p in t}
    assert set(bench.walk().values()) <= texts
    assert not any(b".stepwell-" in path for path in bench.walk())


def _states(folder: Path) -> dict[str, tuple[int, bytes, int]]:
    return {p.name: (p.stat().st_ino, p.read_bytes(), p.stat().st_mode) for p in folder.iterdir()}


def test_a_file_that_is_rewritten_all_the_time_is_never_torn_and_never_lost(bench: Bench) -> None:
    """An editor that saves during the rollback wins, always: the last save is there."""
    bench.write({b"f": (FILE, b"old\n")})
    plan = bench.plan({b"f": (FILE, b"new\n")})
    place, draft = bench.path(b"f"), bench.path(b"draft")
    saved = 0

    def save() -> None:
        nonlocal saved
        with open(draft, "wb") as file:
            file.write(b"mine %d\n" % saved)
        os.rename(draft, place)
        saved += 1

    kept = 0
    with meanwhile(save):
        while saved < 500:
            kept += len(bench.apply(plan).kept)
    assert bench.walk() == {b"f": (FILE, b"mine %d\n" % (saved - 1))}
    assert kept > 0
