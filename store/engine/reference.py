"""The slow engine: git itself builds the tree, in a scratch repository, from content fed by pipe.

It exists so that the fast engine can be checked against git. git never looks at a workspace, reads
no configuration but the scratch repository's own, and runs no hooks or filters.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from stepwell.store.engine.git import Git
from stepwell.store.model.ids import Oid, oid_from_hex


class ReferenceEngine:
    """A repository of its own, without a work tree worth the name, in an empty folder; close it, or use it as a context manager."""

    def __init__(self, scratch: Path) -> None:
        nothing = scratch / "nothing"
        nothing.mkdir(parents=True)
        self._index = scratch / "index"
        places = {"GIT_WORK_TREE": str(nothing), "GIT_INDEX_FILE": str(self._index)}
        self._git = Git(scratch / "reference.git", scratch, also=places)
        self._git.run("init", "--quiet", "--template=")
        self._git.run("config", "core.hooksPath", str(nothing))

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
        self._git.close()

    def tree_of(self, entries: Iterable[tuple[bytes, int, bytes]]) -> Oid:
        """Returns the tree id of (path, git mode, content) triples, as git makes it.

        Raises:
            FailedError: git refuses, e.g. a path.
        """
        self._index.unlink(missing_ok=True)
        lines = []
        for path, mode, content in entries:
            oid = self._git.run("hash-object", "-w", "--stdin", "--no-filters", feed=content)
            lines.append(b"%o %s\t%s\0" % (mode, oid.encode("ascii"), path))
        self._git.run("update-index", "-z", "--index-info", feed=b"".join(lines))
        return oid_from_hex(self._git.run("write-tree"))

    def check(self, tree: Oid) -> None:
        """Passes when `git fsck --strict` accepts the tree and all below it.

        Raises:
            FailedError: it does not, or the tree is not there.
        """
        commit = self._git.run("commit-tree", tree.hex(), feed=b"checked\n")
        self.check_commit(oid_from_hex(commit))

    def check_commit(self, commit: Oid) -> None:
        """Passes when `git fsck --strict` accepts the commit and all below it; raises as `check`."""
        self._git.run("fsck", "--strict", "--no-dangling", "--no-progress", commit.hex())

    def add(self, kind: str, content: bytes) -> Oid:
        """Adds an object as it is, however malformed, and returns its id."""
        write = ("hash-object", "-w", "--stdin", "--literally", "-t", kind)
        return oid_from_hex(self._git.run(*write, feed=content))
