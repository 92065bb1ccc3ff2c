"""Verification: quick and full, and which steps a damaged object takes with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.journals import (
    blob_of,
    flip,
    make_store,
    put_step,
    reading,
    record,
    record_many,
    segment_file,
    step_of,
    writing,
)

from stepwell.store.engine import extras
from stepwell.store.engine.extras import Extras
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_FILE,
    MODE_TREE,
    TREE,
    TreeEntry,
    encode_tree,
)
from stepwell.store.model.ids import Oid, mint_step_id, object_id
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.reports import VerifyReport
from stepwell.store.model.steps import Snapshot, Step, StepRecorded


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Makes an empty store."""
    return make_store(tmp_path / "store")


def damage_object(store: Path, oid: Oid) -> None:
    """Flips a bit of an object's deflated bytes."""
    flip(segment_file(store), segment_file(store).read_bytes().index(oid) + 30)


def objects(report: VerifyReport) -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
    """Returns the damaged objects with operations and steps."""
    return {d.id: (d.operations, d.affects) for d in report.damaged if d.kind == "object"}


def commit_tree(
    writer: JournalWriter, seq: int, tree: list[TreeEntry], notes: Extras | None = None
) -> Step:
    """Records a step with that root tree."""
    transaction = writer.begin()
    snapshot = Snapshot(
        transaction.add(TREE, encode_tree(tree)),
        transaction.add(BLOB, extras.encode(notes or Extras())),
    )
    step = Step(mint_step_id(writer.randomness), seq, "main", (), "capture", "s", 1, snapshot)
    transaction.commit("record", "recorded", [StepRecorded(step)])
    return step


def test_a_healthy_journal_is_ok(store: Path) -> None:
    """Nothing is reported; frames are counted, and with full the objects too."""
    with writing(store, segment_bytes=2_000) as writer:
        record_many(writer, 10)
    with reading(store) as journal:
        quick, full = journal.verify(False), journal.verify(True)
    assert quick.ok and full.ok
    assert quick.checked == 10 * 3 + 1
    assert full.checked == quick.checked + 10 * 2 + 1


def test_progress_is_reported(store: Path) -> None:
    """Whoever waits hears of it, up to the end."""
    heard: list[tuple[str, int, int]] = []
    with writing(store, segment_bytes=1) as writer:
        record_many(writer, 3)
        writer.verify(True, progress=lambda *said: heard.append(said))
    assert ("segments", 0, 3) in heard and ("segments", 3, 3) in heard
    assert heard[-1] == ("operations", 3, 3)


def test_a_damaged_blob_names_every_step_that_needs_it(store: Path) -> None:
    """Deep in a tree, shared by two steps of three."""
    with writing(store) as writer:
        with writer.begin() as transaction:
            blob = transaction.add(BLOB, b"shared content")
            inner = transaction.add(TREE, encode_tree([TreeEntry(b"f", MODE_FILE, blob)]))
            outer = transaction.add(TREE, encode_tree([TreeEntry(b"d", MODE_TREE, inner)]))
            transaction.commit("prepare", "trees", [])
        folder = TreeEntry(b"top", MODE_TREE, outer)
        first = commit_tree(writer, 1, [folder])
        commit_tree(writer, 2, [])
        third = commit_tree(writer, 3, [folder, TreeEntry(b"zz", MODE_TREE, inner)])
    damage_object(store, blob)
    with reading(store) as journal:
        assert objects(journal.verify(True)) == {blob.hex(): ((2, 4), (first.id, third.id))}
        quick = journal.verify(False)
        assert [d.kind for d in quick.damaged] == ["frame"]
        assert quick.damaged[0].operations == (1,)


def test_a_damaged_tree_names_its_steps(store: Path) -> None:
    """Quick verification finds a damaged root too."""
    with writing(store) as writer:
        done = record_many(writer, 3)
    tree = step_of(done[1]).snapshot.tree
    damage_object(store, tree)
    with reading(store) as journal:
        for full in (False, True):
            affected = objects(journal.verify(full))
            assert affected == {tree.hex(): ((2,), (step_of(done[1]).id,))}


def test_damaged_and_malformed_extras_name_their_steps(store: Path) -> None:
    """What git's tree cannot hold counts as much as what it holds."""
    with writing(store) as writer:
        with writer.begin() as transaction:
            kept = transaction.add(BLOB, b"kept aside by git")
            transaction.commit("prepare", "blob", [])
        refused = Extras(entries={TrackedPath(b".GIT"): (MODE_FILE, kept)})
        step = commit_tree(writer, 1, [], refused)
    damage_object(store, kept)
    with reading(store) as journal:
        assert objects(journal.verify(True)) == {kept.hex(): ((2,), (step.id,))}


def test_texts_of_a_step_count(store: Path) -> None:
    """A prompt that was never stored is missed."""
    lost = object_id(BLOB, b"a prompt that is not there")
    with writing(store) as writer:
        transaction = writer.begin()
        step, _ = put_step(transaction, 1, b"content", writer.randomness)
        named = Step(
            step.id, 1, "main", (), "prompt", "t", 1, step.snapshot, prompt=lost, input=None
        )
        transaction.commit("record", "recorded", [StepRecorded(named)])
        for full in (False, True):
            assert objects(writer.verify(full)) == {lost.hex(): ((1,), (step.id,))}


def test_an_empty_tree_needs_no_object(store: Path) -> None:
    """A snapshot of nothing is whole although the empty tree was never stored."""
    with writing(store) as writer:
        transaction = writer.begin()
        snapshot = Snapshot(EMPTY_TREE, transaction.add(BLOB, extras.encode(Extras())))
        step = Step(mint_step_id(writer.randomness), 1, "main", (), "capture", "s", 1, snapshot)
        transaction.commit("record", "recorded", [StepRecorded(step)])
        assert writer.verify(False).ok and writer.verify(True).ok


def test_a_second_copy_makes_up_for_a_damaged_one(store: Path) -> None:
    """The damaged stretch is reported, but no object and no step is lost."""
    with writing(store) as writer:
        first = record(writer, b"content")
        blob = blob_of(writer, first)
    damage_object(store, blob)
    with writing(store) as writer:
        assert objects(writer.verify(True)).keys() == {blob.hex()}
        record(writer, b"content")
    with reading(store) as journal:
        report = journal.verify(True)
        assert not objects(report) and [d.kind for d in report.damaged] == ["frame"]


def test_a_lost_operation_names_its_steps_from_the_index(store: Path) -> None:
    """When the commit frame itself is damaged the index still knows what it recorded."""
    with writing(store) as writer:
        done = record_many(writer, 70)
    at = segment_file(store).read_bytes().index(done[30].id.encode())
    flip(segment_file(store), at)
    with reading(store) as journal:
        lost = [d for d in journal.verify(False).damaged if d.kind == "operation"]
        assert [(d.id, d.affects) for d in lost] == [("31", (step_of(done[30]).id,))]
        assert [o.number for o in journal.operations()] == [n for n in range(1, 71) if n != 31]


def test_a_very_deep_tree_is_no_problem(store: Path) -> None:
    """Depth is bounded by the disk, not by the interpreter's stack."""
    with writing(store) as writer:
        with writer.begin() as transaction:
            below = transaction.add(TREE, encode_tree([]))
            for _ in range(2_000):
                below = transaction.add(TREE, encode_tree([TreeEntry(b"d", MODE_TREE, below)]))
            transaction.commit("prepare", "deep", [])
        commit_tree(writer, 1, [TreeEntry(b"top", MODE_TREE, below)])
        assert writer.verify(True).ok


def test_a_write_under_way_is_no_damage(store: Path) -> None:
    """A reader that verifies while a large transaction is open finds nothing wrong."""
    with writing(store) as writer, Journal.open(store) as journal:
        record(writer, b"first")
        with writer.begin() as transaction:
            for n in range(6):
                transaction.add(BLOB, bytes([n]) + b"\0" * 999 + writer.randomness(900_000))
            assert journal.verify(True).ok
