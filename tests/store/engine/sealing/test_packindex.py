"""Pack indexes: what git says of a pack is what is read from its index."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.journals import flip, make_store, record_many, writing
from support.sealed import git, seal_store

from stepwell.store.engine.sealing.layout import pack_folder, repository_of
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.model.ids import Oid


@pytest.fixture
def index(tmp_path: Path) -> PackIndex:
    """The index of a small pack."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        record_many(writer, 9)
    seal_store(store)
    (path,) = pack_folder(repository_of(store)).glob("*.idx")
    found = PackIndex.open(path)
    assert found is not None
    return found


def test_ids_places_and_sizes_are_those_that_git_lists(index: PackIndex) -> None:
    """For every object in the pack; others are not in it."""
    listed = git(index.path.parents[2], "verify-pack", "-v", str(index.path)).splitlines()
    rows = {r[0]: r for r in map(str.split, listed) if len(r) >= 5 and len(r[0]) == 40}
    assert [oid.hex() for oid in index.ids()] == sorted(rows)
    for oid in index.ids():
        assert oid in index
        assert index.stored_size(oid) == int(rows[oid.hex()][3])
        assert index.offset_of(oid) == int(rows[oid.hex()][4])
        other = Oid(oid[:-1] + bytes([oid[-1] ^ 1]))
        assert other not in index
        assert index.stored_size(other) is None
    assert Oid(bytes(20)) not in index
    assert Oid(b"\xff" * 20) not in index


def test_every_flipped_bit_of_an_index_is_told(index: PackIndex) -> None:
    """Either it is no index any more, or its checksum says so."""
    size = index.path.stat().st_size
    for at in range(0, size, 37):
        flip(index.path, at, 1 << at % 8)
        found = PackIndex.open(index.path)
        assert found is None or not found.is_sound()
        flip(index.path, at, 1 << at % 8)
    assert index.is_sound()


def test_every_flipped_bit_of_a_pack_is_told(index: PackIndex) -> None:
    """The checksum is over all of it; a cut one is told at once."""
    assert index.pack_is_sound()
    size = index.pack.stat().st_size
    for at in range(0, size, 53):
        flip(index.pack, at, 1 << at % 8)
        assert not index.pack_is_sound()
        flip(index.pack, at, 1 << at % 8)
    content = index.pack.read_bytes()
    for damaged in (content[:-1], content + b"x", content[:15], b""):
        index.pack.write_bytes(damaged)
        assert not index.pack_is_sound()
        assert not index.pack_is_there()
    index.pack.unlink()
    assert not index.pack_is_sound()
    assert not index.pack_is_there()


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    """Empty, short or of another version."""
    for content in (b"", b"x" * 20, b"\xfftOc\0\0\0\x03" + bytes(2000)):
        (tmp_path / "a.idx").write_bytes(content)
        assert PackIndex.open(tmp_path / "a.idx") is None
    assert PackIndex.open(tmp_path / "absent.idx") is None
