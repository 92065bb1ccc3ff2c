"""Reading a pack by an index that is known to be sound, without libgit2.

libgit2 opens all packs of a folder and trusts every index, and a damaged one can make it read
anywhere. This is slower, and what the intact packs are read with until repair has been there.

Source: gitformat-pack, "pack-*.pack files have the following format" and "Deltified
representation".
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import suppress

from stepwell.store.engine.gitobjects import GitObjects
from stepwell.store.engine.objects import damaged_object
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.tables import map_file
from stepwell.store.model.errors import ObjectDamagedError
from stepwell.store.model.ids import Oid, object_id

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_BY_OFFSET, _BY_ID = 6, 7
_WHOLE = 0x10000
"""What a delta copies when it says that it copies nothing."""
_HEAD = 20
"""As many bytes of a delta as its two sizes can take."""
_REFUSED = (ValueError, IndexError, KeyError, OverflowError, zlib.error)


class SoundPacks:
    """What can be read while some index is damaged: the other packs, and what lies loose."""

    def __init__(self, folder: bytes, indexes: Iterable[PackIndex]) -> None:
        self._packs = [PackReader(index) for index in indexes]
        self._loose = GitObjects(folder, packed=False)

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind and bytes of the first intact copy; raises NotImportableError without."""
        for pack in self._packs:
            if oid in pack.index:
                with suppress(ObjectDamagedError):
                    return pack.read(oid)
        return self._loose.read(oid)

    def kind(self, oid: Oid) -> str:
        """Returns an object's kind; raises as `read`."""
        return self.read(oid)[0]

    def size(self, oid: Oid) -> int:
        """Returns an object's size, from its head alone; raises as `read`."""
        for pack in self._packs:
            if oid in pack.index:
                with suppress(ObjectDamagedError):
                    return pack.size(oid)
        return self._loose.size(oid)


class PackReader:
    """The objects of one pack."""

    def __init__(self, index: PackIndex) -> None:
        self.index = index
        self._memory = map_file(index.pack) or b""

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind and bytes of an object that the index has, checked against the id.

        Raises:
            ObjectDamagedError: its bytes cannot be read, or do not hash to the id.
        """
        try:
            kind, content = self._resolved(oid)
        except _REFUSED as error:
            raise damaged_object(oid) from error
        if object_id(kind, content) != oid:
            raise damaged_object(oid)
        return kind, content

    def size(self, oid: Oid) -> int:
        """Returns the size of an object that the index has, without reading it; raises as `read`."""
        try:
            at = self._offset_of(oid)
            code, size, start = self._head(at)
            if code in _KINDS:
                return size
            _, start = self._base(code, at, start)
            with memoryview(self._memory) as view, view[start:] as rest:
                head = zlib.decompressobj().decompress(rest, _HEAD)
            return _size(head, _size(head, 0)[1])[0]
        except _REFUSED as error:
            raise damaged_object(oid) from error

    def _resolved(self, oid: Oid) -> tuple[str, bytes]:
        """Follows the deltas down to a whole object, and applies them on the way back."""
        at = self._offset_of(oid)
        deltas = list[bytes]()
        while True:
            code, size, start = self._head(at)
            if code in _KINDS:
                content = self._inflated(start, size)
                break
            before, start = self._base(code, at, start)
            deltas.append(self._inflated(start, size))
            # A base by offset lies before; one by id may lie anywhere, and must not lead round.
            if len(deltas) > self.index.count:
                raise ValueError("deltas in a circle")
            at = before
        for delta in reversed(deltas):
            content = apply_delta(content, delta)
        return _KINDS[code], content

    def _offset_of(self, oid: Oid) -> int:
        found = self.index.offset_of(oid)
        if found is None:
            raise KeyError(oid)
        return found

    def _head(self, at: int) -> tuple[int, int, int]:
        """Returns an entry's code and inflated size, and where its head ends."""
        byte = self._memory[at]
        code, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            at += 1
            byte = self._memory[at]
            size |= (byte & 0x7F) << shift
            shift += 7
        return code, size, at + 1

    def _base(self, code: int, entry: int, at: int) -> tuple[int, int]:
        """Returns where the base of a delta is, and where the delta itself begins."""
        if code == _BY_ID:
            return self._offset_of(Oid(self._memory[at : at + 20])), at + 20
        if code != _BY_OFFSET:
            raise ValueError("no kind of object")
        byte = self._memory[at]
        back = byte & 0x7F
        while byte & 0x80:
            at += 1
            byte = self._memory[at]
            back = (back + 1) << 7 | byte & 0x7F
        if not 0 < back <= entry:
            raise ValueError("a base outside the pack")
        return entry - back, at + 1

    def _inflated(self, start: int, size: int) -> bytes:
        """Returns the bytes deflated there, which must be `size`; more are never made."""
        inflater = zlib.decompressobj()
        with memoryview(self._memory) as view, view[start:] as rest:
            content = inflater.decompress(rest, size + 1)
        if len(content) != size or not inflater.eof:
            raise ValueError("not as long as it says")
        return content


def apply_delta(base: bytes, delta: bytes) -> bytes:
    """Returns what a delta makes of its base.

    Raises:
        ValueError, IndexError: it is none for that base.
    """
    size, at = _size(delta, 0)
    wanted, at = _size(delta, at)
    if size != len(base):
        raise ValueError("a delta for another base")
    made = bytearray()
    while at < len(delta):
        code = delta[at]
        at += 1
        if code & 0x80:
            start, at = _sparse(delta, at, code, 4)
            length, at = _sparse(delta, at, code >> 4, 3)
            piece = base[start : start + (length or _WHOLE)]
            if len(piece) != (length or _WHOLE):
                raise ValueError("a copy from beyond the base")
        else:
            piece = delta[at : at + code]
            at += code
            if not code or len(piece) != code:
                raise ValueError("an insertion cut short")
        made += piece
        if len(made) > wanted:
            break
    if len(made) != wanted:
        raise ValueError("a delta that makes too much or too little")
    return bytes(made)


def _size(delta: bytes, at: int) -> tuple[int, int]:
    size = shift = 0
    while True:
        byte = delta[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size, at


def _sparse(delta: bytes, at: int, bits: int, count: int) -> tuple[int, int]:
    """Returns a number of which only the bytes are there whose bits are set."""
    number = 0
    for place in range(count):
        if bits >> place & 1:
            number |= delta[at] << 8 * place
            at += 1
    return number, at
