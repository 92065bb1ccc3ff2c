"""The live segments of a store, opened newest first and only as far back as a question needs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from stepwell.store.engine.journal.manifest import NAME as MANIFEST
from stepwell.store.engine.journal.manifest import Manifest, read_manifest
from stepwell.store.engine.journal.segment import FOLDER, Segment
from stepwell.store.model.errors import FormatError


class SegmentChain:
    """What the manifest names, in order. Opening and extending may happen in several threads."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.numbers: tuple[int, ...] = ()
        """Ascending, never empty once the manifest was read."""
        self._mutex = threading.RLock()
        self._stamp: tuple[int, ...] = ()
        self._segments: dict[int, Segment] = {}

    def close(self) -> None:
        """Closes all files; does nothing the second time."""
        for segment in self._segments.values():
            segment.close()
        self._segments.clear()

    def read_manifest(self) -> None:
        """Takes in the manifest when it was replaced.

        Raises:
            FormatError: there is no journal, or its format is not known.
        """
        stamp = self._manifest_stamp()
        if stamp == self._stamp and self.numbers:
            return
        manifest = read_manifest(self.store) or guess_manifest(self.store)
        if not manifest.segments:
            raise FormatError(
                f"the store {self.store} has no journal",
                hint="restore the data folder from a backup, or run `stepwell init` anew",
            )
        self._stamp, self.numbers = stamp, manifest.segments
        for number in set(self._segments) - set(manifest.segments):
            del self._segments[number]

    def _manifest_stamp(self) -> tuple[int, ...]:
        try:
            now = os.stat(self.store / MANIFEST)
        except OSError:
            return ()
        return now.st_ino, now.st_mtime_ns, now.st_size

    def extend(self) -> None:
        """Takes in what was committed since, in new segments too."""
        with self._mutex:
            newest = self.numbers[-1]
            self.read_manifest()
            position = self.numbers.index(newest) if newest in self.numbers else 0
            for index in range(position, len(self.numbers)):
                self.segment(index).extend(self._limit(index))

    def opened(self, index: int) -> Segment:
        """Returns a segment by its position, its header read."""
        number = self.numbers[index]
        with self._mutex:
            if number not in self._segments:
                self._segments[number] = Segment(self.store, number)
            return self._segments[number]

    def segment(self, index: int) -> Segment:
        """Returns a segment by its position, its content known."""
        segment = self.opened(index)
        with self._mutex:
            segment.load(self._limit(index))
        return segment

    def _limit(self, index: int) -> int | None:
        """Returns the first operation that is void in the segment; None in the newest one."""
        for later in range(index + 1, len(self.numbers)):
            header = self.opened(later).header
            if header is not None:
                return header.first
        return None

    def newest(self) -> Segment:
        """Returns the segment that is appended to, its content known."""
        return self.segment(len(self.numbers) - 1)

    def loaded(self) -> list[Segment]:
        """Returns the segments that were opened so far."""
        return list(self._segments.values())

    def all(self) -> list[Segment]:
        """Returns all segments, ascending, their content known; lost ones too."""
        return [self.segment(index) for index in range(len(self.numbers))]

    def live(self) -> Iterator[Segment]:
        """Yields the readable segments, newest first; looks again once when a file is gone."""
        looked_again = False
        index = len(self.numbers) - 1
        while index >= 0:
            segment = self.segment(index)
            if segment.lost is None:
                yield segment
            elif not looked_again and not segment.path.exists():
                looked_again = True
                before = self.numbers
                self._read_anew()
                if self.numbers != before:
                    index = len(self.numbers)
            index -= 1

    def _read_anew(self) -> None:
        with self._mutex:
            self._stamp = ()
            self.read_manifest()

    def since(self, number: int) -> Iterator[Segment]:
        """Yields the readable segments that may hold operations from `number` on, ascending."""
        start = len(self.numbers) - 1
        while start > 0 and not self._starts_by(start, number):
            start -= 1
        for index in range(max(start, 0), len(self.numbers)):
            segment = self.segment(index)
            if segment.lost is None:
                yield segment

    def _starts_by(self, index: int, number: int) -> bool:
        header = self.opened(index).header
        return header is not None and header.first <= number


def guess_manifest(store: Path) -> Manifest:
    """Returns the manifest that the segment files suggest; for when the real one is unreadable."""
    try:
        names = os.listdir(store / FOLDER)
    except OSError:
        names = []
    stems = (name.removesuffix(".segment") for name in names if name.endswith(".segment"))
    return Manifest(tuple(sorted(int(stem) for stem in stems if stem.isdecimal())))
