"""Sealing: everything reads as before, git agrees, and readers do not notice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.journals import (
    assert_whole,
    blob_of,
    flip,
    make_store,
    reading,
    record,
    record_many,
    segment_file,
    step_of,
    writing,
)
from support.sealed import (
    assert_clean,
    assert_same,
    git,
    seal_store,
    segment_names,
    whole_store,
)

from stepwell.store.engine.context import Progress
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.manifest import Manifest, read_manifest, write_manifest
from stepwell.store.engine.sealing import seal as seal_module
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.model.errors import BusyError, FailedError, IntegrityError, NoSpaceError
from stepwell.store.model.steps import Operation


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An empty store."""
    return make_store(tmp_path / "store")


@pytest.fixture
def done(store: Path) -> list[Operation]:
    """Makes a store of several segments, with a large object."""
    with writing(store, segment_bytes=2_000) as writer:
        found = record_many(writer, 12)
        found.append(record(writer, os.urandom(2_500_000)))
    return found


def test_what_is_sealed_reads_as_before(store: Path, done: list[Operation]) -> None:
    """Operations, steps and objects, from a reader that was open and from a new one."""
    with reading(store) as before:
        assert_same(before, done)
        view = before.view()
        sealed = seal_store(store)
        assert (sealed.steps, sealed.operations, sealed.packs) == (13, 13, 1)
        assert len(segment_names(store)) == 1
        assert_same(before, done)
        before.refresh()
        assert_same(before, done)
        assert before.view() == view
    whole_store(store, done)
    with reading(store) as journal:
        assert journal.view() == view
        assert journal.step_ids() == [step_of(o).id for o in done]
        prefix = step_of(done[3]).id[:9]
        assert journal.steps_by_prefix(prefix) == [step_of(done[3]).id]
        assert (
            b"".join(journal.pieces(blob_of(journal, done[-1])))
            == journal.read(blob_of(journal, done[-1]))[1]
        )
        assert journal.stored_size(blob_of(journal, done[-1])) > 2_400_000
    assert_clean(store)


def test_recording_goes_on_behind_what_is_sealed(store: Path, done: list[Operation]) -> None:
    """Numbers and seqs go on, content that is sealed is not stored again, and so on for ever."""
    seal_store(store)
    for _ in range(3):
        with writing(store) as writer:
            size = segment_file(store, writer.segments()[-1].number).stat().st_size
            transaction = writer.begin()
            transaction.add("blob", b"content 1\n")
            transaction.abort()
            assert segment_file(store, writer.segments()[-1].number).stat().st_size == size
            done += record_many(writer, 3)
        whole_store(store, done)
        seal_store(store)
        whole_store(store, done)
    assert seal_store(store).operations == 0
    assert_clean(store)


def test_a_reader_that_has_read_nothing_yet_finds_what_was_sealed(
    store: Path, done: list[Operation]
) -> None:
    """Whatever it asks first, it looks at the manifest again."""
    questions: list[Callable[[Journal], object]] = [
        lambda j: j.operation(2) == done[1],
        lambda j: j.step(step_of(done[2]).id) == step_of(done[2]),
        lambda j: j.steps_by_seq(4) == step_of(done[3]),
        lambda j: j.read(blob_of(j, done[4]))[1] == b"content 5\n",
        lambda j: list(j.operations()) == done,
        lambda j: list(j.newest(99)) == done[::-1],
        lambda j: j.has(step_of(done[1]).snapshot.tree),
        lambda j: j.is_sound(step_of(done[1]).snapshot.tree),
        lambda j: j.steps_by_prefix(step_of(done[5]).id[:8]) == [step_of(done[5]).id],
        lambda j: j.view().step_count == len(done),
    ]
    readers = [Journal.open(store) for _ in questions]
    seal_store(store)
    for reader, question in zip(readers, questions, strict=True):
        with reader:
            assert question(reader)


def test_a_reader_finds_an_object_that_was_recorded_behind_what_was_sealed_meanwhile(
    store: Path, done: list[Operation]
) -> None:
    """It is in no pack: the manifest has a new segment for it."""
    with Journal.open(store) as reader:
        reader.read(blob_of(reader, done[0]))
        seal_store(store)
        with writing(store) as writer:
            transaction = writer.begin()
            oid = transaction.add("blob", b"behind\n")
            transaction.commit("record", "more", [])
        assert reader.read(oid) == ("blob", b"behind\n")


def test_an_iteration_under_way_misses_nothing(store: Path, done: list[Operation]) -> None:
    """Also when the segments that it has not come to are gone when it does."""
    with reading(store) as journal:
        operations = journal.operations()
        first = [next(operations) for _ in range(3)]
        seal_store(store)
        assert first + list(operations) == done
    with writing(store) as writer:
        done += record_many(writer, 3)
    with reading(store) as journal:
        newest = journal.newest(99)
        first = [next(newest)]
        seal_store(store)
        assert first + list(newest) == done[::-1]


def test_captures_go_on_while_sealing(store: Path, done: list[Operation]) -> None:
    """The writer lock is free meanwhile, and what is recorded then is not lost."""

    def record_now(what: str, at: int, _: int) -> None:
        if what == "reading segments" and at == 0:
            with writing(store, segment_bytes=1_000) as writer:
                done.extend(record_many(writer, 4))

    sealed = seal_store(store, progress=record_now)
    assert sealed.operations == len(done) - 4
    whole_store(store, done)
    seal_store(store)
    whole_store(store, done)
    assert_clean(store)


def test_only_one_process_seals_at_a_time(store: Path, done: list[Operation]) -> None:
    """The second is told so; it does not wait."""
    caught: list[BusyError] = []

    def second(_what: str, _done: int, _total: int) -> None:
        try:
            seal_store(store)
        except BusyError as error:
            caught.append(error)

    seal_store(store, progress=second)
    assert caught
    whole_store(store, done)


def test_several_batches_become_several_packs(
    store: Path, done: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is listed in memory at a time is bounded."""
    monkeypatch.setattr(seal_module, "BATCH_BYTES", 3_000)
    sealed = seal_store(store)
    assert sealed.packs > 2
    whole_store(store, done)
    assert_clean(store)


def test_packs_are_merged_before_there_are_many(
    store: Path, done: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All objects are in the one pack that is left, with their deltas found anew."""
    monkeypatch.setattr(seal_module, "MERGE_AT", 3)
    seal_store(store)
    for _ in range(2):
        with writing(store) as writer:
            done += record_many(writer, 2)
        with reading(store) as before:
            merged = seal_store(store)
            assert list(before.operations())[:1] == done[:1]
            assert_whole(before, done)
    assert (merged.merged, merged.packs) == (3, 1)
    assert len(list((repository_of(store) / "objects" / "pack").glob("*.pack"))) == 1
    whole_store(store, done)
    assert_clean(store)


def seal_often(store: Path, times: int) -> list[Operation]:
    """Makes so many packs of about the same size, and one beside them that does not count."""
    done: list[Operation] = []
    for _ in range(times):
        with writing(store) as writer:
            done += record_many(writer, 2)
        seal_store(store)
    git(repository_of(store), "repack", "-a", "-q")
    assert len(pack_names(store)) == times + 1
    with writing(store) as writer:
        done += record_many(writer, 2)
    return done


def pack_names(store: Path) -> set[str]:
    """Returns the names of the packs that are on disk."""
    return {p.stem for p in (repository_of(store) / "objects" / "pack").glob("*.pack")}


def without_room_to_merge(monkeypatch: pytest.MonkeyPatch) -> Progress:
    """Returns what has the disk look full as soon as merging begins."""

    def now(what: str, _done: int, _total: int) -> None:
        if what == "merging packs":
            monkeypatch.setattr(seal_module, "_SPARE", 1 << 60)

    return now


def test_few_packs_are_left_for_later_where_there_is_no_room_to_merge_them(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sealing is done, and what no pack needs is removed all the same."""
    done = seal_often(store, 3)
    with monkeypatch.context() as patch:
        sealed = seal_store(store, progress=without_room_to_merge(patch))
    assert (sealed.operations, sealed.merged, sealed.packs) == (2, 0, 4)
    manifest = read_manifest(store)
    assert manifest is not None and pack_names(store) == set(manifest.packs)
    whole_store(store, done)
    assert seal_store(store).merged == 4
    whole_store(store, done)
    assert_clean(store)


def test_where_packs_must_be_merged_the_error_says_that_all_is_sealed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of what was recorded waits for it."""
    monkeypatch.setattr(seal_module, "MERGE_AT", 4)
    done = seal_often(store, 3)
    with monkeypatch.context() as patch, pytest.raises(NoSpaceError) as caught:
        seal_store(store, progress=without_room_to_merge(patch))
    assert caught.value.message.startswith("merging packs needs up to")
    assert caught.value.hint.endswith("; everything that was recorded is sealed")
    manifest = read_manifest(store)
    assert manifest is not None and manifest.sealed == len(done)
    whole_store(store, done)
    assert seal_store(store).merged == 4


def test_a_damaged_old_object_stops_no_sealing_where_merging_can_wait(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is verify's to tell; what is whole can be read, and what comes is sealed."""
    done = seal_often(store, 3)
    with reading(store) as journal:
        blob = blob_of(journal, done[0])
        places = [(i.pack, i.offset_of(blob)) for i in journal.sealed.packs.indexes]
    for pack, at in places:
        if at is not None:
            flip(pack, at + 5)
    assert seal_store(store).merged == 0
    with reading(store) as journal:
        assert list(journal.operations()) == done
        assert_whole(journal, done[1:])
        assert not journal.is_sound(blob)
    monkeypatch.setattr(seal_module, "MERGE_AT", 4)
    with pytest.raises((FailedError, IntegrityError)):
        seal_store(store)


@pytest.mark.parametrize(
    ("sizes", "worthwhile"),
    [([], False), ([9, 9, 9], False), ([100] * 4, True), ([100, 100, 100, 1000], False)],
)
def test_packs_are_merged_early_when_that_saves_much(sizes: list[int], worthwhile: bool) -> None:
    """As soon as the others come up to a third of the largest, unless there are very few."""
    assert seal_module._is_worthwhile(sizes) is worthwhile


def test_the_operations_are_lines_of_json_in_the_repository(
    store: Path, done: list[Operation]
) -> None:
    """Anybody can read them with git alone, and each step's commit says whose it is."""
    seal_store(store)
    repository = repository_of(store)
    names = git(repository, "ls-tree", "--name-only", "refs/stepwell/operations").split()
    assert names == ["0000000001-0000000013.jsonl", "objects"]
    text = git(repository, "show", f"refs/stepwell/operations:{names[0]}")
    assert len(text.splitlines()) == 13
    told = git(repository, "log", "--all", "--format=%(trailers:key=Stepwell-Step,valueonly)")
    assert {line for line in told.split() if line} == {step_of(o).id for o in done}


def test_nothing_is_sealed_from_a_damaged_segment(store: Path, done: list[Operation]) -> None:
    """The error names the segment, and everything stays as it was."""
    flip(segment_file(store, 2), 400)
    names, manifest = segment_names(store), read_manifest(store)
    with pytest.raises(IntegrityError, match="segment 2") as caught:
        seal_store(store)
    assert caught.value.facts["segment"] == 2
    found = read_manifest(store)
    assert manifest is not None and found is not None
    assert set(manifest.segments) <= set(found.segments) and found.sealed == 0
    assert set(names) <= set(segment_names(store))


def test_sealing_needs_room_beforehand(
    store: Path, done: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before anything is written."""
    monkeypatch.setattr(seal_module, "_SPARE", 1 << 60)
    with pytest.raises(NoSpaceError, match="bytes free"):
        seal_store(store)
    whole_store(store, done)


def test_a_lost_index_is_made_anew(store: Path, done: list[Operation]) -> None:
    """It is derived: the answers stay the same, and the file is there again."""
    seal_store(store)
    (index,) = (store / "journal").glob("sealed-*.index")
    content = index.read_bytes()
    for damage in (b"", content[:-1], bytes([content[0] ^ 1]) + content[1:]):
        index.write_bytes(damage)
        whole_store(store, done)
        assert index.read_bytes() == content
    index.unlink()
    whole_store(store, done)
    with writing(store) as writer:
        done += record_many(writer, 1)
    seal_store(store)
    whole_store(store, done)


def test_a_lost_manifest_is_found_in_the_repository(store: Path, done: list[Operation]) -> None:
    """What is sealed and what is live come together again, each once."""
    seal_store(store)
    with writing(store) as writer:
        done += record_many(writer, 2)
    (store / "manifest").unlink()
    with reading(store) as journal:
        assert_same(journal, done)
        assert [damage.kind for damage in journal.verify(True).damaged] == ["manifest"]
    with writing(store) as writer:
        done += record_many(writer, 1)
    whole_store(store, done)


def test_the_journal_begins_anew_from_the_repository_alone(
    store: Path, done: list[Operation]
) -> None:
    """With everything else gone, the next writer goes on behind the last operation."""
    seal_store(store)
    with reading(store) as journal:
        view = journal.view()
    shutil.rmtree(store / "journal")
    for name in ("manifest", "view"):
        (store / name).unlink(missing_ok=True)
    with reading(store) as journal:
        assert_same(journal, done)
        assert journal.view() == view
    with writing(store) as writer:
        done += record_many(writer, 2)
    whole_store(store, done)
    seal_store(store)
    whole_store(store, done)
    assert_clean(store)


def test_a_segment_that_was_left_behind_the_switch_goes(store: Path, done: list[Operation]) -> None:
    """A kill after the manifest was replaced leaves segments that do not count any more."""
    kept = store.parent / "kept"
    shutil.copytree(store / "journal", kept)
    seal_store(store)
    for path in kept.glob("*.segment"):
        if not (store / "journal" / path.name).exists():
            shutil.copy(path, store / "journal" / path.name)
    with reading(store) as journal:
        assert_same(journal, done)
    with writing(store) as writer:
        done += record_many(writer, 1)
    assert len(segment_names(store)) == 1
    whole_store(store, done)


def test_an_old_manifest_with_its_segments_replays_nothing_twice(
    store: Path, done: list[Operation]
) -> None:
    """Records that are sealed already are dropped from what segments say."""
    kept = store.parent / "kept"
    shutil.copytree(store / "journal", kept)
    seal_store(store)
    found = read_manifest(store)
    assert found is not None
    shutil.copytree(kept, store / "journal", dirs_exist_ok=True)
    numbers = tuple(int(name[:8]) for name in segment_names(store))
    write_manifest(
        store, Manifest(numbers, found.packs, found.sealed, found.operations, found.refs)
    )
    with reading(store) as journal:
        assert_same(journal, done)
    with writing(store) as writer:
        done += record_many(writer, 1)
    seal_store(store)
    whole_store(store, done)


def test_an_unsealed_store_keeps_its_format(store: Path, done: list[Operation]) -> None:
    """Only what another version could not read is marked as such."""
    assert b'"format":1' in (store / "manifest").read_bytes()
    seal_store(store)
    assert b'"format":2' in (store / "manifest").read_bytes()


def test_a_damaged_sealed_object_is_healed_by_recording_it_again(
    store: Path, done: list[Operation]
) -> None:
    """The new copy is found before the damaged one, sealed or not."""
    seal_store(store)
    with reading(store) as journal:
        blob = blob_of(journal, done[-1])
        content = journal.read(blob)[1]
        (index,) = journal.sealed.packs.indexes
        at = index.offset_of(blob)
    assert at is not None
    flip(index.pack, at + 1_000_000)
    with reading(store) as journal:
        assert not journal.is_sound(blob)
        assert any(d.id == blob.hex() for d in journal.verify(True).damaged)
    with writing(store) as writer:
        done.append(record(writer, content))
    with reading(store) as journal:
        assert journal.read(blob)[1] == content
    seal_store(store)
    with reading(store) as journal:
        assert journal.read(blob)[1] == content
        assert [d.kind for d in journal.verify(True).damaged] == ["pack"]


def test_with_manifest_and_refs_lost_the_operations_are_found_in_the_packs(
    store: Path, done: list[Operation]
) -> None:
    """Of several sealings the newest; without any the store is refused, not taken for empty."""
    seal_store(store)
    with writing(store) as writer:
        done += record_many(writer, 2)
    seal_store(store)
    (store / "manifest").unlink()
    (repository_of(store) / "packed-refs").unlink()
    with reading(store) as journal:
        assert_same(journal, done)
    with writing(store) as writer:
        done += record_many(writer, 1)
    seal_store(store)
    whole_store(store, done)
    assert_clean(store)
    # A copy, because libgit2 goes on with a pack that it has open.
    copy = store.parent / "copy"
    shutil.copytree(store, copy)
    (copy / "manifest").unlink()
    for pack in (repository_of(copy) / "objects" / "pack").glob("*.pack"):
        pack.unlink()
    with pytest.raises(IntegrityError, match="cannot be found"):
        reading(copy)


def test_an_object_that_only_a_killed_sealing_packed_is_stored_again(
    store: Path, done: list[Operation]
) -> None:
    """Its pack is not listed and may go."""
    seal_store(store)
    with writing(store) as writer:
        done += record_many(writer, 2)
    listed = read_manifest(store)
    assert listed is not None
    kept = store.parent / "kept"
    shutil.copytree(store / "journal", kept)
    seal_store(store)
    with reading(store) as journal:
        chunk = journal.sealed.index.chunks()[-1].blob
        content = journal.read(chunk)[1]
    shutil.rmtree(store / "journal")
    shutil.copytree(kept, store / "journal")
    write_manifest(store, listed)
    with writing(store) as writer:
        assert writer.sealed.packs.has(chunk)
        assert not writer.has(chunk)
        done.append(record(writer, content))
    seal_store(store)
    assert len(list((repository_of(store) / "objects" / "pack").glob("*.pack"))) == 2
    whole_store(store, done)
    assert_clean(store)


def test_without_git_sealing_is_refused(
    store: Path, done: list[Operation], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error says what is missing, and nothing is changed."""
    for name in ("env", "nice"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedError, match="127") as caught:
        seal_store(store)
    assert "install git" in caught.value.hint
    monkeypatch.undo()
    whole_store(store, done)
