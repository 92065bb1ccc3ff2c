"""What hooks left when no daemon took it: one file an event, in the store or beside the socket.

The hook client (hookclient.py) writes these files with code of its own, since it loads nothing of ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.spoolfolder import SpoolFolder, open_spools
from stepwell.store.model.errors import FailedError


@dataclass(frozen=True, slots=True)
class Spooled:
    """One event."""

    path: Path
    """`NANOSECONDS-PID`, so that names sort by time."""
    agent: str
    event: str
    payload: bytes
    """Cut off when it was very long."""


def sweep_spool(folders: Sequence[Path]) -> None:
    """Removes what is no event: remains of hooks that were killed, and their note of a vain start."""
    for path in folders:
        with contextlib.suppress(FailedError), SpoolFolder.open(path) as folder:
            if folder is not None:
                for name, _ in folder.remains():
                    folder.remove(name)


def read_spool(folders: Sequence[Path]) -> list[Spooled]:
    """Returns what lies in the folders that are ours alone, oldest first; what cannot be read is left out."""
    found: list[Spooled] = []
    for path in folders:
        with contextlib.suppress(FailedError), SpoolFolder.open(path) as folder:
            found += _events(folder) if folder is not None else ()
    return sorted(found, key=lambda one: one.path.name)


def _events(folder: SpoolFolder) -> Iterator[Spooled]:
    for name in folder.events():
        with contextlib.suppress(FailedError):
            content = folder.read(name)
            if content is not None:
                yield _parsed(folder.path / name, content)


def _parsed(path: Path, content: bytes) -> Spooled:
    head, _, payload = content.partition(b"\n")
    agent, _, event = head.decode("ascii", "replace").partition(" ")
    return Spooled(path, agent, event, payload)


def forget(spooled: Sequence[Spooled]) -> None:
    """Removes events that are recorded.

    Raises:
        FailedError: one cannot be removed.
    """
    for folder in open_spools(sorted({one.path.parent for one in spooled})):
        for one in spooled:
            if one.path.parent == folder.path:
                folder.remove(one.path.name)
