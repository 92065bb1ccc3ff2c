"""Changes as a patch that `git apply` takes: what git can express of them, byte for byte."""

from __future__ import annotations

import base64
import stat
import zlib
from collections.abc import Iterable, Iterator

from stepwell.store.engine.diff import change_of_blobs
from stepwell.store.engine.objects import (
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    ObjectReader,
    git_refuses,
    refuses_entry,
)
from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.ids import Oid

_NO_OBJECT = b"0" * 40
_ESCAPES = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r"}
_ESCAPES |= {ord('"'): b'\\"', ord("\\"): b"\\\\"}
_BINARY_LINE = 52


def as_patch(changes: Iterable[Change], reader: ObjectReader) -> bytes:
    """Returns the changes in git's patch format; b"" when git sees no difference in them.

    Modes are reduced to those that git has. Left out is what no git patch can hold: folders, and
    paths that git refuses. `changes` need not carry hunks.

    Raises:
        IntegrityError: an object is missing or damaged.
    """
    parts = [part for change in changes for part in _split(change)]
    # What goes comes first, so that a file can take the place of a folder and the reverse.
    parts.sort(key=lambda change: change.status != "D")
    return b"".join(_one(change, reader) for change in parts)


def _split(change: Change) -> Iterator[Change]:
    """Yields the change as git would say it: a change of type is a deletion and an addition."""
    old = _git_mode(change.old_mode) if _speakable(change, old=True) else None
    new = _git_mode(change.new_mode) if _speakable(change, old=False) else None
    if change.status == "R" and old and new:
        yield change
        return
    if change.status == "M":
        if old and (old, change.old_blob) != (new, change.new_blob):
            yield change
        return
    if old is not None:
        gone = change.old_path or change.path
        yield Change(gone, "D", old_mode=change.old_mode, old_blob=change.old_blob)
    if new is not None:
        yield Change(change.path, "A", new_mode=change.new_mode, new_blob=change.new_blob)


def _speakable(change: Change, *, old: bool) -> bool:
    path = (change.old_path or change.path) if old else change.path
    mode = _git_mode(change.old_mode if old else change.new_mode)
    if mode is None or any(git_refuses(name) for name in path.split(b"/")):
        return False
    return mode != MODE_LINK or not refuses_entry(path.rpartition(b"/")[2], mode, None)


def _git_mode(mode: int | None) -> int | None:
    """Returns git's mode of a file or link; None for a folder and for nothing."""
    if mode is None or stat.S_ISDIR(mode):
        return None
    if stat.S_ISLNK(mode):
        return MODE_LINK
    return MODE_EXEC if mode & 0o100 else MODE_FILE


def _one(change: Change, reader: ObjectReader) -> bytes:
    old_path = change.old_path or change.path
    head = b"diff --git %s %s\n" % (quoted(b"a/" + old_path), quoted(b"b/" + change.path))
    head += b"".join(_mode_lines(change))
    if change.status == "R":
        head += b"similarity index 100%%\nrename from %s\nrename to %s\n" % (
            quoted(old_path),
            quoted(change.path),
        )
    if change.old_blob == change.new_blob:
        return head
    head += _index_line(change)
    return head + _content(change, reader)


def _mode_lines(change: Change) -> Iterator[bytes]:
    old, new = _git_mode(change.old_mode), _git_mode(change.new_mode)
    if old is None and new is not None:
        yield b"new file mode %o\n" % new
    elif new is None and old is not None:
        yield b"deleted file mode %o\n" % old
    elif old is not None and new is not None and old != new:
        yield b"old mode %o\nnew mode %o\n" % (old, new)


def _index_line(change: Change) -> bytes:
    old, new = _git_mode(change.old_mode), _git_mode(change.new_mode)
    line = b"index %s..%s" % (_hex(change.old_blob), _hex(change.new_blob))
    return line + (b" %o\n" % old if old is not None and old == new else b"\n")


def _hex(oid: Oid | None) -> bytes:
    return _NO_OBJECT if oid is None else oid.hex().encode("ascii")


def _content(change: Change, reader: ObjectReader) -> bytes:
    if not (change.hunks or change.binary or change.too_large):
        change = change_of_blobs(reader, change)
    if change.binary or change.too_large:
        return _binary(_blob(reader, change.new_blob), _blob(reader, change.old_blob))
    if not change.hunks:
        return b""
    old = _side_name(b"a/", change.path, change.old_blob)
    new = _side_name(b"b/", change.path, change.new_blob)
    body = b"".join(_hunk_text(hunk) for hunk in change.hunks)
    return b"--- %s\n+++ %s\n%s" % (old, new, body)


def _blob(reader: ObjectReader, oid: Oid | None) -> bytes:
    return b"" if oid is None else reader.read(oid)[1]


def _side_name(prefix: bytes, path: bytes, blob: Oid | None) -> bytes:
    if blob is None:
        return b"/dev/null"
    name = quoted(prefix + path)
    # A tab ends a name with spaces, as git writes it.
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def _hunk_text(hunk: Hunk) -> bytes:
    old = _range(hunk.old_start, hunk.old_lines)
    new = _range(hunk.new_start, hunk.new_lines)
    lines = (line if line.endswith(b"\n") else line + b"\n" for line in hunk.lines)
    return b"@@ -%s +%s @@\n%s" % (old, new, b"".join(lines))


def _range(start: int, count: int) -> bytes:
    return b"%d" % start if count == 1 else b"%d,%d" % (start, count)


def _binary(new: bytes, old: bytes) -> bytes:
    return b"GIT binary patch\n%s%s" % (_literal(new), _literal(old))


def _literal(content: bytes) -> bytes:
    packed = zlib.compress(content)
    lines = [_encoded(packed[at : at + _BINARY_LINE]) for at in range(0, len(packed), _BINARY_LINE)]
    return b"literal %d\n%s\n" % (len(content), b"".join(lines))


def _encoded(piece: bytes) -> bytes:
    size = len(piece)
    mark = size + ord("A") - 1 if size <= 26 else size - 26 + ord("a") - 1
    return b"%c%s\n" % (mark, base64.b85encode(piece, pad=True))


def quoted(path: bytes) -> bytes:
    """Returns the path as git prints it: in quotes with C escapes where it has odd bytes."""
    if not any(byte < 0x20 or byte >= 0x7F or byte in _ESCAPES for byte in path):
        return path
    return b'"%s"' % b"".join(map(_escaped, path))


def _escaped(byte: int) -> bytes:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return b"\\%03o" % byte if byte < 0x20 or byte >= 0x7F else bytes((byte,))
