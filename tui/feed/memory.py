"""Keeps what the screen remembers in files of the data folder: one for all, one a workspace.

Nothing depends on them: one that is gone, torn or foreign means the defaults.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from stepwell.tui.model.remembered import Place, Taste, read, with_line, written
from stepwell.tui.values import FailedError

_MOST_BYTES = 1_000_000


class Memory(NamedTuple):
    """What is remembered."""

    taste: Taste = Taste()
    place: Place = Place()


class Keeper:
    """The files of one workspace."""

    def __init__(self, home: Path, root: bytes) -> None:
        """`home` is the data folder, which is there."""
        self._folder = home / "screen"
        self._place = self._folder / f"{hashlib.sha256(root).hexdigest()[:16]}.json"
        self._taste = self._folder / "choices.json"

    def recall(self) -> Memory:
        """Returns what was kept."""
        return Memory(read(Taste, _load(self._taste)), self._kept())

    def keep(self, memory: Memory) -> None:
        """Replaces both files, but for the lines of the command line, which stay as they are there.

        Raises:
            FailedError: one cannot be written; the other, and what was kept before, is whole.
        """
        with self._writing():
            _replace(self._taste, written(memory.taste))
            _replace(self._place, written(replace(memory.place, commands=self._kept().commands)))

    def keep_line(self, line: str) -> None:
        """Adds a line that was run, at once: a purge looks for what it repeats in the file alone.

        Raises:
            FailedError: it cannot be written; what was kept before is whole.
        """
        with self._writing():
            _replace(self._place, written(with_line(self._kept(), line)))

    def _kept(self) -> Place:
        return read(Place, _load(self._place))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            yield
        except OSError as error:
            raise FailedError(
                f"what the screen should remember cannot be kept in {self._folder}: {error.strerror}"
            ) from error


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None


def _replace(path: Path, document: Mapping[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    content = json.dumps(document, sort_keys=True).encode() + b"\n"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
