"""The file of one snapshot of a storage: gzip over `{version, timestamp, checksum, data}`."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, NamedTuple

from stepwell.store.model.errors import FormatError, IntegrityError
from stepwell.store.model.text import rfc3339
from stepwell.store.state.documents import encode
from stepwell.store.state.record import digest

VERSION = 1
ALGORITHM = "sha256"
MOST_BYTES = 1 << 30
"""Decompressed."""


class Content(NamedTuple):
    """What an envelope holds."""

    timestamp: str
    digest: str
    data: Any


def enclosed(text: bytes, time_ns: int) -> bytes:
    """Returns the file for data in its canonical text."""
    head = {
        "version": VERSION,
        "timestamp": rfc3339(time_ns),
        "checksum": {"algorithm": ALGORITHM, "digest": digest(text)},
    }
    return gzip.compress(encode(head)[:-1] + b',"data":' + text + b"}", 6, mtime=0)


def opened(content: bytes) -> Content:
    """Returns what a file holds.

    Raises:
        FormatError: a newer version wrote it.
        IntegrityError: it is damaged, cut short, too large or no such file.
    """
    document = _document(content)
    if not isinstance(document, dict) or "version" not in document:
        raise _refused("it is no snapshot of a storage")
    checksum = document.get("checksum")
    named = checksum if isinstance(checksum, dict) else {}
    if document["version"] != VERSION or named.get("algorithm") != ALGORITHM:
        raise FormatError(
            f"the snapshot has version {document['version']!r} and the checksum"
            f" {named.get('algorithm')!r}, and this version reads {VERSION} with {ALGORITHM}",
            hint="a newer stepwell wrote it: update",
        )
    data = document.get("data")
    found = digest(encode(data))
    if found != named.get("digest"):
        raise _refused("its content does not match its checksum")
    return Content(str(document.get("timestamp")), found, data)


def _document(content: bytes) -> Any:
    machine = zlib.decompressobj(wbits=31)
    try:
        text = machine.decompress(content, MOST_BYTES)
        if not machine.eof or machine.unused_data:
            raise _refused("it is cut short, too large, or something follows its end")
        return json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise _refused(str(error)) from error


def _refused(why: str) -> IntegrityError:
    return IntegrityError(
        f"the snapshot cannot be used: {why}", hint="the one before it is used instead"
    )
