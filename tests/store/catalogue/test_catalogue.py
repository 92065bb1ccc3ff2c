"""What the catalogue answers: the same as the journal, however it comes to know it."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tinydb import Query

from stepwell.store.catalogue import Catalogue, rebuild
from stepwell.store.catalogue import batch as batch_module
from stepwell.store.catalogue import shards as shards_module
from stepwell.store.catalogue.appendfile import DEFLATED
from stepwell.store.catalogue.contents import Contents
from stepwell.store.catalogue.shards import Shards
from stepwell.store.catalogue.tables import CatalogueDB
from stepwell.store.engine.codec import step_to_json
from stepwell.store.engine.journal import Journal, JournalWriter
from stepwell.store.model.errors import BusyError, IntegrityError, NoSpaceError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step, StepRecorded

Answers = Callable[[Catalogue], dict[str, object]]
Writing = Callable[..., AbstractContextManager[JournalWriter]]


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many shards and batches without thousands of steps."""
    monkeypatch.setattr(shards_module, "SHARD_STEPS", 50)
    monkeypatch.setattr(batch_module, "BATCH_STEPS", 35)


def _open(folder: Path, journal: Journal, *, writable: bool = True) -> Catalogue:
    journal.refresh()
    return Catalogue.open(folder, journal, writable=writable)


def _files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


@contextmanager
def _busy(folder: Path) -> Iterator[None]:
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def _full_disk(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_pages_go_through_all_steps_newest_first(
    history: Any, journal: Journal, folder: Path
) -> None:
    """Page by page, each step exactly once and as it was recorded."""
    history.record(230)
    catalogue = _open(folder, journal)
    seen: list[Step] = []
    while page := catalogue.page(seen[-1].seq if seen else None, 17):
        assert len(page) <= 17
        seen += page
    assert seen == history.steps[::-1]
    assert catalogue.count() == 230 and catalogue.number == 230
    assert catalogue.page(None, 0) == [] == catalogue.page(1, 5)
    middle = history.steps[99]
    assert catalogue.page(middle.seq, 3) == history.steps[98:95:-1]


def test_steps_are_found_by_number_and_id(history: Any, journal: Journal, folder: Path) -> None:
    """None where there is nothing."""
    history.record(120)
    catalogue = _open(folder, journal)
    for step in history.steps[::7]:
        assert catalogue.step_by_seq(step.seq) == catalogue.step(step.id) == step
    assert catalogue.step_by_seq(history.steps[-1].seq + 1) is None
    assert catalogue.step(StepId("00" * 16)) is None


def test_chains_follow_first_parents(history: Any, journal: Journal, folder: Path) -> None:
    """From a head, and from any step on the way, in pages."""
    history.record(150)
    catalogue = _open(folder, journal)
    known = {step.id: step for step in history.steps}
    expected = [history.steps[-1]]
    while expected[-1].parents:
        expected.append(known[expected[-1].parents[0]])
    assert len(expected) > 20
    assert catalogue.chain(expected[0].seq, 1_000) == expected
    assert catalogue.chain(expected[0].seq, 5) == expected[:5]
    assert catalogue.chain(expected[0].seq, 5, before=expected[4].seq) == expected[5:10]
    assert catalogue.chain(10**9, 5) == []


def test_sessions_count_their_own_steps(history: Any, journal: Journal, folder: Path) -> None:
    """First and last time, newest step; the session with the newest step comes first."""
    history.record(140)
    catalogue = _open(folder, journal)
    by_name: dict[str, list[Step]] = {}
    for step in history.steps:
        if step.session is not None:
            by_name.setdefault(step.session, []).append(step)
    rows = {row.name: row for row in catalogue.sessions()}
    assert rows.keys() == by_name.keys() and len(rows) == 3
    for name, steps in by_name.items():
        row = rows[name]
        assert (row.steps, row.agent, row.last_step) == (len(steps), steps[-1].agent, steps[-1].id)
        assert (row.first_ns, row.last_ns) == (steps[0].time_ns, steps[-1].time_ns)
        assert catalogue.session_steps(name, None, 1_000) == steps[::-1]
        assert catalogue.session_steps(name, steps[5].seq, 2) == [steps[4], steps[3]]
    newest = [by_name[row.name][-1].seq for row in catalogue.sessions()]
    assert newest == sorted(newest, reverse=True)
    assert catalogue.session_steps("nobody", None, 9) == []


def test_checkpoints_and_branches_are_those_of_the_view(
    history: Any, journal: Journal, folder: Path
) -> None:
    """Whatever was set, changed and taken away again."""
    history.record(200)
    catalogue = _open(folder, journal)
    view = journal.view()
    assert {row.step: row.mark for row in catalogue.checkpoints()} == dict(view.marks)
    assert len(view.marks) > 3
    assert [b.name for b in catalogue.branches()] == sorted(view.branches)
    assert {b.name: b for b in catalogue.branches()} == dict(view.branches)
    assert catalogue.current == view.current
    seqs = [row.seq for row in catalogue.checkpoints()]
    assert seqs == sorted(seqs, reverse=True)
    tagged = {step for step, mark in view.marks.items() if "b" in mark.tags}
    labelled = {step for step, mark in view.marks.items() if mark.label == "label-1"}
    assert {row.step for row in catalogue.checkpoints(tag="b")} == tagged
    assert {row.step for row in catalogue.checkpoints(label="label-1")} == labelled
    both = {row.step for row in catalogue.checkpoints("label-1", "b")}
    assert both == tagged & labelled


def test_step_files_are_tinydb_tables_of_the_stored_form(
    history: Any, journal: Journal, folder: Path
) -> None:
    """Each step is in the file of its number, whole, and TinyDB's queries find it there."""
    history.record(170)
    _open(folder, journal)
    by_shard: dict[int, list[Step]] = {}
    for step in history.steps:
        by_shard.setdefault(step.seq // 50, []).append(step)
    names = {p.name for p in folder.glob("steps-*")}
    assert names == {f"steps-1-{shard:06d}" for shard in by_shard}
    for shard, steps in by_shard.items():
        table = CatalogueDB(folder / f"steps-1-{shard:06d}").table("steps")
        assert [dict(d) for d in table] == [step_to_json(step) for step in steps]
        assert [d.doc_id for d in table] == [step.seq for step in steps]
        found = table.search(Query().kind == "gap")
        assert [d["seq"] for d in found] == [s.seq for s in steps if s.kind == "gap"]
    pins = Contents.load(folder).shard_pins()
    everything = Shards(folder, 1, pins).steps([step.seq for step in history.steps])
    assert list(everything.values()) == history.steps


def test_step_files_that_are_full_are_deflated(
    history: Any, journal: Journal, folder: Path
) -> None:
    """By whoever begins the next; one who has read them before, or not at all, reads on."""
    history.record(90)
    before = _open(folder, journal)
    assert before.page(None, 500) == history.steps[::-1]
    history.record(90)
    journal.refresh()
    after = _open(folder, journal)
    files = sorted(folder.glob("steps-*"))
    heads = [path.read_bytes().startswith(DEFLATED) for path in files]
    assert heads == [True] * (len(files) - 1) + [False]
    before.catch_up()
    for catalogue in (after, before, _open(folder, journal)):
        assert catalogue.page(None, 500) == history.steps[::-1]
    files[0].write_bytes(files[0].read_bytes()[:-9])
    assert _open(folder, journal).page(None, 500) == history.steps[::-1]


@pytest.mark.parametrize("together", [1, 7])
def test_keeping_up_and_rebuilding_give_the_same(
    history: Any, journal: Journal, folder: Path, answers: Answers, together: int
) -> None:
    """Folded one by one, in batches, in memory or anew: one answer."""
    kept = Catalogue.open(folder, journal, writable=True)
    for count in (1, 1, 5, 80, 1, 30):
        history.record(count, together=together)
        journal.refresh()
        kept.catch_up()
    expected = answers(kept)
    assert expected["steps"] == history.steps[::-1]
    assert answers(_open(folder, journal)) == expected
    assert answers(_open(folder.with_name("absent"), journal, writable=False)) == expected
    assert not folder.with_name("absent").exists()
    assert rebuild(folder, journal) == len(history.steps)
    assert answers(_open(folder, journal, writable=False)) == expected
    assert {p.name.split("-")[1] for p in folder.glob("*-*")} == {"2"}
    assert not kept.rebuilt


def test_a_catalogue_that_is_up_to_date_is_not_written(
    history: Any, journal: Journal, folder: Path
) -> None:
    """Opening, reading and catching up leave every byte alone; files are private."""
    history.record(60)
    _open(folder, journal)
    before = _files(folder)
    catalogue = _open(folder, journal)
    assert catalogue.catch_up() == 0
    catalogue.page(None, 100)
    catalogue.close()
    catalogue.close()
    assert _files(folder) == before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}


def test_a_reader_that_may_not_write_answers_the_same(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """It folds the tail in memory, over and over as the journal grows, and writes nothing."""
    history.record(70)
    _open(folder, journal)
    before = _files(folder)
    reader = _open(folder, journal, writable=False)
    for count in (1, 40, 3):
        history.record(count)
        journal.refresh()
        assert reader.catch_up() == count
        assert answers(reader)["steps"] == history.steps[::-1]
    assert _files(folder) == before
    expected = answers(reader)
    assert answers(_open(folder, journal)) == expected
    assert answers(reader) == expected


def test_a_busy_catalogue_is_read_without_waiting(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """While another process writes, the tail is folded in memory; afterwards into the files."""
    history.record(40)
    catalogue = _open(folder, journal)
    with _busy(folder):
        before = _files(folder)
        history.record(60)
        journal.refresh()
        assert catalogue.catch_up() == 60
        assert answers(catalogue)["steps"] == history.steps[::-1]
        assert _files(folder) == before
        with pytest.raises(BusyError):
            rebuild(folder, journal)
    history.record(5)
    journal.refresh()
    assert catalogue.catch_up() == 5
    assert Contents.load(folder).meta.number == 105
    assert answers(catalogue) == answers(_open(folder, journal, writable=False))
    assert not catalogue.rebuilt


def test_one_reader_follows_what_another_writes(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """Through appends, compactions of the main file and a rebuild, without reading all anew."""
    history.record(30)
    with Journal.open(history.writer.store) as other_journal:
        mine, other = _open(folder, journal), _open(folder, other_journal)
        for turn in range(6):
            history.record(20)
            other_journal.refresh()
            other.catch_up()
            if turn == 2:
                other._state.contents._database.storage.compact()
            if turn == 4:
                rebuild(folder, other_journal)
            journal.refresh()
            mine.catch_up()
            assert answers(mine)["steps"] == history.steps[::-1]
            mine, other = other, mine
            journal, other_journal = other_journal, journal
        assert not mine.rebuilt and not other.rebuilt
        assert answers(mine) == answers(_open(folder, journal, writable=False))


def test_a_full_disk_costs_no_answer(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """The failure is noted, the answer is right, and with room again the files catch up."""
    history.record(100)
    catalogue = _open(folder, journal)
    history.record(90)
    journal.refresh()
    for limit in (0, 3_000, 9_000, 20_000):
        shutil.copytree(folder, folder.with_name("copy"))
        with _full_disk(limit):
            tight = Catalogue.open(folder.with_name("copy"), journal, writable=True)
            assert answers(tight)["steps"] == history.steps[::-1]
        assert isinstance(tight.failure, NoSpaceError)
        again = _open(folder.with_name("copy"), journal)
        assert again.failure is None and not again.rebuilt
        assert answers(again) == answers(tight)
        shutil.rmtree(folder.with_name("copy"))
    with _full_disk(3_000):
        catalogue.catch_up()
    history.record(1)
    journal.refresh()
    catalogue.catch_up()
    assert catalogue.failure is None and Contents.load(folder).meta.number == 191
    with _full_disk(3_000), pytest.raises(NoSpaceError):
        rebuild(folder, journal)
    assert answers(_open(folder, journal))["steps"] == history.steps[::-1]


def test_a_catalogue_of_another_journal_is_made_anew(
    history: Any, journal: Journal, folder: Path, answers: Answers, writer_of: Writing
) -> None:
    """Copied from another store, it is whole, and wrong in every row."""
    history.record(60)
    _open(folder, journal)
    other_store = history.writer.store.with_name("other")
    with writer_of(other_store, 2) as writer:
        other = type(history)(writer, 3)
        other.record(80)
        with Journal.open(other_store) as other_journal:
            expected = answers(_open(other_store / "catalogue", other_journal))
            shutil.rmtree(other_store / "catalogue")
            shutil.copytree(folder, other_store / "catalogue")
            reader = _open(other_store / "catalogue", other_journal, writable=False)
            assert answers(reader) == expected and not reader.rebuilt
            catalogue = _open(other_store / "catalogue", other_journal)
            assert answers(catalogue) == expected and catalogue.rebuilt
            assert not _open(other_store / "catalogue", other_journal).rebuilt


def test_a_catalogue_of_a_longer_journal_is_made_anew(
    history: Any, tmp_path: Path, folder: Path, answers: Answers, writer_of: Writing
) -> None:
    """When the journal comes back from an old copy, and goes on differently."""
    history.record(50)
    shutil.copytree(history.writer.store, tmp_path / "old")
    history.record(30)
    with Journal.open(history.writer.store) as journal:
        _open(folder, journal)
    shutil.copytree(folder, tmp_path / "old" / "catalogue")
    with Journal.open(tmp_path / "old") as journal:
        reader = _open(tmp_path / "old" / "catalogue", journal, writable=False)
        assert answers(reader)["steps"] == history.steps[:50][::-1]
    with writer_of(tmp_path / "old", 9) as writer:
        different = type(history)(writer, 4)
        different.steps = history.steps[:50]
        different.record(40)
    with Journal.open(tmp_path / "old") as journal:
        catalogue = _open(tmp_path / "old" / "catalogue", journal)
        assert answers(catalogue)["steps"] == different.steps[::-1]
        assert catalogue.rebuilt


def test_an_empty_journal_has_an_empty_catalogue(journal: Journal, folder: Path) -> None:
    """Nothing is written before there is anything to say."""
    catalogue = Catalogue.open(folder, journal, writable=True)
    assert catalogue.page(None, 5) == catalogue.sessions() == catalogue.checkpoints() == []
    assert (catalogue.number, catalogue.count(), len(catalogue.graph())) == (0, 0, 0)
    assert not folder.exists()
    assert rebuild(folder, journal) == 0


def test_a_step_numbered_below_an_earlier_one_is_damage_of_the_journal(
    history: Any, journal: Journal, folder: Path
) -> None:
    """Rows would not be in order; better no catalogue than a wrong one."""
    history.record(5)
    history.commit([StepRecorded(history.step(2, "main", ()))])
    with pytest.raises(IntegrityError, match="below that of an earlier one"):
        _open(folder, journal)


def test_what_was_asked_before_is_asked_anew(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """No answer is remembered from before another process wrote."""
    history.record(90)
    reader = _open(folder, journal)
    assert reader.checkpoints() != []
    answers(reader)
    history.record(90)
    journal.refresh()
    writer = _open(folder, journal)
    reader.catch_up()
    assert answers(reader) == answers(writer)
