"""The blobs that speak of the whole workspace, encoded again only when they say something else."""

from __future__ import annotations

from dataclasses import replace

from stepwell.store.engine import extras
from stepwell.store.engine.coverage import count_coverage, encode_coverage, encode_rules
from stepwell.store.engine.live.known import Known
from stepwell.store.engine.objects import BLOB, ObjectSink
from stepwell.store.model.ids import Oid, object_id
from stepwell.store.model.steps import CoverageCounts, Covered


class Summary:
    """Extras, coverage and rules of what is known; `user` and `exclude` hold for all of it."""

    def __init__(self, known: Known, user: bytes | None, exclude: bytes | None) -> None:
        self._known = known
        self._user = user
        self._exclude = exclude
        self._extras = b""
        self._extras_id = Oid(b"")
        self._extras_kept = False
        self.covered: tuple[Covered, ...] = ()
        self._counts = CoverageCounts()
        self._coverage = b""
        self._rules = b""

    def refresh(self) -> Oid:
        """Encodes what moved; returns the id of the extras."""
        sums = self._known.sums
        if sums.extras_moved or sums.usual_changed():
            self._extras = extras.encode(sums.extras(self._known.root))
            oid = object_id(BLOB, self._extras)
            self._extras_kept &= oid == self._extras_id
            self._extras_id = oid
        if sums.coverage_moved:
            self.covered = sums.covered()
            self._counts = count_coverage(self.covered, 0)
            self._coverage = encode_coverage(self.covered)
        if sums.rules_moved:
            self._rules = encode_rules(sums.rule_texts(self._user, self._exclude))
        return self._extras_id

    def kept(self) -> None:
        """The store holds the extras."""
        self._extras_kept = True

    def offer_extras(self, sink: ObjectSink) -> Oid:
        """Adds the extras unless they are kept."""
        return self._extras_id if self._extras_kept else sink.add(BLOB, self._extras)

    def offer_coverage(self, sink: ObjectSink) -> Oid | None:
        """Adds the coverage; None when everything is stored surely."""
        return sink.add(BLOB, self._coverage) if self._coverage else None

    def offer_rules(self, sink: ObjectSink) -> Oid | None:
        """Adds the ignore rules; None when none are in force."""
        return sink.add(BLOB, self._rules) if self._rules else None

    def counts(self) -> CoverageCounts:
        """Returns what a step says of the coverage."""
        return replace(self._counts, stored=self._known.sums.stored)
