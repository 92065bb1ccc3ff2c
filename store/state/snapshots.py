"""Snapshots of JSON state: taken, found, compared, edited, travelled through, carried elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from stepwell.store.model.errors import BusyError, StepwellError, UsageError
from stepwell.store.model.ids import Clock, RandomBytes
from stepwell.store.state.automatic import Automatic
from stepwell.store.state.chain import Draft
from stepwell.store.state.documents import DEFAULT_LIMITS, Limits, private_copy
from stepwell.store.state.importing import Importer
from stepwell.store.state.labels import checked_description, checked_session, checked_tags
from stepwell.store.state.migration import migrated_snapshot
from stepwell.store.state.portable import read_items
from stepwell.store.state.reader import Named, StateReader, id_of
from stepwell.store.state.replay import Reducer, replayed
from stepwell.store.state.retention import expired
from stepwell.store.state.storage import StateStorage
from stepwell.store.state.values import (
    ImportProblem,
    ImportReport,
    SnapshotType,
    StateConfig,
    StateEvent,
    StateQuery,
    StateSnapshot,
)

RECONSTRUCTED = "reconstructed"
"""Tag of snapshots that a reconstruction left on its way."""

_Notices = list[tuple[str, dict[str, Any]]]


class StateSnapshots(StateReader):
    """Snapshots of any number of sessions; use as a context manager, or call `close`.

    `folder` is theirs alone; None: memory only, or a `storage` of your own. For several threads,
    and with a folder for several processes. `reducers` say what events of further kinds do.

    Raises:
        UsageError: the configuration needs a folder.
        FailedError: the folder cannot be made or read.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        config: StateConfig | None = None,
        *,
        storage: StateStorage | None = None,
        reducers: Mapping[str, Reducer] | None = None,
        clock: Clock = time.time_ns,
        randomness: RandomBytes = os.urandom,
    ) -> None:
        super().__init__(folder, config, storage=storage, reducers=reducers, clock=clock)
        self._randomness = randomness
        self._automatic = Automatic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends automatic snapshots; everything is stored already."""
        for session in self._automatic.sessions:
            self.stop_automatic(session)
        self._subscribers.tell("shutdown:complete")

    @contextmanager
    def _writing(self) -> Iterator[_Notices]:
        notices: _Notices = []
        try:
            with self._lock, self._storage.exclusive():
                yield notices
        finally:
            # Only now, so that a callback can write, too.
            for event, facts in notices:
                self._subscribers.tell(event, **facts)

    def create(
        self,
        session: str,
        state: Any,
        *,
        tags: Iterable[str] = (),
        description: str = "",
        type: SnapshotType | None = None,
        force_compression: bool = False,
    ) -> StateSnapshot:
        """Stores a state, and removes what retention no longer keeps of the session.

        What others build on stays on disk until nothing does, after at most `full_every` more;
        `cleanup` and `delete` remove at once.

        `type` None: incremental where that is enabled and saves space. The first one of a session
        is full whatever was asked for.

        Raises:
            UsageError: the state is not JSON, or a label cannot be stored.
            FailedError: the system refused; nothing changed. That retention failed is only told, as an
                `error` of type `cleanup_failed`.
        """
        try:
            return self._create(
                session,
                state,
                tags=checked_tags(tags),
                description=checked_description(description),
                type=type,
                force=force_compression,
            )
        except StepwellError as error:
            self._complain("snapshot_creation_failed", error, str(session))
            raise

    def create_all(
        self, session: str, states: Iterable[Any], *, tags: Iterable[str] = ()
    ) -> list[StateSnapshot]:
        """Stores several states in order, with the same tags; stops at the first that fails."""
        labels = tuple(tags)
        return [self.create(session, state, tags=labels) for state in states]

    def _create(
        self,
        session: str,
        state: Any,
        *,
        tags: tuple[str, ...] = (),
        description: str = "",
        type: SnapshotType | None = None,
        force: bool = False,
        automatic: bool = False,
        at_ns: int | None = None,
    ) -> StateSnapshot:
        checked_session(session)
        if type not in (None, "full", "incremental"):
            raise UsageError(f"{type!r} is no type of snapshot", hint="full or incremental")
        text, value = private_copy(state)
        identity = self._randomness(16).hex()
        with self._writing() as notices:
            latest = self._storage.last_event_ns(session) or 0
            time_ns = max(self._clock(), latest) if at_ns is None else at_ns
            draft = Draft(
                identity, session, time_ns, text, value, type, tags, description, automatic, force
            )
            made = self._chain.add(draft)
            notices.append(("snapshot:created", {"session": session, "snapshot": made}))
            if at_ns is None:
                self._clean_quietly(session, notices, time_ns)
            return made

    def _clean_quietly(self, session: str, notices: _Notices, now_ns: int) -> None:
        """Holds a session to retention; what fails is told, because the snapshot is stored."""
        try:
            self._clean(session, notices, now_ns)
        except StepwellError as error:
            facts = {"type": "cleanup_failed", "error": str(error), "session": session}
            notices.append(("error", facts))

    def delete(self, snapshot: Named) -> bool:
        """Removes a snapshot, also a damaged one; False when there is none.

        What builds on it is stored anew first, so nothing else is lost.
        """
        identity = id_of(snapshot)
        with self._writing() as notices:
            broken = {one.id for one in self._storage.damaged()}
            if identity not in self._storage.snapshots().keys() | broken:
                return False
            self._remove([identity], notices)
            return True

    def delete_all(self, query: StateQuery) -> int:
        """Removes every snapshot that a query means; returns how many."""
        with self._writing() as notices:
            chosen = [one.id for one in self._storage.snapshots().values() if query.takes(one)]
            self._remove(chosen, notices)
            return len(chosen)

    def cleanup(self) -> list[StateSnapshot]:
        """Removes what retention no longer keeps of any session; returns it.

        Age, count and tags are those of the configuration; a session's newest always stays.
        """
        with self._writing() as notices:
            sessions = {one.session for one in self._storage.snapshots().values()}
            now = self._clock()
            cleaned = [one for each in sorted(sessions) for one in self._clean(each, notices, now)]
            self._chain.remove(list(self._storage.bases()))
            return cleaned

    def _clean(self, session: str, notices: _Notices, now_ns: int) -> list[StateSnapshot]:
        of_session = [one for one in self._storage.snapshots().values() if one.session == session]
        old = expired(of_session, self.config, now_ns)
        if not old:
            return []
        # Not removed for good: that would store the next one anew each time, in full.
        self._chain.retire([one.id for one in old])
        notices += [
            ("snapshot:deleted", {"session": session, "snapshot_id": one.id}) for one in old
        ]
        leaving = {one.id for one in old}
        first_ns = min(one.time_ns for one in of_session if one.id not in leaving)
        events = self._storage.events(session)
        kept = [event for event in events if event.time_ns > first_ns]
        if len(kept) < len(events):
            self._storage.keep_events(session, kept)
        notices.append(("snapshot:cleanup", {"session": session, "removed": len(old)}))
        return old

    def _remove(self, identities: Sequence[str], notices: _Notices) -> None:
        known = dict(self._storage.snapshots())
        self._chain.remove(identities)
        for identity in identities:
            session = known[identity].session if identity in known else None
            notices.append(("snapshot:deleted", {"session": session, "snapshot_id": identity}))

    def tag(
        self, snapshot: Named, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> StateSnapshot | None:
        """Adds and removes tags of a snapshot; returns it as it is then, None when there is none.

        Raises:
            IntegrityError: it is damaged.
        """
        new, old = checked_tags(add), set(checked_tags(remove))
        with self._writing():
            found = self.get(id_of(snapshot))
            return None if found is None else self._tagged(found, new, old)

    def tag_all(
        self, query: StateQuery, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> list[StateSnapshot]:
        """Adds and removes tags of every snapshot that a query means; returns them changed."""
        new, old = checked_tags(add), set(checked_tags(remove))
        with self._writing():
            return [self._tagged(one, new, old) for one in self.search(query, direction="asc")]

    def _tagged(self, one: StateSnapshot, new: tuple[str, ...], old: set[str]) -> StateSnapshot:
        wanted = checked_tags(tag for tag in (*one.tags, *new) if tag not in old)
        return one if wanted == one.tags else self._chain.relabel(one, wanted)

    def start_automatic(
        self, session: str, source: Callable[[], Any], *, interval_ms: int | None = None
    ) -> bool:
        """Stores what `source` returns at an interval (None: the configured one), from a thread.

        False when the session has automatic snapshots already; those go on. A failing source or
        storage is told as an `error` of type `automatic_snapshot_failed`, and the next beat tries
        again.
        """
        checked_session(session)
        every = self.config.automatic_interval_ms if interval_ms is None else interval_ms
        if every < 1:
            raise UsageError(f"{every} ms is no interval", hint="it takes 1 or more")

        def beat() -> None:
            try:
                self._create(session, source(), automatic=True)
            except Exception as error:
                self._complain("automatic_snapshot_failed", error, session)

        started = self._automatic.start(session, every, beat)
        if started:
            self._subscribers.tell("automatic:started", session=session, interval_ms=every)
        return started

    def stop_automatic(self, session: str) -> bool:
        """Ends a session's automatic snapshots; False when there were none."""
        stopped = self._automatic.stop(session)
        if stopped:
            self._subscribers.tell("automatic:stopped", session=session)
        return stopped

    def record_event(self, session: str, kind: str, data: Any) -> StateEvent:
        """Stores something that happened to a session's state.

        `patch` takes an RFC 6902 patch, `merge` an RFC 7396 merge patch; further kinds need a
        reducer by the time of a reconstruction. Its time is later than that of everything stored
        of the session before.

        Raises:
            UsageError: the data is not JSON.
        """
        checked_session(session)
        _, copy = private_copy(data)
        with self._writing():
            newest = self._newest(session)
            latest = max(self._storage.last_event_ns(session) or 0, newest.time_ns if newest else 0)
            event = StateEvent(session, max(self._clock(), latest + 1), kind, copy)
            self._storage.add_event(event)
            return event

    def _newest(self, session: str) -> StateSnapshot | None:
        known = (one for one in self._storage.snapshots().values() if one.session == session)
        return max(known, key=lambda one: one.number, default=None)

    def reconstruct_at(self, session: str, time_ns: int) -> Any:
        """Returns a session's state at a time: the nearest snapshot before it, and the events since.

        None when no snapshot is that old. On its way it stores a snapshot after every
        `events_per_snapshot` events, so that the next one has less to do. A damaged snapshot is told
        as an `error` of type `snapshot_damaged`, and the one before it is used.

        Raises:
            UsageError: an event has no reducer, or does not fit the state.
            IntegrityError: the events are damaged.
        """
        found = self._usable(session, time_ns)
        if found is None:
            return None
        base, state = found
        since = [e for e in self.events(session) if base.time_ns < e.time_ns <= time_ns]
        every = self.config.events_per_snapshot
        for count, (event, now) in enumerate(replayed(state, since, self._reducers), 1):
            state = now
            if every and count % every == 0:
                # Somebody else may be writing; then the next reconstruction does it.
                with suppress(BusyError):
                    self._create(
                        session, now, tags=(RECONSTRUCTED,), automatic=True, at_ns=event.time_ns
                    )
        return state

    def import_snapshots(
        self,
        content: bytes,
        *,
        overwrite_existing: bool = False,
        validate_integrity: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> ImportReport:
        """Takes in what `export_snapshots` gave; items that cannot be taken are reported, the rest goes on.

        `validate_integrity` False also takes items that somebody edited.

        Raises:
            RefusedError, IntegrityError, FormatError, UsageError: the file as a whole is too large,
                damaged, of a newer version or no export; nothing was stored.
            FailedError: the system refused; what was stored until then stays.
        """
        items = read_items(content, limits)
        with self._writing() as notices:
            report = Importer(
                self._chain,
                self._storage,
                overwrite=overwrite_existing,
                validate=validate_integrity,
            ).run(items)
            notices.append(("import:completed", {"report": report}))
            return report

    def migrate(self, session: str, snapshots: Sequence[Any]) -> ImportReport:
        """Takes in basic snapshots, `{id, timestamp, state}` with the time in ms or RFC 3339.

        Each gets the tag `migration` and an id that follows from its old one, so that a second run
        adds only what is new.
        """
        checked_session(session)
        made, skipped, problems = 0, 0, []
        with self._writing() as notices:
            for place, old in enumerate(snapshots, 1):
                try:
                    draft = migrated_snapshot(session, old)
                except UsageError as error:
                    problems.append(ImportProblem(f"item {place}", error.message))
                    continue
                if draft.id in self._storage.snapshots():
                    skipped += 1
                    continue
                self._chain.add(draft)
                made += 1
            report = ImportReport(made, skipped, tuple(problems))
            notices.append(("import:completed", {"report": report}))
        return report
