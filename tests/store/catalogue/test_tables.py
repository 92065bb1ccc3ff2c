"""Our tables against TinyDB's own: the same answers, at a cost that does not grow."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import Query, TinyDB
from tinydb.operations import set as set_field
from tinydb.storages import MemoryStorage
from tinydb.table import Document, Table

from stepwell.store.catalogue.tables import CatalogueDB

Act = Callable[[TinyDB], Any]

_VALUES = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(["", "tab\t", "line\n", "\u2028é\udc80", None, True, 1.5]),
    st.lists(st.integers(0, 3), max_size=2),
    st.just({"deep": {"er": [1]}}),
)
_DOCUMENTS = st.dictionaries(st.sampled_from("abc"), _VALUES, max_size=3)
_IDS = st.integers(1, 9)
_ID_LISTS = st.lists(_IDS, max_size=3)
_NUMBERED = st.builds(lambda d, n: Document(d, doc_id=n), _DOCUMENTS, _IDS)
_EITHER = st.one_of(_DOCUMENTS, _NUMBERED)
_CONDITIONS = st.one_of(
    st.builds(lambda k, v: Query()[k] == v, st.sampled_from("abc"), _VALUES),
    st.builds(lambda k: Query()[k].exists(), st.sampled_from("abc")),
    st.just(Query().a.test(lambda v: isinstance(v, int) and v > 0)),
    st.just(Query().b.any([1, 2])),
    st.just(~(Query().a.exists()) | (Query().c == 1)),
)


def _named(name: str, call: Callable[[Table], Any]) -> Act:
    return lambda database: call(database.table(name))


def _calls() -> st.SearchStrategy[Callable[[Table], Any]]:
    build = st.builds
    return st.one_of(
        build(lambda d: lambda t: t.insert(d), _EITHER),
        build(lambda ds: lambda t: t.insert_multiple(ds), st.lists(_EITHER, max_size=3)),
        build(lambda d, c: lambda t: t.update(d, c), _DOCUMENTS, _CONDITIONS),
        build(lambda d, i: lambda t: t.update(d, doc_ids=i), _DOCUMENTS, _ID_LISTS),
        build(lambda v: lambda t: t.update(set_field("a", v)), _VALUES),
        build(lambda v, c: lambda t: t.update(set_field("b", v), c), _VALUES, _CONDITIONS),
        build(lambda d, c: lambda t: t.update_multiple([(d, c)]), _DOCUMENTS, _CONDITIONS),
        build(lambda d, c: lambda t: t.upsert(d, c), _DOCUMENTS, _CONDITIONS),
        build(lambda d: lambda t: t.upsert(d), _EITHER),
        build(lambda c: lambda t: t.remove(c), _CONDITIONS),
        build(lambda i: lambda t: t.remove(doc_ids=i), _ID_LISTS),
        st.just(lambda t: t.truncate()),
        st.just(lambda t: [t.remove(doc_ids=[d.doc_id]) for d in t]),
        build(lambda c: lambda t: _plain(t.search(c)), _CONDITIONS),
        build(lambda c: lambda t: _plain([t.get(c)]), _CONDITIONS),
        build(lambda i: lambda t: _plain([t.get(doc_id=i)]), _IDS),
        build(lambda i: lambda t: _plain(t.get(doc_ids=i)), _ID_LISTS),
        build(lambda c: lambda t: (t.contains(c), t.count(c)), _CONDITIONS),
        build(lambda i: lambda t: t.contains(doc_id=i), _IDS),
    )


_ACTS = st.one_of(
    *[st.builds(_named, st.sampled_from(["one", "two"]), _calls()) for _ in range(6)],
    st.just(lambda database: database.drop_table("one")),
    st.just(lambda database: database.drop_tables()),
)


def _plain(documents: list[Any]) -> list[Any]:
    return [None if d is None else (d.doc_id, dict(d)) for d in documents]


def _outcome(act: Act, database: TinyDB) -> Any:
    try:
        return act(database)
    except ValueError as error:
        return str(error)


def _everything(database: TinyDB) -> dict[str, Any]:
    tables = {name: _plain(database.table(name).all()) for name in sorted(database.tables())}
    return tables | {f"len {name}": len(database.table(name)) for name in ("one", "two")}


def _reopened(stock: TinyDB) -> TinyDB:
    storage = stock.storage
    return TinyDB(storage=lambda: storage)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_ACTS, _ACTS, st.none()), min_size=1, max_size=14))
def test_every_call_answers_as_tinydbs_own(acts: list[Act | None]) -> None:
    """Results, errors, ids, order and content agree call by call; None opens both again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        ours: TinyDB = CatalogueDB(path)
        stock = TinyDB(storage=MemoryStorage)
        for act in acts:
            if act is None:
                ours, stock = CatalogueDB(path), _reopened(stock)
            else:
                assert _outcome(act, ours) == _outcome(act, stock)
            assert _everything(ours) == _everything(stock)
        assert _everything(CatalogueDB(path)) == _everything(stock)


def test_wrong_calls_fail_as_tinydbs_own(tmp_path: Path) -> None:
    """The messages are TinyDB's."""
    calls: list[Callable[[Table], Any]] = [
        lambda t: t.insert("text"),  # type: ignore[arg-type]
        lambda t: t.get(),
        lambda t: t.remove(),
        lambda t: t.upsert({}),
        lambda t: t.contains(),
    ]
    for call in calls:
        said = []
        for database in (CatalogueDB(tmp_path / "file"), TinyDB(storage=MemoryStorage)):
            with pytest.raises((ValueError, RuntimeError)) as raised:
                call(database.table("t"))
            said.append(str(raised.value))
        assert said[0] == said[1]


def test_a_change_costs_what_it_changes(tmp_path: Path) -> None:
    """Inserting, updating and removing one document appends one line, however large the table."""
    path = tmp_path / "file"
    table = CatalogueDB(path).table("t")
    table.insert_multiple([{"n": n} for n in range(5_000)])
    size = path.stat().st_size
    number = table.insert({"n": -1})
    table.update({"n": -2}, doc_ids=[number])
    table.upsert(Document({"n": -3}, doc_id=number))
    table.remove(doc_ids=[number])
    assert path.read_bytes()[size:].count(b"\n") == 4
    assert path.stat().st_size - size < 200


def test_an_update_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    """Unlike with TinyDB's own storage in memory, which keeps the first half."""
    table = CatalogueDB(tmp_path / "file").table("t")
    table.insert_multiple([{"n": 1}, {"m": 2}])

    def increment(document: Any) -> None:
        document["n"] += 1

    with pytest.raises(KeyError):
        table.update(increment)
    assert table.all() == CatalogueDB(tmp_path / "file").table("t").all() == [{"n": 1}, {"m": 2}]


def test_a_found_document_can_be_changed_without_changing_the_next_answer(tmp_path: Path) -> None:
    """TinyDB's query cache would hand out the same document again."""
    table = CatalogueDB(tmp_path / "file").table("t")
    table.insert({"n": 1})
    for _ in range(2):
        (found,) = table.search(Query().n == 1)
        found["m"] = 2
        assert table.search(Query().m == 2) == []
