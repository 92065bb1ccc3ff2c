"""The writer lock: a kernel lock on one file, freed by the kernel when its holder dies.

The file is never unlinked, so that two processes cannot lock two files of the same name. What it
holds only serves messages: who has the lock, and since when.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from stepwell.store.engine.atomic import FILE_MODE, system_error
from stepwell.store.model.errors import BusyError
from stepwell.store.model.ids import Clock
from stepwell.store.model.text import rfc3339

NAME = "lock"

_RETRY_S = 0.01
_NOTE_SIZE = 4096


class WriterLock:
    """The right to write one store; at most one holder on a machine. Use it as a context."""

    def __init__(self, store: Path, fd: int) -> None:
        self.store = store
        self._fd: int | None = fd

    @classmethod
    def acquire(cls, store: Path, *, wait_s: float, clock: Clock) -> WriterLock:
        """Takes the lock, trying for `wait_s` seconds; 0 tries once.

        Raises:
            BusyError: another live process (or another part of this one) holds it.
            FailedError: the lock file cannot be opened or locked.
        """
        deadline = time.monotonic() + wait_s
        while (fd := _try_lock(store / NAME)) is None:
            if time.monotonic() >= deadline:
                raise _busy(store / NAME)
            time.sleep(_RETRY_S)
        _leave_note(fd, clock())
        return cls(store, fd)

    @property
    def held(self) -> bool:
        """True until `release`."""
        return self._fd is not None

    def release(self) -> None:
        """Gives the lock back; does nothing the second time."""
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, 0)
            os.close(fd)

    def __enter__(self) -> WriterLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def holder(store: Path) -> int | None:
    """Returns the process that says it has the lock; serves messages only."""
    pid = _read_note(store / NAME).get("pid")
    return pid if isinstance(pid, int) else None


def peak_memory(pid: int) -> int | None:
    """Returns a process's largest resident size, proc(5) VmHWM, in bytes; None when it cannot be told."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), None)


def _try_lock(path: Path) -> int | None:
    """Returns the descriptor of the locked file, or None while somebody else has it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise system_error(error, "opening the lock", path) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(fd, FILE_MODE)
        if _is_current(fd, path):
            return fd
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
            os.close(fd)
            raise system_error(error, "locking", path) from error
    os.close(fd)
    return None


def _is_current(fd: int, path: Path) -> bool:
    """Tells whether the name still leads to the locked file, which somebody may have replaced."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _leave_note(fd: int, now_ns: int) -> None:
    note = {
        "pid": os.getpid(),
        "start": now_ns,
        "boot": boot_id(),
        "host": os.uname().nodename,
    }
    # The note serves messages only, and a full disk must not keep anybody from the lock.
    with contextlib.suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(note).encode("ascii"), 0)


def boot_id() -> str:
    """Returns what tells this boot of the machine from others; empty where the system has no word."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _busy(path: Path) -> BusyError:
    note = _read_note(path)
    pid, start = note.get("pid"), note.get("start", 0)
    who = f"process {pid}" if isinstance(pid, int) else "another process"
    known = isinstance(start, int) and 0 < start < 1 << 62
    since = f" since {rfc3339(start)}" if known else ""
    return BusyError(
        f"the store {path.parent} is being written by {who}{since}",
        hint="wait until it is done, or stop that process; reading works meanwhile",
        pid=pid if isinstance(pid, int) else None,
    )


def _read_note(path: Path) -> dict[str, Any]:
    """Returns what the holder says of itself; empty when it says nothing that makes sense."""
    try:
        with open(path, "rb") as file:
            note = json.loads(file.read(_NOTE_SIZE))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}
