"""Reading snapshots of state: the half of `StateSnapshots` that changes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from stepwell.store.model.errors import AmbiguousError, IntegrityError, NotFoundError, UsageError
from stepwell.store.model.ids import Clock
from stepwell.store.state.chain import Chain
from stepwell.store.state.compare import changes_between, summarised
from stepwell.store.state.documents import DEFAULT_LIMITS, Limits
from stepwell.store.state.places import storage_for
from stepwell.store.state.portable import exported
from stepwell.store.state.replay import BUILT_IN, Reducer
from stepwell.store.state.retention import in_order
from stepwell.store.state.statistics import statistics_of
from stepwell.store.state.storage import StateStorage
from stepwell.store.state.subscribers import Callback, Subscribers
from stepwell.store.state.values import (
    Direction,
    ExportFormat,
    SortKey,
    StateComparison,
    StateConfig,
    StateEvent,
    StateQuery,
    StateSnapshot,
    StateStatistics,
)

EVERYTHING = StateQuery()

Named = StateSnapshot | str
"""A snapshot, or its id."""

_SORTS: Mapping[SortKey, Callable[[StateSnapshot], Any]] = {
    "timestamp": lambda one: (one.time_ns, one.number),
    "size": lambda one: (one.size, one.number),
    "description": lambda one: (one.description, one.number),
}


def id_of(snapshot: Named) -> str:
    """Returns the id of what is named."""
    return snapshot if isinstance(snapshot, str) else snapshot.id


T = TypeVar("T")


class StateReader:
    """What can be asked of snapshots; see `StateSnapshots`, which also takes them."""

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        config: StateConfig | None = None,
        *,
        storage: StateStorage | None = None,
        reducers: Mapping[str, Reducer] | None = None,
        clock: Clock = time.time_ns,
    ) -> None:
        self.config = config or StateConfig()
        self.folder = None if folder is None else Path(folder)
        """Where they are kept; None: in memory, or in a storage of the caller's."""
        self._storage = storage or storage_for(self.config, self.folder, clock)
        self._chain = Chain(self._storage, self.config)
        self._reducers = {**BUILT_IN, **(reducers or {})}
        self._clock = clock
        self._lock = threading.RLock()
        self._subscribers = Subscribers(clock)

    def subscribe(self, event: str, callback: Callback) -> Callable[[], None]:
        """Has `callback` called with a mapping at each such event; returns what ends that.

        Events: `snapshot:created`, `snapshot:deleted`, `snapshot:cleanup`, `automatic:started`,
        `automatic:stopped`, `import:completed`, `error`, `shutdown:complete`. The callback runs in
        the thread in which it happened, after the fact is stored; what it raises is logged.
        """
        return self._subscribers.subscribe(event, callback)

    @contextmanager
    def _reading(self) -> Iterator[Mapping[str, StateSnapshot]]:
        with self._lock:
            self._storage.refresh()
            yield self._storage.snapshots()

    def _settled(self, read: Callable[[Mapping[str, StateSnapshot]], T]) -> T:
        """Returns what `read` makes of the snapshots; tries again what may be a writer's work.

        A process that deletes a snapshot stores anew what builds on it: in between, a chain as it
        was first seen leads to what is gone.
        """
        with self._lock:
            for tries_left in (4, 3, 2, 1, 0):
                self._storage.refresh()
                try:
                    return read(self._storage.snapshots())
                except IntegrityError:
                    if not tries_left:
                        raise
        raise AssertionError("unreachable")

    def _complain(self, kind: str, error: Exception, session: str) -> None:
        self._subscribers.tell("error", type=kind, error=str(error), session=session)

    def get(self, identity: str) -> StateSnapshot | None:
        """Returns what is known of a snapshot; None when there is none.

        Raises:
            IntegrityError: it is there, and cannot be used.
        """
        with self._reading() as known:
            return self._look_up(known, identity)

    def _look_up(self, known: Mapping[str, StateSnapshot], identity: str) -> StateSnapshot | None:
        if identity in known:
            return known[identity]
        if any(one.id == identity for one in self._storage.damaged()):
            # Raises what is wrong with it, unless it was mended this very moment.
            return self._storage.read(identity, validate=True).snapshot
        return None

    def resolve(self, prefix: str) -> str:
        """Returns the only id that begins so, which may be that of a damaged snapshot.

        Raises:
            NotFoundError, AmbiguousError: there is none, or several; at least 4 digits are needed.
        """
        with self._reading() as known:
            ids = [*known, *(one.id for one in self._storage.damaged())]
        found = sorted(one for one in ids if one.startswith(prefix)) if len(prefix) >= 4 else []
        if not found:
            raise NotFoundError(
                f"there is no state snapshot {prefix}",
                hint="stepwell state list shows what there is",
            )
        if len(found) > 1:
            raise AmbiguousError(
                f"{prefix} begins the ids of {len(found)} state snapshots",
                hint="give more digits",
                candidates=found,
            )
        return found[0]

    def search(
        self,
        query: StateQuery = EVERYTHING,
        *,
        sort_by: SortKey = "timestamp",
        direction: Direction = "desc",
        limit: int | None = None,
    ) -> list[StateSnapshot]:
        """Returns what a query means, sorted; snapshots of equal rank in the order of storing."""
        if sort_by not in _SORTS or direction not in ("asc", "desc"):
            raise UsageError(
                f"nothing can be sorted by {sort_by} {direction}",
                hint="timestamp, size or description; asc or desc",
            )
        if limit is not None and limit < 0:
            raise UsageError(f"{limit} is no limit", hint="it takes a number from 0 on")
        with self._reading() as known:
            found = [one for one in known.values() if query.takes(one)]
        return sorted(found, key=_SORTS[sort_by], reverse=direction == "desc")[:limit]

    def nearest(self, session: str, time_ns: int) -> StateSnapshot | None:
        """Returns the session's snapshot that is closest to a time, of two equal ones the older.

        None when the session has none. Damaged ones do not count.
        """
        with self._reading() as known:
            candidates = in_order(one for one in known.values() if one.session == session)
        return min(candidates, key=lambda one: abs(one.time_ns - time_ns), default=None)

    def reconstruct_state(self, snapshot: Named) -> Any:
        """Returns the whole state of any snapshot, the caller's own; None when there is none.

        `get` tells a snapshot of the state None from no snapshot.

        Raises:
            IntegrityError: it, or one that it builds on, is damaged.
        """
        return self._state_of(id_of(snapshot))

    def _state_of(self, identity: str) -> Any:
        def read(known: Mapping[str, StateSnapshot]) -> Any:
            found = self._look_up(known, identity)
            return None if found is None else self._chain.state(found)

        return self._settled(read)

    def compare(self, first: Named, second: Named) -> StateComparison | None:
        """Returns how the second state differs from the first; None when one is not there.

        The changes are in an order in which they can be applied.

        Raises:
            IntegrityError: one of them is damaged.
        """

        def read(known: Mapping[str, StateSnapshot]) -> list[tuple[StateSnapshot, Any]]:
            found = [self._look_up(known, id_of(one)) for one in (first, second)]
            return [(one, self._chain.state(one)) for one in found if one is not None]

        sides = self._settled(read)
        if len(sides) < 2:
            return None
        (before, old), (after, new) = sides
        changes = changes_between(old, new)
        return StateComparison(before, after, changes, summarised(changes))

    def events(self, session: str) -> Sequence[StateEvent]:
        """Returns the recorded events that no snapshot has made dispensable, oldest first.

        Raises:
            IntegrityError: they are damaged.
        """
        with self._lock:
            return self._storage.events(session)

    def statistics(self) -> StateStatistics:
        """Returns the figures of everything that is kept."""
        with self._reading() as known:
            bases = self._storage.bases().values()
            return statistics_of(known.values(), bases, self._storage.damaged())

    def export_snapshots(
        self,
        query: StateQuery = EVERYTHING,
        *,
        format: ExportFormat = "json",
        include_incrementals: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> bytes:
        """Returns what a query means as one portable file; see `StateSnapshots.import_snapshots`.

        An incremental snapshot whose base is not meant goes as a full one; with
        `include_incrementals` False those are left out.

        Raises:
            IntegrityError: a snapshot is damaged.
            RefusedError: the file would be more than `limits` let in again.
        """

        def write(known: Mapping[str, StateSnapshot]) -> bytes:
            chosen = [
                one
                for one in known.values()
                if query.takes(one) and (include_incrementals or one.type == "full")
            ]
            now = self._clock()
            return exported(self._chain, chosen, form=format, created_ns=now, limits=limits)

        return self._settled(write)

    def _usable(self, session: str, until_ns: int) -> tuple[StateSnapshot, Any] | None:
        """Returns the newest snapshot up to a time that is whole, and its state."""
        with self._reading() as known:
            older = [o for o in known.values() if o.session == session and o.time_ns <= until_ns]
        for one in reversed(in_order(older)):
            try:
                return one, self._state_of(one.id)
            except IntegrityError as error:
                self._complain("snapshot_damaged", error, session)
        return None
