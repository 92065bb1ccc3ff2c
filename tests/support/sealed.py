"""Sealing small journals for tests, and asking real git about the result."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from support.journals import Ticks, assert_whole, reading, writing

from stepwell.store.engine.context import no_progress
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.engine.sealing.seal import seal
from stepwell.store.model.reports import Sealed
from stepwell.store.model.steps import Operation


def seal_store(store: Path, **more: Any) -> Sealed:
    """Seals everything in a store."""
    arguments: dict[str, Any] = {
        "clock": Ticks(),
        "randomness": os.urandom,
        "progress": no_progress,
    }
    arguments |= more
    return seal(store, lambda: writing(store), **arguments)


def git(repository: Path, *arguments: str, source: IO[bytes] | None = None) -> str:
    """Runs git on a repository as its owner would, and returns what it printed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", "--git-dir", str(repository), *arguments],
        stdin=source,
        capture_output=True,
        env={**clean, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def assert_clean(store: Path) -> None:
    """Checks that git has no word to say about the repository, and that nothing is left beside."""
    repository = repository_of(store)
    assert git(repository, "fsck", "--strict", "--no-dangling", "--full") == ""
    left = [p for p in repository.rglob("*") if p.name.endswith(".lock") or "tmp_" in p.name]
    assert left == []
    assert list((store / "scratch").iterdir()) == []


def assert_same(journal: Journal, operations: Sequence[Operation]) -> None:
    """Checks that a journal holds exactly these operations, their steps and objects, in order."""
    assert list(journal.operations()) == list(operations)
    assert list(journal.newest(len(operations) + 1)) == list(operations)[::-1]
    assert journal.last_number == len(operations)
    assert_whole(journal, operations)


def segment_names(store: Path) -> list[str]:
    """Returns the names of the segment files."""
    return sorted(path.name for path in (store / "journal").glob("*.segment"))


def whole_store(store: Path, operations: Sequence[Operation]) -> None:
    """Checks a store from outside: everything is there and verified."""
    with reading(store) as journal:
        assert_same(journal, operations)
        report = journal.verify(True)
        assert report.damaged == ()


def copy_objects(repository: Path) -> None:
    """Has another program put all objects beside the packs: packed once more, and loose."""
    git(repository, "repack", "-a", "-q", "-F", "--depth=1")
    git(repository, "commit-graph", "write", "--reachable")
    packs = Packs(repository)
    for oid in {oid for index in packs.indexes for oid in index.ids()}:
        kind, content = packs.read(oid)
        path = repository / "objects" / oid.hex()[:2] / oid.hex()[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content))
