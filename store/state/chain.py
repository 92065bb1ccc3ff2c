"""Snapshots that build on one another: a full state, then patches, in bounded chains.

A patch is made against the snapshot before it. Every snapshot can be removed: what builds on it is
first stored anew, upon what is left or full. Retiring one costs less: it is no snapshot any more,
and goes for good once nothing builds on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from stepwell.store.model.errors import IntegrityError, NotFoundError, UsageError
from stepwell.store.state.collecting import uncollected
from stepwell.store.state.compare import changes_between
from stepwell.store.state.documents import decode, encode
from stepwell.store.state.patches import apply_patch, operations
from stepwell.store.state.record import Record, damaged, digest, released, squeezed
from stepwell.store.state.retention import in_order
from stepwell.store.state.storage import StateStorage
from stepwell.store.state.values import SnapshotType, StateConfig, StateSnapshot

_TIPS = 4
"""Sessions whose newest state is kept parsed."""
_SMALLER = 2
"""A patch is stored when it is this many times smaller than the state."""

Edit = Callable[[StateSnapshot, Any], tuple[StateSnapshot, Any]]
"""Makes another snapshot, with another state, of one."""

_Tip = tuple[str, str]
"""Id and checksum: an import in another process may put another state under an id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A snapshot to be stored, with its state as `private_copy` gives it."""

    id: str
    session: str
    time_ns: int
    text: bytes
    value: Any
    type: SnapshotType | None = None
    """None: whichever is smaller."""
    tags: tuple[str, ...] = ()
    description: str = ""
    automatic: bool = False
    force_compression: bool = False


class Chain:
    """Stores, reads and removes snapshots of one storage; writing needs its `exclusive`."""

    def __init__(self, storage: StateStorage, config: StateConfig) -> None:
        self._storage = storage
        self._config = config
        self._tips: OrderedDict[_Tip, tuple[Any]] = OrderedDict()

    def state(self, snapshot: StateSnapshot) -> Any:
        """Returns the state of a snapshot, the caller's own.

        Raises:
            IntegrityError: it, or one that it builds on, is damaged or missing.
        """
        with uncollected():
            return self._state(snapshot)

    def _state(self, snapshot: StateSnapshot) -> Any:
        full, *patches = self._lineage(snapshot)
        text = self._text(full)
        value = self._decoded(text, full)
        for one in patches:
            value = self._patched(value, self._decoded(self._text(one), one), one)
        if self._config.checksum_validation and digest(text if not patches else encode(value)) != (
            snapshot.checksum
        ):
            raise damaged(snapshot.id, "what it builds on makes another state")
        return value

    def patch(self, snapshot: StateSnapshot) -> Any:
        """Returns what makes an incremental snapshot's state from its base's (RFC 6902).

        Raises:
            IntegrityError: it is damaged.
        """
        return self._decoded(self._text(snapshot), snapshot)

    def _lineage(self, snapshot: StateSnapshot) -> list[StateSnapshot]:
        """Returns the full snapshot and the incremental ones up to this one."""
        known, found = self._all(), [snapshot]
        while (base := found[-1].base) is not None:
            if base not in known or len(found) > len(known):
                raise damaged(snapshot.id, f"the snapshot {base}, on which it builds, is not there")
            found.append(known[base])
        return found[::-1]

    def _all(self) -> dict[str, StateSnapshot]:
        """Returns snapshots and mere bases."""
        return {**self._storage.bases(), **self._storage.snapshots()}

    def _text(self, snapshot: StateSnapshot) -> bytes:
        try:
            record = self._storage.read(snapshot.id, validate=self._config.checksum_validation)
        except NotFoundError as error:
            raise damaged(snapshot.id, "it is gone") from error
        if record.snapshot != snapshot:
            raise damaged(snapshot.id, "it was stored anew just now")
        return released(record)

    def _decoded(self, text: bytes, snapshot: StateSnapshot) -> Any:
        try:
            return decode(text)
        except (ValueError, RecursionError) as error:
            raise damaged(snapshot.id, f"its content is no JSON: {error}") from error

    def _patched(self, value: Any, patch: Any, snapshot: StateSnapshot) -> Any:
        try:
            return apply_patch(value, patch)
        except UsageError as error:
            raise damaged(snapshot.id, error.message) from error

    def add(self, draft: Draft) -> StateSnapshot:
        """Stores a snapshot, in place of one with its id; on return it is where it is kept.

        Raises:
            FailedError: the system refused; nothing changed.
        """
        base = self._base(draft)
        patch = None if base is None else self._patch(base, draft)
        number = 1 + max((one.number for one in self._all().values()), default=0)
        stored = self._write(
            StateSnapshot(
                id=draft.id,
                session=draft.session,
                number=number,
                time_ns=draft.time_ns,
                type="full",
                tags=draft.tags,
                description=draft.description,
                size=len(draft.text),
                stored_bytes=0,
                checksum=digest(draft.text),
                automatic=draft.automatic,
            ),
            draft.text,
            None if patch is None else (base, patch),
            force=draft.force_compression,
        )
        self._remember(stored, draft.value)
        return stored

    def _write(
        self,
        snapshot: StateSnapshot,
        text: bytes,
        upon: tuple[StateSnapshot | None, bytes] | None,
        *,
        force: bool,
    ) -> StateSnapshot:
        base, patch = upon or (None, None)
        content, compressed = squeezed(text if patch is None else patch, self._config, force=force)
        stored = replace(
            snapshot,
            type="full" if patch is None else "incremental",
            base=base.id if base else None,
            compressed=compressed,
            stored_bytes=len(content),
        )
        self._storage.write(Record(stored, content))
        return stored

    def _base(self, draft: Draft) -> StateSnapshot | None:
        """Returns the snapshot that a new one may build on; None when it is to be full."""
        wanted = draft.type or ("incremental" if self._config.incremental_enabled else "full")
        if wanted == "full":
            return None
        others = [
            one
            for one in self._storage.snapshots().values()
            if one.session == draft.session and one.id != draft.id
        ]
        newest = max(others, key=lambda one: (one.time_ns, one.number), default=None)
        if newest is None:
            return None
        with suppress(IntegrityError):
            if len(self._lineage(newest)) < self._config.full_every:
                return newest
        return None

    def _patch(self, base: StateSnapshot, draft: Draft) -> bytes | None:
        """Returns the patch from a base to the draft; None when the draft had better be full."""
        try:
            before = self._tips.pop((base.id, base.checksum), None) or (self.state(base),)
        except IntegrityError:
            return None
        patch = operations(changes_between(before[0], draft.value))
        text = encode(patch)
        if draft.type is None and len(text) * _SMALLER >= len(draft.text):
            return None
        # Nothing is stored as a patch that has not been seen to make the state.
        if encode(apply_patch(before[0], decode(text))) != draft.text:
            return None
        return text

    def _remember(self, stored: StateSnapshot, value: Any) -> None:
        self._tips[stored.id, stored.checksum] = (value,)
        while len(self._tips) > _TIPS:
            self._tips.popitem(last=False)

    def remove(self, identities: Collection[str]) -> list[StateSnapshot]:
        """Removes snapshots, also damaged ones and bases; returns those that were snapshots.

        Raises:
            FailedError: the system refused; some may be gone, the rest is whole.
        """
        known = self._storage.snapshots()
        gone = in_order(known[one] for one in identities if one in known)
        for identity in self._children_first(self.detach(identities)):
            self._storage.delete(identity)
        self.sweep()
        return gone

    def retire(self, identities: Collection[str]) -> None:
        """Makes mere bases of the snapshots on which others build, and removes the rest.

        Raises:
            FailedError: the system refused; some may be retired, the rest is as it was.
        """
        for identity in self._children_first(identities):
            if any(one.base == identity for one in self._all().values()):
                self._storage.retire(identity)
            else:
                self._storage.delete(identity)
        self.sweep()

    def sweep(self) -> None:
        """Removes the bases on which nothing builds any more."""
        while unused := self._storage.bases().keys() - {one.base for one in self._all().values()}:
            for identity in unused:
                self._storage.delete(identity)

    def _children_first(self, identities: Collection[str]) -> list[str]:
        """Returns ids so that a crash after any of them leaves nothing without its base."""
        known = self._all()
        depths = {
            one: len(self._intact_lineage(known[one])) if one in known else 0 for one in identities
        }
        return sorted(depths, key=lambda one: depths[one], reverse=True)

    def detach(self, identities: Collection[str]) -> set[str]:
        """Stores anew whatever builds on these snapshots, so that it no longer does.

        Returns their ids and those of the bases that only led to them.
        """
        leaving, known = set(identities), self._all()
        for base in self._storage.bases().values():
            if leaving.intersection(one.id for one in self._intact_lineage(base)):
                leaving.add(base.id)
        children = [one for one in known.values() if one.base in leaving and one.id not in leaving]
        for child in in_order(children):
            # A child that is damaged itself cannot be helped, and is no reason to keep its base.
            with suppress(IntegrityError):
                self._rebase(child, self._intact_lineage(child)[:-1], leaving)
        return leaving

    def _rebase(
        self, child: StateSnapshot, ancestors: Iterable[StateSnapshot], leaving: Collection[str]
    ) -> None:
        value = self.state(child)
        left = [one for one in ancestors if one.id not in leaving]
        text = encode(value)
        draft = Draft(child.id, child.session, child.time_ns, text, value)
        patch = self._patch(left[-1], draft) if left else None
        upon = None if patch is None else (left[-1], patch)
        self._write(child, text, upon, force=child.compressed)

    def _intact_lineage(self, snapshot: StateSnapshot) -> list[StateSnapshot]:
        try:
            return self._lineage(snapshot)
        except IntegrityError:
            return [snapshot]

    def rewrite(self, identities: Collection[str], edit: Edit) -> None:
        """Stores snapshots anew as `edit` makes them; what builds on them keeps its own state.

        Cut off anywhere, every snapshot is whole, as it was or as it is to be: what builds on one
        is stored in full before that changes, and upon it again at the end.

        Raises:
            FailedError: the system refused; what was not stored anew is as it was.
        """
        known = self._all()
        concerned = [o.id for o in known.values() if o.id in identities or o.base in identities]
        order = self._children_first(concerned)
        for identity in order:
            # What is damaged cannot be helped, and is no reason to leave the others as they are.
            with suppress(IntegrityError):
                one, value = known[identity], self.state(known[identity])
                if identity in identities:
                    one, value = edit(one, value)
                text = encode(value)
                one = replace(one, size=len(text), checksum=digest(text))
                self._write(one, text, None, force=one.compressed)
        stored = self._all()
        for identity in reversed(order):
            base = known[identity].base
            if base in stored:
                with suppress(IntegrityError):
                    self._rebase(self._all()[identity], [self._all()[base]], ())

    def relabel(self, snapshot: StateSnapshot, tags: tuple[str, ...]) -> StateSnapshot:
        """Gives a snapshot other tags; its content stays.

        Raises:
            IntegrityError: its content is damaged.
            FailedError: the system refused; the old tags stay.
        """
        record = self._storage.read(snapshot.id, validate=True)
        changed = replace(record.snapshot, tags=tags)
        self._storage.write(Record(changed, record.content))
        return changed
