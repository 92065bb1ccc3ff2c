"""The full-text index: what each step said and changed, in SQLite's FTS5 with trigrams.

Derived, like all of the catalogue: it may be deleted at any time, and a damaged one is. Steps never
change and their numbers are never given twice, so a span of numbers that was indexed stays good.
Where the file cannot be written, an index in memory takes its place.

Trigrams: Cox, "Regular Expression Matching with a Trigram Index"; https://sqlite.org/fts5.html.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.atomic import create_file, make_private_folder
from stepwell.store.model.errors import FailedError
from stepwell.store.model.reports import Where

TEXTS = "texts.db"

PLACES: tuple[Where, ...] = ("prompt", "input", "path", "diff", "title")
"""A row of the index is a step's number times five plus the place; their order is the format's."""

_VERSION = 3
_SHORTEST = 3
_PAGE = 4096
"""SQLite's own; a file that is no multiple of it was cut, and would be read with zeros behind."""
_WAIT_S = 5.0
_SCHEMA = """
CREATE VIRTUAL TABLE texts USING fts5(body, tokenize = 'trigram');
CREATE TABLE touched (path BLOB, seq INTEGER, PRIMARY KEY (path, seq)) WITHOUT ROWID;
CREATE TABLE spans (low INTEGER PRIMARY KEY, high INTEGER);
CREATE TABLE sums (low INTEGER, high INTEGER, digest BLOB);
"""


_UNDECIDED = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
    }
)
"""Errors that say nothing of what the file holds."""


class DamagedIndexError(Exception):
    """The file cannot be read; whoever meets it removes it and begins anew."""


def _raise_if_damaged(error: sqlite3.DatabaseError) -> None:
    if not isinstance(error, sqlite3.OperationalError):
        raise DamagedIndexError(str(error)) from error


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """Raises DamagedIndexError for what SQLite says of a file that is not what it was."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        _raise_if_damaged(error)
        raise


class _ForeignError(sqlite3.DatabaseError):
    """Another version has written the file."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What of one step goes into the index."""

    seq: int
    texts: Sequence[tuple[Where, str]]
    paths: Sequence[bytes]
    """Every path that the step changed, of a rename both names."""


class Found(NamedTuple):
    """A text that holds all words."""

    seq: int
    where: Where
    body: str


class TextIndex:
    """An open index; for one thread. Close it after use."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> TextIndex:
        """Opens the index, made anew when it is absent, foreign or damaged."""
        with contextlib.suppress(sqlite3.Error, OSError, FailedError):
            make_private_folder(path.parent)
            try:
                return cls(_connected(path))
            except sqlite3.DatabaseError:
                remove_index(path)
                return cls(_connected(path))
        return cls(_prepared(sqlite3.connect(":memory:", isolation_level=None)))

    def close(self) -> None:
        """Lets go of the file; calling it again does nothing."""
        self._connection.close()

    def __enter__(self) -> TextIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def spans(self) -> list[tuple[int, int]]:
        """Returns the spans of step numbers (both ends included) that are indexed, ascending."""
        with _told_apart():
            return list(self._connection.execute("SELECT low, high FROM spans ORDER BY low"))

    def add(self, low: int, high: int, steps: Iterable[Indexed]) -> None:
        """Indexes all steps numbered `low` to `high`, whole or not at all; again does nothing.

        Raises:
            FailedError: the index cannot be written.
        """
        try:
            with _transaction(self._connection) as cursor:
                for step in steps:
                    _add(cursor, step)
                _add_span(cursor, low, high)
                digest = _digest(cursor, low, high)
                cursor.execute("INSERT INTO sums VALUES (?, ?, ?)", (low, high, digest))
        except sqlite3.DatabaseError as error:
            _raise_if_damaged(error)
            raise FailedError(
                f"the search index cannot be written: {error}",
                hint="free some space; delete the store's catalogue/texts.db if it stays so",
            ) from error

    def find(self, words: Sequence[str], low: int, high: int) -> Iterator[Found]:
        """Yields the texts of steps `low` to `high` that hold every word, the newest step first.

        Words are parts of the text, upper and lower case equal.
        """
        query, arguments = _query(words)
        bounds = (low * len(PLACES), (high + 1) * len(PLACES) - 1)
        with _told_apart():
            for number, body in self._connection.execute(query, (*bounds, *arguments)):
                seq, place = divmod(number, len(PLACES))
                yield Found(seq, PLACES[place], body)

    def touching(self, path: bytes) -> list[int]:
        """Returns the numbers of the indexed steps that changed a path, ascending."""
        query = "SELECT seq FROM touched WHERE path = ? ORDER BY seq"
        with _told_apart():
            return [seq for (seq,) in self._connection.execute(query, (path,))]

    def paths(self) -> list[bytes]:
        """Returns every path that an indexed step changed, ascending."""
        with _told_apart():
            found = self._connection.execute("SELECT DISTINCT path FROM touched ORDER BY path")
            return [path for (path,) in found]


def is_sound(path: Path) -> bool:
    """Tells whether an index is as it was written, or absent; reads all of it.

    SQLite has checksums over nothing: rows are compared with sums kept beside them, and the words
    with the rows. One that cannot be looked at now, or that another version made, is taken for sound.
    """
    if not os.path.lexists(path):
        return True
    try:
        with contextlib.closing(_connected(path)) as connection, _transaction(connection) as cursor:
            cursor.execute("INSERT INTO texts(texts) VALUES('integrity-check')")
            (found,) = cursor.execute("PRAGMA quick_check(1)").fetchone()
            sums = cursor.execute("SELECT low, high, digest FROM sums").fetchall()
            covered = sum(high - low + 1 for low, high, _ in sums)
            spans = cursor.execute("SELECT low, high FROM spans").fetchall()
            return bool(
                found == "ok"
                and covered == sum(high - low + 1 for low, high in spans)
                and all(_digest(cursor, low, high) == digest for low, high, digest in sums)
            )
    except _ForeignError:
        return True
    except sqlite3.Error as error:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNDECIDED
    except (OSError, FailedError):
        return True


def _digest(cursor: sqlite3.Cursor, low: int, high: int) -> bytes:
    """Returns a checksum over all rows of the steps `low` to `high`."""
    digest = hashlib.sha256()
    bounds = (low * len(PLACES), (high + 1) * len(PLACES) - 1)
    query = "SELECT rowid, body FROM texts WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
    for row in cursor.execute(query, bounds):
        digest.update(repr(row).encode("utf-8", "backslashreplace"))
    query = "SELECT seq, path FROM touched WHERE seq BETWEEN ? AND ? ORDER BY seq, path"
    for row in cursor.execute(query, (low, high)):
        digest.update(repr(row).encode("utf-8", "backslashreplace"))
    return digest.digest()


def _connected(path: Path) -> sqlite3.Connection:
    if not os.path.lexists(path):
        os.close(create_file(path))
    if os.stat(path).st_size % _PAGE:
        raise sqlite3.DatabaseError("the index is cut off")
    connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return _prepared(connection)
    except BaseException:
        connection.close()
        raise


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        if version:
            raise _ForeignError(f"the index is of another version: {version}")
        connection.executescript(
            f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;"
        )
    return connection


def remove_index(path: Path) -> None:
    """Removes an index; whoever has it open goes on with it."""
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path.with_name(path.name + end))


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        yield cursor
        cursor.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            cursor.execute("ROLLBACK")
        raise


def _add(cursor: sqlite3.Cursor, step: Indexed) -> None:
    for where, text in step.texts:
        row = step.seq * len(PLACES) + PLACES.index(where)
        # SQLite ends a text at a NUL.
        body = text.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()
        cursor.execute("INSERT OR REPLACE INTO texts (rowid, body) VALUES (?, ?)", (row, body))
    rows = [(path, step.seq) for path in step.paths]
    cursor.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", rows)


def _add_span(cursor: sqlite3.Cursor, low: int, high: int) -> None:
    """Adds a span and joins it with those that it meets."""
    meeting = "WHERE low <= ? AND high >= ?"
    ends = (high + 1, low - 1)
    query = f"SELECT min(low), max(high) FROM spans {meeting}"
    first, last = cursor.execute(query, ends).fetchone()
    cursor.execute(f"DELETE FROM spans {meeting}", ends)
    joined = (min(low, first or low), max(high, last or high))
    cursor.execute("INSERT INTO spans VALUES (?, ?)", joined)


def _query(words: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the statement that finds all words within two row bounds, and its further arguments."""
    query = "SELECT rowid, body FROM texts WHERE rowid BETWEEN ? AND ?"
    arguments = []
    long = [word for word in words if len(word) >= _SHORTEST]
    if long:
        query += " AND texts MATCH ?"
        arguments.append(" ".join('"' + word.replace('"', '""') + '"' for word in long))
    for word in words:
        if len(word) < _SHORTEST:
            query += r" AND body LIKE ? ESCAPE '\'"
            escaped = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
            arguments.append(f"%{escaped}%")
    return f"{query} ORDER BY rowid DESC", arguments
