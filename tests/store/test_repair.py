"""Repair: what some source still holds comes back, and nothing is lost or made up by trying."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.journals import flip
from support.pruning import edits
from support.repair_kill_points import sweep
from support.sealed import assert_clean

from stepwell.store import Workspace
from stepwell.store.bundling import export_bundle, repair_from
from stepwell.store.engine.context import no_progress
from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.verify import verify_journal
from stepwell.store.engine.recording import Act
from stepwell.store.engine.sealing.refs import operations_commit
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, object_id
from stepwell.store.model.reports import Sample

IDS = 8 + 256 * 4
"""Where the ids begin in a pack's index."""
BIG = random.Random(1).randbytes(5_000)


def recorded(ws: Workspace, project: Path) -> None:
    """Records steps with a file that stays, one that goes, and texts."""
    (project / "stays.bin").write_bytes(BIG)
    (project / "goes.bin").write_bytes(BIG[::-1])
    ws.record(act=Act("both", "tool", session="claude:s", prompt="make both files, please"))
    (project / "goes.bin").unlink()
    edits(ws, project, 2)


def damage_live(ws: Workspace, content: bytes) -> None:
    """Flips a byte in the live copy of a blob."""
    oid = object_id("blob", content)
    segment, offset = next(ws.objects.copies(oid))
    flip(segment.path, offset + frames.OVERHEAD + 40)


def damage_packed(ws: Workspace, content: bytes) -> None:
    """Flips a byte in the sealed copy of a blob."""
    oid = object_id("blob", content)
    index = next(i for i in ws.objects.sealed.packs.indexes if oid in i)
    flip(index.pack, (index.offset_of(oid) or 0) + 30)


def told(ws: Workspace) -> dict[str, Any]:
    """Returns the steps with every file's content."""
    steps = ws.steps(limit=100, all_branches=True)
    names = (b"stays.bin", b"src/app.py")
    return {s.id: [s.title, *(ws.read_file(s, n) for n in names)] for s in steps if s.seq > 2}


@pytest.mark.parametrize("damage", [damage_live, damage_packed])
def test_an_object_comes_back_from_the_folder(
    ws: Workspace, project: Path, home: Path, damage: Callable[[Workspace, bytes], None]
) -> None:
    """The pack or segment that held it is whole again, too."""
    recorded(ws, project)
    if damage is damage_packed:
        ws.gc()
    before = told(ws)
    damage(ws, BIG)
    with Workspace.open(project, home=home) as other:
        assert not other.verify(full=True).ok
        done = other.repair()
        assert done.before
        assert done.after == ()
        assert done.sources == {"workspace": 1}
        assert other.verify(full=True).ok
        assert told(other) == before
        other.gc()
        assert told(other) == before
        assert_clean(other.store)


@pytest.mark.parametrize("sealed", [False, True])
def test_what_the_folder_lacks_comes_back_from_a_bundle_or_stays_damaged(
    ws: Workspace, project: Path, tmp_path: Path, home: Path, sealed: bool
) -> None:
    """Without a source the damage is named as before, and healthy steps stay usable."""
    recorded(ws, project)
    bundle = tmp_path / "history.stepwell"
    export_bundle(ws, bundle, ws.steps(limit=100, all_branches=True))
    if sealed:
        ws.gc()
    (damage_packed if sealed else damage_live)(ws, BIG[::-1])
    with Workspace.open(project, home=home) as other:
        step = next(s for s in other.steps() if s.title == "both")
        done = other.repair()
        assert done.sources == {}
        assert [d.id for d in done.after if d.kind == "object"] == [
            object_id("blob", BIG[::-1]).hex()
        ]
        assert told(other)
        with pytest.raises(IntegrityError):
            other.read_file(step, b"goes.bin")
        assert repair_from(other, bundle).sources == {"bundle": 1}
        assert other.verify(full=True).ok
        assert other.read_file(step, b"goes.bin") == BIG[::-1]


def test_refs_configuration_and_indexes_are_written_anew(
    ws: Workspace, project: Path, home: Path
) -> None:
    """They are derived from what is whole."""
    recorded(ws, project)
    ws.gc()
    before = told(ws)
    repository = ws.store / "repo.git"
    # No digit any more: git refuses to read such a file at all.
    flip(repository / "packed-refs", 60, 0x80)
    (repository / "config").write_text("[core]\n\tfsmonitor = /bin/false\n")
    index = next(ws.objects.sealed.packs.indexes.__iter__())
    flip(index.path, 1500)
    with Workspace.open(project, home=home) as other:
        kinds = {d.kind for d in other.verify().damaged}
        assert {"refs", "config", "pack"} <= kinds
        assert other.repair().after == ()
        assert told(other) == before
        assert_clean(other.store)


def test_whoever_had_read_from_a_pack_reads_what_repair_put_in_its_place(
    ws: Workspace, project: Path, home: Path
) -> None:
    """Also of the index of an object that everything hangs on, with the damaged one still open."""
    recorded(ws, project)
    ws.gc()
    before = told(ws)
    sealed = operations_commit(ws.store / "repo.git")
    assert sealed is not None
    # Has it open while it is damaged and while it is replaced.
    assert ws.objects.sealed.packs.read(sealed)[0] == "commit"
    index = next(iter(ws.objects.sealed.packs.indexes))
    flip(index.path, IDS + list(index.ids()).index(sealed) * 20 + 19)
    with Workspace.open(project, home=home) as other:
        assert "pack" in {d.kind for d in other.verify().damaged}
        assert other.repair().after == ()
        assert told(other) == before
        assert other.verify(full=True).ok
    assert ws.verify(full=True).ok
    assert told(ws) == before


def test_a_lost_index_of_a_pack_is_made_again(ws: Workspace, project: Path, home: Path) -> None:
    """Without it nothing in the pack can be found."""
    recorded(ws, project)
    ws.gc()
    before = told(ws)
    index = next(ws.objects.sealed.packs.indexes.__iter__())
    os.unlink(index.path)
    with Workspace.open(project, home=home) as other:
        assert other.repair().after == ()
        assert told(other) == before


def test_a_large_file_in_pieces_and_a_damaged_header(
    ws: Workspace, project: Path, home: Path
) -> None:
    """The segment is written anew around the pieces that are gone; its operations keep numbers."""
    large = random.Random(2).randbytes(1_300_000)
    (project / "large").write_bytes(large)
    (project / "other").write_bytes(large[::-1])
    ws.capture("large")
    recorded(ws, project)
    numbers = [row.operation.number for row in ws.operations(100)]
    segment, offset = next(ws.objects.copies(object_id("blob", large)))
    flip(segment.path, offset - 200_000)
    flip(segment.path, 3)
    with Workspace.open(project, home=home) as other:
        assert not other.verify(full=True).ok
        assert other.repair().after == ()
        assert other.read_file(other.head(), b"large") == large
        assert other.read_file(other.head(), b"other") == large[::-1]
        assert [row.operation.number for row in other.operations(100)][1:] == numbers
        other.gc()
        assert other.verify(full=True).ok


def test_a_rollback_to_a_damaged_step_offers_the_nearest_whole_one(
    ws: Workspace, project: Path, home: Path
) -> None:
    """In the error's hint and facts, and in the verification's report."""
    recorded(ws, project)
    damage_live(ws, BIG[::-1])
    with Workspace.open(project, home=home) as other:
        step, before = other.get_step("#2"), other.get_step("#1")
        with pytest.raises(IntegrityError) as caught:
            other.plan_rollback(step)
        assert caught.value.facts["nearest"] == before.id
        assert "the nearest step that is whole is #1" in caught.value.hint
        assert other.verify(full=True).nearest == {step.id: before.id}


def test_a_new_capture_heals(ws: Workspace, project: Path, home: Path) -> None:
    """The object is stored again, because re-used ones are looked at first."""
    recorded(ws, project)
    damage_live(ws, BIG[::-1])
    (project / "again").write_bytes(BIG[::-1])
    with Workspace.open(project, home=home) as other:
        other.capture("again")
        step = other.get_step("#2")
        assert other.read_file(step, b"goes.bin") == BIG[::-1]
        assert {d.kind for d in other.verify(full=True).damaged} == {"frame"}
        assert other.repair().after == ()


def test_nothing_is_damaged_nothing_is_recorded(ws: Workspace, project: Path) -> None:
    """A repair of a whole store changes nothing."""
    recorded(ws, project)
    before = ws.operations(100)
    done = ws.repair()
    assert (done.before, done.after, done.mended) == ((), (), 0)
    assert ws.operations(100) == before


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_repair_killed_at_every_call_is_mended_by_the_next(
    ws: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """All points."""
    recorded(ws, project)
    ws.gc()
    damage_packed(ws, BIG)
    (project / "more").write_bytes(BIG[:3000])
    ws.capture("more")
    damage_live(ws, BIG[:3000])
    ws.close()
    assert sweep(project, home, tmp_path, first=1, step=1) == []


def test_samples_of_all_turns_are_everything() -> None:
    """Each object is in exactly one of them when the shares add up to all."""
    chance = random.Random(3)
    for _ in range(200):
        oid = Oid(chance.randbytes(20))
        assert sum(Sample(12.5, turn).takes(oid) for turn in range(8)) == 1


def test_a_sample_finds_damage_in_its_part(ws: Workspace, project: Path, home: Path) -> None:
    """And reads less than all."""
    recorded(ws, project)
    ws.gc()
    damage_packed(ws, BIG)
    with Workspace.open(project, home=home) as other:
        turns = []
        for day in range(4):
            sample = Sample(25, day)
            report = verify_journal(other.objects, full=False, progress=no_progress, sample=sample)
            turns.append(report.checked)
            found = object_id("blob", BIG).hex() in {d.id for d in report.damaged}
            assert found == sample.takes(object_id("blob", BIG))
        assert max(turns) < other.objects.verify(True).checked


def test_a_killed_repair_leaves_a_store_that_the_next_one_mends(
    ws: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """At some of its calls; more of them in the long run."""
    recorded(ws, project)
    ws.gc()
    edits(ws, project, 1)
    damage_packed(ws, BIG)
    (project / "more").write_bytes(BIG[:3000])
    ws.capture("more")
    damage_live(ws, BIG[:3000])
    ws.close()
    assert sweep(project, home, tmp_path, first=5, step=37) == []
