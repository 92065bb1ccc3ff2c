"""The main file: sessions, checkpoints, branches, and how far the whole catalogue has come.

A commit here is what makes a catch-up count. One group of lines says together which operation was
folded last, how the rows look after it, and up to where the step files and the graph are good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tinydb import Query
from tinydb.table import Document, Table

from stepwell.store.catalogue.appendfile import NOTHING, Pin, damaged
from stepwell.store.catalogue.batch import Batch
from stepwell.store.catalogue.rows import CheckpointRow, SessionRow
from stepwell.store.catalogue.tables import CatalogueDB
from stepwell.store.engine.codec import (
    branch_from_json,
    branch_to_json,
    mark_from_json,
    mark_to_json,
)
from stepwell.store.model.ids import StepId, oid_from_hex
from stepwell.store.model.steps import Branch, Step

NAME = "contents"
FORMAT = 5
_DURATIONS = 100
_META_ID = 1


@dataclass(frozen=True, slots=True)
class Meta:
    """How far the catalogue has come."""

    generation: int
    """Names the step files and the graph that belong to it."""
    number: int = 0
    """The last operation folded."""
    operation: str = ""
    """Its id; a journal whose operation has another is another journal."""
    current: str = "main"
    graph: Pin = NOTHING


class Settled(NamedTuple):
    """An earlier step that ended otherwise than was known when it was recorded."""

    seq: int
    session: int
    """Number of the session that counts it; 0: none does."""
    failed: bool


class Contents:
    """The main file's tables.

    Raises:
        IntegrityError: the file is absent, damaged or of another format.
    """

    def __init__(self, database: CatalogueDB) -> None:
        self._database = database
        self._sessions = database.table("sessions")
        self._checkpoints = database.table("checkpoints")
        self._branches = database.table("branches")
        self._shards = database.table("shards")
        self._settled = database.table("settled")
        self._meta_table = database.table("meta")
        self._numbers: dict[str, dict[str, int]] = {}
        self.meta = self._read_meta()

    @classmethod
    def load(cls, folder: Path) -> Contents:
        """Reads the main file."""
        return cls(CatalogueDB(folder / NAME))

    @classmethod
    def empty(cls, folder: Path, generation: int) -> Contents:
        """Returns contents of nothing, in memory until `found` is called."""
        database = CatalogueDB(folder / NAME, detached=True)
        _put(database.table("meta"), _META_ID, _meta_to_json(Meta(generation)))
        return cls(database)

    def found(self) -> None:
        """Makes what is in memory the content of the file, whole or not at all.

        Raises:
            NoSpaceError, FailedError: the system said no; the file is as before.
        """
        self._database.storage.compact()
        self._database.storage.detached = False

    @property
    def detached(self) -> bool:
        """True when changes stay in memory."""
        return self._database.storage.detached

    def detach(self) -> None:
        """Keeps all further changes in memory."""
        self._database.storage.detached = True

    def refresh(self) -> bool:
        """Takes in what another process has committed; returns whether there was anything.

        Raises:
            IntegrityError: the file is damaged, or another one has taken its place.
        """
        before = self._database.storage.pin
        self._database.storage.refresh()
        if self._database.storage.pin == before:
            return False
        self._numbers.clear()
        self.meta = self._read_meta()
        return True

    def _read_meta(self) -> Meta:
        form = self._meta_table.get(doc_id=_META_ID)
        if not isinstance(form, Document) or form.get("format") != FORMAT:
            raise damaged(self._database.storage.path, "it does not say what it is")
        return _meta_from_json(form)

    def shard_pins(self) -> dict[int, Pin]:
        """Returns how far each step file counts."""
        return {d.doc_id: Pin(d["size"], d["crc"]) for d in self._shards}

    def settled(self) -> dict[int, bool]:
        """Returns step number -> whether it failed, where that came to be known later."""
        return {document.doc_id: document["failed"] for document in self._settled}

    def sessions(self) -> list[SessionRow]:
        """Returns the sessions, that with the newest step first."""
        newest = sorted(self._sessions, key=lambda d: -int(d["last_seq"]))
        return [_session_row(document) for document in newest]

    def session_names(self) -> dict[int, str]:
        """Returns the sessions' names by the numbers that stand for them in the graph."""
        return {document.doc_id: document["name"] for document in self._sessions}

    def session_number(self, name: str) -> int | None:
        """Returns the number that stands for a session in the graph."""
        return self._known(self._sessions).get(name)

    def branches(self) -> list[Branch]:
        """Returns the branches by name."""
        return sorted(map(branch_from_json, self._branches), key=lambda b: b.name)

    def checkpoints(self, label: str | None, tag: str | None) -> list[CheckpointRow]:
        """Returns the marked steps that have the label and the tag, the newest first."""
        checkpoint = Query()
        wanted = checkpoint.step.exists()
        if label is not None:
            wanted &= checkpoint.mark.label == label
        if tag is not None:
            wanted &= checkpoint.mark.tags.any([tag])
        found = sorted(self._checkpoints.search(wanted), key=lambda d: -d.doc_id)
        return [
            CheckpointRow(StepId(d["step"]), d.doc_id, mark_from_json(d["mark"])) for d in found
        ]

    def number_sessions(self, steps: Iterable[Step]) -> Mapping[str, int]:
        """Returns the numbers of the steps' sessions; new ones get theirs here."""
        known = self._known(self._sessions)
        for step in steps:
            if step.session is not None and step.session not in known:
                known[step.session] = len(known) + 1
        return known

    def commit(
        self,
        batch: Batch,
        row_seq: Callable[[StepId], int | None],
        graph: Pin,
        shards: Mapping[int, Pin],
        settled: Sequence[Settled] = (),
    ) -> None:
        """Folds a batch and says up to where the files are good, all or nothing.

        `row_seq` gives a step's number, None for one that is not known. `shards` holds the pins
        that have moved, `settled` the earlier steps of which it is known now how they ended.

        Raises:
            NoSpaceError, FailedError: the system said no; nothing counts.
        """
        with self._database.storage.batch():
            self._commit_sessions(batch)
            self._commit_branches(batch)
            self._commit_marks(batch, row_seq)
            self._commit_settled(settled)
            self.commit_pins(shards)
            meta = replace(
                self.meta,
                number=batch.number,
                operation=batch.operation,
                current=batch.current or self.meta.current,
                graph=graph,
            )
            _put(self._meta_table, _META_ID, _meta_to_json(meta))
        self.meta = meta

    def commit_pins(self, shards: Mapping[int, Pin]) -> None:
        """Says up to where step files are good."""
        for shard, pin in shards.items():
            _put(self._shards, shard, {"size": pin.size, "crc": pin.crc})

    def _commit_sessions(self, batch: Batch) -> None:
        known = self._known(self._sessions)
        rows: dict[int, dict[str, Any]] = {}
        for step in batch.steps:
            if step.session is None:
                continue
            number = known[step.session]
            if number not in rows:
                old = self._sessions.get(doc_id=number)
                rows[number] = dict(old) if isinstance(old, Document) else _new_session(step)
            rows[number] |= {"agent": step.agent, "last_ns": step.time_ns}
            rows[number] |= {"last_step": step.id, "last_seq": step.seq}
            _count(rows[number], step)
        for number, row in rows.items():
            _put(self._sessions, number, row)

    def _commit_settled(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            _put(self._settled, one.seq, {"failed": one.failed})
            row = self._sessions.get(doc_id=one.session) if one.session else None
            if isinstance(row, Document):
                failed = row["failed"] + (1 if one.failed else -1)
                _put(self._sessions, one.session, {**row, "failed": failed})

    def _commit_branches(self, batch: Batch) -> None:
        known = self._known(self._branches)
        for name, branch in batch.branches.items():
            if branch is not None:
                number = known.setdefault(name, max(known.values(), default=0) + 1)
                _put(self._branches, number, branch_to_json(branch))
            elif name in known:
                self._branches.remove(doc_ids=[known.pop(name)])

    def _commit_marks(self, batch: Batch, row_seq: Callable[[StepId], int | None]) -> None:
        for step, mark in batch.marks.items():
            seq = row_seq(step)
            if seq is None:
                continue
            if mark is None:
                self._checkpoints.remove(doc_ids=[seq])
            else:
                _put(self._checkpoints, seq, {"step": step, "mark": mark_to_json(mark)})

    def _known(self, table: Table) -> dict[str, int]:
        known = self._numbers.get(table.name)
        if known is None:
            known = self._numbers[table.name] = {d["name"]: d.doc_id for d in table}
        return known


def _put(table: Table, doc_id: int, form: Mapping[str, Any]) -> None:
    # An upsert keeps keys that the new form lacks; all forms here have the same keys always.
    table.upsert(Document(form, doc_id=doc_id))


def _new_session(step: Step) -> dict[str, Any]:
    counts: dict[str, Any] = dict.fromkeys(("steps", "commands", "failed", "bytes", "peak"), 0)
    counts |= {"durations": [], "prompt": None}
    return {"name": step.session, "first_ns": step.time_ns, **counts}


def _count(row: dict[str, Any], step: Step) -> None:
    row["steps"] += 1
    row["bytes"] += step.stored_bytes
    if row["prompt"] is None and step.prompt is not None:
        row["prompt"] = step.prompt.hex()
    if step.kind == "tool" and step.result is not None:
        row["commands"] += 1
        row["failed"] += not step.result.ok
        row["peak"] = max(row["peak"], step.result.peak_memory_bytes or 0)
        if step.result.duration_ms is not None:
            row["durations"] = [*row["durations"], step.result.duration_ms][-_DURATIONS:]


def _session_row(form: Mapping[str, Any]) -> SessionRow:
    return SessionRow(
        name=form["name"],
        agent=form["agent"],
        steps=form["steps"],
        first_ns=form["first_ns"],
        last_ns=form["last_ns"],
        last_step=StepId(form["last_step"]),
        prompt=oid_from_hex(form["prompt"]) if form["prompt"] else None,
        commands=form["commands"],
        failed=form["failed"],
        durations_ms=tuple(form["durations"]),
        stored_bytes=form["bytes"],
        peak_memory_bytes=form["peak"] or None,
    )


def _meta_to_json(meta: Meta) -> dict[str, Any]:
    return {"format": FORMAT, **asdict(meta), "graph": list(meta.graph)}


def _meta_from_json(form: Mapping[str, Any]) -> Meta:
    return Meta(
        form["generation"], form["number"], form["operation"], form["current"], Pin(*form["graph"])
    )
