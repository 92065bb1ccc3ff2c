"""The append-only TinyDB storage: whole changes or none, whatever happens to the file."""

from __future__ import annotations

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tinydb import TinyDB
from tinydb.table import Document, Table

from stepwell.store.catalogue.appendfile import Pin
from stepwell.store.catalogue.storage import COMPACT_BYTES, AppendStorage, Change
from stepwell.store.catalogue.tables import CatalogueDB
from stepwell.store.model.errors import IntegrityError, NoSpaceError

Content = dict[str, dict[str, dict[str, object]]] | None


def _written(path: Path) -> list[Content]:
    """Makes a file with changes of every kind; returns the content after each of them."""
    database = CatalogueDB(path)
    states: list[Content] = [None]

    def done() -> None:
        states.append(database.storage.read())

    table = database.table("one")
    table.insert({"text": "tab\t, line\nfeed, \u2028 and \udc80"})
    done()
    table.insert_multiple([{"n": n} for n in range(3)])
    done()
    table.update({"n": 9}, doc_ids=[2])
    done()
    database.table("two\t!").insert(Document({}, doc_id=77))
    done()
    table.remove(doc_ids=[1, 3])
    done()
    database.drop_table("two\t!")
    done()
    table.truncate()
    done()
    return states


def _read(path: Path) -> Content:
    return AppendStorage(path).read()


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    """Reopening gives the last state; the file is private."""
    path = tmp_path / "file"
    states = _written(path)
    assert _read(path) == states[-1] == {"one": {}}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_cut_at_any_byte_gives_an_earlier_whole_state(tmp_path: Path) -> None:
    """A torn change is ignored, and the next writer goes on behind the last whole one."""
    path = tmp_path / "file"
    states = _written(path)
    content = path.read_bytes()
    seen = 0
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        found = _read(path)
        assert found == states[seen] or found == states[seen + 1]
        seen = states.index(found, seen)
        if size % 7 == 0:
            CatalogueDB(path).table("new").insert({"after": size})
            expected = {**(found or {}), "new": {"1": {"after": size}}}
            assert _read(path) == expected
    assert seen == len(states) - 1


def test_a_changed_byte_is_an_error_or_gives_an_earlier_whole_state(tmp_path: Path) -> None:
    """No changed bit in any byte makes a state that never was."""
    path = tmp_path / "file"
    states = _written(path)
    content = path.read_bytes()
    for at in range(len(content)):
        for mask in (1 << at % 8, 0xFF):
            path.write_bytes(content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :])
            try:
                found = _read(path)
            except IntegrityError:
                continue
            assert found in states
            # Only the end of the very last line can pass for a change that was cut short.
            assert at == len(content) - 1


def test_lines_taken_out_or_exchanged_are_an_error(tmp_path: Path) -> None:
    """Each line is whole; together they are not what was written."""
    path = tmp_path / "file"
    _written(path)
    header, *lines = path.read_bytes().splitlines(keepends=True)
    for at in range(len(lines) - 1):
        without = lines[:at] + lines[at + 1 :]
        exchanged = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        for changed in (without, exchanged):
            path.write_bytes(header + b"".join(changed))
            with pytest.raises(IntegrityError):
                _read(path)


@pytest.mark.parametrize("foreign", [b"{}\n", b"\0" * 50 + b"\n", b"stepwell-catalogue 2\n"])
def test_a_foreign_file_is_an_error(tmp_path: Path, foreign: bytes) -> None:
    """Nothing is read out of a file of another kind or format."""
    (tmp_path / "file").write_bytes(foreign)
    with pytest.raises(IntegrityError, match="another kind"):
        _read(tmp_path / "file")


def test_neither_folder_nor_link_is_followed(tmp_path: Path) -> None:
    """What is no plain file is an error, wherever it leads."""
    (tmp_path / "folder").mkdir()
    _written(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    for name in ("folder", "link"):
        with pytest.raises(IntegrityError):
            _read(tmp_path / name)


def test_a_pin_names_one_exact_content(tmp_path: Path) -> None:
    """With a pin, what came later does not count, and nothing else than that content is taken."""
    path = tmp_path / "file"
    database = CatalogueDB(path)
    database.table("t").insert({"n": 1})
    pin, before = database.storage.pin, database.storage.read()
    database.table("t").insert({"n": 2})
    assert AppendStorage(path, pin=pin).read() == before
    with pytest.raises(IntegrityError):
        AppendStorage(path, pin=Pin(pin.size, pin.crc ^ 1))
    with pytest.raises(IntegrityError):
        AppendStorage(path, pin=Pin(pin.size - 1, pin.crc))
    CatalogueDB(path, pin=pin).table("t").insert({"n": 3})
    assert [d["n"] for d in CatalogueDB(path).table("t")] == [1, 3]


def test_a_batch_is_one_change(tmp_path: Path) -> None:
    """Cut anywhere inside a batch, the file holds nothing of it."""
    path = tmp_path / "file"
    database = CatalogueDB(path)
    database.table("t").insert({"n": 1})
    before, size = _read(path), path.stat().st_size
    with database.storage.batch():
        database.table("t").insert({"n": 2})
        database.table("u").insert({"n": 3})
        assert len(database.table("t")) == 2
        assert path.stat().st_size == size
    content = path.read_bytes()
    for cut in range(size, len(content)):
        path.write_bytes(content[:cut])
        assert _read(path) == before
    path.write_bytes(content)
    assert _read(path) == database.storage.read()


def test_a_batch_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    """An exception inside takes everything back, in memory and on disk."""
    path = tmp_path / "file"
    database = CatalogueDB(path)
    database.table("t").insert({"n": 1})
    before = database.storage.read()
    with pytest.raises(ZeroDivisionError), database.storage.batch():
        database.table("t").truncate()
        database.table("u").insert({"n": 3})
        raise ZeroDivisionError
    assert database.storage.read() == before == _read(path)
    database.table("t").insert({"n": 4})
    assert _read(path) == database.storage.read()


def test_a_document_that_is_no_json_changes_nothing(tmp_path: Path) -> None:
    """The good documents of the same call are not stored either."""
    database = CatalogueDB(tmp_path / "file")
    database.table("t").insert({"n": 1})
    with pytest.raises(TypeError):
        database.table("t").insert_multiple([{"n": 2}, {"n": b"bytes"}])
    assert database.storage.read() == _read(tmp_path / "file") == {"t": {"1": {"n": 1}}}


def test_what_was_read_can_be_changed_without_harm(tmp_path: Path) -> None:
    """Neither documents nor what `read` returned are the stored ones."""
    database = CatalogueDB(tmp_path / "file")
    given = {"tags": ["a"]}
    database.table("t").insert(given)
    given["tags"].append("b")
    (document,) = database.table("t").all()
    document["tags"].append("c")
    content = database.storage.read()
    assert content is not None
    content["t"]["1"]["tags"].append("d")
    assert database.table("t").all() == [{"tags": ["a"]}]


def test_tinydbs_own_table_works_on_the_storage(tmp_path: Path) -> None:
    """The storage keeps TinyDB's protocol: its stock table, which changes what it read, too."""

    class StockDB(TinyDB):
        table_class = Table

    database = StockDB(tmp_path / "file", storage=AppendStorage)
    database.insert_multiple([{"n": n} for n in range(5)])
    database.update({"even": True}, lambda d: d["n"] % 2 == 0)
    database.remove(doc_ids=[2])
    database.table("other").insert({"x": 1})
    database.drop_table("other")
    again = StockDB(tmp_path / "file", storage=AppendStorage)
    assert again.all() == database.all()
    assert [d.get("even") for d in again] == [True, True, None, True]
    assert again.tables() == {"_default"}


def test_dead_lines_are_compacted_away(tmp_path: Path) -> None:
    """A file of one document that changes for ever stays small and private."""
    path = tmp_path / "file"
    table = CatalogueDB(path).table("t")
    table.insert({"n": 0})
    for n in range(1, 200):
        table.update({"n": n, "pad": "x" * 2_000})
        assert path.stat().st_size < COMPACT_BYTES + 4_096
    assert [dict(d) for d in CatalogueDB(path).table("t")] == [{"n": 199, "pad": "x" * 2_000}]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_compacting_keeps_tables_documents_and_their_order(tmp_path: Path) -> None:
    """Empty tables too; and the file can be appended to afterwards."""
    path = tmp_path / "file"
    database = CatalogueDB(path)
    database.table("t").insert_multiple([{"n": n} for n in range(20)])
    database.table("t").remove(doc_ids=[4])
    database.table("t").insert(Document({"n": 4}, doc_id=4))
    database.table("empty").insert({})
    database.table("empty").truncate()
    before = database.storage.read()
    size = path.stat().st_size
    database.storage.compact()
    assert path.stat().st_size < size
    assert _read(path) == before
    assert json.dumps(_read(path)) == json.dumps(before)
    database.table("t").insert({"n": 99})
    assert _read(path) == database.storage.read()


def test_a_reader_follows_what_is_appended(tmp_path: Path) -> None:
    """Refreshing takes in new changes, and never half a batch."""
    path = tmp_path / "file"
    database = CatalogueDB(path)
    database.table("t").insert({"n": 1})
    reader = AppendStorage(path)
    size = path.stat().st_size
    database.table("t").insert_multiple([{"n": 2}, {"n": 3}])
    content = path.read_bytes()
    path.write_bytes(content[: (size + len(content)) // 2])
    reader.refresh()
    assert reader.read() == {"t": {"1": {"n": 1}}}
    path.write_bytes(content)
    reader.refresh()
    assert reader.read() == database.storage.read()


def test_a_reader_notices_that_another_file_took_the_place(tmp_path: Path) -> None:
    """Even when it has the same size, as after a compaction."""
    path, other = tmp_path / "file", tmp_path / "other"
    for place, number in ((path, 1), (other, 2)):
        CatalogueDB(place).table("t").insert({"n": number})
    reader = AppendStorage(path)
    assert path.stat().st_size == other.stat().st_size
    other.replace(path)
    with pytest.raises(IntegrityError):
        reader.refresh()
    assert reader.read() == {"t": {"1": {"n": 1}}}


def test_a_detached_storage_keeps_changes_to_itself(tmp_path: Path) -> None:
    """In memory everything works; the file does not come to be."""
    storage = AppendStorage(tmp_path / "file", detached=True)
    storage.apply([Change("t", 1, b"{}")])
    with storage.batch():
        storage.apply([Change("t", 2, b"{}")])
    assert storage.read() == {"t": {"1": {}, "2": {}}}
    assert list(tmp_path.iterdir()) == []


_FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
from stepwell.store.catalogue.tables import CatalogueDB
from stepwell.store.model.errors import NoSpaceError
path, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
table, stored = CatalogueDB(path).table("t"), 0
try:
    while True:
        table.insert({"n": stored, "pad": "x" * 300})
        stored += 1
except NoSpaceError as error:
    assert error.facts["errno"] == int(sys.argv[3]), error.facts
assert [d["n"] for d in table] == list(range(stored))
small = CatalogueDB(path).table("t")
assert [d["n"] for d in small] == list(range(stored))
try:
    with small.storage.batch():
        small.truncate()
        small.insert({"pad": "x" * limit})
except NoSpaceError:
    pass
assert [d["n"] for d in small] == list(range(stored))
print(stored)
"""


@pytest.mark.parametrize("limit", [1_000, 5_000, 5_001, 5_100, 40_000])
def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path, limit: int) -> None:
    """A write that stops short is taken back; the file holds exactly what was acknowledged."""
    path = tmp_path / "file"
    command = [sys.executable, "-c", _FILLS_THE_DISK, path, str(limit), str(errno.EFBIG)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    stored = int(run.stdout)
    assert stored > 1
    table = CatalogueDB(path).table("t")
    assert [d["n"] for d in table] == list(range(stored))
    table.insert({"n": stored})
    assert len(CatalogueDB(path).table("t")) == stored + 1


def test_a_compaction_without_room_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """The error says so, and nothing lies beside the file."""
    path = tmp_path / "file"
    database = CatalogueDB(path)
    database.table("t").insert_multiple([{"n": n, "pad": "x" * 90} for n in range(100)])
    before, content = database.storage.read(), path.read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, old[1]))
    try:
        with pytest.raises(NoSpaceError):
            database.storage.compact()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert _read(path) == before
    database.table("t").insert({"n": 100})
    assert _read(path) == database.storage.read()
