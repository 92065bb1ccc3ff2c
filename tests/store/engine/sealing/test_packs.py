"""Reading sealed contents: what it keeps of the packs, and for how long."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.journals import blob_of, make_store, reading, record, writing
from support.sealed import seal_store

from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.model.ids import object_id


def mapped_packs() -> list[str]:
    """Returns the packs of which this process has something mapped."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line.split()[-1] for line in lines if line.endswith(".pack")]


@pytest.mark.skipif(sys.platform != "linux", reason="mappings are told by Linux")
def test_packs_are_let_go_of_after_much_was_read(tmp_path: Path) -> None:
    """And whenever one asks for it; the next content is read as the first was."""
    store = make_store(tmp_path / "store")
    contents = [os.urandom(600_000) for _ in range(3)]
    with writing(store) as writer:
        operations = [record(writer, content) for content in contents]
    seal_store(store)
    with reading(store) as journal:
        blobs = [blob_of(journal, operation) for operation in operations]
    packs = Packs(repository_of(store))
    assert packs.read(blobs[0]) == ("blob", contents[0])
    assert mapped_packs()
    packs.rest()
    assert not mapped_packs()
    assert packs.read(blobs[0]) == ("blob", contents[0])
    assert packs.read(blobs[1]) == ("blob", contents[1])
    assert not mapped_packs()
    assert packs.read(blobs[2]) == ("blob", contents[2])


def test_a_sealed_object_is_sound_when_its_bytes_hash_to_its_id(tmp_path: Path) -> None:
    """What is damaged in its pack, or in none, is not."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        operations = [record(writer, content) for content in (b"one" * 99, b"two" * 99)]
    seal_store(store)
    with reading(store) as journal:
        blobs = [blob_of(journal, operation) for operation in operations]
    (pack,) = (repository_of(store) / "objects" / "pack").glob("*.pack")
    packs = Packs(repository_of(store))
    assert packs.is_sound(blobs[0])
    assert not packs.is_sound(object_id("blob", b"three"))
    packs.rest()
    pack.chmod(0o600)
    pack.write_bytes(bytes(pack.stat().st_size))
    assert not packs.is_sound(blobs[1])
