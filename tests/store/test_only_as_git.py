"""Taking one step back, beside `git revert` on the same history."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from stepwell.store import Step, Workspace

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def git(folder: Path, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
    run = subprocess.run(
        ["git", "-C", folder, *arguments], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert run.returncode in ok, run.stderr
    return run.stdout


def edit(project: Path, chance: random.Random, times: int) -> None:
    """Makes, deletes, changes the mode of, or edits a line or two of a few files."""
    for _ in range(times):
        path = project / chance.choice("abcd")
        way = chance.random()
        if not path.exists() or way < 0.1:
            path.write_text("".join(f"{path.name} {number}\n" for number in range(12)))
        elif way < 0.17:
            path.unlink()
        elif way < 0.25:
            path.chmod(chance.choice([0o644, 0o755]))
        else:
            lines = path.read_text().splitlines(keepends=True)
            at = chance.randrange(len(lines) + 1)
            lines[at : at + chance.randrange(2)] = [f"new {chance.randrange(9)}\n"]
            path.write_text("".join(lines))


def commit(ws: Workspace, project: Path) -> Step:
    """Records the same state as a step and as a commit."""
    git(project, "add", "-A")
    git(project, "commit", "-q", "--allow-empty", "-m", "work")
    return ws.capture("work", tags=["kept although nothing may differ"])


@pytest.mark.compat
@pytest.mark.parametrize("seed", range(12))
def test_a_step_is_taken_back_as_git_reverts_a_commit(
    tmp_path: Path, home: Path, seed: int
) -> None:
    """The same tree, or conflicts on the same paths."""
    chance = random.Random(seed)
    project, clone = tmp_path / "project", tmp_path / "clone"
    project.mkdir()
    git(project, "init", "-q")
    edit(project, chance, 4)
    with Workspace.init(project, home=home) as ws:
        steps = [commit(ws, project)]
        for _ in range(4):
            edit(project, chance, 2)
            steps.append(commit(ws, project))
        back = chance.randrange(1, 4)
        git(tmp_path, "clone", "-q", str(project), str(clone))
        number = len(steps) - 1 - back
        no_renames = ["-c", "merge.renames=false"]
        git(clone, *no_renames, "revert", "-n", f"HEAD~{number}", ok=(0, 1))
        unmerged = {row.split("\t")[1] for row in git(clone, "ls-files", "-u").splitlines()}
        planned = ws.plan_rollback(steps[back], only=True)
        assert {os.fsdecode(one.path) for one in planned.plan.conflicts} == unmerged
        if not unmerged:
            ws.apply(planned)
            assert ws.head().snapshot.tree.hex() == git(clone, "write-tree").strip()
