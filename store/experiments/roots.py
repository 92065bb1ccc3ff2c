"""Scratch roots: a snapshot's files in a folder of their own, and copies of that.

A copy shares nothing with its original that a write could reach: blocks where the file system can
share them copy-on-write (FICLONE, ioctl_ficlone(2)), bytes elsewhere, and never a hard link.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.files import failed
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.rollback.looking import SET_ID_BITS
from stepwell.store.engine.rollback.places import Places
from stepwell.store.engine.rollback.plan import REPOSITORY_NAMES
from stepwell.store.engine.scratch import marked
from stepwell.store.engine.snapshots import Entry, entries
from stepwell.store.model.errors import FailedError, NotFoundError, UsageError
from stepwell.store.model.paths import TrackedPath, escape, parent
from stepwell.store.model.steps import Snapshot

_FICLONE = 0x40049409
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def materialise(
    reader: ObjectReader, snapshot: Snapshot, root: Path, progress: Progress = no_progress
) -> None:
    """Makes the folder `root` with exactly the snapshot's files, links, folders and modes.

    Set-id bits are left out. Nothing is synced: a scratch root does not outlive its process.

    Raises:
        FailedError: the system refuses.
        IntegrityError: an object is missing or damaged.
    """
    found = entries(reader, snapshot, folders=True)
    try:
        root.mkdir(mode=0o700)
        places = Places(os.fsencode(root), "0" * 8)
        try:
            for done, entry in enumerate(found):
                progress("making a scratch copy", done, len(found))
                _make(places, reader, entry)
            for entry in reversed(found):
                if entry.oid is None:
                    os.fchmod(places.folder(entry.path), stat.S_IMODE(entry.mode))
        finally:
            places.close()
    except OSError as error:
        raise failed(error, "making a scratch copy", os.fsencode(root)) from error


def _make(places: Places, reader: ObjectReader, entry: Entry) -> None:
    folder, name = places.folder(parent(entry.path)), entry.path.rpartition(b"/")[2]
    if entry.oid is None:
        os.mkdir(name, 0o700, dir_fd=folder)
        return
    content = reader.read(entry.oid)[1]
    if stat.S_ISLNK(entry.mode):
        os.symlink(content, name, dir_fd=folder)
        return
    with open(os.open(name, _NEW, 0o600, dir_fd=folder), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), stat.S_IMODE(entry.mode) & ~SET_ID_BITS)


def clone(source: Path, target: Path) -> None:
    """Copies a folder with all in it, its modes and times; what is no file, link or folder is left out.

    Raises:
        FailedError: the system refuses, or the target exists.
    """
    try:
        _clone_folder(os.fsencode(source), os.fsencode(target))
    except OSError as error:
        raise failed(error, "copying", os.fsencode(source)) from error


def _clone_folder(source: bytes, target: bytes) -> None:
    os.mkdir(target, 0o700)
    with os.scandir(source) as found:
        for entry in found:
            into = os.path.join(target, entry.name)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), into)
            elif entry.is_dir(follow_symlinks=False):
                _clone_folder(entry.path, into)
            elif entry.is_file(follow_symlinks=False):
                _clone_file(entry.path, into)
    shutil.copystat(source, target, follow_symlinks=False)


def _clone_file(source: bytes, target: bytes) -> None:
    with (
        open(os.open(source, _OLD), "rb") as old,
        open(os.open(target, _NEW, 0o600), "wb") as new,
    ):
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            # No such file system, or not the same one.
            shutil.copyfileobj(old, new, 1 << 20)
        status = os.fstat(old.fileno())
        new.flush()
        os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode) & ~SET_ID_BITS)
        os.utime(new.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))


def environment_in(environment: Mapping[str, str], root: Path) -> dict[str, str]:
    """Returns the environment of a command that runs in a scratch root, alone in its folder.

    What it leaves running can be told by the folder; tools that look for a repository must not
    find one around our data folder.
    """
    return {
        **environment,
        **marked(root.parent),
        "PWD": str(root),
        "GIT_CEILING_DIRECTORIES": str(root.parent),
    }


def check_extra(root: bytes, path: TrackedPath) -> None:
    """Raises unless a path of the workspace is a folder that can be copied into a scratch root.

    Raises:
        NotFoundError: there is no such folder.
        UsageError: it is the workspace itself, or another version control's own data.
    """
    if not path or not REPOSITORY_NAMES.isdisjoint(path.split(b"/")):
        raise UsageError(
            f"{escape(path) or 'the workspace itself'} cannot be copied into an experiment",
            hint="name an ignored folder, such as .venv or node_modules",
        )
    full = os.path.join(os.path.realpath(root), path)
    if os.path.realpath(full) != full or not os.path.isdir(full):
        raise NotFoundError(f"{escape(path)} is not a folder of the workspace", path=escape(path))


def add_extra(workspace: bytes, root: Path, path: TrackedPath) -> None:
    """Copies an ignored folder of the workspace into a scratch root.

    Raises:
        FailedError: the system refuses, or the snapshot has something there.
    """
    target = Path(os.fsdecode(os.path.join(os.fsencode(root), path)))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failed(error, "copying", path) from error
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise FailedError(
            f"{escape(path)} cannot be copied: a link of the base step is in the way",
            path=escape(path),
        )
    clone(Path(os.fsdecode(os.path.join(workspace, path))), target)
