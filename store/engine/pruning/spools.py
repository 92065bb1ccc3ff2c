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

from stepwell.store.engine.pruning.blot import BLOT, Blotter, all_texts
from stepwell.store.engine.pruning.targets import Matches
from stepwell.store.engine.spoolfolder import SpoolFolder, foreign_spools, open_spools
from stepwell.store.model.paths import TrackedPath

_WORDS = re.compile(r"[^\s'\"`<>|;&(){}\[\],=:]+")
"""What may be a path in a command or a sentence."""
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Spools:
    """The folders in which hooks of one workspace leave events."""

    folders: tuple[Path, ...]
    root: bytes
    """The workspace's, against which paths in events are read."""

    def count(self, blotter: Blotter, named: Matches) -> int:
        """Returns how many events a purge changes; nothing is written.

        `named` tells which paths are purged. A file that goes meanwhile was recorded, and is left out.

        Raises:
            FailedError: an event cannot be read.
        """
        folders = open_spools(self.folders)
        return sum(len(self._touched(folder, blotter, named)) for folder in folders)

    def purge(self, blotter: Blotter, named: Matches) -> None:
        """Takes out what `count` counts. To be called under the writer lock.

        What killed hooks left half written goes too; those that still write come after the purge.

        Raises:
            NoSpaceError, FailedError: an event cannot be read or written.
        """
        for folder in open_spools(self.folders):
            for name, process in folder.remains():
                if process is None or not _is_alive(process):
                    folder.remove(name)
            for name, content in self._touched(folder, blotter, named).items():
                folder.replace(name, content)

    def foreign(self) -> list[Path]:
        """Returns the folders that are not touched, because they are not of this user alone."""
        return foreign_spools(self.folders)

    def _touched(self, folder: SpoolFolder, blotter: Blotter, named: Matches) -> dict[str, bytes]:
        found = {}
        for name in folder.events():
            content = folder.read(name)
            if content is not None:
                purged = self._purged(content, blotter, named)
                if purged != content:
                    found[name] = purged
        return found

    def _purged(self, content: bytes, blotter: Blotter, named: Matches) -> bytes:
        head, line, payload = content.partition(b"\n")
        if self._speaks_of(payload, named):
            return head + line + BLOT.encode("ascii")
        return head + line + blotter.stored(payload)

    def _speaks_of(self, payload: bytes, named: Matches) -> bool:
        text = payload.decode("utf-8", "surrogateescape")
        texts, folder = [text], ""
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            texts = list(all_texts(document))
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


def _bytes(text: str) -> bytes:
    """Returns a path's bytes; of what can be none, nothing."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
