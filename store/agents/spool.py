"""What hooks left when no daemon took it: one file an event, in the store or beside the socket.

The hook client (hookclient.py) writes these files with code of its own, since it loads nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TEMPORARY = "."


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
    for folder in folders:
        for name in _listed(folder):
            if name.startswith(_TEMPORARY):
                with contextlib.suppress(OSError):
                    os.unlink(folder / name)


def read_spool(folders: Sequence[Path]) -> list[Spooled]:
    """Returns what lies in the folders, oldest first; what cannot be read is left out."""
    found = []
    for folder in folders:
        for name in _names(folder):
            with contextlib.suppress(OSError):
                found.append(_parsed(folder / name))
    return sorted(found, key=lambda one: one.path.name)


def _names(folder: Path) -> list[str]:
    return [name for name in _listed(folder) if not name.startswith(_TEMPORARY)]


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _parsed(path: Path) -> Spooled:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        head, _, payload = file.read().partition(b"\n")
    agent, _, event = head.decode("ascii", "replace").partition(" ")
    return Spooled(path, agent, event, payload)


def forget(spooled: Sequence[Spooled]) -> None:
    """Removes events that are recorded."""
    for one in spooled:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(one.path)
