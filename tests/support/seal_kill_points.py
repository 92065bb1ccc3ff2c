"""Kills a sealing at each call that changes something, then the next one too, and judges the store.

Run as `python seal_kill_points.py FIRST STEP [refuse]`: takes every STEP-th point from FIRST on;
`refuse`: the call fails with a full disk instead. Prints one JSON document: how many points there
were, and what was wrong after which. Each round seals what was recorded since, and merges packs, so
that every part of a sealing is met.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from support.bench import FAST
from support.journals import make_store, reading, record_many, writing
from support.kill_points import Killer, killed
from support.sealed import assert_clean, assert_same, seal_store

from stepwell.store.engine.git import Git
from stepwell.store.engine.sealing import seal as seal_module
from stepwell.store.model.errors import FailedError, NoSpaceError
from stepwell.store.model.steps import Operation

CHANGING = [
    *("write", "rename", "replace", "unlink", "rmdir", "mkdir", "utime", "chmod", "fchmod"),
    *("fsync", "fdatasync", "ftruncate"),
]


class SealKiller(Killer):
    """Counts changing calls, and each run of git twice: before it, and right after it."""

    def install(self) -> None:
        for name in CHANGING:
            setattr(os, name, self.wrap(name, getattr(os, name)))
        run = Git.run

        def counted(*arguments: Any, **named: Any) -> str:
            self._tick()
            said = run(*arguments, **named)
            self._tick()
            return said

        Git.run = counted  # type: ignore[method-assign]

    def _tick(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Refuser(SealKiller):
    """Lets the call fail as on a full disk; git is not run."""

    refused = 0

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.last:
                Refuser.refused = 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **named)

        return counted

    def _tick(self) -> None:
        self.count += 1
        if self.count == self.last:
            Refuser.refused = 1
            raise NoSpaceError("git found no room")


def refused(last: int, store: Path, killer: type[Killer]) -> bool:
    """Seals in a child whose `last`-th call fails; tells whether there was such a call."""
    child = os.fork()
    if child == 0:
        try:
            killer(last).install()
            with contextlib.suppress(FailedError):
                seal_store(store)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
        os._exit(Refuser.refused)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, 1):
        raise SystemExit(f"the child failed at point {last}")
    return code == 1


def killed_sealing(last: int, store: Path, killer: type[Killer]) -> bool:
    """Seals in a child that dies at its `last`-th call; tells whether it did."""
    return killed(last, partial(seal_store, store), killer=killer)


def prepared(folder: Path) -> tuple[Path, list[Operation]]:
    """Makes a store with two sealings, and a segment or two to be sealed."""
    store = make_store(folder / "store")
    done: list[Operation] = []
    for count in (3, 2, 4):
        with writing(store, segment_bytes=1_500) as writer:
            done += record_many(writer, count)
        if count != 4:
            seal_store(store)
    return store, done


def main(folder: Path, first: int, step: int, refuse: bool) -> dict[str, Any]:
    """Returns the report."""
    stop, killer = (refused, Refuser) if refuse else (killed_sealing, SealKiller)
    seal_module.MERGE_AT = 3
    original, done = prepared(folder)
    wrong: list[str] = []
    point = first
    while True:
        store = folder / "copy"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(original, store)
        if not stop(point, store, killer):
            break
        wrong += judged(point, "after the kill", partial(_readable, store, done))
        stop(1 + point * 7 % 61, store, killer)
        more = list(done)
        wrong += judged(point, "after the next", partial(_goes_on, store, more))
        point += step
    return {"points": point, "wrong": wrong}


def judged(point: int, when: str, check: Callable[[], None]) -> list[str]:
    """Returns what a check had to say, as a list of one, or an empty one."""
    try:
        check()
    except Exception as error:
        return [f"{point} {when}: {type(error).__name__}: {error}"[:500]]
    return []


def _readable(store: Path, done: list[Operation]) -> None:
    with reading(store) as journal:
        assert_same(journal, done)
        damaged = [d for d in journal.verify(True).damaged if d.kind not in ("refs", "config")]
        assert damaged == [], damaged


def _goes_on(store: Path, done: list[Operation]) -> None:
    with writing(store) as writer:
        done += record_many(writer, 1)
    seal_store(store)
    with reading(store) as journal:
        assert_same(journal, done)
        assert journal.verify(True).damaged == ()
        assert len(journal.manifest.packs) == len(journal.sealed.packs.indexes)
    assert_clean(store)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        json.dump(
            main(Path(name), int(sys.argv[1]), int(sys.argv[2]), "refuse" in sys.argv), sys.stdout
        )
