"""Sealing a workspace: what the timeline shows stays the same, and git shows it too."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.sealed import assert_clean, git

from stepwell.store import Applied, Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.forms import step_form
from stepwell.store.model.steps import Operation


@pytest.fixture
def told(ws: Workspace, project: Path) -> Workspace:
    """Gives the workspace marks, texts, extras, a rollback, a kept and a deleted branch."""
    (project / ".gitmodules").write_text("[submodule]\n")
    (project / "empty").mkdir()
    (project / "src" / "app.py").chmod(0o750)
    (project / ".gitignore").write_text("*.log\n")
    (project / "x.log").write_text("ignored\n")
    first = ws.capture("odd entries", label="base", tags=["one", "two"])
    for number in range(4):
        (project / "src" / "app.py").write_text(f"def run():\n    return {number}\n")
        ws.record(act=Act(f"edit {number}", "tool", "claude:a1", number, "Edit", input="{}"))
    ws.mark(ws.head(), note="as it should be", by="me", path=b"src/app.py", line=2)
    (project / "drift").write_text("never captured\n")
    ws.apply(ws.plan_rollback(first), force=True)
    ws.create_branch("spare", at="@~1")
    ws.apply(ws.plan_switch("spare"))
    (project / "spare").write_text("on a branch that goes\n")
    ws.capture("to be left")
    ws.apply(ws.plan_switch("main"))
    ws.delete_branch("spare")
    return ws


def everything(ws: Workspace) -> dict[str, Any]:
    """Returns all that the facade tells of a workspace's history."""
    steps = ws.steps(limit=1000, all_branches=True)
    return {
        "steps": [step_form(step) for step in steps],
        "operations": ws.operations(1000),
        "branches": ws.branches(),
        "sessions": ws.sessions(),
        "changes": [ws.step_changes(step) for step in steps],
        "covered": [ws.covered(step) for step in steps],
        "inputs": [ws.text(step.input) for step in steps],
        "view": ws.view(),
    }


def repository(ws: Workspace) -> Path:
    """Returns the sealed repository."""
    return ws.store / "repo.git"


def test_nothing_looks_different_after_sealing(told: Workspace, project: Path, home: Path) -> None:
    """In the workspace that sealed, in another one, and with the catalogue made anew."""
    before = everything(told)
    told.gc()
    assert everything(told) == before
    with Workspace.open(project, home=home) as other:
        assert everything(other) == before
        other.rebuild()
        assert everything(other) == before
        assert other.verify(full=True).damaged == ()
    assert_clean(told.store)


def test_undo_and_rollback_reach_behind_what_is_sealed(told: Workspace, project: Path) -> None:
    """Plans, their contents and inverses are sealed with everything else."""
    told.gc()
    step = told.get_step("base")
    content = told.read_file(step, b"src/app.py")
    told.apply(told.plan_rollback(told.get_step("main.1")), force=True)
    assert (project / "src" / "app.py").read_bytes() != content
    told.undo()
    assert (project / "src" / "app.py").read_bytes() == content
    assert isinstance(told.undo(), Operation)
    assert isinstance(told.undo(), Applied)
    assert told.verify(full=True).ok


def test_git_log_reads_the_steps(told: Workspace) -> None:
    """Titles, times, trailers; branches, kept ones too; HEAD is the current one."""
    told.gc()
    listed = git(repository(told), "log", "--format=%s").splitlines()
    assert listed == [step.title for step in told.steps(limit=100)]
    (kept,) = [branch for branch in told.branches() if branch.kept]
    one = git(repository(told), "log", "-1", "--format=%B%ct", f"refs/heads/{kept.name}")
    step = told.get_step(kept.head)
    assert one.splitlines()[2:] == [
        f"Stepwell-Step: {step.id}",
        *([f"Stepwell-Session: {step.session}"] if step.session else []),
        *([f"Stepwell-Turn: {step.turn}"] if step.turn else []),
        f"Stepwell-Kind: {step.kind}",
        *([f"Stepwell-Tool: {step.tool}"] if step.tool else []),
        f"Stepwell-Branch: {step.branch}",
        f"Stepwell-Seq: {step.seq}",
        str(step.time_ns // 10**9),
    ]
    content = git(repository(told), "show", f"{kept.name}:src/app.py")
    assert content.encode() == told.read_file(step, b"src/app.py")


def test_steps_that_no_branch_reaches_are_kept(told: Workspace) -> None:
    """A branch that was deleted leaves its steps behind, sealed before or after."""
    told.gc()
    (left,) = [s for s in told.steps(limit=100, all_branches=True) if s.title == "to be left"]
    assert left.id in git(repository(told), "log", "--format=%B", "--glob=refs/stepwell/steps/*")
    told.create_branch("again", at=left)
    told.gc()
    assert git(repository(told), "for-each-ref", "refs/stepwell/steps") == ""
    told.delete_branch("again")
    told.gc()
    assert left.id in git(repository(told), "log", "--format=%B", "--glob=refs/stepwell/steps/*")
    assert_clean(told.store)


def test_a_mirror_clone_in_its_place_is_the_whole_store(
    told: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """Same ids, order, tags, notes, branches and undo list, from the repository alone."""
    told.gc()
    before = everything(told)
    told.close()
    mirror = tmp_path / "mirror.git"
    source = f"file://{repository(told)}"
    subprocess.run(["git", "clone", "--quiet", "--mirror", source, mirror], check=True)
    for path in told.store.iterdir():
        if path.name not in ("store.json", "lock", "tmp"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    os.rename(mirror, repository(told))
    with Workspace.open(project, home=home) as ws:
        ws.rebuild()
        assert everything(ws) == before
        assert ws.verify(full=True).damaged == ()
        (project / "more").write_text("and on it goes\n")
        step = ws.capture("after the rebuild")
        assert step.seq == before["view"].last_seq + 1
        ws.gc()
        assert ws.verify(full=True).damaged == ()
    assert_clean(told.store)


def test_a_mirror_clone_in_place_of_the_repository_alone(
    told: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """With the journal still there, what was recorded since the sealing stays, too."""
    told.gc()
    (project / "more").write_text("not sealed\n")
    told.capture("not sealed")
    before = everything(told)
    mirror = tmp_path / "mirror.git"
    source = f"file://{repository(told)}"
    subprocess.run(["git", "clone", "--quiet", "--mirror", source, mirror], check=True)
    shutil.rmtree(repository(told))
    os.rename(mirror, repository(told))
    with Workspace.open(project, home=home) as ws:
        assert everything(ws) == before
        assert not ws.verify().ok
        ws.rebuild()
        assert everything(ws) == before
        assert ws.verify(full=True).damaged == ()


def test_the_environment_leads_git_nowhere_else(
    told: Workspace, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that point git to other repositories, objects, configuration and hooks."""
    other = tmp_path / "other.git"
    git(other, "init", "--quiet", "--bare")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "reference-transaction").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "reference-transaction").chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n")
    before = sorted(str(path) for path in other.rglob("*"))
    for name, value in {
        "GIT_DIR": other,
        "GIT_OBJECT_DIRECTORY": other / "objects",
        "GIT_COMMON_DIR": other,
        "GIT_NAMESPACE": "elsewhere",
        "GIT_CONFIG_GLOBAL": config,
        "GIT_CONFIG_COUNT": "0",
        "HOME": tmp_path,
    }.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / ".gitconfig").write_text(config.read_text())
    monkeypatch.chdir(project)
    told.gc()
    assert sorted(str(path) for path in other.rglob("*")) == before
    assert not (tmp_path / "ran").exists()
    assert_clean(told.store)


def test_stats_count_what_is_sealed(told: Workspace) -> None:
    """Steps, operations and bytes move from segments to packs."""
    before = told.stats()
    assert (before.sealed_steps, before.packs, before.sealed_bytes) == (0, 0, 0)
    told.gc()
    after = told.stats()
    assert (after.sealed_steps, after.sealed_operations) == (after.steps, after.operations)
    assert after.sealed_raw_bytes == after.raw_bytes == before.raw_bytes
    assert after.segment_bytes < 100 < after.sealed_bytes
    assert after.segments == after.packs == 1


def test_random_work_with_sealing_in_between(ws: Workspace, project: Path) -> None:
    """However steps and sealings alternate, every step gives its exact files back."""
    chance = random.Random(5)
    expected: dict[str, dict[str, bytes]] = {}
    for _ in range(30):
        name = f"f{chance.randrange(6)}"
        (project / name).write_bytes(chance.randbytes(chance.randrange(2_000)))
        step = ws.capture("work")
        expected[step.id] = {p.name: p.read_bytes() for p in project.glob("f*")}
        if chance.random() < 0.2:
            ws.gc()
        if chance.random() < 0.2:
            ws.apply(ws.plan_rollback(ws.get_step(chance.choice(list(expected)))))
    for identity, files in expected.items():
        step = ws.get_step(identity)
        assert {n: ws.read_file(step, n.encode()) for n in files} == files
    assert ws.verify(full=True).ok


def test_a_history_that_is_sealed_often_stays_small(ws: Workspace, project: Path) -> None:
    """Packs of about one size are merged long before there are thirty."""
    merged = []
    for number in range(8):
        (project / "README.md").write_text(f"{number}\n" * 50)
        ws.capture("edit")
        merged.append(ws.gc().sealed.merged)
    assert max(merged) > 3
    assert ws.stats().packs < 6
    assert ws.verify(full=True).ok
