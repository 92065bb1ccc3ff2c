"""Counting a step's change while it is captured, without reading back what was just written."""

from __future__ import annotations

from stepwell.store.engine.capture import Since
from stepwell.store.engine.diff import changes_of_pairs, counts, is_binary
from stepwell.store.engine.lines import count_lines
from stepwell.store.engine.objects import BLOB, ObjectReader, ObjectSink
from stepwell.store.engine.snapshots import Difference, differing, entries
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import ChangeCounts, Snapshot

_REMEMBERED = 4 << 20
"""Bytes of blobs that are not read back."""


class CountingSink:
    """Passes objects on to a sink and remembers the lines of each small blob that went by."""

    def __init__(self, below: ObjectSink) -> None:
        self._below = below
        self._lines: dict[Oid, int] = {}
        self._blobs: dict[Oid, bytes] = {}
        self._room = _REMEMBERED

    def read(self, oid: Oid) -> tuple[str, bytes]:
        content = self._blobs.get(oid)
        return self._below.read(oid) if content is None else (BLOB, content)

    def has(self, oid: Oid) -> bool:
        return self._below.has(oid)

    def add(self, kind: str, data: bytes) -> Oid:
        oid = self._below.add(kind, data)
        if kind == BLOB:
            if len(data) <= self._room:
                self._blobs[oid] = data
                self._room -= len(data)
            else:
                self._lines[oid] = _lines(data)
        return oid

    def add_file(self, fd: int, size: int) -> Oid:
        return self._below.add_file(fd, size)

    def lines_of(self, oid: Oid | None) -> int:
        """Returns the lines of a blob that went by; 0 for binary, large and unknown ones."""
        content = None if oid is None else self._blobs.get(oid)
        if content is not None:
            return _lines(content)
        return 0 if oid is None else self._lines.get(oid, 0)


def _lines(content: bytes) -> int:
    return 0 if is_binary(content) else count_lines(content)


def count_changes(
    sink: CountingSink, old: Snapshot | None, new: Snapshot, since: Since | None = None
) -> ChangeCounts:
    """Returns the size of the change; of a first capture every file counts as added."""
    if old is None:
        files = [e for e in entries(sink, new) if e.oid is not None]
        return ChangeCounts(len(files), sum(sink.lines_of(e.oid) for e in files), 0)
    return counts(changes_of_pairs(sink, pairs_since(sink, old, new, since), hunks=False))


def pairs_since(
    reader: ObjectReader, old: Snapshot | None, new: Snapshot, since: Since | None
) -> list[Difference]:
    """Returns what differs, without comparing trees when the capture knows it."""
    if since is not None and since.base == old:
        return list(since.pairs)
    return differing(reader, old, new)
