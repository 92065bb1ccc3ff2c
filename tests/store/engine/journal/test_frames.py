"""Frames: what was written reads back, and nothing else reads as a frame."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.frames import CHUNK, OBJECT, OPERATION, LargeObject
from stepwell.store.engine.objects import BLOB, TREE
from stepwell.store.model.errors import FailedError, FormatError
from stepwell.store.model.ids import object_id

SALT = b"saltsalt"


def read(data: bytes, offset: int = 80, salt: bytes = SALT) -> frames.Frame | None:
    """Reads the frame at the start of `data`."""
    head = frames.read_head(data, 0, offset, salt)
    return None if head is None else frames.read_frame(data, 0, offset, head)


@given(st.sampled_from([OBJECT, CHUNK, OPERATION]), st.binary(max_size=300))
def test_a_frame_reads_back(kind: int, payload: bytes) -> None:
    """Kind, payload, checksum and end are those that were written."""
    data, crc = frames.encode(kind, payload, 80, SALT)
    assert read(data) == frames.Frame(kind, 80, payload, crc)
    assert frames.Frame(kind, 80, payload, crc).end == 80 + len(data)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_any_flipped_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    """No single damaged bit leaves a frame valid."""
    frame, _ = frames.encode(OBJECT, payload, 80, SALT)
    at = data.draw(st.integers(0, len(frame) * 8 - 1))
    bad = bytearray(frame)
    bad[at // 8] ^= 1 << at % 8
    assert read(bytes(bad)) is None


def test_every_cut_frame_is_noticed() -> None:
    """A frame that lacks any number of bytes at its end is none."""
    frame, _ = frames.encode(OPERATION, b"payload", 80, SALT)
    assert all(read(frame[:length]) is None for length in range(len(frame)))


def test_a_frame_is_valid_only_where_it_was_written() -> None:
    """The same bytes at another offset, or in another segment, are no frame."""
    frame, _ = frames.encode(OBJECT, b"payload", 80, SALT)
    assert read(frame, offset=81) is None
    assert read(frame, salt=b"saltsalu") is None


@given(st.sampled_from([BLOB, TREE]), st.binary(max_size=5_000))
def test_an_object_reads_back(kind: str, content: bytes) -> None:
    """Kind, id, size and bytes survive packing."""
    oid = object_id(kind, content)
    stored = frames.unpack_object(frames.pack_object(kind, oid, content))
    assert (stored.kind, stored.oid, stored.size) == (kind, oid, len(content))
    assert frames.inflate(stored.data, stored.size) == content


def test_deflated_bytes_must_have_exactly_the_promised_size() -> None:
    """Neither more nor fewer bytes, nor bytes behind the end, are taken for the object."""
    data = frames.unpack_object(frames.pack_object(BLOB, object_id(BLOB, b"abc"), b"abc")).data
    assert frames.inflate(data, 2) is None
    assert frames.inflate(data, 4) is None
    assert frames.inflate(data + b"x", 3) is None
    assert frames.inflate(data[:-1], 3) is None
    assert frames.inflate(b"no deflate stream", 3) is None


def test_a_large_object_reads_back() -> None:
    """All fields of its frame survive packing."""
    large = LargeObject(BLOB, object_id(BLOB, b""), 3 << 40, 2 << 40, 1 << 33, 3 << 20)
    assert frames.unpack_large(frames.pack_large(large)) == large


@pytest.mark.parametrize("payload", [b"", b"\1" * 20, b"\x63" + bytes(28)])
def test_a_malformed_object_is_refused(payload: bytes) -> None:
    """Too short a payload or an unknown kind of object is no object."""
    with pytest.raises(ValueError, match="object"):
        frames.unpack_object(payload)


def test_a_malformed_commit_is_refused() -> None:
    """Too short a payload is no commit, and one without a document no operation."""
    with pytest.raises(ValueError, match="short"):
        frames.unpack_commit(b"\1" * 17)
    commit = frames.unpack_commit(bytes(18) + b'{"kind":"from the future"}')
    with pytest.raises(FormatError, match="form is unknown"):
        commit.operation()


def test_an_operation_beyond_the_limit_is_refused() -> None:
    """An operation that no reader would accept is not written."""
    with pytest.raises(FailedError, match="limit"):
        frames.encode(OPERATION, bytes((32 << 20) + 1), 80, SALT)


@given(st.binary(max_size=60_000), st.integers(1, 9), st.integers(0, 70_000))
def test_the_tree_of_a_wide_folder_reads_back(seed: bytes, times: int, edit: int) -> None:
    """Deflated in pieces, some of them from the tree before, it is ordinary zlib data all the same."""
    before = seed * times + bytes(65_537)
    after = before[:edit] + b"edited" + before[edit + 6 :]
    for tree in (before, after):
        stored = frames.unpack_object(frames.pack_object(TREE, object_id(TREE, tree), tree))
        assert zlib.decompress(stored.data) == tree
        assert frames.inflate(stored.data, stored.size) == tree
