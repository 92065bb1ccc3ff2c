"""Reading objects out of frames, wherever those lie, and checking them against their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.frames import Frame, LargeObject, StoredObject
from stepwell.store.engine.journal.walk import ReadAt
from stepwell.store.model.ids import Oid, object_id

_GUESS = 16 << 10


class FrameSource:
    """Frames of one segment by offset. Whatever is not exactly as written reads as None."""

    def __init__(self, read_at: ReadAt, salt: bytes) -> None:
        self._read_at = read_at
        self._salt = salt

    def frame(self, offset: int) -> Frame | None:
        """Returns the frame at an offset."""
        block = self._read_at(offset, _GUESS)
        head = frames.read_head(block, 0, offset, self._salt)
        if head is None:
            return None
        length = frames.OVERHEAD + head.length
        if length > len(block):
            block = self._read_at(offset, length)
        return frames.read_frame(block, 0, offset, head)

    def entry(self, offset: int) -> StoredObject | LargeObject | None:
        """Returns the description of the object at an offset; its bytes are not checked."""
        frame = self.frame(offset)
        try:
            if frame is not None and frame.kind == frames.OBJECT:
                return frames.unpack_object(frame.payload)
            if frame is not None and frame.kind == frames.LARGE:
                return frames.unpack_large(frame.payload)
        except ValueError:
            pass
        return None

    def pieces(self, offset: int, oid: Oid) -> Iterator[bytes | None]:
        """Yields the object's bytes in pieces of bounded size; a last None says: damaged.

        The verdict comes last because the id is over the whole: nothing that was yielded can be
        trusted before the iteration has ended without None.
        """
        entry = self.entry(offset)
        if entry is None:
            yield None
            return
        digest = hashlib.sha1(f"{entry.kind} {entry.size}\0".encode(), usedforsecurity=False)
        for piece in self._raw_pieces(entry):
            if piece is None:
                break
            digest.update(piece)
            yield piece
        if digest.digest() != oid:
            yield None

    def _raw_pieces(self, entry: StoredObject | LargeObject) -> Iterator[bytes | None]:
        if isinstance(entry, StoredObject):
            yield frames.inflate(entry.data, entry.size)
            return
        at, left = entry.first, entry.size
        for _ in range(entry.chunks):
            frame = self.frame(at)
            if frame is None or frame.kind != frames.CHUNK:
                yield None
                return
            size = min(frames.CHUNK_BYTES, left)
            yield frames.inflate(frame.payload, size)
            at, left = frame.end, left - size

    def load(self, offset: int, oid: Oid) -> tuple[str, bytes] | None:
        """Returns kind and bytes of the object at an offset, checked against its id."""
        entry = self.entry(offset)
        if isinstance(entry, StoredObject):
            content = frames.inflate(entry.data, entry.size)
            sound = content is not None and object_id(entry.kind, content) == oid
            return (entry.kind, content) if content is not None and sound else None
        pieces = list(self.pieces(offset, oid)) if entry is not None else [None]
        if entry is None or pieces[-1:] == [None]:
            return None
        return entry.kind, b"".join(piece for piece in pieces if piece is not None)

    def is_sound(self, offset: int, oid: Oid) -> bool:
        """Tells whether the object at an offset hashes to its id; bounded memory."""
        return all(piece is not None for piece in self.pieces(offset, oid))

    def stored_size(self, offset: int) -> int | None:
        """Returns how many bytes the object takes, deflated."""
        entry = self.entry(offset)
        if entry is None:
            return None
        return len(entry.data) if isinstance(entry, StoredObject) else entry.stored
