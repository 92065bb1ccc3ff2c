"""A folder of git objects, loose and packed, read by libgit2's object database alone.

That knows no configuration, runs no program, fetches nothing and writes nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from threading import Lock
from typing import Any

from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import escape

_LOCK = Lock()
_OPENED = defaultdict[bytes, list[dict[str, object]]](list)
"""By folder, and by how often `/.` was put behind it: which pack was opened by each name."""


def fresh_folder(folder: bytes, packs: Mapping[str, object]) -> bytes:
    """Returns a path of that folder under which libgit2 has opened no other packs of these names.

    libgit2 keeps a pack open for the whole process by its path, as long as anybody reads from it:
    of one that was replaced under its name it would go on to read what was there before. `packs`
    has, by name, what differs between packs that had one name.
    """
    with _LOCK:
        spellings = _OPENED[folder]
        fitting = (at for at, known in enumerate(spellings) if _agree(known, packs))
        at = next(fitting, len(spellings))
        spellings[at:] = spellings[at:] or [{}]
        spellings[at].update(packs)
    return folder + b"/." * at


def _agree(known: Mapping[str, object], packs: Mapping[str, object]) -> bool:
    return all(known.get(name, identity) == identity for name, identity in packs.items())


_WINDOW, _MAPPED = 1 << 20, 8 << 20
"""Bytes of packs that are mapped at a time; libgit2 would map each pack whole, to stay so."""


class GitObjects:
    """The objects below one `objects` folder and its alternates."""

    def __init__(self, folder: bytes, *, packed: bool = True) -> None:
        """Opens the folder; unless `packed`, what lies loose in it alone.

        libgit2 trusts the index of a pack: a damaged one can make it read anywhere, and end the
        process.

        Raises:
            FailedError: it is none, or its path is not UTF-8, which libgit2 requires.
        """
        import pygit2

        pygit2.settings.mwindow_size = _WINDOW
        pygit2.settings.mwindow_mapped_limit = _MAPPED
        self._refused = (pygit2.GitError, KeyError, ValueError, MemoryError)
        self._id = pygit2.Oid
        try:
            name = os.fspath(folder).decode("utf-8")
            self._objects = pygit2.Odb(name) if packed else pygit2.Odb()
            if not packed:
                self._objects.add_backend(pygit2.OdbBackendLoose(name, -1, False), 1)
        except (pygit2.GitError, UnicodeDecodeError) as error:
            raise FailedError(
                f"the git objects in {escape(folder)} cannot be opened: {error}",
                path=escape(folder),
            ) from error

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind (`commit` and `tag` too) and bytes, checked against the id."""
        try:
            kind, content = self._objects.read(self._id(raw=oid))
        except self._refused as error:
            raise _missing(oid) from error
        return kind.name.lower(), content

    def size(self, oid: Oid) -> int:
        """Returns an object's size."""
        return int(self._head(oid)[1])

    def kind(self, oid: Oid) -> str:
        """Returns an object's kind without reading it whole."""
        return str(self._head(oid)[0].name).lower()

    def _head(self, oid: Oid) -> Any:
        try:
            return self._objects.read_header(self._id(raw=oid))
        except self._refused as error:
            raise _missing(oid) from error


def _missing(oid: Oid) -> NotImportableError:
    return NotImportableError(f"object {oid.hex()} is missing or damaged")
