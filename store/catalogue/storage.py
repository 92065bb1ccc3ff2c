"""A TinyDB storage that appends changes instead of rewriting the file.

Documents are kept as JSON text and decoded on each read: nobody can change what is stored by
changing what was read, and loading a file costs no parsing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tinydb.storages import Storage

from stepwell.store.catalogue.appendfile import AppendFile, Pin, damaged
from stepwell.store.model.errors import FailedError

Texts = dict[int, bytes]
"""Documents of one table by id, as JSON text, in the order in which they were added."""

COMPACT_BYTES = 128 << 10
"""Files below this size are never compacted."""
_DEAD_SHARE = 2
"""A file this many times as large as its live lines is compacted."""
_LINE_BYTES = 24
"""About what a line takes besides its text."""
_MADE, _DROPPED = b"+", b"-"


_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Change(NamedTuple):
    """One document set (`text` None: removed), or with `doc_id` None a table made or dropped."""

    table: str
    doc_id: int | None
    text: bytes | None


def encode(document: Mapping[str, Any]) -> bytes:
    """Returns a document as JSON text without line feeds and tabs; raises as `json.dumps`."""
    return _ENCODER.encode(document).encode("ascii")


class AppendStorage(Storage):
    """The tables of one file. For one writing process at a time, which the caller sees to.

    With `pin` exactly that content is loaded, and the file only ever grows, else everything up to
    the last whole change. With `detached` nothing is loaded, and changes stay in memory.

    Raises:
        IntegrityError: the file is damaged.
    """

    def __init__(self, path: str | Path, *, pin: Pin | None = None, detached: bool = False) -> None:
        self.detached = detached
        """True while changes stay in memory."""
        self._only_grows = pin is not None
        self._file = AppendFile(Path(path))
        self._tables: dict[str, Texts] = {}
        self._live_bytes = 0
        self._pending: list[Change] | None = None
        self._before: dict[str, Texts | None] = {}
        if not detached:
            self.refresh(pin)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def pin(self) -> Pin:
        """The file's content as far as it is loaded."""
        return self._file.pin

    def refresh(self, pin: Pin | None = None) -> None:
        """Takes in what another process has appended, up to `pin` when it is given.

        Raises:
            IntegrityError: the file is damaged, or another one has taken its place.
        """
        for group in self._file.read(pin):
            for body in group:
                self._take(*_decode(body, self._file.path))

    def read(self) -> dict[str, dict[str, Any]] | None:
        """Returns copies of all documents; None when there is no table."""
        tables = {
            name: {str(doc_id): json.loads(text) for doc_id, text in texts.items()}
            for name, texts in self._tables.items()
        }
        return tables or None

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Makes `data` the whole content by appending the differences."""
        self.apply(_differences(self._tables, data))

    def close(self) -> None:
        """Does nothing: no descriptor stays open between calls."""

    def texts(self, table: str) -> Mapping[int, bytes]:
        """Returns the table's documents as they are now; not to be changed or kept."""
        return self._tables.get(table, {})

    def has_table(self, table: str) -> bool:
        """Tells whether the table was ever written to."""
        return table in self._tables

    def apply(self, changes: Iterable[Change]) -> None:
        """Makes the changes, all or none, with one write (or, in a batch, at its end).

        Raises:
            NoSpaceError, FailedError: the system said no; nothing has changed.
        """
        wanted = list(changes)
        if self._pending is None:
            self._write(wanted)
        else:
            self._pending += wanted
            for name in {change.table for change in wanted} - self._before.keys():
                texts = self._tables.get(name)
                self._before[name] = None if texts is None else dict(texts)
        for change in wanted:
            self._take(*change)
        if self._pending is None:
            self._compact_when_worthwhile()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Makes all changes of the block one group of the file: all or none, also in memory."""
        self._pending, self._before = [], {}
        live = self._live_bytes
        try:
            yield
            self._write(self._pending)
        except BaseException:
            self._restore(live)
            raise
        finally:
            self._pending, self._before = None, {}
        self._compact_when_worthwhile()

    def compact(self) -> None:
        """Rewrites the file without dead lines.

        Raises:
            NoSpaceError, FailedError: the system said no; the file is as before.
        """
        self._file.replace([[_body(change)] for change in _all(self._tables)])

    def deflate(self) -> None:
        """Makes the file smaller, and the last to be written to it; raises as AppendFile's."""
        self._file.deflate()

    def _write(self, changes: list[Change]) -> None:
        if changes and not self.detached:
            self._file.append([[_body(change) for change in changes]])

    def _compact_when_worthwhile(self) -> None:
        size = self._file.pin.size
        if (
            self.detached
            or self._only_grows
            or size < COMPACT_BYTES
            or size < _DEAD_SHARE * self._live_bytes
        ):
            return
        # The change itself is in the file; the space can be won back another time.
        with contextlib.suppress(FailedError):
            self.compact()

    def _restore(self, live_bytes: int) -> None:
        self._live_bytes = live_bytes
        for name, texts in self._before.items():
            if texts is None:
                self._tables.pop(name, None)
            else:
                self._tables[name] = texts

    def _take(self, name: str, doc_id: int | None, text: bytes | None) -> None:
        if doc_id is None:
            gone = self._tables.pop(name, {})
            self._live_bytes -= sum(len(old) + _LINE_BYTES for old in gone.values())
            if text is not None:
                self._tables[name] = {}
            return
        texts = self._tables.setdefault(name, {})
        old = texts.get(doc_id)
        if old is not None:
            self._live_bytes -= len(old) + _LINE_BYTES
        if text is None:
            texts.pop(doc_id, None)
        else:
            texts[doc_id] = text
            self._live_bytes += len(text) + _LINE_BYTES


def _all(tables: Mapping[str, Texts]) -> Iterator[Change]:
    for name, texts in tables.items():
        yield Change(name, None, b"")
        for doc_id, text in texts.items():
            yield Change(name, doc_id, text)


def _differences(
    tables: Mapping[str, Texts], data: Mapping[str, Mapping[str, Any]]
) -> Iterator[Change]:
    for name in tables.keys() - data.keys():
        yield Change(name, None, None)
    for name, documents in data.items():
        wanted = {int(doc_id): encode(document) for doc_id, document in documents.items()}
        old = tables.get(name)
        if old is None:
            yield Change(name, None, b"")
        for doc_id in (old or {}).keys() - wanted.keys():
            yield Change(name, doc_id, None)
        for doc_id, text in wanted.items():
            if old is None or old.get(doc_id) != text:
                yield Change(name, doc_id, text)


def _body(change: Change) -> bytes:
    name = json.dumps(change.table).encode("ascii")
    if change.doc_id is None:
        return (_DROPPED if change.text is None else _MADE) + b"\t" + name + b"\t"
    return b"%d\t%s\t%s" % (change.doc_id, name, change.text or b"")


def _decode(body: bytes, path: Path) -> tuple[str, int | None, bytes | None]:
    try:
        doc_id, name, text = body.split(b"\t")
        table = _table_name(name)
        if doc_id in (_MADE, _DROPPED):
            return table, None, b"" if doc_id == _MADE else None
        return table, int(doc_id), text or None
    except ValueError as error:
        raise damaged(path, f"it holds a line of another kind: {error}") from error


@lru_cache(maxsize=64)
def _table_name(text: bytes) -> str:
    return str(json.loads(text))
