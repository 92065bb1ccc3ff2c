"""Events that hooks left and no daemon has recorded yet: a purge reaches them as it does steps.

An event that repeats a content is blotted as any text is. One that speaks of a purged path is
emptied: what it holds was perhaps never captured, so that no content tells which part of it it is.
It stays as a file, so that whoever records what came meanwhile still counts it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.atomic import system_error, write_atomic
from stepwell.store.engine.pruning.blot import BLOT, Blotter
from stepwell.store.engine.pruning.targets import Matches
from stepwell.store.model.paths import TrackedPath

_UNFINISHED = "."
_WORDS = re.compile(r"[^\s'\"`<>|;&(){}\[\],=:]+")
"""What may be a path in a command or a sentence."""
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Spools:
    """The folders in which hooks of one workspace leave events."""

    folders: tuple[Path, ...]
    root: bytes
    """The workspace's, against which paths in events are read."""

    def touched(self, blotter: Blotter, named: Matches) -> dict[Path, bytes]:
        """Returns the events that a purge changes, with what becomes of each; nothing is written.

        `named` tells which paths are purged. A file that goes meanwhile was recorded, and is left out.
        """
        found = {}
        for path in self._files():
            with suppress(FileNotFoundError):
                content = path.read_bytes()
                purged = self._purged(content, blotter, named)
                if purged != content:
                    found[path] = purged
        return found

    def purge(self, blotter: Blotter, named: Matches) -> int:
        """Takes out what `touched` names; returns how many events. To be called under the writer lock.

        Raises:
            NoSpaceError, FailedError: an event cannot be read or written.
        """
        for path in self._unfinished():
            _remove(path)
        touched = self.touched(blotter, named)
        for path, content in touched.items():
            write_atomic(path, content)
        return len(touched)

    def _purged(self, content: bytes, blotter: Blotter, named: Matches) -> bytes:
        head, line, payload = content.partition(b"\n")
        if self._speaks_of(payload, named):
            return head + line + BLOT.encode("ascii")
        return head + line + blotter.stored(payload)

    def _files(self) -> Iterator[Path]:
        for folder in self.folders:
            names = os.listdir(folder) if folder.is_dir() else ()
            yield from (folder / name for name in sorted(names) if name[0] != _UNFINISHED)

    def _unfinished(self) -> Iterator[Path]:
        """Yields what hooks left that were killed; those that still write come after the purge.

        Notes of hooks are among it, which the next daemon would remove as well.
        """
        for folder in self.folders:
            for name in os.listdir(folder) if folder.is_dir() else ():
                if name.startswith(_UNFINISHED) and not _is_alive(name.rpartition("-")[2]):
                    yield folder / name

    def _speaks_of(self, payload: bytes, named: Matches) -> bool:
        text = payload.decode("utf-8", "surrogateescape")
        texts, folder = [text], ""
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            texts = list(_texts(document))
            if isinstance(document, dict):
                folder = str(document.get("cwd") or "")
        words = {word for one in texts for word in (one[:_LONGEST], *_WORDS.findall(one))}
        return any(named(path) for word in words for path in self._paths(word, folder))

    def _paths(self, word: str, folder: str) -> Iterator[TrackedPath]:
        """Yields the paths in the workspace that a word may stand for."""
        name = _bytes(word)
        # What is absolute already stays as it is when it is joined.
        for place in {os.path.join(self.root, one, name) for one in (b"", _bytes(folder))}:
            inside = os.path.normpath(place)
            if b"\0" not in inside and inside.startswith(self.root + b"/"):
                yield TrackedPath(inside[len(self.root) + 1 :])


def _texts(document: Any) -> Iterator[str]:
    """Yields all texts of a JSON value, the names of its members too."""
    waiting: list[Any] = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def _bytes(text: str) -> bytes:
    """Returns a path's bytes; of what can be none, nothing."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""


def _is_alive(digits: str) -> bool:
    """Tells whether a process may run that has this number; a name without one is nobody's."""
    if not digits.isdecimal():
        return False
    try:
        os.kill(int(digits), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    try:
        with suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise system_error(error, "removing", path) from error
