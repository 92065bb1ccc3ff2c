"""The bare repository that sealed history is kept in: its making, its packs, its refs.

Nothing is visible in it before it is whole: packs are made and checked in quarantine, forced to
disk, and moved in; refs follow.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from types import TracebackType
from typing import Self

from stepwell.store.engine.atomic import (
    FILE_MODE,
    fsync_folder,
    make_private_folder,
    remove_leftovers,
    system_error,
    write_atomic,
)
from stepwell.store.engine.git import Git
from stepwell.store.engine.scratch import marked, scratch_folder, sweep
from stepwell.store.engine.sealing.layout import (
    CONFIG,
    HEADS,
    OPERATIONS,
    STEPS,
    pack_folder,
    repository_of,
)
from stepwell.store.engine.sealing.packfile import PackWriter
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.sealing.refs import (
    own_refs,
    read_refs,
    readable_packed_refs,
    refs_digest,
)
from stepwell.store.model.errors import FailedError, IntegrityError
from stepwell.store.model.ids import Oid, RandomBytes, oid_from_hex

_NICE = 10
_UNSYNCED = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsync",
    "GIT_CONFIG_VALUE_0": "none",
}
"""Each sync has captures wait for all that was written: theirs go through the same file system."""
_PACKING = ("pack-objects", "--quiet", "--delta-base-offset", "--no-reuse-delta", "--window=20")


class SealedRepository:
    """The repository as whoever seals sees it; the caller keeps others out. Close it after use.

    `quarantine` is an empty scratch folder: what is made lies there until it is verified.
    """

    def __init__(self, store: Path, quarantine: Path) -> None:
        """Makes the repository unless it is there, and puts its configuration right.

        Raises:
            NoSpaceError, FailedError: it cannot be made.
        """
        self.path = repository_of(store)
        self._quarantine = quarantine
        make_private_folder(self.path)
        self._git = Git(self.path, quarantine, also=marked(quarantine))
        _ensure(self.path / "config", CONFIG)
        self._remove_stale_locks()
        if (self.path / "packed-refs").exists():
            _ensure(self.path / "packed-refs", readable_packed_refs(self.path))
        if not self._is_complete():
            self._git.run("init", "--quiet", "--bare", "--template=", "--shared=0600")
            _ensure(self.path / "config", CONFIG)
        make_private_folder(self.path / "info")
        _ensure(self.path / "info" / "attributes", b"")

    def _is_complete(self) -> bool:
        parts = ("HEAD", "objects/pack", "objects/info", "refs/heads", "refs/tags")
        return all((self.path / part).exists() for part in parts)

    def _remove_stale_locks(self) -> None:
        """Removes what a killed git or sealing left; whoever seals is alone, so that all is old."""
        for folder, _, names in os.walk(self.path):
            remove_leftovers(Path(folder))
            for name in names:
                if name.endswith(".lock") or name.startswith(("tmp_pack_", "tmp_idx_", "tmp_obj_")):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what processes GitPython keeps; the repository stays."""
        self._git.close()

    def draft(self, count: int) -> PackWriter:
        """Returns the writer of a pack without deltas, in quarantine, for `pack_drafted`."""
        folder = self._fresh("objects/pack")
        return PackWriter(folder / "pack-draft.pack", count)

    def pack_drafted(self, listed: Iterable[bytes], ids: Set[Oid]) -> PackIndex:
        """Makes an ordinary pack of the drafted objects and moves it into the repository.

        `listed` names them for git, `ids` are what the pack must hold.

        Raises:
            NoSpaceError, FailedError: the system or git refuses.
            IntegrityError: what git wrote is not what it was given.
        """
        objects = self._quarantine / "objects"
        with self._apart(objects) as git:
            draft = objects / "pack" / "pack-draft.pack"
            git.run("index-pack", "--no-rev-index", str(draft), niceness=_NICE)
            feed = b"\n".join(listed) + b"\n"
            name = git.run(*_PACKING, str(self._fresh("made") / "pack"), feed=feed, niceness=_NICE)
        return self._moved_in(name, ids)

    def pack_history(self, tips: Iterable[Oid]) -> PackIndex:
        """Makes one pack of all that those commits reach and moves it into the repository.

        Raises:
            NoSpaceError, FailedError: the system or git refuses.
            IntegrityError: something is missing or damaged.
        """
        return self._packed(self._git, tips)

    def repack(self, tips: Iterable[Oid]) -> PackIndex:
        """Makes one pack of all that commits reach, drafted or in the repository, and moves it in.

        Raises: as `pack_history`.
        """
        objects = self._quarantine / "objects"
        draft = objects / "pack" / "pack-draft.pack"
        with self._apart(objects) as git:
            git.run("index-pack", "--no-rev-index", str(draft), niceness=_NICE)
        places = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects), **marked(self._quarantine)}
        with Git(self.path, self._quarantine, also=places) as git:
            return self._packed(git, tips)

    def reindex(self, name: str) -> None:
        """Makes the index of a pack anew, which is read whole for it.

        Raises:
            FailedError: the pack is not there, or damaged.
            NoSpaceError: there is no room.
        """
        made = self._fresh("made") / f"{name}.idx"
        pack = pack_folder(self.path) / f"{name}.pack"
        self._git.run("index-pack", "--no-rev-index", "-o", str(made), str(pack), niceness=_NICE)
        try:
            os.chmod(made, FILE_MODE)
            _fsync_file(made)
            os.rename(made, pack.with_suffix(".idx"))
        except OSError as error:
            raise system_error(error, "moving the index", made) from error
        fsync_folder(pack.parent)

    def _packed(self, git: Git, tips: Iterable[Oid]) -> PackIndex:
        feed = b"".join(oid.hex().encode() + b"\n" for oid in tips)
        base = str(self._fresh("made") / "pack")
        name = git.run(*_PACKING, "--revs", base, feed=feed, niceness=_NICE)
        return self._moved_in(name, None)

    def _moved_in(self, name: str, ids: Set[Oid] | None) -> PackIndex:
        made = self._quarantine / "made" / f"pack-{name}.pack"
        index = self._checked(made, ids)
        target = pack_folder(self.path)
        try:
            for path in (made, index.path):
                os.chmod(path, FILE_MODE)
                self._make_newest(path)
                _fsync_file(path)
            for path in (made, index.path):
                os.rename(path, target / path.name)
        except OSError as error:
            raise system_error(error, "moving the pack", made) from error
        fsync_folder(target)
        moved = PackIndex.open(target / index.path.name)
        if moved is None:
            raise FailedError(f"the pack {name} is gone right after it was written")
        return moved

    def _checked(self, made: Path, ids: Set[Oid] | None) -> PackIndex:
        """Reads every object of a pack back; its index must come out the same, byte for byte."""
        again = made.with_name("again.idx")
        checking = ("index-pack", "--fsck-objects", "--no-rev-index", "-o", str(again), str(made))
        with self._apart(self._fresh("nothing")) as git:
            git.run(*checking, niceness=_NICE)
        index = PackIndex.open(made.with_suffix(".idx"))
        if index is None or again.read_bytes() != index.path.read_bytes():
            raise IntegrityError(
                f"sealing stopped: the index of {made.name} is not that of the pack"
            )
        if ids is not None and ids != set(index.ids()):
            raise IntegrityError(f"sealing stopped: {made.name} does not hold what it must")
        return index

    def _apart(self, objects: Path) -> Git:
        """Returns a git that sees these objects alone: those in the repository may be damaged.

        It syncs nothing: drafts need not outlive a crash, and a pack is synced before it is moved in.
        """
        places = {"GIT_OBJECT_DIRECTORY": str(objects), **marked(self._quarantine), **_UNSYNCED}
        return Git(self.path, self._quarantine, also=places)

    def _make_newest(self, path: Path) -> None:
        """Gives a file a time after all packs: git and libgit2 look into the newest pack first."""
        times = [other.stat().st_mtime for other in pack_folder(self.path).glob("*.pack")]
        newest = max((int(time) + 1 for time in times), default=0)
        if newest > path.stat().st_mtime:
            os.utime(path, (newest, newest))

    def _fresh(self, name: str) -> Path:
        folder = self._quarantine / name
        try:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder, mode=0o700)
        except OSError as error:
            raise system_error(error, "making the folder", folder) from error
        return folder

    def tips_beyond(self, candidates: Set[Oid], heads: Set[Oid]) -> set[Oid]:
        """Returns the tips of what some commits reach and the heads do not."""
        if not candidates - heads:
            return set()
        feed = b"".join(b"%s\n" % oid.hex().encode() for oid in candidates)
        feed += b"".join(b"^%s\n" % oid.hex().encode() for oid in heads)
        lines = self._git.run("rev-list", "--parents", "--stdin", feed=feed).split("\n")
        rows = [line.split() for line in lines if line]
        parents = {parent for row in rows for parent in row[1:]}
        return {oid_from_hex(row[0]) for row in rows if row[0] not in parents}

    def set_history(
        self, heads: Mapping[str, Oid], commits: Set[Oid], operations: Oid, current: str
    ) -> str:
        """Sets the refs of a history: branches, what else reaches its commits, and its operations.

        `heads` has a commit for each branch, `commits` are those that must be reached. Returns the
        checksum over them all.

        Raises:
            NoSpaceError, FailedError: the system or git refuses.
        """
        wanted = {_ref(HEADS + name): oid for name, oid in heads.items()}
        for oid in self.tips_beyond(commits, set(heads.values())):
            wanted[_ref(STEPS + oid.hex())] = oid
        wanted[_ref(OPERATIONS)] = operations
        self.set_refs(wanted, current)
        return refs_digest(self.path)

    def set_refs(self, wanted: Mapping[bytes, Oid], branch: str) -> None:
        """Makes the derived refs exactly these and HEAD that branch, and forces them to disk.

        Raises:
            NoSpaceError, FailedError: the system or git refuses.
        """
        here = own_refs(read_refs(self.path))
        gone = b"".join(b"delete %s\0\0" % name for name in here if name not in wanted)
        set_now = b"".join(
            b"update %s\0%s\0\0" % (name, oid.hex().encode())
            for name, oid in sorted(wanted.items())
            if here.get(name) != oid
        )
        # Two transactions: `a` may have to go before `a/b` can come.
        for feed in (gone, set_now):
            if feed:
                self._git.run("update-ref", "-z", "--stdin", feed=feed)
        self._git.run("pack-refs", "--all", "--prune")
        head = f"ref: refs/heads/{branch}\n".encode("utf-8", "surrogateescape")
        _ensure(self.path / "HEAD", head)
        for folder, _, _ in os.walk(self.path / "refs"):
            fsync_folder(folder)
        if own_refs(read_refs(self.path)) != dict(wanted):
            raise IntegrityError("sealing stopped: the refs do not read back as they were written")


@contextlib.contextmanager
def sealed_repository(store: Path, randomness: RandomBytes) -> Iterator[SealedRepository]:
    """Gives a store's repository; the caller keeps others out.

    A git that outlived a killed sealing is ended first, lest it moved a ref meanwhile.

    Raises:
        NoSpaceError, FailedError: as SealedRepository.
    """
    sweep(store)
    with scratch_folder(store, "sealing", randomness) as quarantine:
        with SealedRepository(store, quarantine) as repository:
            yield repository


def _ref(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _ensure(path: Path, content: bytes) -> None:
    """Replaces a file unless it holds just that; runs no program and follows no link."""
    with contextlib.suppress(OSError):
        if not path.is_symlink() and path.read_bytes() == content:
            return
    write_atomic(path, content)


def _fsync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
