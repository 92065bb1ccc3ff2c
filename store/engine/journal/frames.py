"""Frames: the unit that is appended to a segment.

    marker 4 | kind 1 | payload length 4 | check of these 2 | payload | CRC-32 of all of it 4

Every checksum starts from a seed made of the segment's random salt and the frame's own offset. So
bytes that merely look like a frame (a segment that was itself captured as a file, a block that the
disk put in the wrong place) are never taken for one.

Kinds: OBJECT holds one object. A large object is a run of CHUNKs, each a piece of its bytes, and
LARGE, which names it and says where its chunks begin. OPERATION commits the frames before it.
Integers are little-endian.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from stepwell.store.engine import codec
from stepwell.store.engine.objects import BLOB, TREE
from stepwell.store.model.errors import FailedError, FormatError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Operation, StepRecorded

OBJECT = 1
CHUNK = 2
LARGE = 3
OPERATION = 4

MARKER = b"\xf5Sw\x0a"
CHUNK_BYTES = 1 << 20
"""Objects above this size are stored as chunks of it."""
COMPRESSION = 1

_WIDE = 64 << 10
_PIECE = 16 << 10
_ZLIB_HEAD = b"\x78\x01"
_LAST_BLOCK = b"\x03\x00"

_HEAD = struct.Struct("<4sBI")
_CHECK = struct.Struct("<H")
_CRC = struct.Struct("<I")
_ADLER = struct.Struct(">I")
_SEED = struct.Struct("<8sQ")
HEAD_BYTES = _HEAD.size + _CHECK.size
CRC_BYTES = _CRC.size
OVERHEAD = HEAD_BYTES + CRC_BYTES

_OBJECT = struct.Struct("<B20sQ")
_LARGE = struct.Struct("<B20sQQQI")
_COMMIT = struct.Struct("<QIIH")
_COMMIT_STEP = struct.Struct("<16sQ")

OBJECT_HEAD_BYTES = _OBJECT.size

_LIMITS = {
    OBJECT: CHUNK_BYTES + (64 << 10),
    CHUNK: CHUNK_BYTES + (64 << 10),
    LARGE: _LARGE.size,
    OPERATION: 32 << 20,
}
_KIND_CODES = {BLOB: 1, TREE: 2}
_KIND_NAMES = {code: name for name, code in _KIND_CODES.items()}


class Frame(NamedTuple):
    """A frame whose checksum was right."""

    kind: int
    offset: int
    payload: bytes
    crc: int

    @property
    def end(self) -> int:
        """Offset of the byte after it."""
        return self.offset + OVERHEAD + len(self.payload)


class Head(NamedTuple):
    """The checked first bytes of a frame."""

    kind: int
    length: int
    crc: int
    """Of seed and head; the payload's goes on from it."""


class StoredObject(NamedTuple):
    """The payload of an OBJECT frame; `data` is deflated."""

    kind: str
    oid: Oid
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LargeObject:
    """The payload of a LARGE frame; its chunks lie one after another from `first` on."""

    kind: str
    oid: Oid
    size: int
    stored: int
    """Bytes that the chunks' payloads take."""
    first: int
    chunks: int


class StepKey(NamedTuple):
    """A step that an operation records, as far as an index needs it."""

    id: bytes
    """16 raw bytes."""
    seq: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The payload of an OPERATION frame; the operation itself stays JSON until it is asked for."""

    number: int
    frames: int
    """How many frames before this one it commits."""
    digest: int
    """CRC-32 over the checksums of those frames, in order."""
    steps: tuple[StepKey, ...]
    document: bytes

    def operation(self) -> Operation:
        """Returns the operation.

        Raises:
            FormatError: the document is none that this version understands.
        """
        try:
            return codec.operation_from_json(json.loads(self.document))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FormatError(
                f"operation {self.number} cannot be read: its form is unknown",
                hint="a newer version may have written it; use that version",
                operation=self.number,
            ) from error


def seed(salt: bytes, offset: int) -> int:
    """Returns what the checksums of a frame at that offset start from."""
    return zlib.crc32(_SEED.pack(salt, offset))


def encode(kind: int, payload: bytes, offset: int, salt: bytes) -> tuple[bytes, int]:
    """Returns the bytes of a frame that is to lie at `offset`, and its checksum."""
    if len(payload) > _LIMITS[kind]:
        raise FailedError(
            f"writing an operation of {len(payload):,} bytes failed: the limit is "
            f"{_LIMITS[kind]:,} bytes"
        )
    start = _HEAD.pack(MARKER, kind, len(payload))
    crc = zlib.crc32(start, seed(salt, offset))
    head = start + _CHECK.pack(crc & 0xFFFF)
    crc = zlib.crc32(payload, zlib.crc32(head[-2:], crc))
    return b"".join((head, payload, _CRC.pack(crc))), crc


def read_head(data: bytes, at: int, offset: int, salt: bytes) -> Head | None:
    """Returns the head of a frame at `data[at]`, which is `offset` in its segment; None if none."""
    if len(data) - at < HEAD_BYTES or data[at : at + 4] != MARKER:
        return None
    start = data[at : at + _HEAD.size]
    _, kind, length = _HEAD.unpack(start)
    crc = zlib.crc32(start, seed(salt, offset))
    check = data[at + _HEAD.size : at + HEAD_BYTES]
    if _CHECK.unpack(check)[0] != crc & 0xFFFF or length > _LIMITS.get(kind, -1):
        return None
    return Head(kind, length, zlib.crc32(check, crc))


def read_frame(data: bytes, at: int, offset: int, head: Head) -> Frame | None:
    """Returns the frame whose head was read, or None when its checksum is wrong or bytes miss."""
    first = at + HEAD_BYTES
    end = first + head.length
    if len(data) < end + _CRC.size:
        return None
    payload = data[first:end]
    crc: int = _CRC.unpack_from(data, end)[0]
    if zlib.crc32(payload, head.crc) != crc:
        return None
    return Frame(head.kind, offset, payload, crc)


def extend_digest(digest: int, crc: int) -> int:
    """Returns the digest of a transaction's frames after one more."""
    return zlib.crc32(_CRC.pack(crc), digest)


def pack_object(kind: str, oid: Oid, data: bytes) -> bytes:
    """Returns the payload of an OBJECT frame for the raw bytes of an object."""
    wide = kind == TREE and len(data) > _WIDE
    packed = deflate_wide(data) if wide else zlib.compress(data, COMPRESSION)
    return _OBJECT.pack(_KIND_CODES[kind], oid, len(data)) + packed


def deflate_wide(data: bytes) -> bytes:
    """Deflates the tree of a wide folder piece by piece, as zlib does, but only what is new in it.

    One edit changes twenty bytes of it. The pieces stand alone, each flushed to a whole byte, so
    that those of the tree before are used again; an empty last block and the checksum end them.
    Source: RFC 1950 and 1951.
    """
    pieces = (_deflate_piece(data[at : at + _PIECE]) for at in range(0, len(data), _PIECE))
    return b"".join((_ZLIB_HEAD, *pieces, _LAST_BLOCK, _ADLER.pack(zlib.adler32(data))))


@lru_cache(maxsize=64)
def _deflate_piece(piece: bytes) -> bytes:
    deflater = zlib.compressobj(COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(piece) + deflater.flush(zlib.Z_FULL_FLUSH)


def unpack_object(payload: bytes) -> StoredObject:
    """Returns what an OBJECT payload holds; raises ValueError when it is malformed."""
    if len(payload) < _OBJECT.size:
        raise ValueError("an object frame is too short")
    code, oid, size = _OBJECT.unpack_from(payload)
    return StoredObject(_kind_name(code), Oid(oid), size, payload[_OBJECT.size :])


def pack_large(large: LargeObject) -> bytes:
    """Returns the payload of a LARGE frame."""
    code = _KIND_CODES[large.kind]
    return _LARGE.pack(code, large.oid, large.size, large.stored, large.first, large.chunks)


def unpack_large(payload: bytes) -> LargeObject:
    """Returns what a LARGE payload holds; raises ValueError when it is malformed."""
    if len(payload) != _LARGE.size:
        raise ValueError("a frame of a large object has the wrong length")
    code, oid, size, stored, first, chunks = _LARGE.unpack(payload)
    return LargeObject(_kind_name(code), Oid(oid), size, stored, first, chunks)


def _kind_name(code: int) -> str:
    try:
        return _KIND_NAMES[code]
    except KeyError:
        raise ValueError(f"unknown kind of object {code}") from None


def pack_commit(operation: Operation, frames: int, digest: int) -> bytes:
    """Returns the payload of an OPERATION frame."""
    steps = [e.step for e in operation.effects if isinstance(e, StepRecorded)]
    return b"".join(
        (
            _COMMIT.pack(operation.number, frames, digest, len(steps)),
            *(_COMMIT_STEP.pack(bytes.fromhex(s.id), s.seq) for s in steps),
            codec.canonical_json(codec.operation_to_json(operation)),
        )
    )


def unpack_commit(payload: bytes) -> Commit:
    """Returns what an OPERATION payload holds; raises ValueError when it is malformed."""
    try:
        number, frames, digest, count = _COMMIT.unpack_from(payload)
        document_at = _COMMIT.size + count * _COMMIT_STEP.size
        steps = tuple(
            StepKey(*_COMMIT_STEP.unpack_from(payload, at))
            for at in range(_COMMIT.size, document_at, _COMMIT_STEP.size)
        )
    except struct.error as error:
        raise ValueError("an operation frame is too short") from error
    return Commit(number, frames, digest, steps, payload[document_at:])


def step_key(step: StepId) -> bytes:
    """Returns the raw form of a step id; raises ValueError when it is none."""
    raw = bytes.fromhex(step)
    if len(raw) != 16:
        raise ValueError(f"not a step id: {step!r}")
    return raw


def inflate(data: bytes, size: int) -> bytes | None:
    """Returns the `size` bytes that `data` was deflated from; None when it is not exactly so."""
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(data, size + 1)
    except zlib.error:
        return None
    whole = inflater.eof and not inflater.unused_data and len(plain) == size
    return plain if whole else None
