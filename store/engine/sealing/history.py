"""The sealed operations in the repository: a commit, its tree, its chunks of JSON lines.

FIRST-LAST.jsonl       operations, one canonical JSON document a line, ascending
objects/FIRST/XX/...   what was sealed with them and no step's tree names, by hex id
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator

from stepwell.store.engine import codec
from stepwell.store.engine.objects import ObjectReader, TreeEntry, decode_tree
from stepwell.store.engine.sealing.sealedindex import Chunk
from stepwell.store.model.errors import FormatError, IntegrityError
from stepwell.store.model.ids import Oid, oid_from_hex
from stepwell.store.model.steps import Operation

CHUNK_BYTES = 512 << 10
"""A chunk of operations is closed when it has grown beyond this."""

_CHUNK_NAME = re.compile(rb"([0-9]{10,})-([0-9]{10,})\.jsonl")
_CACHED = 4


def chunk_name(first: int, last: int) -> bytes:
    """Returns the name of a chunk in the tree."""
    return b"%010d-%010d.jsonl" % (first, last)


def tree_of_commit(commit: bytes) -> Oid:
    """Returns the tree that a commit's bytes name; raises ValueError when they are malformed."""
    if commit[:5] != b"tree " or commit[45:46] != b"\n":
        raise ValueError("not a commit")
    return oid_from_hex(commit[5:45].decode("ascii"))


def history_entries(reader: ObjectReader, commit: Oid) -> list[TreeEntry]:
    """Returns the entries of the tree that holds the sealed operations.

    Raises:
        IntegrityError: they cannot be read.
    """
    try:
        return decode_tree(reader.read(tree_of_commit(reader.read(commit)[1]))[1])
    except ValueError as error:
        raise IntegrityError(
            f"the sealed operations cannot be read: commit {commit.hex()} is malformed"
        ) from error


def chunks_of(entries: list[TreeEntry]) -> list[Chunk]:
    """Returns the chunks among them, ascending."""
    found = ((_CHUNK_NAME.fullmatch(entry.name), entry.oid) for entry in entries)
    return sorted(Chunk(int(match[1]), int(match[2]), oid) for match, oid in found if match)


class SealedOperations:
    """Reads operations out of chunks; the newest few chunks are remembered."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._cache: OrderedDict[Oid, list[bytes]] = OrderedDict()

    def operation(self, chunk: Chunk, number: int) -> Operation | None:
        """Returns an operation; None when its chunk has none of that number.

        Raises:
            IntegrityError: the chunk cannot be read.
        """
        lines = self._lines(chunk)
        at = number - chunk.first
        if len(lines) == chunk.last - chunk.first + 1 and 0 <= at < len(lines):
            return decode_operation(lines[at])
        return next((o for o in map(decode_operation, lines) if o.number == number), None)

    def operations(self, chunk: Chunk, *, newest_first: bool = False) -> Iterator[Operation]:
        """Returns a chunk's operations, ascending or descending; raises as `operation`."""
        lines = self._lines(chunk)
        return map(decode_operation, reversed(lines) if newest_first else lines)

    def _lines(self, chunk: Chunk) -> list[bytes]:
        lines = self._cache.get(chunk.blob)
        if lines is None:
            lines = self._reader.read(chunk.blob)[1].splitlines()
            self._cache[chunk.blob] = lines
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return lines


def decode_operation(line: bytes) -> Operation:
    """Returns the operation of a line.

    Raises:
        FormatError: it is none that this version understands.
    """
    try:
        return codec.operation_from_json(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(
            "a sealed operation cannot be read: its form is unknown",
            hint="a newer version may have written it; use that version",
        ) from error
