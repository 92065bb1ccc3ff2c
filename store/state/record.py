"""The form of one stored snapshot: a line that names the format, a line of JSON, the content.

    stepwell-state 1 SHA-256-OF-THE-NEXT-LINE
    {"id": ..., "session": ..., "content": {"algorithm": "sha256", "digest": ..., "bytes": ...}, ...}
    the state, or the patch that makes it from the base's state, as canonical JSON, perhaps gzipped

The first two lines can be read and checked without the rest.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from typing import Any, NamedTuple

from stepwell.store.model.errors import FormatError, IntegrityError
from stepwell.store.state.values import StateConfig, StateSnapshot

FORMAT = 1
_MAGIC = b"stepwell-state"
_MEMBERS = (
    "id",
    "session",
    "number",
    "time_ns",
    "type",
    "description",
    "size",
    "checksum",
    "base",
    "compressed",
    "automatic",
)


class Record(NamedTuple):
    """A snapshot and its content as stored."""

    snapshot: StateSnapshot
    content: bytes


def digest(content: bytes) -> str:
    """Returns the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def squeezed(text: bytes, config: StateConfig, *, force: bool) -> tuple[bytes, bool]:
    """Returns a text as it is to be stored, and whether it is compressed."""
    if not force and not (config.compression_enabled and len(text) >= config.compression_threshold):
        return text, False
    packed = gzip.compress(text, compresslevel=6, mtime=0)
    return (packed, True) if force or len(packed) < len(text) else (text, False)


def released(record: Record) -> bytes:
    """Returns the text that was stored.

    Raises:
        IntegrityError: the content is damaged.
    """
    if not record.snapshot.compressed:
        return record.content
    try:
        return gzip.decompress(record.content)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(record.snapshot.id, f"its content cannot be decompressed: {error}") from error


def damaged(identity: str, why: str) -> IntegrityError:
    """Returns the error for a stored snapshot that cannot be used."""
    return IntegrityError(
        f"the state snapshot {identity} cannot be used: {why}",
        hint="stepwell state nearest finds another one; delete it once it is of no use",
        snapshot=identity,
    )


def packed(record: Record) -> bytes:
    """Returns the bytes of a record's file."""
    header = json.dumps(_header(record), separators=(",", ":")).encode("ascii")
    return b"%s %d %s\n%s\n" % (_MAGIC, FORMAT, digest(header).encode(), header) + record.content


def _header(record: Record) -> dict[str, Any]:
    one = record.snapshot
    return {
        **{name: getattr(one, name) for name in _MEMBERS},
        "tags": one.tags,
        "content": {
            "algorithm": "sha256",
            "digest": digest(record.content),
            "bytes": len(record.content),
        },
    }


class Head(NamedTuple):
    """What the first two lines say, and where the content begins."""

    snapshot: StateSnapshot
    digest: str
    start: int


def read_head(start: bytes, identity: str) -> Head:
    """Returns what the first two lines of a record's file say.

    Raises:
        FormatError: a newer version made it.
        IntegrityError: it is damaged, or of another snapshot than `identity`.
    """
    first, _, rest = start.partition(b"\n")
    line, end, _ = rest.partition(b"\n")
    _check_first(first, identity)
    if not end or first.rpartition(b" ")[2].decode("ascii", "replace") != digest(line):
        raise damaged(identity, "its description is cut short or does not match its checksum")
    try:
        header = json.loads(line)
        content = header["content"]
        snapshot = StateSnapshot(
            **{name: header[name] for name in _MEMBERS},
            tags=tuple(header["tags"]),
            stored_bytes=content["bytes"],
        )
        head = Head(snapshot, content["digest"], len(first) + len(line) + 2)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(identity, f"its description lacks something: {error}") from error
    if snapshot.id != identity:
        raise damaged(identity, f"it is the snapshot {snapshot.id}")
    return head


def _check_first(line: bytes, identity: str) -> None:
    words = line.split(b" ")
    if len(words) != 3 or words[0] != _MAGIC or not words[1].isdigit():
        raise damaged(identity, "it does not begin as a state snapshot does")
    if int(words[1]) != FORMAT:
        raise FormatError(
            f"the state snapshot {identity} has format {int(words[1])}, and this version reads"
            f" format {FORMAT}",
            hint="a newer stepwell made it: update",
            snapshot=identity,
        )


def unpacked(content: bytes, identity: str, *, validate: bool) -> Record:
    """Returns the record of a file's bytes; `validate` False skips the content's checksum.

    Raises:
        FormatError, IntegrityError: as `read_head`; the content is cut short or damaged.
    """
    head = read_head(content, identity)
    body = content[head.start :]
    if len(body) != head.snapshot.stored_bytes:
        raise damaged(identity, f"it has {len(body)} of {head.snapshot.stored_bytes} bytes")
    if validate and digest(body) != head.digest:
        raise damaged(identity, "its content does not match its checksum")
    return Record(head.snapshot, body)
