"""Where state snapshots are kept: one protocol, in memory, on disk, or both."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from stepwell.store.model.errors import NotFoundError
from stepwell.store.state.record import Record
from stepwell.store.state.values import DamagedSnapshot, StateEvent, StateSnapshot

HYBRID_BYTES = 64 << 20
"""Content that a hybrid storage keeps in memory."""


class StateStorage(Protocol):
    """Keeps records and events. Not for several threads at once: the caller sees to that."""

    def exclusive(self) -> AbstractContextManager[object]:
        """Keeps every other writer out, also of other processes; raises BusyError."""

    def refresh(self) -> None:
        """Takes in what other processes changed."""

    def snapshots(self) -> Mapping[str, StateSnapshot]:
        """Returns all usable snapshots by id, as of the last refresh; not to be changed."""

    def bases(self) -> Mapping[str, StateSnapshot]:
        """Returns, likewise, those that are kept only because others build on them."""

    def damaged(self) -> Sequence[DamagedSnapshot]:
        """Returns what is there and cannot be used, as of the last refresh."""

    def read(self, identity: str, *, validate: bool) -> Record:
        """Returns a record.

        Raises:
            NotFoundError: there is none.
            IntegrityError: it is damaged; without `validate` not all damage is seen.
        """

    def write(self, record: Record) -> None:
        """Stores a record, or replaces the one of the same id: whole or not at all.

        Raises:
            FailedError: the system refused.
        """

    def retire(self, identity: str) -> None:
        """Makes a snapshot a mere base; writing it again makes it a snapshot again."""

    def delete(self, identity: str) -> None:
        """Removes a record, also a damaged one or a base; does nothing when there is none."""

    def events(self, session: str) -> Sequence[StateEvent]:
        """Returns a session's events in the order of recording."""

    def last_event_ns(self, session: str) -> int | None:
        """Returns the time of a session's newest event; None when there is none."""

    def add_event(self, event: StateEvent) -> None:
        """Stores an event; raises as `write`."""

    def keep_events(self, session: str, events: Sequence[StateEvent]) -> None:
        """Replaces a session's events; raises as `write`."""


class MemoryStorage:
    """Keeps everything in this process, and nothing beyond it."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._snapshots: dict[str, StateSnapshot] = {}
        self._bases: dict[str, StateSnapshot] = {}
        self._events: dict[str, list[StateEvent]] = {}

    def exclusive(self) -> AbstractContextManager[object]:
        return nullcontext()

    def refresh(self) -> None:
        """Does nothing: nobody else can change it."""

    def snapshots(self) -> Mapping[str, StateSnapshot]:
        return self._snapshots

    def bases(self) -> Mapping[str, StateSnapshot]:
        return self._bases

    def damaged(self) -> Sequence[DamagedSnapshot]:
        return ()

    def read(self, identity: str, *, validate: bool) -> Record:
        try:
            return self._records[identity]
        except KeyError as error:
            raise NotFoundError(f"there is no state snapshot {identity}") from error

    def write(self, record: Record) -> None:
        self._records[record.snapshot.id] = record
        self._bases.pop(record.snapshot.id, None)
        self._snapshots[record.snapshot.id] = record.snapshot

    def retire(self, identity: str) -> None:
        self._bases[identity] = self._snapshots.pop(identity)

    def delete(self, identity: str) -> None:
        for kept in (self._records, self._snapshots, self._bases):
            kept.pop(identity, None)

    def events(self, session: str) -> Sequence[StateEvent]:
        return tuple(self._events.get(session, ()))

    def last_event_ns(self, session: str) -> int | None:
        known = self._events.get(session)
        return known[-1].time_ns if known else None

    def add_event(self, event: StateEvent) -> None:
        self._events.setdefault(event.session, []).append(event)

    def keep_events(self, session: str, events: Sequence[StateEvent]) -> None:
        self._events[session] = list(events)


class HybridStorage:
    """A storage that survives, behind a memory of the content used last."""

    def __init__(self, behind: StateStorage, limit: int = HYBRID_BYTES) -> None:
        self._behind = behind
        self._limit = limit
        self._recent: OrderedDict[str, Record] = OrderedDict()
        self._bytes = 0
        self.exclusive = behind.exclusive
        self.refresh = behind.refresh
        self.snapshots = behind.snapshots
        self.bases = behind.bases
        self.retire = behind.retire
        self.damaged = behind.damaged
        self.events = behind.events
        self.last_event_ns = behind.last_event_ns
        self.add_event = behind.add_event
        self.keep_events = behind.keep_events

    def read(self, identity: str, *, validate: bool) -> Record:
        known = self._recent.get(identity)
        # Another process may have stored it anew since, upon another base.
        current = self.snapshots().get(identity) or self.bases().get(identity)
        if known is None or known.snapshot != current:
            known = self._behind.read(identity, validate=validate)
        self._remember(known)
        return known

    def write(self, record: Record) -> None:
        self._behind.write(record)
        self._remember(record)

    def delete(self, identity: str) -> None:
        self._behind.delete(identity)
        self._forget(identity)

    def _remember(self, record: Record) -> None:
        self._forget(record.snapshot.id)
        self._recent[record.snapshot.id] = record
        self._bytes += len(record.content)
        while self._bytes > self._limit:
            self._forget(next(iter(self._recent)))

    def _forget(self, identity: str) -> None:
        record = self._recent.pop(identity, None)
        self._bytes -= len(record.content) if record else 0
