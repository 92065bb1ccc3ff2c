"""Where damaged objects are found again: the workspace as it is, and a bundle."""

from __future__ import annotations

import os
from collections.abc import Set

from stepwell.store.engine.capture import capture_tree
from stepwell.store.engine.context import Context
from stepwell.store.engine.journal.transaction import Transaction
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.rollback.looking import hash_open
from stepwell.store.engine.scan import Scanner
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, object_id


class Wanted:
    """An ObjectSink that stores only what is wanted, in a transaction; it hashes all the same."""

    def __init__(self, transaction: Transaction, wanted: Set[Oid]) -> None:
        self._transaction = transaction
        self._wanted = wanted
        self.found: set[Oid] = set()

    def read(self, oid: Oid) -> tuple[str, bytes]:
        return self._transaction.read(oid)

    def has(self, oid: Oid) -> bool:
        return self._transaction.has(oid)

    def add(self, kind: str, data: bytes) -> Oid:
        oid = object_id(kind, data)
        if self._is_new(oid):
            self._transaction.add(kind, data)
            self.found.add(oid)
        return oid

    def add_file(self, fd: int, size: int) -> Oid:
        os.lseek(fd, 0, os.SEEK_SET)
        oid = hash_open(fd, size)
        if self._is_new(oid):
            self._transaction.add_file(fd, size)
            self.found.add(oid)
        return oid

    def _is_new(self, oid: Oid) -> bool:
        return oid in self._wanted and oid not in self.found


def take_from_workspace(sink: Wanted, context: Context) -> None:
    """Captures the whole folder anew into the sink: files, folders and rules as they are now.

    Raises:
        FailedError: the folder cannot be listed.
    """
    scanner = Scanner(context.root, None, config=context.capture)
    capture_tree(scanner, sink, None)


def take_from(reader: ObjectReader, sink: Wanted, wanted: Set[Oid]) -> None:
    """Takes what another store of objects has intact."""
    for oid in sorted(wanted - sink.found):
        if reader.has(oid):
            try:
                kind, content = reader.read(oid)
            except IntegrityError:
                continue
            sink.add(kind, content)
