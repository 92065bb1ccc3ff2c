"""A file of lines that only grows, in groups that are there whole or not at all.

Each line carries a CRC chained over all lines before it, so that a `Pin`, the pair of size and
CRC, names one exact content. A group that a crash cut short is ignored by readers and cut off by
the next writer. Nothing is synced on append: the files are derived, and what a power loss takes
away no longer matches its chain or its pin.

    file  = header line*
    line  = 8 hex digits of CRC, `,` (the group goes on) or `.` (it ends here), body, line feed

A file that will not grow any more may be deflated, as `deflated header, zlib stream of the file`;
sizes and pins are those of what it was made from.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.atomic import FILE_MODE, full_write, system_error, write_atomic
from stepwell.store.model.errors import IntegrityError

HEADER = b"stepwell-catalogue 1\n"
DEFLATED = b"stepwell-catalogue 1 deflated\n"

Group = Sequence[bytes]
"""Bodies of the lines that belong together; none holds a line feed."""

_CRC_DIGITS = 8
_LAST, _MORE = b".", b","


class Pin(NamedTuple):
    """One exact content of a file that grows."""

    size: int
    """Bytes."""
    crc: int


NOTHING = Pin(0, 0)


class AppendFile:
    """The file as far as it was read or written here; `pin` is where that ends.

    Writing is for one process at a time, which the caller sees to; reading is for any number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pin = NOTHING
        self._last_line = 0
        """Size of the last line before `pin`; 0 when there is none."""

    def read(self, until: Pin | None = None) -> list[list[bytes]]:
        """Returns the groups behind `pin`, and moves it behind them.

        With `until` it reads exactly up to there, else up to the last whole group.

        Raises:
            IntegrityError: the bytes are not what was appended; `pin` has not moved.
        """
        if until == self.pin:
            return []
        size = None if until is None else until.size
        content = read_behind(self.path, self.pin.size - self._last_line, size)
        if self._last_line and content[:_CRC_DIGITS] != b"%08x" % self.pin.crc:
            raise damaged(self.path, "another file has taken its place")
        groups, pin = _parse(content[self._last_line :], self.pin, self.path)
        if until is not None and pin != until:
            raise damaged(
                self.path, "it is not as long, or not as it was, when it was last written"
            )
        self._move(pin, groups)
        return groups

    def _move(self, pin: Pin, groups: Sequence[Group]) -> None:
        self.pin = pin
        if groups:
            self._last_line = _line_size(groups[-1][-1])

    def append(self, groups: Sequence[Group]) -> None:
        """Adds groups with one write.

        Raises:
            NoSpaceError, FailedError: the system said no; the file is as before.
            IntegrityError: the file is shorter than what was read from it.
        """
        content, pin = _encode(groups, self.pin)
        write_behind(self.path, self.pin.size, content)
        self._move(pin, groups)

    def replace(self, groups: Sequence[Group]) -> None:
        """Makes `groups` the whole content: after a crash the old or the new file is there.

        Raises:
            NoSpaceError, FailedError: the system said no; the file is as before.
        """
        content, pin = _encode(groups, NOTHING)
        _make_way(self.path)
        write_atomic(self.path, content)
        self._last_line = 0
        self._move(pin, groups)

    def deflate(self) -> None:
        """Makes the file smaller for good: it can be read as before, and takes no more groups.

        Raises:
            NoSpaceError, FailedError: the system said no; the file is as before.
            IntegrityError: it cannot be read.
        """
        content = read_behind(self.path, 0, self.pin.size)
        smaller = DEFLATED + zlib.compress(content, 9)
        if len(smaller) < len(content) and _parse(content, NOTHING, self.path)[1] == self.pin:
            write_atomic(self.path, smaller, durable=False)


def damaged(path: Path, why: str) -> IntegrityError:
    """Returns the error for a derived file that cannot be used."""
    return IntegrityError(
        f"the catalogue file {path} cannot be used: {why}",
        hint="stepwell rebuild makes the catalogue anew from the journal",
        path=str(path),
    )


def read_behind(path: Path, offset: int, until: int | None) -> bytes:
    """Returns the bytes from `offset` up to `until`, or to the end; none when there is no file.

    Raises:
        IntegrityError: the file is shorter than `offset`, no plain file, or cannot be read.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
        try:
            return _read(fd, path, offset, until)
        finally:
            os.close(fd)
    except FileNotFoundError:
        if offset or until:
            raise damaged(path, "it is gone") from None
        return b""
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error


def _read(fd: int, path: Path, offset: int, until: int | None) -> bytes:
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and os.pread(fd, len(DEFLATED), 0) == DEFLATED:
        return _inflated(_read_plain(fd, path, len(DEFLATED), None), path)[offset:until]
    return _read_plain(fd, path, offset, until)


def _inflated(content: bytes, path: Path) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error as error:
        raise damaged(path, "it cannot be inflated") from error


def _read_plain(fd: int, path: Path, offset: int, until: int | None) -> bytes:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size < offset:
        raise damaged(path, "it is not the file that was written, or cut short")
    wanted = (status.st_size if until is None else until) - offset
    parts: list[bytes] = []
    while wanted > 0 and (part := os.pread(fd, wanted, offset)):
        parts.append(part)
        offset += len(part)
        wanted -= len(part)
    return b"".join(parts)


def write_behind(path: Path, offset: int, content: bytes) -> None:
    """Writes `content` at `offset` and cuts off what was there; makes the file when it is new.

    Raises:
        NoSpaceError, FailedError: the system said no; the file ends at `offset`.
        IntegrityError: the file is shorter than `offset`.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, FILE_MODE)
        try:
            _cut(fd, path, offset)
            _write_or_cut(fd, path, offset, content)
        finally:
            os.close(fd)
    except OSError as error:
        raise system_error(error, "writing", path) from error


def _cut(fd: int, path: Path, offset: int) -> None:
    size = os.fstat(fd).st_size
    if size < offset:
        raise damaged(path, "it became shorter")
    if size > offset:
        os.ftruncate(fd, offset)
    if offset == 0:
        os.fchmod(fd, FILE_MODE)


def _write_or_cut(fd: int, path: Path, offset: int, content: bytes) -> None:
    os.lseek(fd, offset, os.SEEK_SET)
    try:
        full_write(fd, content, path)
    except BaseException:
        # Should this fail too, readers still ignore the torn group and the next writer cuts it.
        with contextlib.suppress(OSError):
            os.ftruncate(fd, offset)
        raise


def _make_way(path: Path) -> None:
    """Removes a folder that stands where the file is to be: no rename can replace one."""
    if path.is_dir() and not path.is_symlink():
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise system_error(error, "removing", path) from error


def _line_size(body: bytes) -> int:
    return _CRC_DIGITS + 1 + len(body) + 1


def _encode(groups: Iterable[Group], pin: Pin) -> tuple[bytes, Pin]:
    parts: list[bytes] = []
    crc = pin.crc
    if pin == NOTHING:
        parts.append(HEADER)
        crc = zlib.crc32(HEADER)
    for group in groups:
        for index, body in enumerate(group, 1):
            line = (_LAST if index == len(group) else _MORE) + body
            crc = zlib.crc32(line, crc)
            parts.append(b"%08x%s\n" % (crc, line))
    content = b"".join(parts)
    return content, Pin(pin.size + len(content), crc)


def _parse(content: bytes, pin: Pin, path: Path) -> tuple[list[list[bytes]], Pin]:
    lines = content.split(b"\n")
    # What follows the last line feed is a line that was cut short, or nothing.
    lines.pop()
    size, crc = pin
    if lines and pin == NOTHING:
        size, crc = len(HEADER), zlib.crc32(HEADER)
        if lines.pop(0) + b"\n" != HEADER:
            raise damaged(path, "it is of another kind or format")
        pin = Pin(size, crc)
    groups: list[list[bytes]] = []
    group: list[bytes] = []
    for line in lines:
        rest = line[_CRC_DIGITS:]
        crc = zlib.crc32(rest, crc)
        if line[:_CRC_DIGITS] != b"%08x" % crc:
            raise damaged(path, f"the line at byte {size} does not match its checksum")
        size += len(line) + 1
        group.append(rest[1:])
        if rest[:1] == _LAST:
            groups.append(group)
            group = []
            pin = Pin(size, crc)
    return groups, pin
