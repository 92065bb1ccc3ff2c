"""The slow engine: git itself builds the tree, in a scratch repository, from content fed by pipe.

It exists so that the fast engine can be checked against git. git never looks at a workspace, reads
no configuration but the scratch repository's own, and runs no hooks or filters.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid, oid_from_hex


class ReferenceEngine:
    """A repository of its own, without a work tree worth the name, in an empty folder; close it, or use it as a context manager."""

    def __init__(self, scratch: Path) -> None:
        import git

        self._folder = scratch / "reference.git"
        self._index = scratch / "index"
        self._nothing = scratch / "nothing"
        self._nothing.mkdir(parents=True)
        self._git_error = git.GitCommandError
        self._git = git.Git(str(scratch))
        pinned = self._pinned()
        self._git.update_environment(**pinned)
        inherited = [n for n in os.environ if n.startswith("GIT_") and n not in pinned]
        # GitPython passes the whole environment on, and git takes an empty variable as given.
        self._clean = ["env", *(part for name in inherited for part in ("-u", name))]
        self._run("init", "--quiet", "--template=")
        self._run("config", "core.hooksPath", str(self._nothing))

    def __enter__(self) -> ReferenceEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what processes GitPython keeps; the scratch folder stays."""
        self._git.clear_cache()

    def tree_of(self, entries: Iterable[tuple[bytes, int, bytes]]) -> Oid:
        """Returns the tree id of (path, git mode, content) triples, as git makes it.

        Raises:
            FailedError: git refuses, e.g. a path.
        """
        self._index.unlink(missing_ok=True)
        lines = []
        for path, mode, content in entries:
            oid = self._run("hash-object", "-w", "--stdin", "--no-filters", feed=content)
            lines.append(b"%o %s\t%s\0" % (mode, oid.encode("ascii"), path))
        self._run("update-index", "-z", "--index-info", feed=b"".join(lines))
        return oid_from_hex(self._run("write-tree"))

    def check(self, tree: Oid) -> None:
        """Passes when `git fsck --strict` accepts the tree and all below it.

        Raises:
            FailedError: it does not, or the tree is not there.
        """
        commit = self._run("commit-tree", tree.hex(), feed=b"checked\n")
        self._run("fsck", "--strict", "--no-dangling", "--no-progress", commit)

    def add(self, kind: str, content: bytes) -> Oid:
        """Adds an object as it is, however malformed, and returns its id."""
        written = self._run("hash-object", "-w", "--stdin", "--literally", "-t", kind, feed=content)
        return oid_from_hex(written)

    def _run(self, *arguments: str, feed: bytes = b"") -> str:
        with tempfile.TemporaryFile(dir=self._nothing.parent) as source:
            source.write(feed)
            source.seek(0)
            try:
                done = self._git.execute([*self._clean, "git", *arguments], istream=source)
            except self._git_error as error:
                raise FailedError(
                    f"git {arguments[0]} failed with status {error.status}: {error.stderr}",
                    status=error.status,
                ) from error
        return str(done)

    def _pinned(self) -> dict[str, str]:
        return {
            "GIT_DIR": str(self._folder),
            "GIT_WORK_TREE": str(self._nothing),
            "GIT_INDEX_FILE": str(self._index),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "stepwell",
            "GIT_AUTHOR_EMAIL": "stepwell@localhost",
            "GIT_COMMITTER_NAME": "stepwell",
            "GIT_COMMITTER_EMAIL": "stepwell@localhost",
        }
