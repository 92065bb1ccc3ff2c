"""The note of what was acknowledged: a journal that ends early at a whole operation is found out."""

from __future__ import annotations

import os
from pathlib import Path

from support.journals import make_store, reading, record_many, writing

from stepwell.store.engine.journal.proof import NAME, read_proof


def cut_store(folder: Path) -> Path:
    """Returns a store of 6 operations of which the last 3 are cut off, without index and View."""
    store = make_store(folder / "store")
    with writing(store, durability="durable") as writer:
        record_many(writer, 3)
    segment = next((store / "journal").glob("*.segment"))
    size = segment.stat().st_size
    with writing(store, durability="durable") as writer:
        record_many(writer, 3)
    os.truncate(segment, size)
    for derived in (*(store / "journal").glob("*.index"), store / "view"):
        derived.unlink(missing_ok=True)
    return store


def test_operations_cut_off_at_a_frame_boundary_are_missed(tmp_path: Path) -> None:
    """Each of them, by number; what is before them is whole."""
    store = cut_store(tmp_path)
    with reading(store) as journal:
        report = journal.verify(False)
        assert [(d.kind, d.id) for d in report.damaged] == [
            ("operation", "4"),
            ("operation", "5"),
            ("operation", "6"),
        ]
        assert [operation.number for operation in journal.operations()] == [1, 2, 3]


def test_recording_goes_on_behind_what_is_lost(tmp_path: Path) -> None:
    """Numbers are not given twice, and the loss stays told without the note."""
    store = cut_store(tmp_path)
    with writing(store, durability="durable") as writer:
        assert [operation.number for operation in record_many(writer, 1)] == [7]
    (store / NAME).unlink()
    with reading(store) as journal:
        assert [d.id for d in journal.verify(False).damaged] == ["4", "5", "6"]


def test_a_damaged_or_missing_note_says_nothing(tmp_path: Path) -> None:
    """It is only a proof, and made again by the next commit."""
    store = make_store(tmp_path / "store")
    with writing(store, durability="durable") as writer:
        record_many(writer, 2)
    assert read_proof(store) == 2
    content = (store / NAME).read_bytes()
    for broken in (b"", content[:-1], content + b"x", content[:9] + b"\xff" + content[10:]):
        (store / NAME).write_bytes(broken)
        assert read_proof(store) == 0
        with reading(store) as journal:
            assert journal.verify(False).ok
    with writing(store, durability="durable") as writer:
        record_many(writer, 1)
    assert read_proof(store) == 3


def test_what_is_written_meanwhile_is_no_loss(tmp_path: Path) -> None:
    """A reader that opened earlier takes in what was committed since before it judges."""
    store = make_store(tmp_path / "store")
    with writing(store, durability="durable") as writer:
        record_many(writer, 2)
        with reading(store) as journal:
            record_many(writer, 2)
            assert journal.verify(False).ok
