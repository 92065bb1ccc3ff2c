"""The full-text index: what each step said and changed, in SQLite's FTS5 with trigrams.

Derived, like all of the catalogue: it may be deleted at any time, and a damaged one is. Steps never
change and their numbers are never given twice, so a span of numbers that was indexed stays good.
Where the file cannot be written, an index in memory takes its place.

Trigrams: Cox, "Regular Expression Matching with a Trigram Index"; https://sqlite.org/fts5.html.
"""

from __future__ import annotations

import contextlib
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

PLACES: tuple[Where, ...] = ("prompt", "input", "path", "diff")
"""A row of the index is a step's number times four plus the place; their order is the format's."""

_VERSION = 1
_SHORTEST = 3
_WAIT_S = 5.0
_SCHEMA = """
CREATE VIRTUAL TABLE texts USING fts5(body, tokenize = 'trigram');
CREATE TABLE touched (path BLOB, seq INTEGER, PRIMARY KEY (path, seq)) WITHOUT ROWID;
CREATE TABLE spans (low INTEGER PRIMARY KEY, high INTEGER);
"""


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
        except sqlite3.Error as error:
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
        rows = self._connection.execute(query, (*bounds, *arguments))
        for number, body in rows:
            seq, place = divmod(number, len(PLACES))
            yield Found(seq, PLACES[place], body)

    def touching(self, path: bytes) -> list[int]:
        """Returns the numbers of the indexed steps that changed a path, ascending."""
        rows = self._connection.execute(
            "SELECT seq FROM touched WHERE path = ? ORDER BY seq", (path,)
        )
        return [seq for (seq,) in rows]


def _connected(path: Path) -> sqlite3.Connection:
    if not os.path.lexists(path):
        os.close(create_file(path))
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
            raise sqlite3.DatabaseError(f"the index is of another version: {version}")
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
