"""The repository in which git merges: a folder of the store that stays, though nothing in it does.

Making and removing the folders that git wants for its objects, one for each first byte of an id,
takes longer than a merge. They stay; what is merged goes as soon as it is done, or, after a kill,
with the next command that writes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.scratch import scratch_folder
from stepwell.store.model.ids import Oid, RandomBytes

NAME = "merging"

_IN_USE = "packed-refs"
"""The file that is there for as long as a merge is."""

_CONFIG = b"""\
[core]
\trepositoryformatversion = 0
\tbare = true
\tattributesFile = /dev/null
\thooksPath = /dev/null
\tfsync = none
[gc]
\tauto = 0
"""


@contextmanager
def workbench(store: Path, randomness: RandomBytes) -> Iterator[Path]:
    """Gives the folder for one merge; a scratch folder while another process merges.

    Raises:
        FailedError: it cannot be made.
    """
    folder = store / NAME
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise system_error(error, "making a folder for merging", folder) from error
    with _locked(folder) as is_ours:
        if not is_ours:
            with scratch_folder(store, "merge", randomness) as other:
                yield other
            return
        if (folder / _IN_USE).exists():
            _clear(folder)
        try:
            yield folder
        finally:
            _clear(folder)


def tidy(store: Path) -> None:
    """Removes what a killed merge left."""
    folder = store / NAME
    if (folder / _IN_USE).exists():
        with suppress(OSError), _locked(folder) as is_ours:
            if is_ours:
                _clear(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)


def prepare(folder: Path, heads: Mapping[str, Oid]) -> Path:
    """Makes the folder a repository with those branches; returns where its objects and packs go."""
    packs = folder / "objects" / "pack"
    if not packs.exists():
        for name in ("refs", "objects", "objects/pack"):
            (folder / name).mkdir(exist_ok=True)
    (folder / "HEAD").write_bytes(b"ref: refs/heads/.none\n")
    (folder / "config").write_bytes(_CONFIG)
    lines = sorted(f"{oid.hex()} refs/heads/{name}\n".encode() for name, oid in heads.items())
    (folder / _IN_USE).write_bytes(b"".join(lines))
    return packs


def written(folder: Path) -> list[Path]:
    """Returns the files of the loose objects that git wrote, in the order of their ids."""
    return sorted(Path(path) for path in _object_files(folder) if path[-39] == "/")


def _object_files(folder: Path) -> Iterator[str]:
    objects = os.path.join(folder, "objects")
    with suppress(FileNotFoundError):
        for name in os.listdir(objects):
            below = f"{objects}/{name}"
            for file in os.listdir(below):
                yield f"{below}/{file}"


def _clear(folder: Path) -> None:
    """Removes the objects, and last the file that says that there may be some."""
    for path in _object_files(folder):
        os.unlink(path)
    (folder / _IN_USE).unlink(missing_ok=True)
