"""Snapshots and events of state without contents that are purged (engine/pruning/purge.py).

They are blotted out as in the state documents of steps: stretches of texts, and what is the same
JSON value whole. A snapshot keeps its id, its time and its place in its chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from stepwell.store.engine.pruning.beside import Found
from stepwell.store.engine.pruning.blot import Blotter
from stepwell.store.model.errors import IntegrityError, UsageError
from stepwell.store.model.ids import Clock
from stepwell.store.model.purging import Repeated, Unreached
from stepwell.store.state.chain import Chain
from stepwell.store.state.disk import DiskStorage
from stepwell.store.state.eventlog import read_events, replace_events
from stepwell.store.state.patches import apply_patch
from stepwell.store.state.retention import in_order
from stepwell.store.state.settings import load_config
from stepwell.store.state.values import StateConfig, StateEvent, StateSnapshot

_DAMAGED = "it is damaged, so that nobody knows what it says; `stepwell state delete {}` removes it"
_EVENTS = "these events of state are damaged; remove the file"
_SESSION = "a session of state is called so; `stepwell state delete --session` removes it"


class PurgedSnapshots:
    """The folder of a workspace's state snapshots, as a place that a purge reaches."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def look(self, blotter: Blotter) -> Found:
        if not self._folder.is_dir():
            return Found()
        with self._opened() as (storage, chain):
            look = _Look(storage, chain, blotter)
            snapshots, events = look.snapshots(), 0
            for path in self._logs():
                events += look.repeating(path)
        counts = (("state snapshot", len(snapshots)), ("state event", events))
        found = tuple(Repeated(what, count) for what, count in counts if count)
        return Found(found, tuple(dict.fromkeys(look.unreached)))

    def purge(self, blotter: Blotter) -> None:
        if not self._folder.is_dir():
            return
        with self._opened() as (storage, chain):
            look = _Look(storage, chain, blotter)
            if look.snapshots():
                # What is kept only because others build on it is not worth a blot.
                chain.remove(list(storage.bases()))
                chain.rewrite(look.snapshots(), look.without)
            for path in self._logs():
                if look.repeating(path):
                    replace_events(path, list(map(look.event, read_events(path, ""))))

    @contextmanager
    def _opened(self) -> Iterator[tuple[DiskStorage, Chain]]:
        storage = DiskStorage(self._folder, clock=self._clock)
        with storage.exclusive():
            yield storage, Chain(storage, self._config())

    def _config(self) -> StateConfig:
        """A configuration that cannot be used is no reason to keep a secret."""
        try:
            found = load_config(self._folder)
        except UsageError:
            return StateConfig()
        return replace(found, checksum_validation=True)

    def _logs(self) -> list[Path]:
        return sorted((self._folder / "events").glob("*.events"))


class _Look:
    """Finds what of a folder repeats contents; to be used while nobody else writes there."""

    def __init__(self, storage: DiskStorage, chain: Chain, blotter: Blotter) -> None:
        self._storage = storage
        self._chain = chain
        self._blotter = blotter
        self.unreached = [
            Unreached(f"state snapshot {one.id}", _DAMAGED.format(one.id))
            for one in storage.damaged()
        ]

    def snapshots(self) -> set[str]:
        """Returns which snapshots and bases a purge changes."""
        found = set()
        for one, value in self._states():
            edited, other = self.without(one, value)
            if edited != one or other != value:
                found.add(one.id)
        return found

    def _states(self) -> Iterator[tuple[StateSnapshot, Any]]:
        """Yields all that can be read with its state, which is good until the next one is asked for."""
        known = {**self._storage.bases(), **self._storage.snapshots()}
        before, value = "", None
        for one in in_order(known.values()):
            try:
                if one.base == before:
                    value = apply_patch(value, self._chain.patch(one))
                else:
                    value = self._chain.state(one)
            except (IntegrityError, UsageError):
                before = ""
                why = _DAMAGED.format(one.id)
                self.unreached.append(Unreached(f"state snapshot {one.id}", why))
                continue
            before = one.id
            if self._blotter.text(one.session) != one.session:
                self.unreached.append(Unreached(one.session, _SESSION))
            yield one, value

    def without(self, one: StateSnapshot, value: Any) -> tuple[StateSnapshot, Any]:
        """Returns a snapshot and its state without the contents."""
        text = self._blotter.text
        tags = tuple(dict.fromkeys(map(text, one.tags)))
        edited = replace(one, tags=tags, description=text(one.description))
        return edited, self._blotter.document(value)

    def repeating(self, path: Path) -> int:
        """Returns how many events of a session repeat them."""
        try:
            return sum(self.event(one) != one for one in read_events(path, ""))
        except IntegrityError:
            self.unreached.append(Unreached(str(path), _EVENTS))
            return 0

    def event(self, one: StateEvent) -> StateEvent:
        """Returns an event without the contents."""
        return replace(one, data=self._blotter.document(one.data))
