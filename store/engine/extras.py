"""Extras: what a snapshot holds beyond its git tree, as one canonical blob.

A tree knows only "executable or not", no empty folders, and no names that git refuses. Extras keeps
the exact permission bits, as the modes that most entries have plus the exceptions; the empty
folders; and the refused entries by path. Equal content gives equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from stepwell.store.engine.objects import ObjectReader
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.paths import TrackedPath, escape, unescape


@dataclass(frozen=True, slots=True)
class Extras:
    """Permission bits are the low 12 bits of st_mode. The root folder has no entry."""

    file_mode: int = 0o644
    """Of files without an exception that the tree calls 100644."""
    exec_mode: int = 0o755
    """Of those that the tree calls 100755, or that are refused and owner-executable."""
    folder_mode: int = 0o755
    modes: Mapping[TrackedPath, int] = field(default_factory=dict)
    """Exceptions, of files and folders (empty and refused ones too); never of links."""
    empty_folders: frozenset[TrackedPath] = frozenset()
    entries: Mapping[TrackedPath, tuple[int, Oid]] = field(default_factory=dict)
    """Refused files and links: path -> (git mode: 0o100644, 0o100755 or 0o120000; blob)."""


def encode(extras: Extras) -> bytes:
    """Returns the canonical bytes."""
    document = {
        "defaults": [f"{m:o}" for m in (extras.file_mode, extras.exec_mode, extras.folder_mode)],
        "modes": {escape(p): f"{m:o}" for p, m in extras.modes.items()},
        "empty_folders": sorted(escape(p) for p in extras.empty_folders),
        "entries": {escape(p): [f"{m:o}", oid.hex()] for p, (m, oid) in extras.entries.items()},
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def decode(data: bytes) -> Extras:
    """Returns the value of canonical bytes.

    Raises:
        IntegrityError: the bytes are no extras blob.
    """
    try:
        document = json.loads(data)
        file_mode, exec_mode, folder_mode = (int(m, 8) for m in document["defaults"])
        return Extras(
            file_mode,
            exec_mode,
            folder_mode,
            {unescape(p): int(m, 8) for p, m in document["modes"].items()},
            frozenset(unescape(p) for p in document["empty_folders"]),
            {
                unescape(p): (int(m, 8), oid_from_hex(o))
                for p, (m, o) in document["entries"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError("a snapshot's extras cannot be read: the blob is malformed") from error


def read_extras(reader: ObjectReader, oid: Oid) -> Extras:
    """Returns the extras with that id; the newest few are remembered."""
    return _decoded(reader.read(oid)[1])


@lru_cache(maxsize=8)
def _decoded(data: bytes) -> Extras:
    return decode(data)
