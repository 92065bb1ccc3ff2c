"""A store in memory for tests of a Sight: what is not kept is lost, as with an aborted transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from stepwell.store.engine.capture import Captured, capture_tree
from stepwell.store.engine.files import Placed
from stepwell.store.engine.objects import (
    TREE,
    LayeredObjects,
    MemoryObjects,
    ObjectReader,
    decode_tree,
)
from stepwell.store.engine.scan import Scanner
from stepwell.store.engine.sight import NONE_PLACED, Sight
from stepwell.store.engine.snapshots import differing, entries
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Snapshot


class Keeper:
    """Captures through a Sight and keeps what it is told to, object by object."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.store = MemoryObjects()
        self.parent: Snapshot | None = None
        self.sink = LayeredObjects(self.store)
        self.last: Captured | None = None
        self._also: Collection[bytes] = ()
        self._kept: list[Snapshot] = []
        self.remembered = 0
        """Pairs of kept snapshots of which the Sight knew what differs between them."""

    def take(
        self,
        also: Collection[bytes] = (),
        among: Collection[bytes] | None = None,
        placed: Mapping[bytes, Placed] = NONE_PLACED,
    ) -> Captured:
        """Captures; nothing of it is in the store yet."""
        self.sink, self._also = LayeredObjects(self.store), also
        self.last = self.sight.take(self.sink, self.parent, also, among=among, placed=placed)
        return self.last

    def keep(self) -> Snapshot:
        """Puts all that the last capture's snapshot reaches into the store, and says so."""
        assert self.last is not None
        snapshot = self.last.snapshot
        blobs = (snapshot.extras, self.last.rules_blob, self.last.coverage_blob)
        for oid in (*_reached(self.sink, snapshot), *(blob for blob in blobs if blob)):
            self.store.add(*self.sink.read(oid))
        self.parent = snapshot
        self.sight.keep(self.last)
        self._check_past(snapshot)
        return snapshot

    def _check_past(self, newest: Snapshot) -> None:
        for older in self._kept[-12:]:
            for a, b in ((older, newest), (newest, older)):
                known = self.sight.between(a, b)
                if known is not None:
                    self.remembered += 1
                    assert known == differing(self.store, a, b)
        self._kept.append(newest)

    def capture(self, also: Collection[bytes] = ()) -> Captured:
        """Captures and keeps."""
        done = self.take(also)
        self.keep()
        return done

    def content(self) -> dict[bytes, bytes]:
        """Returns path -> bytes of every file and link of the last capture."""
        assert self.last is not None
        found = entries(self.sink, self.last.snapshot)
        return {e.path: self.sink.read(e.oid)[1] for e in found if e.oid is not None}

    def check(self, root: Path) -> None:
        """Passes when the last capture is what a first scan finds, and all of it can be read."""
        assert self.last is not None
        scanner = Scanner(root, None)
        fresh = capture_tree(scanner, MemoryObjects(), self.parent, self._also)
        assert _facts(self.last) == _facts(fresh)
        for oid in _reached(self.sink, self.last.snapshot):
            self.sink.read(oid)
        since = self.last.since
        if since is not None:
            assert list(since.pairs) == differing(self.sink, since.base, self.last.snapshot)


def _facts(done: Captured) -> tuple[object, ...]:
    return done.snapshot, done.covered, done.counts, done.rules_blob, done.coverage_blob


def _reached(reader: ObjectReader, snapshot: Snapshot) -> list[Oid]:
    found, left = [snapshot.extras], [snapshot.tree]
    found += [e.oid for e in entries(reader, snapshot) if e.oid is not None]
    while left:
        tree = left.pop()
        found.append(tree)
        kind, content = reader.read(tree)
        assert kind == TREE
        left += [e.oid for e in decode_tree(content) if e.mode == 0o040000]
    return found
