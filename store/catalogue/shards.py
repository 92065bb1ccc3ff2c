"""Step documents in TinyDB files of at most 1,000, found by step number.

A file is opened when a step in it is wanted, and counts as far as its pin says. One that does not
match its pin is left out and noted: whoever asks gets those steps from the journal instead.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from tinydb.table import Document

from stepwell.store.catalogue.appendfile import NOTHING, Pin
from stepwell.store.catalogue.tables import CatalogueDB
from stepwell.store.engine.codec import step_from_json, step_to_json
from stepwell.store.model.errors import FailedError, IntegrityError
from stepwell.store.model.steps import Step

SHARD_STEPS = 1_000
OPEN_SHARDS = 8
TABLE = "steps"


def shard_of(seq: int) -> int:
    """Returns the number of the shard that holds a step number."""
    return seq // SHARD_STEPS


class Shards:
    """The step files of one generation; `pins` says how far each counts."""

    def __init__(self, folder: Path, generation: int, pins: Mapping[int, Pin]) -> None:
        self.pins = dict(pins)
        self.damaged: set[int] = set()
        """Shards that did not match their pins when they were wanted."""
        self._folder = folder
        self._generation = generation
        self._full: set[int] = set()
        """Shards that no step comes to any more, and whose files can be made small."""
        self._open: OrderedDict[int, CatalogueDB] = OrderedDict()

    def steps(self, seqs: Iterable[int]) -> dict[int, Step]:
        """Returns the steps with these numbers, as far as they are here and whole."""
        found: dict[int, Step] = {}
        for shard, wanted in groupby(seqs, shard_of):
            found |= self._read(shard, wanted)
        return found

    def _read(self, shard: int, seqs: Iterable[int]) -> dict[int, Step]:
        if shard not in self.pins or shard in self.damaged:
            return {}
        try:
            table = self._database(shard).table(TABLE)
            documents = [table.get(doc_id=seq) for seq in seqs]
            return {d.doc_id: step_from_json(d) for d in documents if isinstance(d, Document)}
        except (IntegrityError, LookupError, TypeError, ValueError):
            self.forget(shard)
            self.damaged.add(shard)
            return {}

    def is_full(self, shard: int) -> bool:
        """Tells whether no step comes to a shard any more, and it is not known to be damaged."""
        return shard in self.pins and shard < max(self.pins) and shard not in self.damaged

    def is_open(self, shard: int) -> bool:
        """Tells whether a shard's steps are in memory, but for those that were added since."""
        return shard in self._open

    def is_there(self, shard: int) -> bool:
        """Tells whether a shard's file was not removed, as with the whole generation."""
        return self._path(shard).exists()

    def beside(self, shard: int) -> Path:
        """Returns where what is made of a shard's steps may be kept, for as long as the shard."""
        return self._folder / f"rows-{self._generation}-{shard:06d}"

    def texts(self, shard: int) -> Mapping[int, bytes]:
        """Returns the stored texts of a shard's steps by number, as far as they are here and whole.

        `step_of_text` reads one.
        """
        if shard not in self.pins or shard in self.damaged:
            return {}
        try:
            return self._database(shard).storage.texts(TABLE)
        except IntegrityError:
            self.forget(shard)
            self.damaged.add(shard)
            return {}

    def append(self, steps: Sequence[Step]) -> set[int]:
        """Adds steps in ascending order and moves the pins; returns the shards they went to.

        Raises:
            NoSpaceError, FailedError: the system said no; what was written does not count.
            IntegrityError: a shard is damaged, and noted as such.
        """
        touched: set[int] = set()
        for shard, group in groupby(steps, lambda step: shard_of(step.seq)):
            database = self._sound(shard)
            if self.pins and shard not in self.pins:
                self._full.add(max(self.pins))
            database.table(TABLE).insert_multiple(map(_document, group))
            self.pins[shard] = database.storage.pin
            touched.add(shard)
        return touched

    def replace(self, steps: Iterable[Step]) -> set[int]:
        """Puts steps in the place of those with their numbers; returns the shards they are in.

        Raises: as `append`.
        """
        touched: set[int] = set()
        for shard, group in groupby(steps, lambda step: shard_of(step.seq)):
            database = self._sound(shard)
            table = database.table(TABLE)
            if shard == max(self.pins):
                for step in group:
                    table.upsert(_document(step))
                self.pins[shard] = database.storage.pin
            else:
                # Its file may have been made small, and takes no more.
                held = {d.doc_id: step_from_json(d) for d in table}
                self.repair(shard, (held | {step.seq: step for step in group}).values())
            touched.add(shard)
        return touched

    def deflate_full(self) -> None:
        """Makes the files small that no step comes to any more; their pins are committed."""
        for shard in self._full - self.damaged:
            # It only saves space, which a full disk cannot even give.
            with suppress(FailedError, IntegrityError):
                self._database(shard).storage.deflate()
        self._full.clear()

    def repair(self, shard: int, steps: Iterable[Step]) -> None:
        """Writes a damaged shard anew, whole or not at all, and moves its pin.

        Raises:
            NoSpaceError, FailedError: the system said no.
        """
        self.forget(shard)
        database = CatalogueDB(self._path(shard), detached=True)
        database.table(TABLE).insert_multiple(map(_document, steps))
        database.storage.compact()
        self.pins[shard] = database.storage.pin
        self.damaged.discard(shard)

    def follow(self, pins: Mapping[int, Pin]) -> None:
        """Takes over pins that another process has moved."""
        for shard in {k for k, pin in pins.items() if self.pins.get(k) != pin}:
            # A repaired shard has a pin of its own kind: try what was given up on once more.
            self.damaged.discard(shard)
        self.pins = dict(pins)

    def forget(self, shard: int) -> None:
        """Drops what is loaded of a shard."""
        self._open.pop(shard, None)

    def _sound(self, shard: int) -> CatalogueDB:
        try:
            return self._database(shard)
        except IntegrityError:
            self.damaged.add(shard)
            raise

    def _database(self, shard: int) -> CatalogueDB:
        pin = self.pins.get(shard, NOTHING)
        database = self._open.get(shard)
        if database is not None and database.storage.pin != pin:
            database = _refreshed(database, pin)
        if database is None:
            database = CatalogueDB(self._path(shard), pin=pin)
        self._open[shard] = database
        self._open.move_to_end(shard)
        while len(self._open) > OPEN_SHARDS:
            self._open.popitem(last=False)
        return database

    def _path(self, shard: int) -> Path:
        return self._folder / f"steps-{self._generation}-{shard:06d}"


def _refreshed(database: CatalogueDB, pin: Pin) -> CatalogueDB | None:
    try:
        database.storage.refresh(pin)
    except IntegrityError:
        return None
    return database


def step_of_text(text: bytes) -> Step | None:
    """Returns the step of a stored text; None when it is damaged."""
    try:
        return step_from_json(json.loads(text))
    except (LookupError, TypeError, ValueError):
        return None


def _document(step: Step) -> Document:
    return Document(step_to_json(step), doc_id=step.seq)
