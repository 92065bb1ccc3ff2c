"""Snapshots as one portable file, and reading such a file from a stranger.

`json`: one document, `{"format", "version", "created", "snapshots": [ITEM...]}`. `binary`: gzip over
lines: the same document without the items, the items, and `{"count": N}`. An item is what is known
of a snapshot, its `state` or the `patch` (RFC 6902) that makes it from the state of its `base`, and
a SHA-256 `digest` over all of that.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from stepwell.store.model.errors import FormatError, IntegrityError, RefusedError, UsageError
from stepwell.store.model.text import rfc3339
from stepwell.store.state.chain import Chain
from stepwell.store.state.documents import Limits, check_size, encode, parse, too_large
from stepwell.store.state.record import digest
from stepwell.store.state.values import ExportFormat, StateSnapshot

NAME = "stepwell-state-export"
VERSION = 1
FACTS = ("id", "session", "time_ns", "type", "tags", "description", "size", "checksum", "automatic")

_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 16
_FREE_BYTES = 64 << 20
"""Decompressed bytes to which no ratio applies."""

Item = dict[str, Any]


def is_export(start: bytes) -> bool:
    """Tells by its beginning whether a file is an export, of whatever form and version."""
    text = start
    if start.startswith(_GZIP):
        with suppress(zlib.error):
            text = zlib.decompressobj(wbits=31).decompress(start, _BLOCK)
    return text.startswith(b"{") and f'"{NAME}"'.encode() in text[:_BLOCK]


def exported(
    chain: Chain,
    snapshots: Sequence[StateSnapshot],
    *,
    form: ExportFormat,
    created_ns: int,
    limits: Limits,
) -> bytes:
    """Returns the file.

    Raises:
        IntegrityError: one of the snapshots is damaged.
        RefusedError: the file would exceed what an import accepts.
        UsageError: there is no such form.
    """
    head = {"format": NAME, "version": VERSION, "created": rfc3339(created_ns)}
    items = _items(chain, sorted(snapshots, key=lambda one: one.number))
    if form == "binary":
        return _binary(head, items, limits)
    if form != "json":
        raise UsageError(f"{form!r} is no form of export", hint="json or binary")
    text = encode({**head, "snapshots": list(items)}) + b"\n"
    try:
        check_size(text, "the export", limits)
    except RefusedError as error:
        raise RefusedError(
            f"the export is too large for one JSON document: {error.message}",
            hint="export it as binary, or less at once",
        ) from error
    return text


def _items(chain: Chain, snapshots: Sequence[StateSnapshot]) -> Iterator[Item]:
    chosen = {one.id for one in snapshots}
    for one in snapshots:
        facts: Item = {name: getattr(one, name) for name in FACTS}
        # A base that was not asked for does not leave with what builds on it.
        if one.base in chosen:
            facts |= {"base": one.base, "patch": chain.patch(one)}
        else:
            facts |= {"type": "full", "base": None, "state": chain.state(one)}
        yield {**facts, "digest": digest(encode(facts))}


def _binary(head: Item, items: Iterator[Item], limits: Limits) -> bytes:
    target, count = io.BytesIO(), 0
    with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as file:
        file.write(encode(head) + b"\n")
        for item in items:
            file.write(encode(item) + b"\n")
            count += 1
        file.write(encode({"count": count}) + b"\n")
    content = target.getvalue()
    check_binary(content, limits)
    return content


def read_items(content: bytes, limits: Limits) -> Iterator[Item]:
    """Yields the items of an export; the file as a whole was checked before the first one.

    Raises:
        RefusedError: a limit is exceeded.
        IntegrityError: it is cut short or damaged.
        FormatError: a newer version made it.
        UsageError: it is no export.
    """
    if len(content) > limits.input_bytes:
        raise too_large("the export", "bytes", limits.input_bytes)
    if content.startswith(_GZIP):
        check_binary(content, limits)
        return _from_lines(content, limits)
    document = parse(content, "the export", limits)
    _check_head(document)
    items = document.get("snapshots")
    if not isinstance(items, list):
        raise UsageError("the export has no list of snapshots", hint="is the file what you meant?")
    if len(items) > limits.snapshots:
        raise too_large("the export", "snapshots", limits.snapshots)
    return iter(items)


def _check_head(head: Any) -> None:
    if not isinstance(head, dict) or head.get("format") != NAME:
        raise UsageError(
            "the file is no export of state snapshots", hint="stepwell state export makes one"
        )
    if head.get("version") != VERSION:
        raise FormatError(
            f"the export has version {head.get('version')!r}, and this version reads {VERSION}",
            hint="a newer stepwell made it: update",
        )


def check_binary(content: bytes, limits: Limits) -> None:
    """Raises, as `read_items` does, unless a binary export is whole and within the limits."""
    count, last = -1, b""
    for line in _lines(content, limits):
        check_size(line, "an item of the export", limits)
        if count < 0:
            _check_head(parse(line, "the head of the export", limits))
        if count > limits.snapshots:
            raise too_large("the export", "snapshots", limits.snapshots)
        count, last = count + 1, line
    if last != encode({"count": count - 1}):
        raise _cut_short()


def _from_lines(content: bytes, limits: Limits) -> Iterator[Item]:
    lines = _lines(content, limits)
    next(lines)
    line = next(lines)
    for following in lines:
        yield parse(line, "an item of the export", limits)
        line = following


def _lines(content: bytes, limits: Limits) -> Iterator[bytes]:
    """Yields the decompressed lines; never holds more than one of them and a block."""
    rest = bytearray()
    for block in _decompressed(content, limits):
        first, *more = block.split(b"\n")
        rest += first
        for following in more:
            yield bytes(rest)
            rest = bytearray(following)
        if len(rest) > limits.document_bytes:
            raise too_large("an item of the export", "bytes", limits.document_bytes)
    if rest:
        raise _cut_short()


def _decompressed(content: bytes, limits: Limits) -> Iterator[bytes]:
    machine = zlib.decompressobj(wbits=31)
    total, waiting = 0, memoryview(content)
    most = max(_FREE_BYTES, limits.ratio * len(content))
    try:
        while not machine.eof:
            given = machine.unconsumed_tail or waiting[:_BLOCK]
            if not machine.unconsumed_tail:
                waiting = waiting[_BLOCK:]
            block = machine.decompress(given, _BLOCK)
            if not given and not block:
                raise _cut_short()
            total += len(block)
            if total > min(most, limits.total_bytes):
                raise too_large("the export", "decompressed bytes", min(most, limits.total_bytes))
            yield block
    except zlib.error as error:
        raise IntegrityError(
            f"the export is damaged: {error}", hint="copy the file again from where it was made"
        ) from error
    if waiting or machine.unused_data:
        raise IntegrityError(
            "the export is damaged: something follows its end",
            hint="copy the file again from where it was made",
        )


def _cut_short() -> IntegrityError:
    return IntegrityError(
        "the export is cut short", hint="copy the file again from where it was made"
    )
