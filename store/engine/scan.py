"""Finding what moved since the last scan, then building what the snapshot holds.

A scan looks once at every folder and file that the saved table knows. Only folders that moved are
listed again and only files that moved are read again; the rest is carried over.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.files import failed, open_root
from stepwell.store.engine.ignore import LARGEST_RULE_FILE
from stepwell.store.engine.looker import Limits
from stepwell.store.engine.moved import GRAIN_NS, Changed, find_changed
from stepwell.store.engine.objects import ObjectSink
from stepwell.store.engine.stattable import StatTable
from stepwell.store.engine.userindex import GitFolders, Wanted, find_git_folders, read_path
from stepwell.store.engine.walk import Walk
from stepwell.store.model.ids import Clock
from stepwell.store.model.steps import Snapshot

__all__ = ["Around", "CaptureConfig", "Scan", "Scanner", "StatTable"]

_DEFAULT_CAP = 50_000_000

_STAMPING = 5 if sys.platform == "linux" else time.CLOCK_REALTIME
"""CLOCK_REALTIME_COARSE, which the standard library has no name for."""


def stamping_clock() -> int:
    """Returns what the kernel would stamp a file with now, in ns since the epoch.

    On Linux that clock moves by ticks, and where a hypervisor takes the processor away it falls
    behind the real time by more than any grain that could be allowed for.
    """
    return time.clock_gettime_ns(_STAMPING)


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """What decides which paths are captured, besides the rule files of the workspace."""

    cap_bytes: int = _DEFAULT_CAP
    """New files above this are not stored; those in the parent snapshot always are."""
    global_ignore: Path | None = None
    """The person's ignore file for all repositories; may not exist."""
    apart: bytes = b""
    """Workspace path of the data folder, when that lies in the workspace; it is never captured."""
    checkpoints: bool = True
    """Mark the step before a large change, a change of dependencies, or a risky command."""

    def policy(self) -> bytes:
        """Returns bytes that differ whenever a saved table must not be trusted for its verdicts."""
        return hashlib.sha256(b"policy 1 %d %s" % (self.cap_bytes, self.apart)).digest()


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found."""

    table: StatTable
    changed: bool
    """False: the table is the one that the scan began with."""


@dataclass(frozen=True, slots=True)
class Around:
    """What decides, besides the files themselves, what is captured."""

    root: tuple[int, int]
    """Device and inode of the workspace folder."""
    git: GitFolders | None
    user_rules: bytes | None
    """Text of the person's ignore file for all repositories."""
    exclude_rules: bytes | None
    """Text of the repository's own `info/exclude`."""

    @classmethod
    def look(cls, root: bytes, root_fd: int, config: CaptureConfig) -> Around:
        """Reads it all anew; raises OSError when the open folder cannot be looked at."""
        identity = os.fstat(root_fd)
        git = find_git_folders(root)
        return cls(
            (identity.st_dev, identity.st_ino),
            git,
            _user_rules(config.global_ignore),
            _exclude_rules(git.common) if git else None,
        )

    def table(self, policy: bytes, wanted: bytes) -> StatTable:
        """Returns an empty table of a scan under these rules; `wanted` is the mark of its paths."""
        return StatTable(
            root=self.root,
            policy=policy,
            wanted=wanted,
            user_rules=self.user_rules,
            exclude_rules=self.exclude_rules,
        )


class Scanner:
    """One scan of a workspace.

    `table` is what an earlier scan saved, of this or any other workspace and time; None, foreign or
    outdated only costs time. `clock` must be the one that stamps files, or behind it: what was
    written after (clock - grain) is read again by the next scan.
    """

    def __init__(
        self,
        root: bytes | Path,
        table: StatTable | None,
        *,
        config: CaptureConfig = CaptureConfig(),
        clock: Clock = stamping_clock,
    ) -> None:
        self.root = os.fsencode(root)
        self.config = config
        self._table = table
        self._clock = clock

    def scan(
        self,
        sink: ObjectSink,
        parent: Snapshot | None,
        also: Collection[bytes] = (),
        among: Collection[bytes] | None = None,
    ) -> Scan:
        """Looks at the workspace and adds what is new to `sink`; writes nothing else.

        Files in `parent` are stored whatever their size, and what cannot be read keeps its entry
        from there. `also` names files and links that are stored although ignored or large. With
        `among` only those paths, and the folders that they lie in, are compared with the table.

        Raises:
            FailedError: the workspace folder cannot be opened or listed.
        """
        started = self._clock()
        root_fd = open_root(self.root)
        try:
            around = Around.look(self.root, root_fd, self.config)
            wanted = Wanted(around.git, also)
            new = around.table(self.config.policy(), wanted.mark)
            old = self._usable(new, sink)
            changed = find_changed(root_fd, old, new, among) if old else Changed()
            if old is not None and not changed.folders:
                # Other paths are wanted, perhaps, but none that would be left out otherwise.
                old.shared = changed.shared
                return Scan(old, False)
            new.shared = changed.shared
            limits = Limits(self.config.cap_bytes, started - GRAIN_NS, self.config.apart)
            Walk(root_fd, sink, parent, wanted, limits, old or StatTable(), changed, new).run()
            return Scan(new, True)
        except OSError as error:
            raise failed(error, "scanning the workspace", self.root) from error
        finally:
            os.close(root_fd)

    def _usable(self, new: StatTable, sink: ObjectSink) -> StatTable | None:
        """Returns the saved table if it is of this workspace and the store holds its content."""
        old = self._table
        if old is None or old.root != new.root or old.policy != new.policy:
            return None
        if not sink.has(old.snapshot.tree) or not sink.has(old.snapshot.extras):
            return None
        return old


def _user_rules(path: Path | None) -> bytes | None:
    return read_path(os.fsencode(path), LARGEST_RULE_FILE, follow=True) if path else None


def _exclude_rules(common: bytes) -> bytes | None:
    return read_path(os.path.join(common, b"info", b"exclude"), LARGEST_RULE_FILE)
