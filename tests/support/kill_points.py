"""Kills a rollback at each of its system calls, then its recovery too, and judges the result.

Run as `python kill_points.py FIRST STEP [damaged] [user] [saved] [together] [staged]`: takes every STEP-th
point from FIRST on; `damaged`: a target object cannot be read at recovery; `user`: without privileges;
`saved`: somebody saves one file right after the last look at it; `together`: as with very many
files, whose drafts are made durable by one sync and whose room a thread takes back; `staged`: and which are made in the store. Prints one JSON document: how many
points there were, how often all was put back, and what was wrong after which.
"""

from __future__ import annotations

import ctypes  # noqa: F401 (an ordinary user may be unable to import it later)
import json
import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from support.bench import FAST, Bench, Tree

from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.rollback import (
    Recovered,
    freeing,
    renaming,
    staging,
    swaps,
    together,
)
from stepwell.store.model.errors import ObjectDamagedError
from stepwell.store.model.ids import Oid

FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

BEFORE: Tree = {
    b"changed": (FILE, b"old\n"),
    b"mode": (FILE, b"same\n"),
    b"gone": (FILE, b"gone\n"),
    b"file-to-folder": (FILE, b"x\n"),
    b"folder-to-file": (FOLDER, None),
    b"folder-to-file/x": (FILE, b"x\n"),
    b"folder-to-link": (FOLDER, None),
    b"folder-to-link/deep": (FOLDER, None),
    b"folder-to-link/deep/y": (FILE, b"y\n"),
    b"link-to-file": (LINK, b"changed"),
    b"read-only": (stat.S_IFDIR | 0o555, None),
    b"read-only/f": (FILE, b"old\n"),
    b"emptied": (FOLDER, None),
    b"emptied/z": (FILE, b"z\n"),
    b"untouched": (FILE, b"same\n"),
}
AFTER: Tree = {
    b"changed": (FILE, b"new\n" * 1000),
    b"mode": (stat.S_IFREG | 0o755, b"same\n"),
    b"file-to-folder": (stat.S_IFDIR | 0o750, None),
    b"file-to-folder/n": (FILE, b"n\n"),
    b"folder-to-file": (FILE, b"f\n"),
    b"folder-to-link": (LINK, b"../away"),
    b"link-to-file": (FILE, b"was a link\n"),
    b"read-only": (stat.S_IFDIR | 0o555, None),
    b"read-only/f": (FILE, b"new\n"),
    b"made": (FOLDER, None),
    b"made/empty": (stat.S_IFDIR | 0o700, None),
    b"made/l": (LINK, b"../changed"),
    b"untouched": (FILE, b"same\n"),
}

CALLS = [
    "open",
    "write",
    "rename",
    "unlink",
    "rmdir",
    "mkdir",
    "symlink",
    "fchmod",
    "fchown",
    "chown",
    "fsync",
    "fdatasync",
    "stat",
    "close",
    "link",
]

SAVED = [b"changed", b"gone", b"made/l"]
MINE = (FILE, b"mine\n")


class Killer:
    """Counts the calls and kills the process before the `last`-th; half of writes go through."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self.wrap(name, getattr(os, name)))
        for name in ("exchange", "move_to_free"):
            setattr(renaming, name, self.wrap(name, getattr(renaming, name)))

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        kill = os.kill

        def counted(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.last:
                if name == "write":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **named)

        return counted


class Saver:
    """Saves a file, once, right after the last look at it."""

    def __init__(self, root: bytes, path: bytes) -> None:
        self.place = os.path.join(root, path)
        self.rename, self.require = os.rename, swaps.require

    def install(self) -> None:
        swaps.require = self.looked

    def looked(self, folder: int, name: bytes, expected: Any) -> None:
        self.require(folder, name, expected)
        if name == os.path.basename(self.place):
            with open(self.place + b"~", "wb") as file:
                file.write(MINE[1])
            self.rename(self.place + b"~", self.place)
            swaps.require = self.require


def killed(
    last: int, work: Callable[[], Any], saver: Saver | None = None, killer: type[Killer] = Killer
) -> bool:
    """Does the work in a child that dies at its `last`-th call; tells whether it did die."""
    child = os.fork()
    if child == 0:
        if saver is not None:
            saver.install()
        killer(last).install()
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"the child failed at point {last}")
    return False


def fresh(folder: bytes, tree: Tree) -> Bench:
    """Makes the workspace anew."""
    for at, _, _ in os.walk(folder):
        os.chmod(at, 0o755)
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    bench = Bench(folder)
    bench.write(tree)
    return bench


class Damaged:
    """A store that lost a blob which only the target has."""

    def __init__(self, below: ObjectReader) -> None:
        self._below = below

    def read(self, oid: Oid) -> tuple[str, bytes]:
        kind, content = self._below.read(oid)
        if content == b"new\n":
            raise ObjectDamagedError("damaged")
        return kind, content

    def has(self, oid: Oid) -> bool:
        return self._below.has(oid)


def main(folder: bytes, first: int, step: int, options: list[str]) -> dict[str, Any]:
    """Returns the report."""
    if "together" in options or "staged" in options:
        together.MANY = 1
        freeing._BATCH = freeing._FEW = 2
    wrong: list[str] = []
    undone = 0
    point = first
    while True:
        bench = fresh(folder, BEFORE)
        if "staged" in options:
            bench.store = Path(os.fsdecode(folder + b".store"))
            bench.store.mkdir(exist_ok=True)
        plan = bench.plan(AFTER, disk=BEFORE)
        saved = SAVED[point % len(SAVED)] if "saved" in options else None
        saver = None if saved is None else Saver(bench.root, saved)
        if not killed(point, partial(bench.apply, plan), saver):
            break
        made = saved is not None and MINE[1] in contents(bench)
        reader = Damaged(bench.objects) if "damaged" in options else bench.objects
        # The recovery is killed too, at a point that differs from one run to the next.
        killed(1 + point * 7 % 97, partial(bench.recover, plan, reader))
        done = bench.recover(plan, reader)
        undone += not done.finished
        wrong += judge(bench, done, point, saved if made else None)
        if bench.store is not None:
            staging.sweep(bench.store)
            wrong += [f"{point}: {name} is left" for name in bench.staged()]
        point += step
    fresh(folder, {})
    return {"points": point, "undone": undone, "wrong": wrong}


def contents(bench: Bench) -> Iterator[bytes | None]:
    """Yields what all files contain, in the workspace and in the store."""
    yield from (content for _, content in bench.walk().values())
    if bench.store is not None:
        yield from (path.read_bytes() for path in bench.store.rglob("*") if path.is_file())


def judge(bench: Bench, done: Recovered, point: int, saved: bytes | None) -> Iterator[str]:
    """Yields what is not as it must be: exactly one of the two trees, and nothing kept.

    What somebody saved is there instead, and listed.
    """
    wanted = dict(AFTER if done.finished else BEFORE)
    found = bench.walk()
    if saved is not None:
        wanted[saved] = MINE
    if [k.path for k in done.kept] != ([] if saved is None else [saved]):
        yield f"{point}: kept {done.kept}"
    if found != wanted:
        differing = {p for p in found.keys() | wanted.keys() if found.get(p) != wanted.get(p)}
        yield f"{point}: {sorted(differing)}"


def run(first: int, step: int, options: list[str]) -> None:
    """Works in a temporary folder and prints the report."""
    if "user" in options and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        json.dump(main(os.fsencode(name) + b"/w", first, step, options), sys.stdout)


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
