"""A folder of git objects, loose and packed, read by libgit2's object database alone.

That knows no configuration, runs no program, fetches nothing and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import escape


class GitObjects:
    """The objects below one `objects` folder and its alternates."""

    def __init__(self, folder: bytes, indexes: Sequence[bytes] | None = None) -> None:
        """Opens the folder; with `indexes`, of its packs only those with such an index.

        libgit2 trusts an index: a damaged one can make it read anywhere, and end the process.

        Raises:
            FailedError: it is none, or its path is not UTF-8, which libgit2 requires.
        """
        import pygit2

        self._refused = (pygit2.GitError, KeyError, ValueError, MemoryError)
        self._id = pygit2.Oid
        try:
            name = os.fspath(folder).decode("utf-8")
            self._objects = pygit2.Odb(name) if indexes is None else pygit2.Odb()
            if indexes is not None:
                self._objects.add_backend(pygit2.OdbBackendLoose(name, -1, False), 2)
                for index in indexes:
                    self._objects.add_backend(pygit2.OdbBackendPack(index.decode("utf-8")), 1)
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
