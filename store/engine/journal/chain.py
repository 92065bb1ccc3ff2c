"""What the manifest names: live segments, opened only as far back as needed, and the sealed part."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stepwell.store.engine.journal.recent import RecentObjects
from stepwell.store.engine.journal.segment import FOLDER, Segment, segment_path
from stepwell.store.engine.manifest import NAME as MANIFEST
from stepwell.store.engine.manifest import Manifest, read_manifest
from stepwell.store.engine.sealing.part import SealedPart, found_manifest
from stepwell.store.model.errors import FormatError
from stepwell.store.model.steps import Operation


class SegmentChain:
    """What the manifest names, in order. Opening and extending may happen in several threads."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.recent = RecentObjects()
        """Forgotten with the manifest that it was read under: the next may name less."""
        self._manifest_path = os.path.join(store, MANIFEST)
        self.manifest = Manifest(())
        self.sealed = SealedPart(store, self.manifest)
        """Before the segments; their own copies of what it holds are void."""
        self._mutex = threading.RLock()
        self._stamp: tuple[int, ...] = ()
        self._segments: dict[int, Segment] = {}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The live segments, ascending; empty only when the manifest was lost with all of them."""
        return self.manifest.segments

    def close(self) -> None:
        """Closes all files and frees what was remembered; does nothing the second time."""
        for segment in self._segments.values():
            segment.close()
        self._segments.clear()
        self.recent.clear()
        self.sealed.packs.rest()

    def read_manifest(self) -> None:
        """Takes in the manifest when it was replaced.

        Raises:
            FormatError: there is no journal, or its format is not known.
        """
        stamp = self._manifest_stamp()
        if stamp == self._stamp and self._knows_something():
            return
        manifest = read_manifest(self.store) or guess_manifest(self.store)
        sealed = self._sealed_part(manifest)
        if not sealed.is_indexed and self._manifest_stamp() != stamp:
            # Its index went while it was looked for: there is a newer one.
            self.read_manifest()
            return
        if not manifest.segments and not manifest.sealed:
            raise FormatError(
                f"the store {self.store} has no journal",
                hint="restore the data folder from a backup, or run `stepwell init` anew",
            )
        self._stamp, self.manifest, self.sealed = stamp, manifest, sealed
        self.recent.clear()
        for number in set(self._segments) - set(manifest.segments):
            # Not closed: somebody may be reading it.
            del self._segments[number]

    def _sealed_part(self, manifest: Manifest) -> SealedPart:
        same = (manifest.sealed, manifest.packs) == (self.manifest.sealed, self.manifest.packs)
        return self.sealed if same else SealedPart(self.store, manifest, self.sealed.packs)

    def _knows_something(self) -> bool:
        return bool(self.manifest.segments or self.manifest.sealed)

    def _manifest_stamp(self) -> tuple[int, ...]:
        try:
            now = os.stat(self._manifest_path)
        except OSError:
            return ()
        return now.st_ino, now.st_mtime_ns, now.st_size

    def look_again(self) -> bool:
        """Takes in the manifest when it was replaced; returns whether something was sealed."""
        with self._mutex:
            before = self.manifest
            self.read_manifest()
            return self.manifest != before

    def extend(self) -> bool:
        """Takes in what was committed since, in new segments too.

        Returns True when some of what was known before is void: a writer has taken it back.
        """
        with self._mutex:
            newest = self.numbers[-1] if self.numbers else 0
            self.read_manifest()
            position = self.numbers.index(newest) if newest in self.numbers else 0
            indexes = range(position, len(self.numbers))
            cut = [self.segment(i).extend(self._limit(self.numbers, i)) for i in indexes]
            return any(cut)

    def sealed_operations(self, after: int) -> Iterator[Operation]:
        """Yields the sealed operations above `after`, ascending; those that are damaged are left out.

        Ends early when they are in another place now: `sealed` is not what it was then.
        """
        sealed = self.sealed
        for found in sealed.operations_or_none(after):
            if found is not None:
                yield found
            elif self.look_again() or self.sealed is not sealed:
                return

    def segment(self, index: int) -> Segment:
        """Returns a segment by its position, its content known."""
        return self._loaded(self.numbers, index)

    def _loaded(self, numbers: tuple[int, ...], index: int) -> Segment:
        known = self._segments.get(numbers[index])
        if known is not None and known.known:
            return known
        segment = self._opened(numbers[index])
        with self._mutex:
            segment.load(self._limit(numbers, index))
        return segment

    def _opened(self, number: int) -> Segment:
        with self._mutex:
            if number not in self._segments:
                self._segments[number] = Segment(self.store, number)
            return self._segments[number]

    def _limit(self, numbers: tuple[int, ...], index: int) -> int | None:
        """Returns the first operation that is void in the segment; None in the newest one."""
        for later in numbers[index + 1 :]:
            header = self._opened(later).header
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
        """Yields the readable segments, newest first; begins again when some were sealed."""
        numbers = self.numbers
        index = len(numbers) - 1
        while index >= 0:
            segment = self._loaded(numbers, index)
            if segment.lost is None:
                yield segment
            elif self._was_sealed(segment, numbers):
                numbers = self.numbers
                index = len(numbers)
            index -= 1

    def since(self, number: int) -> Iterator[Segment | None]:
        """Yields the readable segments that may hold operations from `number` on, ascending.

        None as the last one says that some were sealed meanwhile: what is missing is there now.
        """
        numbers = self.numbers
        start = len(numbers) - 1
        while start > 0 and not self._starts_by(numbers[start], number):
            start -= 1
        for index in range(max(start, 0), len(numbers)):
            segment = self._loaded(numbers, index)
            if segment.lost is None:
                yield segment
            elif self._was_sealed(segment, numbers):
                yield None
                return

    def _starts_by(self, segment: int, number: int) -> bool:
        header = self._opened(segment).header
        return header is not None and header.first <= number

    def _was_sealed(self, segment: Segment, numbers: tuple[int, ...]) -> bool:
        """Tells whether a segment is lost only because the list of segments is out of date."""
        if segment.path.exists():
            return False
        with self._mutex:
            if self.numbers == numbers:
                self._stamp = ()
                self.read_manifest()
            return self.numbers != numbers


def segment_files(store: Path) -> tuple[int, ...]:
    """Returns the numbers of the segment files that there are, ascending."""
    try:
        names = os.listdir(store / FOLDER)
    except OSError:
        names = []
    stems = (name.removesuffix(".segment") for name in names if name.endswith(".segment"))
    return tuple(sorted(int(stem) for stem in stems if stem.isdecimal()))


def live_bytes(store: Path) -> int:
    """Returns the bytes of the segments as their files are now, in whatever reader's eyes."""
    total = 0
    for number in segment_files(store):
        with suppress(FileNotFoundError):
            total += segment_path(store, number).stat().st_size
    return total


def guess_manifest(store: Path) -> Manifest:
    """Returns the manifest that the files suggest; for when the real one is unreadable."""
    return found_manifest(store, segment_files(store))
