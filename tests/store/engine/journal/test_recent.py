"""What was read or written lately stays in memory, and what was seen intact is believed once."""

from __future__ import annotations

from pathlib import Path

from support.journals import make_store, writing
from support.sealed import seal_store

from stepwell.store.engine.journal import Journal, share_memory
from stepwell.store.engine.journal.recent import RecentObjects
from stepwell.store.engine.objects import BLOB
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.model.ids import object_id

_KIB = 1 << 10


def test_what_was_used_lately_is_not_loaded_again() -> None:
    """Up to a bound, beyond which what was used longest ago is."""
    recent, loads = RecentObjects(), []
    contents = [b"%d" % number + bytes(60 * _KIB) for number in range(200)]

    def read(content: bytes) -> None:
        def load(_: object) -> tuple[str, bytes]:
            loads.append(content)
            return BLOB, content

        assert recent.read(object_id(BLOB, content), load) == (BLOB, content)

    for content in contents[:100]:
        read(content)
        read(contents[0])
    assert loads == contents[:100]
    for content in contents[100:]:
        read(content)
    read(contents[0])
    assert loads == contents
    read(contents[1])
    assert loads == [*contents, contents[1]]


def test_large_objects_are_not_remembered() -> None:
    """A single one would push out everything else."""
    recent, content = RecentObjects(), bytes(100 * _KIB)
    recent.keep(object_id(BLOB, content), BLOB, content)
    assert recent.read(object_id(BLOB, content), lambda _: (BLOB, b"loaded")) == (BLOB, b"loaded")


def test_a_closed_reader_frees_what_it_remembered(tmp_path: Path) -> None:
    """At once, though it may itself wait for the collector of garbage: a daemon opens many."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer, writer.begin() as transaction:
        oid = transaction.add(BLOB, b"one")
        transaction.commit("note", "stored one", [])
    with Journal.open(store) as reader:
        reader.read(oid)
        assert reader._chain.recent.read(oid, lambda _: (BLOB, b"loaded")) == (BLOB, b"one")
    assert reader._chain.recent.read(oid, lambda _: (BLOB, b"loaded")) == (BLOB, b"loaded")


def test_what_went_from_the_store_goes_from_memory(tmp_path: Path) -> None:
    """What was purged must not come back from a reader that once had it."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer, Journal.open(store) as reader:
        with writer.begin() as transaction:
            oid = transaction.add(BLOB, b"one")
            transaction.commit("note", "stored one", [])
        reader.refresh()
        reader.read(oid)
        writer.rotate()
        reader.refresh()
        assert reader._chain.recent.read(oid, lambda _: (BLOB, b"loaded")) == (BLOB, b"loaded")


def test_what_its_reader_found_intact_a_writer_re_uses_unread(tmp_path: Path) -> None:
    """And what only memory vouches for is looked at on disk all the same."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer, writer.begin() as transaction:
        oids = [transaction.add(BLOB, text) for text in (b"one", b"two")]
        transaction.commit("note", "stored two", [])
    with writing(store) as writer, Journal.open(store) as reader:
        share_memory(writer, reader)
        reader.read(oids[0])
        content = bytearray((store / "journal" / "00000001.segment").read_bytes())
        (store / "journal" / "00000001.segment").write_bytes(bytes(len(content)))
        assert writer.can_reuse(oids[0])
        assert not writer.can_reuse(oids[1])
        (store / "journal" / "00000001.segment").write_bytes(content)


def test_what_its_reader_found_intact_in_a_pack_is_re_used_unread(tmp_path: Path) -> None:
    """As what it found in a segment."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer, writer.begin() as transaction:
        oids = [transaction.add(BLOB, text * 99) for text in (b"one", b"two")]
        transaction.commit("note", "stored two", [])
    seal_store(store)
    (pack,) = (repository_of(store) / "objects" / "pack").glob("*.pack")
    with writing(store) as writer, Journal.open(store) as reader:
        share_memory(writer, reader)
        reader.read(oids[0])
        reader.sealed.packs.rest()
        content = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(bytes(len(content)))
        assert writer.can_reuse(oids[0])
        assert not writer.can_reuse(oids[1])
        pack.write_bytes(content)
