"""A session's events on disk: lines with a checksum each, added one at a time.

    stepwell-events 1
    CRC-32 {"time_ns": ..., "kind": ..., "data": ...}

What follows the last whole line is a write that was cut off; the next one takes its place.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from stepwell.store.engine.atomic import (
    FILE_MODE,
    fsync_folder,
    full_write,
    sync_content,
    system_error,
    write_atomic,
)
from stepwell.store.model.errors import FormatError, IntegrityError
from stepwell.store.state.values import StateEvent

_HEADER = b"stepwell-events 1\n"
_KIND = b"stepwell-events "
_BLOCK = 1 << 16


def read_events(path: Path, session: str) -> list[StateEvent]:
    """Returns the events in order; none when there is no file.

    Raises:
        IntegrityError: a line does not match its checksum.
        FormatError: a newer version wrote them.
        FailedError: the file cannot be read.
    """
    return _parsed(_whole_lines(path), path, session)


def _whole_lines(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise system_error(error, "reading", path) from error
    return content[: content.rfind(b"\n") + 1]


def _parsed(content: bytes, path: Path, session: str) -> list[StateEvent]:
    if not content:
        return []
    first, *lines = content.splitlines()
    if first + b"\n" != _HEADER:
        if first.startswith(_KIND):
            raise FormatError(
                f"{path} was written by a newer version", hint="update stepwell", path=str(path)
            )
        raise _damaged(path, 1)
    events = []
    for number, line in enumerate(lines, 2):
        crc, _, body = line.partition(b" ")
        if crc != _crc(body):
            raise _damaged(path, number)
        facts = json.loads(body)
        events.append(StateEvent(session, facts["time_ns"], facts["kind"], facts["data"]))
    return events


def _damaged(path: Path, number: int) -> IntegrityError:
    return IntegrityError(
        f"the events in {path} cannot be used: line {number} does not match its checksum",
        hint="snapshots do not need them; move the file away to record events again",
        path=str(path),
    )


def _crc(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _line(event: StateEvent) -> bytes:
    facts = {"time_ns": event.time_ns, "kind": event.kind, "data": event.data}
    body = json.dumps(facts, separators=(",", ":"), allow_nan=False).encode("ascii")
    return _crc(body) + b" " + body + b"\n"


def add_event(path: Path, event: StateEvent) -> None:
    """Adds an event; on return it is on disk.

    Raises:
        FailedError: the system refused; what was there before stays.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            start = _end(fd)
            os.ftruncate(fd, start)
            os.lseek(fd, start, os.SEEK_SET)
            full_write(fd, _line(event) if start else _HEADER + _line(event), path)
            sync_content(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise system_error(error, "writing", path) from error
    if not start:
        fsync_folder(path.parent)


def _end(fd: int, before: int | None = None) -> int:
    """Returns where the last line feed before an offset ends; 0 when there is none."""
    here = os.fstat(fd).st_size if before is None else before
    while here:
        start = max(0, here - _BLOCK)
        found = os.pread(fd, here - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        here = start
    return 0


def last_event_ns(path: Path) -> int | None:
    """Returns the time of the newest event; None when there is none, or it is damaged.

    Raises:
        FailedError: the file cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            end = _end(fd)
            start = _end(fd, end - 1) if end else 0
            line = os.pread(fd, end - start, start)
        finally:
            os.close(fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise system_error(error, "reading", path) from error
    crc, _, body = line.rstrip(b"\n").partition(b" ")
    return int(json.loads(body)["time_ns"]) if start and crc == _crc(body) else None


def replace_events(path: Path, events: Sequence[StateEvent]) -> None:
    """Makes these the session's events; raises as `add_event`."""
    write_atomic(path, b"".join(_file(events)))


def _file(events: Sequence[StateEvent]) -> Iterable[bytes]:
    yield _HEADER
    yield from map(_line, events)
