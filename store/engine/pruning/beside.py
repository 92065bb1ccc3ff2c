"""What lies beside history and may repeat what was said in it: places that a purge reaches, and the rest.

Places are handed to a purge, so that it knows nothing of what keeps them. What no place answers for
is only looked at: a file that repeats a content is named, with the command or the hand that is left.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from stepwell.store.engine import scratch
from stepwell.store.engine.atomic import system_error, write_atomic
from stepwell.store.engine.pruning.blot import Blotter
from stepwell.store.model.purging import Repeated, Unreached

_PLACES = frozenset(
    {
        "journal",
        "repo.git",
        "catalogue",
        "merging",
        "scratch",
        "spool",
        "state",
        "stats",
        "view",
    }
)
"""Of a store: what a purge writes anew, removes, or asks somebody about."""
_ELSEWHERE = ("*.log", "*.log.1", "remotes/*/*.git/*")
"""The same, by pattern; its `*` takes folders in."""
_LARGEST = 16 << 20
_KEEPS = "it repeats the content, and is not stepwell's to change; remove it yourself"
_TOO_LARGE = "it is too large to be looked through, and nothing that stepwell made"
_AT_WORK = "a process works there on files of a step; it is gone when that ends"
_BEFORE = "what {} held before `stepwell install`; `stepwell uninstall` with its agent removes it"
_GONE = b'{"event": "purged"}'


class Place(Protocol):
    """Something beside history that may repeat contents."""

    def look(self, blotter: Blotter) -> Found:
        """Returns what `purge` would take out, and what it could not; changes nothing.

        Raises:
            BusyError: another process is writing there.
            FailedError: it cannot be read.
        """

    def purge(self, blotter: Blotter) -> None:
        """Takes the contents out. Cut off anywhere, what is there is whole, and it can be done again.

        Raises:
            BusyError, NoSpaceError, FailedError: as `look`; the system refused.
        """


@dataclass(frozen=True, slots=True)
class Found:
    """What repeats some contents at one place."""

    repeated: tuple[Repeated, ...] = ()
    unreached: tuple[Unreached, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found(self.repeated + other.repeated, self.unreached + other.unreached)


def look_beside(places: Sequence[Place], blotter: Blotter) -> Found:
    """Returns what all places have; raises as they do."""
    return sum((place.look(blotter) for place in places), Found())


class Logs:
    """The logs of a store. Who writes them has them open, so that lines are overwritten where they are."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def look(self, blotter: Blotter) -> Found:
        lines = 0
        for path in self._files():
            with suppress(FileNotFoundError), _opened(path, os.O_RDONLY) as fd:
                lines += len(list(_repeating(fd, blotter)))
        return Found((Repeated("log line", lines),) if lines else ())

    def purge(self, blotter: Blotter) -> None:
        for path in self._files():
            # One opening for both: a log may be put aside, and another begun, at any time.
            with suppress(FileNotFoundError), _opened(path, os.O_RDWR) as fd:
                found = list(_repeating(fd, blotter))
                for start, length in found:
                    _overwrite(fd, start, _GONE[:length].ljust(length))
                if found:
                    os.fsync(fd)

    def _files(self) -> list[Path]:
        found = (*self._store.glob("*.log"), *self._store.glob("*.log.1"))
        return [path for path in found if _is_file(path)]


def _repeating(fd: int, blotter: Blotter) -> Iterator[tuple[int, int]]:
    """Yields where a line begins that repeats a content, and how long it is."""
    start = 0
    with open(fd, "rb", closefd=False) as file:
        for line in file:
            text = line.rstrip(b"\n")
            if blotter.stored(text) != text:
                yield start, len(text)
            start += len(line)


def _overwrite(fd: int, start: int, content: bytes) -> None:
    while content:
        written = os.pwrite(fd, content, start)
        start, content = start + written, content[written:]


class Document:
    """A small file of JSON that may be replaced whole, and drafts of it that a kill left beside it."""

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what

    def look(self, blotter: Blotter) -> Found:
        count = sum(1 for _ in self._edited(blotter))
        return Found((Repeated(self._what, count),) if count else ())

    def purge(self, blotter: Blotter) -> None:
        for path, content in list(self._edited(blotter)):
            write_atomic(path, content)

    def _edited(self, blotter: Blotter) -> Iterator[tuple[Path, bytes]]:
        for path in sorted(self._path.parent.glob(f"{self._path.name}*")):
            with suppress(FileNotFoundError):
                content = _content(path)
                edited = blotter.stored(content)
                if edited != content:
                    yield path, edited


class Installed:
    """What agents' own files held before hooks were put into them: named, as an uninstall needs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self, blotter: Blotter) -> Found:
        found = (self._named(path, blotter) for path in sorted(self._folder.glob("*.json")))
        return Found(unreached=tuple(one for one in found if one is not None))

    def purge(self, blotter: Blotter) -> None:
        """Does nothing: what was there comes back, to the byte, when the hooks go."""

    def _named(self, path: Path, blotter: Blotter) -> Unreached | None:
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            record = json.loads(_content(path))
            before = base64.b64decode(record["before"] or "")
            if blotter.stored(before) != before:
                return Unreached(f"{path.parent.name}/{path.name}", _BEFORE.format(record["path"]))
        return None


class Rest:
    """Everything else in a store: named where it repeats a content, and left as it is."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def look(self, blotter: Blotter) -> Found:
        named = [
            Unreached(name, why) for name in self._names() if (why := self._why(name, blotter))
        ]
        at_work = [Unreached(f"{scratch.NAME}/{name}", _AT_WORK) for name in self._at_work()]
        return Found(unreached=(*named, *at_work))

    def purge(self, blotter: Blotter) -> None:
        """Does nothing: nobody knows what those files are for."""

    def _names(self) -> list[str]:
        tops = [top for top in sorted(self._store.iterdir()) if top.name not in _PLACES]
        paths = [path for top in tops for path in (top, *sorted(top.rglob("*")))]
        names = (str(path.relative_to(self._store)) for path in paths if _is_file(path))
        return [name for name in names if not any(fnmatch(name, one) for one in _ELSEWHERE)]

    def _why(self, name: str, blotter: Blotter) -> str:
        with suppress(FileNotFoundError):
            content = _content(self._store / name, _LARGEST + 1)
            if len(content) > _LARGEST:
                return _TOO_LARGE
            if any(blotter.stored(text) != text for text in _readings(content)):
                return _KEEPS
        return ""

    def _at_work(self) -> list[str]:
        above = self._store / scratch.NAME
        names = sorted(path.name for path in above.iterdir()) if above.is_dir() else []
        others = (name for name in names if not name.startswith("sealing-"))
        return [name for name in others if scratch.is_scratch_in_use(self._store, name)]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _content(path: Path, most: int = -1) -> bytes:
    with _opened(path, os.O_RDONLY) as fd, open(fd, "rb", closefd=False) as file:
        return file.read(most)


def _readings(content: bytes) -> Iterator[bytes]:
    """Yields a file's bytes as they lie and, where they are compressed, what they stand for."""
    yield content
    with suppress(OSError, EOFError, zlib.error):
        yield gzip.decompress(content)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise system_error(error, "purging", path) from error
