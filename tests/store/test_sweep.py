"""Taking the space of dropped steps: what stays is as before, what went is nowhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.pruning import FEW, edits, shown, told
from support.sealed import assert_clean, git

from stepwell.store import Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.forms import step_form
from stepwell.store.model.errors import NotFoundError, StepwellError
from stepwell.store.model.ids import object_id
from stepwell.store.model.retention import Policy


def blobs(ws: Workspace) -> set[str]:
    """Returns the ids of all objects in the sealed repository."""
    listed = git(ws.store / "repo.git", "cat-file", "--batch-all-objects", "--batch-check")
    return {line.split()[0] for line in listed.splitlines()}


def test_what_only_dropped_steps_need_is_gone_and_the_rest_is_as_before(
    ws: Workspace, project: Path, home: Path
) -> None:
    """In lists, files, search, blame, git's own log; in another process, and rebuilt."""
    secret = random.Random(1).randbytes(3_000)
    (project / "secret.bin").write_bytes(secret)
    ws.capture("in")
    (project / "secret.bin").unlink()
    edits(ws, project, 8)
    (project / "README.md").write_text("kept\n")
    ws.mark(ws.capture("kept", tags=["x"]), note="n", by="me")
    edits(ws, project, 4)
    ws.gc()
    ws.prune(FEW)
    before = told(ws)
    assert object_id("blob", secret).hex() in blobs(ws)
    done = ws.gc(grace_minutes=0).swept
    assert done.steps == 11
    assert done.bytes_after < done.bytes_before
    assert object_id("blob", secret).hex() not in blobs(ws)
    assert not ws.objects.has(object_id("blob", secret))
    assert told(ws) == before
    with Workspace.open(project, home=home) as other:
        assert told(other) == before
        other.rebuild()
        assert told(other) == before
        assert other.verify(full=True).ok
    assert_clean(ws.store)
    titles = git(ws.store / "repo.git", "log", "--format=%s", "main").splitlines()
    assert titles == [step.title for step in before["steps"]]
    assert ws.gc(grace_minutes=0).swept.steps == 0


def test_steps_that_were_not_agreed_to_stay(ws: Workspace, project: Path) -> None:
    """Though they are due; the next removal takes them."""
    edits(ws, project, 8)
    ws.gc()
    ws.prune(FEW)
    going = ws.removable(grace_minutes=0)
    assert len(going) == 6
    assert ws.gc(grace_minutes=0, only=()).swept.steps == 0
    assert ws.gc(grace_minutes=0, only=going[1:3]).swept.steps == 2
    assert ws.removable(grace_minutes=0) == (going[0], *going[3:])
    assert ws.verify(full=True).ok
    assert ws.gc(grace_minutes=0).swept.steps == 4


def test_within_the_grace_time_nothing_is_removed(ws: Workspace, project: Path) -> None:
    """And the prune can be taken back after a gc."""
    edits(ws, project, 8)
    before = told(ws)
    done = ws.prune(FEW)
    assert ws.gc().swept.steps == 0
    ws.undo(done.operation)
    assert told(ws) == before
    assert ws.gc(grace_minutes=0).swept.steps == 0
    assert told(ws) == before


def test_after_the_removal_the_prune_cannot_be_taken_back(ws: Workspace, project: Path) -> None:
    """Nor an older rollback to a step that is gone; newer ones can."""
    edits(ws, project, 3)
    ws.apply(ws.plan_rollback(ws.get_step("#2")))
    old = next(r.operation.number for r in ws.operations(5) if r.operation.kind == "rollback")
    for row in ws.branches():
        if row.kept:
            ws.delete_branch(row.name)
    edits(ws, project, 6)
    ws.apply(ws.plan_rollback(ws.get_step("@~1")))
    newer = next(r.operation.number for r in ws.operations(5) if r.operation.kind == "rollback")
    done = ws.prune(Policy(keep_last=2, hourly=0, daily=0, per_session=1, safety_days=0))
    assert done.operation is not None
    ws.gc(grace_minutes=0)
    for number in (old, done.operation):
        with pytest.raises(NotFoundError):
            ws.plan_undo(number)
    content = (project / "src" / "app.py").read_text()
    ws.undo(newer)
    assert "v5" in (project / "src" / "app.py").read_text() != content


def test_what_a_plan_needs_stays_until_it_is_of_no_use(ws: Workspace, project: Path) -> None:
    """The undo of a rollback whose steps stay brings content back that is in no step."""
    edits(ws, project, 8)
    (project / "loose.txt").write_text("in the safety step alone\n")
    ws.apply(ws.plan_rollback(ws.get_step("@~1")), force=True)
    ws.prune(Policy(keep_last=1, hourly=0, daily=0, per_session=1, safety_days=14))
    ws.gc(grace_minutes=0)
    ws.undo()
    assert (project / "loose.txt").read_text() == "in the safety step alone\n"


def test_content_that_comes_back_is_stored_anew(either: Workspace, project: Path) -> None:
    """A capture of what was removed, by a process that knew it before."""
    edits(either, project, 8)
    text = (project / "src" / "app.py").read_text()
    (project / "src" / "app.py").write_text("other\n")
    either.capture("other")
    edits(either, project, 4)
    either.gc()
    either.prune(FEW)
    assert either.gc(grace_minutes=0).swept.steps
    (project / "src" / "app.py").write_text(text)
    again = either.capture("again")
    assert either.read_file(again, b"src/app.py") == text.encode()
    assert either.verify(full=True).ok


def test_a_prune_after_a_removal_goes_on(ws: Workspace, project: Path, home: Path) -> None:
    """Again and again; numbers are never given twice, and the View is as folded anew."""
    last = 0
    for _ in range(4):
        assert min(edits(ws, project, 6)) > last
        last = ws.head().seq
        ws.prune(FEW)
        ws.gc(grace_minutes=0)
        assert len(shown(ws)) == 3
    view = ws.view()
    (ws.store / "view").unlink()
    with Workspace.open(project, home=home) as other:
        assert other.view() == view
        assert other.verify(full=True).ok
    assert ws.stats().steps == 3


def test_damage_in_what_stays_stops_the_removal(ws: Workspace, project: Path) -> None:
    """Nothing is removed, and the damage is told by verify."""
    edits(ws, project, 8)
    ws.gc()
    ws.prune(FEW)
    (pack,) = (ws.store / "repo.git" / "objects" / "pack").glob("*.pack")
    index = PackIndex.open(pack.with_suffix(".idx"))
    offset = index.offset_of(ws.head().snapshot.tree) if index else None
    assert offset is not None
    content = bytearray(pack.read_bytes())
    content[offset + 6] ^= 0x10
    pack.chmod(0o600)
    pack.write_bytes(content)
    with pytest.raises(StepwellError) as caught:
        ws.gc(grace_minutes=0)
    assert pack.exists(), caught.value
    assert not ws.verify(full=True).ok


def test_steps_in_other_forms_are_swept_too(ws: Workspace, project: Path) -> None:
    """Texts of dropped steps go: prompts, inputs and results; those of others stay."""
    for number in range(8):
        (project / "README.md").write_text(f"{number}\n")
        ws.record(act=Act(f"e{number}", "tool", input=f'{{"secret": "s{number}"}}'))
    ws.prune(FEW)
    ws.gc(grace_minutes=0)
    packs = [git(ws.store / "repo.git", "cat-file", "blob", oid) for oid in kinds(ws, "blob")]
    found = "".join(packs)
    assert '"s1"' not in found
    assert '"s7"' in found
    assert next(ws.text(step.input) for step in ws.steps()) == '{"secret": "s7"}'
    assert step_form(ws.head())["seq"] == 9


def test_damage_in_what_goes_is_removed_with_it(ws: Workspace, project: Path) -> None:
    """It hinders nobody, and the store is whole again."""
    edits(ws, project, 8)
    gone = ws.get_step("#3").snapshot.tree
    ws.gc()
    ws.prune(FEW)
    (pack,) = (ws.store / "repo.git" / "objects" / "pack").glob("*.pack")
    index = PackIndex.open(pack.with_suffix(".idx"))
    offset = index.offset_of(gone) if index else None
    assert offset is not None
    content = bytearray(pack.read_bytes())
    content[offset + 6] ^= 0x10
    pack.chmod(0o600)
    pack.write_bytes(content)
    assert not ws.verify(full=True).ok
    ws.gc(grace_minutes=0)
    assert ws.verify(full=True).ok


def kinds(ws: Workspace, kind: str) -> list[str]:
    """Returns the ids of the objects of a kind."""
    listed = git(ws.store / "repo.git", "cat-file", "--batch-all-objects", "--batch-check")
    return [line.split()[0] for line in listed.splitlines() if line.split()[1] == kind]
