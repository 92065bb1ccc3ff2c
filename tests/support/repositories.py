"""Repositories made by the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stepwell.store import Step, Workspace

EPOCH = 1_500_000_000


class Repository:
    """A repository in which each commit is a minute after the one before."""

    def __init__(self, root: Path, *init: str) -> None:
        self.root = root
        self.minute = 0
        root.mkdir(parents=True, exist_ok=True)
        self("init", "--quiet", "--initial-branch=main", *init)

    def __call__(self, *words: str | bytes, feed: bytes | None = None) -> bytes:
        """Runs git and returns what it printed."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Bob",
            "GIT_COMMITTER_EMAIL": "bob@example.org",
            "GIT_AUTHOR_DATE": f"{EPOCH + 60 * self.minute - 5} +0200",
            "GIT_COMMITTER_DATE": f"{EPOCH + 60 * self.minute} +0000",
        }
        command = ["git", "-c", "protocol.file.allow=always", *words]
        done = subprocess.run(
            command, cwd=self.root, env=environment, input=feed, capture_output=True
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def write(self, path: str | bytes, content: str | bytes) -> Path:
        """Writes a file, its folders too."""
        full = Path(os.fsdecode(os.path.join(os.fsencode(self.root), os.fsencode(path))))
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content if isinstance(content, bytes) else content.encode())
        return full

    def commit(self, message: str | bytes = "work", *options: str) -> str:
        """Commits everything and returns the commit's id."""
        self.minute += 1
        self("add", "-A")
        text = message if isinstance(message, bytes) else message.encode()
        self(
            "commit",
            "--quiet",
            "--allow-empty",
            "--allow-empty-message",
            *options,
            "-F-",
            feed=text,
        )
        return self.head()

    def merge(self, *names: str) -> str:
        """Merges branches, with a commit even where none is needed."""
        self.minute += 1
        self("merge", "--quiet", "--no-ff", "-m", f"merge {' '.join(names)}", *names)
        return self.head()

    def tree_commit(self, entries: bytes, *parents: str) -> str:
        """Commits a tree of raw bytes, however malformed, and makes it the tip of main."""
        self.minute += 1
        tree = self("hash-object", "-w", "--stdin", "--literally", "-t", "tree", feed=entries)
        words = [word for parent in parents for word in ("-p", parent)]
        made = self("commit-tree", tree.strip(), *words, "-m", "odd").decode().strip()
        self("update-ref", "refs/heads/main", made)
        return made

    def head(self) -> str:
        """Returns the id of the commit that is checked out."""
        return self("rev-parse", "HEAD").decode().strip()

    def commits(self) -> list[str]:
        """Returns the ids of all commits that branches lead to."""
        return self("rev-list", "--branches", "HEAD").decode().split()

    def files(self, commit: str) -> dict[bytes, tuple[int, str]]:
        """Returns path -> (mode, blob) of a commit; submodules left out."""
        found = {}
        for line in self("ls-tree", "-r", "-z", commit).split(b"\0")[:-1]:
            head, _, path = line.partition(b"\t")
            mode, kind, oid = head.decode().split(" ")
            if kind == "blob":
                found[path] = int(mode, 8), oid
        return found


def imported(ws: Workspace) -> dict[str, Step]:
    """Returns commit -> step."""
    steps = ws.steps(limit=100_000, all_branches=True)
    found = {s.source.removeprefix("git:"): s for s in steps if s.source is not None}
    assert len(found) == sum(step.source is not None for step in steps)
    return found
