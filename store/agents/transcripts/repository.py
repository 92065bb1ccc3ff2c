"""The user's repository, read as files and objects: nothing in it is written and nothing is run.

References are plain text, read here. Objects are read without the repository that they belong to,
so that its configuration is not even looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from stepwell.store.agents.transcripts.commits import Commit, parse_commit
from stepwell.store.engine.foreign import NotImportableError
from stepwell.store.engine.gitobjects import GitObjects
from stepwell.store.engine.userindex import GitFolders, find_git_folders, read_path
from stepwell.store.model.errors import FailedError, NotFoundError, RepositoryUnreadableError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.paths import escape

_HEADS = b"refs/heads/"
_SMALL = 8 << 10
_LARGEST_LIST = 64 << 20
_LONGEST_CHAIN = 5
_SHA1 = re.compile(rb"[0-9a-f]{40}")
_SHA256 = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class GitBranch:
    """A branch of the user's repository; a detached HEAD goes as one, too."""

    name: bytes
    tip: Oid


class UserRepository:
    """The repository at a workspace's root."""

    def __init__(self, folders: GitFolders) -> None:
        self.folders = folders
        self._packed = self._packed_references()
        self.branches = tuple(self._ordered_branches())
        """HEAD's own first, the others by name."""
        self.cut = frozenset(self._shallow())
        """Commits of a shallow clone whose parents were not fetched."""
        self._objects = self._open_objects()

    @classmethod
    def open(cls, root: bytes) -> Self:
        """Opens the repository that has its data in `root/.git`, or that `root` itself is, bare.

        Raises:
            NotFoundError: there is none.
            RepositoryUnreadableError: it is of a kind that this version cannot read.
        """
        folders = find_git_folders(root) or _bare(root)
        if folders is None:
            raise NotFoundError(
                f"there is no git repository in {escape(root)}",
                hint="a git history is imported into the workspace that is its working tree",
                path=escape(root),
            )
        return cls(folders)

    def _open_objects(self) -> GitObjects:
        try:
            return GitObjects(os.path.join(self.folders.common, b"objects"))
        except FailedError as error:
            raise self._unreadable("its object database cannot be opened") from error

    def read(self, oid: Oid) -> tuple[str, bytes]:
        return self._objects.read(oid)

    def size(self, oid: Oid) -> int:
        return self._objects.size(oid)

    def commit(self, oid: Oid) -> Commit:
        """Returns a commit.

        Raises:
            NotImportableError: it is missing, damaged or malformed.
        """
        kind, content = self.read(oid)
        if kind != "commit":
            raise NotImportableError(f"object {oid.hex()} is a {kind} where a commit belongs")
        return parse_commit(oid, content)

    def _ordered_branches(self) -> Iterator[GitBranch]:
        text = self._text(os.path.join(self.folders.own, b"HEAD")) or b""
        head = text.removeprefix(b"ref:").strip()
        if text.startswith(b"ref:"):
            if head == _HEADS + b".invalid":
                raise self._unreadable("its references are kept as reftable")
        elif (detached := self._id_in(head)) is not None:
            yield GitBranch(b"HEAD", detached)
        names = sorted(self._names(), key=lambda name: (name != head, name))
        for name in names:
            tip = self._resolved(name, _LONGEST_CHAIN)
            if tip is not None:
                yield GitBranch(name[len(_HEADS) :], tip)

    def _names(self) -> set[bytes]:
        folder = os.path.join(self.folders.common, _HEADS.rstrip(b"/"))
        names = {name for name in self._packed if name.startswith(_HEADS)}
        for at, _, files in os.walk(folder):
            below = _HEADS + os.path.relpath(at, folder) + b"/" if at != folder else _HEADS
            names |= {below + name for name in files if not name.endswith(b".lock")}
        return names

    def _resolved(self, name: bytes, left: int) -> Oid | None:
        text = self._text(os.path.join(self.folders.common, name))
        if text is None:
            return self._packed.get(name)
        if text.startswith(b"ref:"):
            target = text[4:].strip()
            inside = target.startswith(_HEADS) and b".." not in target
            return self._resolved(target, left - 1) if left and inside else None
        return self._id_in(text.strip())

    def _packed_references(self) -> dict[bytes, Oid]:
        path = os.path.join(self.folders.common, b"packed-refs")
        found = {}
        for line in (read_path(path, _LARGEST_LIST) or b"").splitlines():
            value, space, name = line.partition(b" ")
            oid = self._id_in(value) if space and not line.startswith(b"#") else None
            if oid is not None:
                found[name] = oid
        return found

    def _shallow(self) -> Iterator[Oid]:
        path = os.path.join(self.folders.common, b"shallow")
        for line in (read_path(path, _LARGEST_LIST) or b"").split():
            oid = self._id_in(line)
            if oid is not None:
                yield oid

    def _text(self, path: bytes) -> bytes | None:
        return read_path(path, _SMALL)

    def _id_in(self, text: bytes) -> Oid | None:
        if _SHA256.fullmatch(text):
            raise self._unreadable("its object ids are SHA-256, and this version reads SHA-1 only")
        return oid_from_hex(text.decode("ascii")) if _SHA1.fullmatch(text) else None

    def _unreadable(self, why: str) -> RepositoryUnreadableError:
        path = escape(self.folders.common)
        return RepositoryUnreadableError(
            f"the git repository {path} cannot be read: {why}",
            hint="captures, rollbacks and everything else work without it",
            path=path,
        )


def _bare(root: bytes) -> GitFolders | None:
    parts = (b"HEAD", b"objects", b"refs")
    is_bare = all(os.path.lexists(os.path.join(root, part)) for part in parts)
    return GitFolders(root, root) if is_bare else None
