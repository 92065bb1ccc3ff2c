"""Writing a damaged segment anew: its intact frames, one after another.

What lay in the damaged stretches is stored again elsewhere by then, or lost either way. A segment
of which operations are lost stays as it is: what it once proved would be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.atomic import write_atomic
from stepwell.store.engine.journal import JournalWriter, frames
from stepwell.store.engine.journal.frames import Frame
from stepwell.store.engine.journal.segment import SALT_BYTES, Segment, index_path
from stepwell.store.model.ids import RandomBytes


def rewrite_segments(writer: JournalWriter) -> int:
    """Writes the damaged segments anew that hold all of their operations; returns how many.

    Readers that have the old file open go on with it.

    Raises:
        NoSpaceError, FailedError: the system refuses; the file is as it was.
    """
    writer.rotate()
    count = 0
    for segment in writer.segments()[:-1]:
        if _is_damaged(segment) and _has_all_operations(segment):
            _rewrite(writer.store, segment, writer.randomness)
            count += 1
    return count


def _is_damaged(segment: Segment) -> bool:
    if segment.lost is not None:
        return False
    if not segment.header_intact():
        return True
    for item in segment.walk():
        if not isinstance(item, Frame) or not _is_sound(segment, item):
            return True
    return False


def _is_sound(segment: Segment, frame: Frame) -> bool:
    if frame.kind not in (frames.OBJECT, frames.LARGE):
        return True
    entry = segment.source.entry(frame.offset)
    return entry is not None and segment.source.is_sound(frame.offset, entry.oid)


def _has_all_operations(segment: Segment) -> bool:
    header = segment.header
    if header is None or segment.proven > segment.last_number:
        return False
    rows = [segment.operation_row(at) for at in range(segment.operation_count)]
    readable = all(segment.commit_at(offset) is not None for _, offset in rows)
    numbers = [number for number, _ in rows]
    return readable and numbers == list(range(header.first, header.first + len(numbers)))


def _rewrite(store: Path, segment: Segment, randomness: RandomBytes) -> None:
    assert segment.header is not None, "a segment without a header is not written anew"
    # An index of the old file, which somebody may still write, must not be taken for this one's.
    header = replace(segment.header, salt=randomness(SALT_BYTES))
    content = bytearray(header.encode())
    places: dict[int, int] = {}
    count = digest = 0
    for frame in _wanted(segment):
        payload = _payload(frame, places, count, digest)
        places[frame.offset] = len(content)
        encoded, crc = frames.encode(frame.kind, payload, len(content), header.salt)
        content += encoded
        count, digest = count + 1, frames.extend_digest(digest, crc)
        if frame.kind == frames.OPERATION:
            count = digest = 0
    index_path(store, segment.number).unlink(missing_ok=True)
    write_atomic(segment.path, bytes(content))


def _wanted(segment: Segment) -> Iterator[Frame]:
    """Yields the committed frames without objects that are not sound."""
    for item in segment.walk():
        if isinstance(item, Frame) and item.end <= segment.committed and _is_sound(segment, item):
            yield item


def _payload(frame: Frame, places: dict[int, int], count: int, digest: int) -> bytes:
    """Returns what a frame says at its new place, among what is left of its group."""
    if frame.kind == frames.LARGE:
        large = frames.unpack_large(frame.payload)
        return frames.pack_large(replace(large, first=places[large.first]))
    if frame.kind == frames.OPERATION:
        operation = frames.unpack_commit(frame.payload).operation()
        return frames.pack_commit(operation, count, digest)
    return frame.payload
