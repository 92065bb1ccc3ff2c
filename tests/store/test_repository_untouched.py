"""The user's repository is never written, and nothing that its configuration names is run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "import sys; from stepwell.store.cli.main import main; sys.exit(main())"

# Each of these makes some git command run a program of the repository's choice.
HOSTILE_SETTINGS = (
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "core.alternateRefsCommand",
    "diff.external",
    "diff.evil.textconv",
    "diff.evil.command",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "merge.evil.driver",
    "gpg.program",
    "credential.helper",
    "uploadpack.packObjectsHook",
)
HOOKS = ("pre-commit", "post-checkout", "post-index-change", "reference-transaction", "post-commit")

COMMANDS = (
    ("status",),
    ("capture", "-m", "second", "--label", "here", "--tag", "t"),
    ("capture",),
    ("log",),
    ("log", "--all", "--json"),
    ("show", "@"),
    ("diff",),
    ("diff", "@~1", "@", "--patch"),
    ("cat", "@:src/a.txt"),
    ("rollback", "@~1", "--dry-run"),
    ("rollback", "@~1", "--yes", "--force"),
    ("undo", "--yes"),
    ("redo", "--yes"),
    ("rollback", "@~1", "--path", "src", "--yes", "--force"),
    ("rollback", "#2", "--only", "--yes", "--force"),
    ("branch", "create", "try", "--at", "#1"),
    ("switch", "try", "--yes", "--force"),
    ("branch", "rename", "main", "trunk"),
    ("branch", "delete", "trunk"),
    ("operations",),
    ("mark", "@", "--note", "n"),
    ("unmark", "@"),
    ("gc",),
    ("rebuild",),
    ("transcripts", "list"),
    ("transcripts", "import", "git"),
    ("verify", "--full"),
    ("stats",),
)


def git(folder: Path, *words: str) -> None:
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    names = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *names, *words], check=True, env=environment)


def portrait(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about each file and folder but its times of access."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        seen = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        key = str(path.relative_to(folder))
        found[key] = (seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, content)
    return found


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def folder(tmp_path: Path, canary: Path) -> Path:
    """A repository with a commit, a stash, a staged change, and settings that run a program."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.txt").write_text("one\n")
    (folder / ".gitattributes").write_text("*.txt filter=evil diff=evil merge=evil\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "first")
    (folder / "src" / "a.txt").write_text("stashed\n")
    git(folder, "stash", "--quiet")
    (folder / "src" / "b.txt").write_text("staged\n")
    git(folder, "add", "src/b.txt")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {canary}\ncat\n")
    program.chmod(0o755)
    for hook in HOOKS:
        (folder / ".git" / "hooks" / hook).write_bytes(program.read_bytes())
        (folder / ".git" / "hooks" / hook).chmod(0o755)
    for setting in HOSTILE_SETTINGS:
        git(folder, "config", setting, str(program))
    canary.unlink(missing_ok=True)
    return folder


def test_git_itself_would_run_the_program(folder: Path, canary: Path) -> None:
    """The test below could fail: the settings are armed."""
    (folder / "src" / "a.txt").write_text("changed\n")
    git(folder, "add", "-A")
    assert canary.exists()


def test_no_command_writes_the_repository_or_runs_its_programs(
    folder: Path, canary: Path, tmp_path: Path
) -> None:
    """Byte for byte, times and inodes too, after every single command."""
    environment = os.environ | {"STEPWELL_HOME": str(tmp_path / "home")}
    before = portrait(folder / ".git")
    for words in (("init",), *COMMANDS):
        if words[0] == "capture":
            (folder / "src" / "a.txt").write_text("two\n")
        command = [sys.executable, "-c", PROGRAM, *words]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
        assert portrait(folder / ".git") == before, words
        assert not canary.exists(), words
