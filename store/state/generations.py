"""A folder with the last few snapshots of a storage, numbered; the newest that is whole counts.

<folder>/.gitignore                 `*`: the folder stays out of git
<folder>/lock                       flock'ed by whoever writes
<folder>/snapshot-00000001.json.gz  see `envelope`
<folder>/snapshot-00000001.json.gz.refused    could not be used, and is left for a person
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from stepwell.store.engine.atomic import (
    fsync_folder,
    make_private_folder,
    remove_leftovers,
    system_error,
    write_atomic,
)

_NAME = re.compile(r"snapshot-([0-9]{8,})\.json\.gz(\.refused)?")
_REFUSED = ".refused"


class Generations:
    """The files; one writer at a time, which the caller sees to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Makes the folder, keeps it out of git, and clears away what a killed writer left.

        Raises:
            FailedError: the system refused.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise system_error(error, "making the folder", self.folder.parent) from error
        make_private_folder(self.folder)
        remove_leftovers(self.folder)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            write_atomic(ignore, b"*\n")

    def newest_first(self) -> list[Path]:
        """Returns the files that have not been refused; none when there is no folder.

        Raises:
            FailedError: the folder cannot be read.
        """
        usable = [(number, path) for number, path in self._files() if path.suffix != _REFUSED]
        return [path for _, path in sorted(usable, reverse=True)]

    def _files(self) -> Iterator[tuple[int, Path]]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise system_error(error, "listing", self.folder) from error
        for name in names:
            if found := _NAME.fullmatch(name):
                yield int(found[1]), self.folder / name

    def read(self, path: Path) -> bytes:
        """Returns a file's bytes; raises FailedError."""
        try:
            return path.read_bytes()
        except OSError as error:
            raise system_error(error, "reading", path) from error

    def add(self, content: bytes) -> Path:
        """Writes the next file; on return it is on disk.

        Raises:
            FailedError: the system refused; the files before it are untouched.
        """
        number = 1 + max((number for number, _ in self._files()), default=0)
        path = self.folder / f"snapshot-{number:08d}.json.gz"
        write_atomic(path, content)
        return path

    def rotate(self, keep: int) -> list[Path]:
        """Removes all but the newest `keep` usable files; returns them.

        Raises:
            FailedError: the system refused; some may be gone.
        """
        old = self.newest_first()[keep:]
        for path in old:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise system_error(error, "removing", path) from error
        if old:
            fsync_folder(self.folder)
        return old

    def set_aside(self, path: Path) -> None:
        """Renames a file that cannot be used, so that neither rotation nor a later load meets it."""
        with contextlib.suppress(OSError):
            os.rename(path, path.with_name(path.name + _REFUSED))
