"""Verifying sealed history: each flipped bit that matters is told, and what it touches is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.journals import flip, make_store, reading, record_many, step_of, writing
from support.sealed import assert_clean, git, seal_store, whole_store

from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.model.reports import Damage
from stepwell.store.model.steps import Operation


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of which everything is sealed."""
    store = make_store(tmp_path / "store")
    with writing(store) as writer:
        record_many(writer, 8)
    seal_store(store)
    return store


def found(store: Path, full: bool = True) -> list[Damage]:
    """Returns what a verification finds."""
    with reading(store) as journal:
        return list(journal.verify(full).damaged)


@pytest.mark.parametrize("name", ["packed-refs", "HEAD", "config"])
def test_every_flipped_bit_of_refs_and_configuration_is_told(store: Path, name: str) -> None:
    """Git itself misses most of those in the configuration, and some of those in refs."""
    path = repository_of(store) / name
    chance = random.Random(3)
    kind = "config" if name == "config" else "refs"
    header = len(path.read_bytes().split(b"\n")[0]) if name == "packed-refs" else 0
    for at in chance.sample(range(header, path.stat().st_size), 20):
        mask = 1 << chance.randrange(8)
        flip(path, at, mask)
        assert kind in {damage.kind for damage in found(store, full=False)}
        flip(path, at, mask)
    path.unlink()
    assert kind in {damage.kind for damage in found(store, full=False)}


def test_a_ref_that_was_moved_or_added_is_told_and_put_right(store: Path) -> None:
    """The next sealing writes what is derived anew."""
    with reading(store) as journal:
        done = list(journal.operations())
    refs = repository_of(store) / "refs"
    (refs / "heads" / "main").write_text("12" * 20 + "\n")
    (refs / "heads" / "other").write_text("34" * 20 + "\n")
    assert [damage.kind for damage in found(store)] == ["refs"]
    seal_store(store)
    whole_store(store, done)
    assert_clean(store)
    (repository_of(store) / "packed-refs").unlink()
    with writing(store) as writer:
        done += record_many(writer, 1)
    seal_store(store)
    whole_store(store, done)
    told = git(repository_of(store), "log", "--all", "--format=%(trailers:key=Stepwell-Step)")
    assert told.count("Stepwell-Step") == len(done)


def test_a_damaged_pack_names_the_steps_that_need_it(store: Path) -> None:
    """Each object in turn: either everything still reads, or the report names who is affected."""
    with reading(store) as journal:
        (index,) = journal.sealed.packs.indexes
        operations = list(journal.operations())
    for oid in list(index.ids()):
        at = index.offset_of(oid)
        assert at is not None
        flip(index.pack, at + 3)
        report = found(store)
        assert ("pack", index.name) in {(d.kind, d.id) for d in report}
        unreadable = set(unreadable_steps(store, operations))
        assert unreadable <= {step for damage in report for step in damage.affects}
        flip(index.pack, at + 3)
    assert found(store) == []


def test_what_was_read_before_it_was_damaged_is_read_again(store: Path) -> None:
    """A reader that lives long, as the daemon's, does not answer from its memory."""
    with reading(store) as journal:
        (index,) = journal.sealed.packs.indexes
        steps = [step_of(operation) for operation in journal.operations()]
        trees = {step.snapshot.tree for step in steps}
        for tree in trees:
            journal.read(tree)
        for tree in trees:
            at = index.offset_of(tree)
            assert at is not None
            flip(index.pack, at + 3)
            assert tree.hex() in {damage.id for damage in journal.verify(True).damaged}
            flip(index.pack, at + 3)


def unreadable_steps(store: Path, operations: list[Operation]) -> list[str]:
    """Returns the steps of which something cannot be read."""
    bad = []
    with reading(store) as journal:
        for operation in operations:
            step = step_of(operation)
            try:
                assert journal.step(step.id) == step
                tree = journal.read(step.snapshot.tree)[1]
                journal.read(step.snapshot.extras)
                journal.read(tree[-20:])  # type: ignore[arg-type]
            except Exception:
                bad.append(step.id)
    return bad


def test_a_lost_pack_is_told_and_the_rest_stays_usable(store: Path) -> None:
    """Recording goes on behind operations that cannot be read any more."""
    (pack,) = (repository_of(store) / "objects" / "pack").glob("*.pack")
    pack.unlink()
    kinds = {damage.kind for damage in found(store, full=False)}
    assert {"pack", "operation"} <= kinds
    with writing(store) as writer:
        operation = record_many(writer, 1)[0]
        assert operation.number == 9
    with reading(store) as journal:
        assert list(journal.operations()) == [operation]
