"""The sealed objects: all packs of the repository, and what lies loose beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stepwell.store.engine import beside
from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.engine.gitobjects import GitObjects, fresh_folder
from stepwell.store.engine.objects import damaged_object, missing
from stepwell.store.engine.sealing.layout import pack_folder
from stepwell.store.engine.sealing.packindex import PackIndex, pack_identity
from stepwell.store.engine.sealing.packreader import PackReader, SoundPacks
from stepwell.store.model.errors import ObjectDamagedError, ObjectMissingError
from stepwell.store.model.ids import Oid

_LARGE = 256 << 10
_READ_AT_ONCE = 1 << 20
"""Bytes of content after which the packs are closed, and opened anew for the next one.

libgit2 keeps a pack mapped, and up to 16 MiB of what it inflated of it, for as long as it is open.
"""


class Packs:
    """An ObjectReader over a repository. Packs that come or go are noticed when one is missed.

    What an object's id is asked of the indexes alone; libgit2, which takes long to load, is needed
    for content only.
    """

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self._folder = pack_folder(repository)
        self._folder_path = os.fspath(self._folder)
        self._stamp: int | None = None
        self._indexes: tuple[PackIndex, ...] = ()
        self._objects: GitObjects | SoundPacks | None = None
        self._all_sound = False
        self._read_bytes = 0
        self.reload()

    def reload(self) -> bool:
        """Looks again when packs came or went; returns whether they did."""
        try:
            stamp = os.stat(self._folder_path).st_mtime_ns
        except OSError:
            stamp = 0
        if stamp == self._stamp:
            return False
        known = {index.path: index for index in self._indexes}
        paths = sorted(self._folder.glob("pack-*.idx"))
        found = (_as_it_is(path, known.get(path)) for path in paths)
        self._indexes = tuple(index for index in found if index is not None)
        self._stamp = stamp
        self.forget()
        return True

    def forget(self) -> None:
        """Lets go of what libgit2 has read, which would answer for bytes that were damaged since."""
        self._all_sound = False
        self.rest()

    def rest(self) -> None:
        """Closes the packs until the next content is read, which frees what is mapped of them."""
        self._objects, self._read_bytes = None, 0

    @property
    def indexes(self) -> tuple[PackIndex, ...]:
        """The indexes that can be read, by name, as they are now."""
        self.reload()
        return self._indexes

    def file_bytes(self) -> int:
        """Returns the size of all packs and their indexes."""
        return sum(index.file_bytes() for index in self.indexes)

    def has(self, oid: Oid) -> bool:
        """Tells whether the object is there; its bytes are not checked."""
        self.reload()
        return self._holds(oid) or self._is_loose(oid)

    def _holds(self, oid: Oid) -> bool:
        return any(oid in index for index in self._indexes)

    def _is_loose(self, oid: Oid) -> bool:
        name = oid.hex()
        return os.path.exists(self.repository / "objects" / name[:2] / name[2:])

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind (`commit` too) and bytes of an object, checked against its id.

        Raises:
            ObjectMissingError: it is not there.
            ObjectDamagedError: its bytes cannot be read, or do not hash to the id.
        """
        for _ in range(2):
            try:
                found = self._read(oid)
            except NotImportableError:
                # A pack may have been merged into another meanwhile.
                self._stamp = None
                self.reload()
                continue
            self._read_bytes += len(found[1])
            if self._read_bytes > _READ_AT_ONCE:
                self.rest()
            return found
        raise damaged_object(oid) if self.has(oid) else missing(oid)

    def is_sound(self, oid: Oid) -> bool:
        """Tells whether the object can be read and hashes to its id."""
        with suppress(ObjectDamagedError, ObjectMissingError):
            self.read(oid)
            return True
        return False

    def _read(self, oid: Oid) -> tuple[str, bytes]:
        opened = self._opened()
        if beside.current() is not None and opened.size(oid) >= _LARGE:
            # libgit2 keeps the interpreter until all of it is there, which others may not wait for.
            for index in self._indexes if isinstance(opened, GitObjects) else ():
                if oid in index:
                    with suppress(ObjectDamagedError):
                        return PackReader(index).read(oid)
        return opened.read(oid)

    def kind(self, oid: Oid) -> str:
        """Returns an object's kind; raises as `read`."""
        try:
            return self._opened().kind(oid)
        except NotImportableError:
            return self.read(oid)[0]

    def _opened(self) -> GitObjects | SoundPacks:
        if self._objects is None:
            self._objects = self._open()
        return self._objects

    def _open(self) -> GitObjects | SoundPacks:
        self.reload()
        folder = os.fsencode(self.repository / "objects")
        there = set(self._folder.glob("pack-*.idx"))
        if not self._all_sound or {index.path for index in self._indexes} != there:
            sound = [index for index in self._indexes if index.is_sound() and index.pack_is_there()]
            self._all_sound = {index.path for index in sound} == there
            if not self._all_sound:
                return SoundPacks(folder, sound)
        packs = {index.name: index.identity for index in self._indexes}
        return GitObjects(fresh_folder(folder, packs))

    def stored_size(self, oid: Oid) -> int | None:
        """Returns how many bytes of its pack an object takes; None when no pack has it."""
        sizes = (index.stored_size(oid) for index in self._indexes)
        return next((size for size in sizes if size is not None), None)

    def commits(self) -> Iterator[tuple[Oid, bytes]]:
        """Yields all commits that can be read, in no order; reads every object's head."""
        for index in self.indexes:
            for oid in index.ids():
                with suppress(ObjectMissingError, ObjectDamagedError):
                    if self.kind(oid) == "commit":
                        yield oid, self.read(oid)[1]


def _as_it_is(path: Path, known: PackIndex | None) -> PackIndex | None:
    """Returns the index in that file, which repair may have put in place of the known one."""
    if known is not None and known.identity == pack_identity(path):
        return known
    return PackIndex.open(path)
