"""Stepwell's forms, as contestants: without a daemon, in process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from stepwell.store import Step, Workspace

DAEMON = "Stepwell, daemon"
HOOK = "Stepwell, hook"
SCAN = "Stepwell, no daemon"


class Scanning:
    """The library in process, without a daemon: every capture looks at every file."""

    name = SCAN
    repeats = 3
    guests: tuple[()] = ()

    def __init__(self, root: Path, store: Path) -> None:
        self.root, self.store = root, store

    def prepare(self) -> None:
        """Nothing: the first capture registers the workspace."""
        self._workspace: Workspace | None = None

    def capture(self) -> None:
        if self._workspace is None:
            self._workspace = Workspace.init(self.root, home=self.store)
            self._newest = self._workspace.head()
        else:
            self._newest = self._workspace.capture()

    def token(self) -> Step:
        return self._newest

    def restore(self, token: Step, changed: list[str]) -> None:
        """A whole rollback: safety step, plan, intent, files, verification, record."""
        assert self._workspace is not None
        self._workspace.apply(self._workspace.plan_rollback(token))

    def tree(self, token: Step) -> str:
        return token.snapshot.tree.hex()

    def stop_after(self, patience_s: float) -> None:
        """Nothing: what is in process is not stopped at the cap."""

    def heal(self) -> None:
        """Nothing, as it is never stopped."""

    def close(self) -> None:
        if self._workspace is not None:
            self._workspace.close()
        shutil.rmtree(self.store, ignore_errors=True)


class Disk:
    """No snapshot at all: an append of the same size and one `fdatasync`, the floor for durable."""

    name = "append + fdatasync"
    repeats = 40

    def __init__(self, path: Path, size: int) -> None:
        self._bytes = os.urandom(size)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self) -> None:
        if os.write(self._fd, self._bytes) != len(self._bytes):
            raise OSError("short write")
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def store_bytes(store: Path) -> int:
    """Returns the bytes of all files below a folder."""
    return sum(p.stat().st_size for p in store.rglob("*") if p.is_file() and not p.is_symlink())
