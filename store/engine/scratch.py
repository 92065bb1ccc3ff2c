"""Scratch folders: private, locked by who uses them, swept when their user died.

Each lies in the store's `scratch` folder, and its user holds a kernel lock on it for as long as it
lives. What is there without a lock was left behind by a killed process. A process that works in one
has the folder's path in its environment, by which it is found when it outlives who started it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.model.ids import RandomBytes

NAME = "scratch"

VARIABLE = "STEPWELL_SCRATCH"

_ROUNDS = 100
_PAUSE_S = 0.01
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def scratch_folder(store: Path, purpose: str, randomness: RandomBytes) -> Iterator[Path]:
    """Makes an empty folder `purpose-<random>`, and removes it at the end with all it holds.

    Raises:
        FailedError: it cannot be made.
    """
    above = store / NAME
    folder = above / f"{purpose}-{randomness(8).hex()}"
    try:
        above.mkdir(mode=0o700, exist_ok=True)
        # A sweeper must not find the folder between its making and its locking.
        with _locked(above):
            folder.mkdir(mode=0o700)
            lock = os.open(folder, _FOLDER)
            fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise system_error(error, "making a scratch folder", folder) from error
    try:
        yield folder
    finally:
        # What cannot be removed now is swept later.
        try:
            with suppress(OSError):
                remove_tree(folder)
        finally:
            os.close(lock)


def marked(folder: Path) -> dict[str, str]:
    """Returns the variables of a process that works in a scratch folder."""
    return {VARIABLE: str(folder)}


def sweep(store: Path) -> None:
    """Ends the processes, and removes the folders, that killed users left behind.

    What cannot be ended or removed is left to the next sweep: nothing depends on its being gone.
    """
    with suppress(OSError):
        for folder in _abandoned(store / NAME):
            end_processes(folder, gently=True)
            remove_tree(folder)


def _abandoned(above: Path) -> list[Path]:
    if not above.is_dir():
        return []
    with _locked(above):
        return [folder for folder in sorted(above.iterdir()) if not _in_use(folder)]


def end_processes(folder: Path, *, gently: bool = False) -> None:
    """Kills every process that was started to work in or below a scratch folder, and its children.

    With `gently` they are asked first, and have a moment: a git takes the locks away that it holds,
    which may be those of a repository elsewhere. Found by /proc; where there is none, they are left
    to end by themselves.
    """
    for number in range(_ROUNDS):
        found = list(_working_in(folder))
        if not found:
            return
        how = signal.SIGTERM if gently and number < _ROUNDS // 2 else signal.SIGKILL
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, how)
        time.sleep(_PAUSE_S)


def _working_in(folder: Path) -> Iterator[int]:
    sign = os.fsencode(f"{VARIABLE}={folder}")
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdecimal() and int(name) != os.getpid():
            # It may end, or be another user's.
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as environ:
                values = environ.read().split(b"\0")
                if any(v == sign or v.startswith(sign + b"/") for v in values):
                    yield int(name)


def activity(folder: Path) -> frozenset[tuple[int, bytes, bytes]]:
    """Returns a value that changes whenever a process in a scratch folder does anything.

    It is empty when there is none, or no /proc to find it by.
    """
    found = set[tuple[int, bytes, bytes]]()
    for pid in _working_in(folder):
        with suppress(OSError):
            times = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[11:15]
            found.add((pid, b" ".join(times), Path(f"/proc/{pid}/io").read_bytes()))
    return frozenset(found)


def remove_tree(folder: Path) -> None:
    """Removes a folder with all below it, read-only folders too; links are not followed.

    What lies below is moved up to the folder before it is emptied, so that it may be however deep:
    a test suite can leave more folders in each other than a path or a stack has room for.
    """
    top = os.fsencode(folder)
    waiting, number = [top], 0
    while waiting:
        at = waiting.pop()
        os.chmod(at, 0o700)
        with os.scandir(at) as found:
            entries = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in found]
        for path, is_folder in entries:
            if not is_folder:
                os.unlink(path)
                continue
            place = path
            if at != top:
                os.chmod(path, 0o700)
                number, place = _free_name(top, number)
                os.rename(path, place)
            waiting.append(place)
        if at != top:
            os.rmdir(at)
    os.rmdir(top)


def _free_name(folder: bytes, number: int) -> tuple[int, bytes]:
    while True:
        number += 1
        place = os.path.join(folder, b"%d" % number)
        if not os.path.lexists(place):
            return number, place


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    fd = os.open(folder, _FOLDER)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_scratch_in_use(store: Path, name: str) -> bool:
    """Tells whether the process that made a scratch folder still works in it."""
    return bool(name) and _in_use(store / NAME / name)


def _in_use(folder: Path) -> bool:
    with suppress(OSError):
        fd = os.open(folder, _FOLDER)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
    return False
