"""The graph's columns: what they say of each step, and what its file says after damage."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from stepwell.store.catalogue.appendfile import Pin
from stepwell.store.catalogue.graph import FAILED, FLAGS, OTHER_FLAG, Graph, GraphFile
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Snapshot, Step, StepResult

_SNAPSHOT = Snapshot(Oid(bytes(20)), Oid(bytes(20)))
_COLUMNS = ("seqs", "parents", "others", "times", "kinds", "flags", "sessions", "sizes")


def _id(number: int) -> StepId:
    return StepId(f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}")


def _step(seq: int, *parents: int, **more: object) -> Step:
    fields: dict[str, object] = {"kind": "tool", **more}
    return Step(
        id=_id(seq),
        seq=seq,
        branch="main",
        parents=tuple(map(_id, parents)),
        title="",
        time_ns=seq - 3,
        snapshot=_SNAPSHOT,
        **fields,  # type: ignore[arg-type]
    )


_STEPS = (
    _step(1),
    _step(2, 1, flags=("safety", "unstable")),
    _step(4, 2, kind="rollback", flags=("odd",)),
    _step(5, 2, result=StepResult(False)),
    _step(9, 5, 4, kind="merge", result=StepResult(True)),
    _step(10, 77, kind="gap"),
)


def _graph(steps: Iterable[Step] = _STEPS) -> tuple[Graph, bytes]:
    graph = Graph()
    return graph, b"".join([graph.add(step, step.seq % 3) for step in steps])


def _columns(graph: Graph) -> list[object]:
    ids = [graph.id_of(row) for row in range(len(graph))]
    return [*(list(getattr(graph, name)) for name in _COLUMNS), ids]


def test_each_column_says_what_its_steps_are() -> None:
    """Rows in order of recording; an unknown parent counts as none."""
    graph, _ = _graph()
    assert list(graph.seqs) == [1, 2, 4, 5, 9, 10]
    assert list(graph.parents) == [0, 1, 2, 2, 5, 0]
    assert list(graph.others) == [0, 0, 0, 0, 4, 0]
    assert list(graph.times) == [-2, -1, 1, 2, 6, 7]
    assert list(graph.sessions) == [1, 2, 1, 2, 0, 1]
    kinds = [graph.kind(row) for row in range(6)]
    assert kinds == ["tool", "tool", "rollback", "tool", "merge", "gap"]
    safety, unstable = (1 << FLAGS.index(flag) for flag in ("safety", "unstable"))
    assert list(graph.flags) == [0, safety | unstable, OTHER_FLAG, FAILED, 0, 0]
    assert graph.merges() == {9: (4,)}
    assert graph.last_seq == 10 and Graph().last_seq == 0


def test_growth_adds_up_to_every_step() -> None:
    """By equal spans of time, never falling, though a clock was set back; sizes stay in bounds."""
    sizes = (5, 0, 7, 2**40)
    graph = Graph()
    for seq, (at, size) in enumerate(zip((100, 400, 300, 900), sizes, strict=True), 1):
        graph.add(replace(_step(seq), time_ns=at, stored_bytes=size), 0)
    grown = [(one.time_ns, one.steps, one.bytes) for one in graph.growth(4)]
    assert grown == [(300, 1, 5), (500, 3, 12), (700, 3, 12), (900, 4, 12 + 2**32 - 1)]
    assert graph.growth(0) == () and Graph().growth(4) == ()


def test_rows_are_found_by_number_id_and_prefix() -> None:
    """Absent ones are None, or an empty list; malformed ones too."""
    graph, _ = _graph()
    for row, step in enumerate(_STEPS):
        assert graph.row_of(step.seq) == graph.row_of_id(step.id) == row
        for length in (1, 4, 5, 31, 32):
            expected = [s.id for s in _STEPS if s.id.startswith(step.id[:length])]
            assert graph.ids_with_prefix(step.id[:length]) == expected
    assert graph.row_of(3) is graph.row_of(11) is graph.row_of_id(_id(3)) is None
    assert graph.row_of_id(StepId("zz")) is graph.row_of_id(StepId("ab")) is None
    assert graph.ids_with_prefix("zz") == [] and graph.ids_with_prefix("00" * 20) == []
    assert graph.row_at(3) == 2 and graph.row_at(99) == 6


def test_an_id_is_not_found_across_two_others() -> None:
    """Only whole ids count, wherever the same digits stand."""
    first, second, third = (StepId(digit * 32) for digit in "ace")
    across = StepId("a" * 16 + "c" * 16)
    graph = Graph()
    for seq, identity in enumerate((first, second, third), 1):
        graph.add(Step(identity, seq, "main", (), "tool", "", 0, _SNAPSHOT), 0)
    assert graph.row_of_id(across) is None
    assert graph.ids_with_prefix("a" * 16 + "c") == []
    assert [graph.row_of_id(i) for i in (first, second, third)] == [0, 1, 2]


def test_chains_and_children_follow_the_parents() -> None:
    """A chain goes down first parents; children are those of either parent, as they come."""
    graph, _ = _graph()
    assert [graph.seqs[row] for row in graph.chain(4)] == [9, 5, 2, 1]
    assert [graph.seqs[row] for row in graph.chain(2)] == [4, 2, 1]
    assert list(graph.chain(5)) == [5]
    assert [graph.children(row) for row in range(6)] == [[1], [2, 3], [4], [4], [], []]
    graph.add(_step(11, 9), 0)
    assert graph.children(4) == [6]


def test_loaded_records_make_the_same_columns(tmp_path: Path) -> None:
    """Written in any portions, read in one go or behind what is known."""
    graph, records = _graph()
    written = GraphFile(tmp_path / "graph")
    size = len(records) // len(_STEPS)
    pins = []
    for portion in (records[: 2 * size], records[2 * size : 5 * size], records[5 * size :]):
        written.append(portion)
        pins.append(written.pin)
    whole = Graph()
    whole.load(GraphFile(tmp_path / "graph").read(pins[-1]))
    assert _columns(whole) == _columns(graph)
    reader, behind = GraphFile(tmp_path / "graph"), Graph()
    for pin in pins:
        behind.load(reader.read(pin))
    assert _columns(behind) == _columns(graph)
    assert (tmp_path / "graph").stat().st_mode & 0o777 == 0o600


def test_what_lies_beyond_the_pin_is_ignored_and_overwritten(tmp_path: Path) -> None:
    """As after a crash between the graph's write and the commit."""
    graph, records = _graph()
    size = len(records) // len(_STEPS)
    file = GraphFile(tmp_path / "graph")
    file.append(records[:size])
    pin = file.pin
    file.append(b"\xff" * 500)
    again = GraphFile(tmp_path / "graph")
    assert again.read(pin) == records[:size]
    again.append(records[size:])
    loaded = Graph()
    loaded.load(GraphFile(tmp_path / "graph").read(again.pin))
    assert _columns(loaded) == _columns(graph)


def test_any_changed_bit_or_size_is_an_error(tmp_path: Path) -> None:
    """There is no byte in the file whose change goes unnoticed."""
    _, records = _graph()
    path = tmp_path / "graph"
    file = GraphFile(path)
    file.append(records)
    content = path.read_bytes()
    changed = [
        content[:at] + bytes([b ^ 1 << at % 8]) + content[at + 1 :] for at, b in enumerate(content)
    ]
    for damage in (*changed, content[:-1], content[:-48], b"", content[48:]):
        path.write_bytes(damage)
        with pytest.raises(IntegrityError):
            GraphFile(path).read(file.pin)
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        GraphFile(path).read(Pin(file.pin.size, file.pin.crc ^ 1))
    path.unlink()
    with pytest.raises(IntegrityError):
        GraphFile(path).read(file.pin)


def test_a_hundred_thousand_rows_load_at_once(tmp_path: Path) -> None:
    """The timeline opens at the cost of reading a file; ids are found without an index."""
    record = struct.Struct("=q16sIIIIHB5x")
    ids = [os.urandom(16) for _ in range(100_000)]
    rows = [record.pack(i, raw, i + 1, i, 0, 0, 0, 1) for i, raw in enumerate(ids)]
    file = GraphFile(tmp_path / "graph")
    file.append(b"".join(rows))
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        graph = Graph()
        graph.load(GraphFile(tmp_path / "graph").read(file.pin))
        spent.append(time.perf_counter() - start)
    # The bar is 30 ms on an idle machine; this one may be busy.
    assert min(spent) < 0.1
    assert graph.row_of_id(StepId(ids[0].hex())) == 0
    assert sum(1 for _ in graph.chain(99_999)) == 100_000
