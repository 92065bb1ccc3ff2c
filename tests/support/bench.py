"""A small workspace for the engine's tests: a tree as a dict, on disk, as a snapshot, in a plan.

The snapshot builder shares nothing with the capture.
"""

from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell.store.engine import extras as extras_module
from stepwell.store.engine.extras import Extras
from stepwell.store.engine.objects import (
    BLOB,
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    MODE_TREE,
    TREE,
    MemoryObjects,
    ObjectReader,
    ObjectSink,
    TreeEntry,
    encode_tree,
    refuses_entry,
)
from stepwell.store.engine.rollback import (
    Outcome,
    Recovered,
    apply_plan,
    make_plan,
    recover_plan,
    staging,
)
from stepwell.store.model.ids import Oid, StepId, object_id
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import PathState, Plan
from stepwell.store.model.steps import Covered, Snapshot, Step

Tree = dict[bytes, tuple[int, bytes | None]]
"""path -> (full st_mode, content; None for a folder). Folders need an entry of their own."""


def build_snapshot(sink: ObjectSink, tree: Mapping[bytes, tuple[int, bytes | None]]) -> Snapshot:
    """Stores the tree the slow and obvious way and returns its snapshot."""
    folders: dict[bytes, list[TreeEntry]] = {b"": []}
    modes: dict[TrackedPath, int] = {}
    refused: dict[TrackedPath, tuple[int, Oid]] = {}
    for path, (mode, content) in sorted(tree.items()):
        for at in range(len(path)):
            if path[at : at + 1] == b"/":
                folders.setdefault(path[:at], [])
        if stat.S_ISDIR(mode):
            folders.setdefault(path, [])
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != _default(mode):
            modes[TrackedPath(path)] = stat.S_IMODE(mode)
        if content is not None:
            oid = sink.add(BLOB, content)
            _place(path, mode, content, oid, folders, refused)
    empty = {p for p in folders if p and not any(q.startswith(p + b"/") for q in tree)}
    root = _store(sink, folders)
    extras = Extras(modes=modes, empty_folders=frozenset(map(TrackedPath, empty)), entries=refused)
    return Snapshot(root, sink.add(BLOB, extras_module.encode(extras)))


def _default(mode: int) -> int:
    if stat.S_ISDIR(mode):
        return 0o755
    return 0o755 if mode & 0o100 else 0o644


def _place(
    path: bytes,
    mode: int,
    content: bytes,
    oid: Oid,
    folders: dict[bytes, list[TreeEntry]],
    refused: dict[TrackedPath, tuple[int, Oid]],
) -> None:
    git_mode = MODE_EXEC if mode & 0o100 else MODE_FILE
    git_mode = MODE_LINK if stat.S_ISLNK(mode) else git_mode
    above, _, name = path.rpartition(b"/")
    if any(refuses_entry(part, git_mode, content) for part in path.split(b"/")):
        refused[TrackedPath(path)] = (git_mode, oid)
    else:
        folders.setdefault(above, []).append(TreeEntry(name, git_mode, oid))


def _store(sink: ObjectSink, folders: dict[bytes, list[TreeEntry]]) -> Oid:
    """Stores the deepest folders first; folders without stored content are no trees."""
    for path in sorted(folders, key=lambda p: p.count(b"/") if p else -1, reverse=True):
        if not path:
            continue
        if folders[path]:
            above, _, name = path.rpartition(b"/")
            oid = sink.add(TREE, encode_tree(folders[path]))
            folders.setdefault(above, []).append(TreeEntry(name, MODE_TREE, oid))
    return sink.add(TREE, encode_tree(folders[b""]))


FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where temporary folders go when fsync is not the point."""

PLAN_ID = "0123456789abcdef0123456789abcdef"


class NoRules:
    """Ignores nothing."""

    def matches(self, path: bytes, is_folder: bool) -> bool:
        return False


@dataclass(frozen=True)
class RulesFor:
    """Ignores exactly the given paths."""

    paths: frozenset[bytes]

    def matches(self, path: bytes, is_folder: bool) -> bool:
        return path in self.paths


def write_tree(root: bytes, tree: Mapping[bytes, tuple[int, bytes | None]]) -> None:
    """Writes a tree into an empty folder; modes of folders come last, deepest first."""
    for path, (mode, content) in sorted(tree.items()):
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if stat.S_ISDIR(mode):
            os.makedirs(full, exist_ok=True)
        elif stat.S_ISLNK(mode):
            os.symlink(content or b"", full)
        else:
            with open(full, "wb") as file:
                file.write(content or b"")
            os.chmod(full, stat.S_IMODE(mode))
    for path, (mode, _) in sorted(tree.items(), reverse=True):
        if stat.S_ISDIR(mode):
            os.chmod(os.path.join(root, path), stat.S_IMODE(mode))


def walk_tree(root: bytes) -> Tree:
    """Reads everything below a folder, modes exactly; special files have content None."""
    found: Tree = {}
    for at, folders, files in os.walk(root):
        for name in folders + files:
            full = os.path.join(at, name)
            mode = os.lstat(full).st_mode
            content = None
            if stat.S_ISLNK(mode):
                mode, content = stat.S_IFLNK | 0o777, os.readlink(full)
            elif stat.S_ISREG(mode):
                with open(full, "rb") as file:
                    content = file.read()
            found[os.path.relpath(full, root)] = (mode, content)
    return found


def step_of(snapshot: Snapshot, seq: int) -> Step:
    """Returns a step with that content."""
    return Step(
        id=StepId(f"{seq:032x}"),
        seq=seq,
        branch="main",
        parents=(),
        kind="capture",
        title="",
        time_ns=0,
        snapshot=snapshot,
    )


def states_of(tree: Tree) -> dict[TrackedPath, PathState]:
    """Returns a walked tree as plans see it."""
    return {
        TrackedPath(p): PathState(m, None if c is None else object_id(BLOB, c))
        for p, (m, c) in tree.items()
    }


@dataclass
class Bench:
    """One workspace folder with its objects."""

    root: bytes
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    store: Path | None = None
    """Where files are made before they come into place; None: each beside its own."""

    def write(self, tree: Tree) -> None:
        write_tree(self.root, tree)

    def walk(self) -> Tree:
        return walk_tree(self.root)

    def snapshot(self, tree: Tree) -> Snapshot:
        return build_snapshot(self.objects, tree)

    def path(self, relative: bytes) -> bytes:
        return os.path.join(self.root, relative)

    def plan(
        self,
        target: Tree,
        *,
        disk: Tree | None = None,
        head: Tree | None = None,
        now: Iterable[Covered] = (),
        then: Iterable[Covered] = (),
        rules: Any = None,
        uncaptured: Mapping[TrackedPath, PathState] | None = None,
        plan_id: str = PLAN_ID,
    ) -> Plan:
        """Plans a rollback from the disk (walked, if not given) to `target`."""
        disk = self.walk() if disk is None else disk
        here, there = self.snapshot(disk), self.snapshot(target)
        return make_plan(
            self.objects,
            kind="rollback",
            target=step_of(there, 1),
            side="after",
            snapshot=there,
            head=step_of(here if head is None else self.snapshot(head), 2),
            disk=here,
            disk_covered=now,
            target_covered=then,
            rules_then=rules or NoRules(),
            other_sessions=(),
            uncaptured=uncaptured or {},
            plan_id=plan_id,
        )

    def apply(self, plan: Plan, **arguments: Any) -> Outcome:
        done = apply_plan(self.root, plan, self.objects, store=self.store, **arguments)
        try:
            return done.settle()
        finally:
            done.close()

    def recover(self, plan: Plan, reader: ObjectReader | None = None) -> Recovered:
        return recover_plan(self.root, plan, reader or self.objects, store=self.store)

    def staged(self) -> list[str]:
        """Returns what is left in the store."""
        above = (self.store or Path(os.fsdecode(self.root))) / staging.NAME
        return sorted(str(path.relative_to(above)) for path in above.rglob("*"))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Lets no file grow beyond `size`, the way a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
