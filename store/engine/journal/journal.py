"""The journal as its readers see it: whole operations, and the objects that they committed.

Readers take no lock. What they know ends at the last commit that they have seen; `refresh` moves
that end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from stepwell.store.engine.atomic import read_checked
from stepwell.store.engine.codec import view_from_json
from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.chain import SegmentChain
from stepwell.store.engine.journal.recent import Object
from stepwell.store.engine.journal.segment import Segment
from stepwell.store.engine.manifest import Manifest
from stepwell.store.engine.objects import damaged_object, missing
from stepwell.store.engine.sealing.part import SealedPart
from stepwell.store.engine.view import fold, fold_on
from stepwell.store.model.errors import (
    IntegrityError,
    NotFoundError,
    ObjectMissingError,
)
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Operation, Step, StepRecorded, View

if TYPE_CHECKING:
    from stepwell.store.engine.journal.verify import Progress
    from stepwell.store.model.reports import VerifyReport

VIEW = "view"

Moment = tuple[int, tuple[str, ...]]
"""The newest operation, and the packs of what is sealed: sealing is none, and changes tiers."""

_Found = TypeVar("_Found")


def moment_of(journal: Journal) -> Moment:
    """Returns as of when a reader sees the store, which `refresh` moves."""
    return journal.last_number, journal.manifest.packs


class Journal:
    """A lock-free reader, and an ObjectReader over everything committed. Close it after use."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._chain = SegmentChain(store)
        self._view: View | None = None

    @classmethod
    def open(cls, store: Path) -> Self:
        """Opens the journal of a store folder.

        Raises:
            FormatError: there is no journal, or its format is not known to this version.
            FailedError: it cannot be read.
        """
        journal = cls(store)
        journal._chain.read_manifest()
        if journal._chain.numbers:
            journal._chain.newest()
        return journal

    def close(self) -> None:
        """Closes all files and frees what was remembered; does nothing the second time."""
        self._chain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> bool:
        """Takes in what was committed since.

        Returns True when there are new operations, or some that were known have been taken back.
        """
        before = self.last_number
        cut = self._chain.extend()
        after = self.last_number
        if cut or after < before:
            self._view = None
        return cut or after > before

    @property
    def segment_count(self) -> int:
        """How many segments are live."""
        return len(self._chain.numbers)

    def segments(self) -> list[Segment]:
        """Returns all segments, ascending, their content known; lost ones too."""
        return self._chain.all()

    @property
    def last_number(self) -> int:
        """Number of the newest operation that can be read; 0 when there is none."""
        live = next((s.last_number for s in self._chain.live() if s.operation_count), 0)
        return max(live, self._chain.sealed.last)

    @property
    def sealed(self) -> SealedPart:
        """What is sealed, as far as this reader has seen."""
        return self._chain.sealed

    @property
    def manifest(self) -> Manifest:
        """What the manifest says, as far as this reader has seen."""
        return self._chain.manifest

    def _found(self, look: Callable[[], _Found | None]) -> _Found | None:
        """Returns what `look` finds; what was sealed or moved since is looked up anew, once."""
        with suppress(ObjectMissingError):
            if (found := look()) is not None:
                return found
        self._chain.look_again()
        return look()

    def operation(self, number: int) -> Operation:
        """Returns an operation.

        Raises:
            NotFoundError: there is no such operation.
            IntegrityError: it is damaged.
        """
        found = self._found(lambda: self._operation(number))
        if found is not None:
            return found
        if 0 < number < self.last_number:
            raise _damaged_operation(number)
        raise NotFoundError(
            f"there is no operation {number}",
            hint="`stepwell operations` lists them",
            operation=number,
        )

    def _operation(self, number: int) -> Operation | None:
        if number <= self._chain.sealed.last:
            return self._chain.sealed.operation(number)
        for segment in self._chain.live():
            offset = segment.operation_offset(number)
            if offset is not None:
                return self._decode(segment, number, offset)
            if segment.header is not None and segment.header.first <= number:
                break
        return None

    def _decode(self, segment: Segment, number: int, offset: int) -> Operation:
        commit = segment.commit_at(offset)
        if commit is None or commit.number != number:
            raise _damaged_operation(number)
        return commit.operation()

    def operations(self, after: int = 0) -> Iterator[Operation]:
        """Yields the operations above `after`, ascending; damaged ones are left out."""
        number, again = after, True
        while again:
            again = False
            for operation in self._sealed_and_live(number):
                if operation is None:
                    again = True
                    break
                yield operation
                number = operation.number

    def _sealed_and_live(self, after: int) -> Iterator[Operation | None]:
        """Yields operations; None as the last one says that some were sealed meanwhile."""
        sealed = self._chain.sealed
        yield from self._chain.sealed_operations(after)
        if self._chain.sealed is not sealed:
            yield None
            return
        first = max(after, sealed.last) + 1
        for segment in self._chain.since(first):
            if segment is None:
                yield None
                return
            at = segment.operation_position(first)
            rows = (segment.operation_row(i) for i in range(at, segment.operation_count))
            yield from self._readable(segment, rows)

    def newest(self, count: int) -> Iterator[Operation]:
        """Yields up to `count` operations, the newest first; damaged ones are left out."""
        return islice(self._newest_first(), max(count, 0))

    def _newest_first(self) -> Iterator[Operation]:
        below = self.last_number + 1
        for segment in self._chain.live():
            positions = reversed(range(segment.operation_position(below)))
            rows = (segment.operation_row(i) for i in positions)
            for operation in self._readable(segment, rows):
                if operation.number <= self._chain.sealed.last:
                    break
                yield operation
                below = operation.number
        yield from self._chain.sealed.newest(below)

    def _readable(self, segment: Segment, rows: Iterator[tuple[int, int]]) -> Iterator[Operation]:
        for number, offset in rows:
            commit = segment.commit_at(offset)
            if commit is not None and commit.number == number:
                yield commit.operation()

    def step(self, step: StepId) -> Step:
        """Returns a step as it was recorded, without marks that came later.

        Raises:
            NotFoundError: there is no such step.
            IntegrityError: the operation that recorded it is damaged.
        """
        try:
            key = frames.step_key(step)
        except ValueError:
            raise _no_step(step) from None
        found = self._found(lambda: self._step(key))
        if found is None:
            raise _no_step(step)
        return found

    def _step(self, key: bytes) -> Step | None:
        for segment in self._chain.live():
            offset = segment.step_offset(key)
            if offset is not None:
                return self._step_at(segment, key, offset)
        return self._chain.sealed.step(key)

    def _step_at(self, segment: Segment, key: bytes, offset: int) -> Step:
        commit = segment.commit_at(offset)
        if commit is None:
            raise IntegrityError(
                f"step {key.hex()} cannot be read: its operation is damaged",
                hint="run `stepwell verify` to see what else is damaged",
                step=key.hex(),
            )
        for effect in commit.operation().effects:
            if isinstance(effect, StepRecorded) and effect.step.id == key.hex():
                return effect.step
        raise _no_step(StepId(key.hex()))

    def step_ids(self) -> list[StepId]:
        """Returns the ids of all steps in the order in which they were recorded."""
        found = dict.fromkeys(self._chain.sealed.step_ids())
        for segment in self.segments():
            found |= dict.fromkeys(StepId(key.hex()) for key, _ in segment.step_keys())
        return list(found)

    def steps_by_prefix(self, prefix: str) -> list[StepId]:
        """Returns the ids that begin with `prefix` (hex digits, any case), sorted."""
        low = _padded(prefix, "0")
        high = _padded(prefix, "f")
        if low is None or high is None:
            return []
        keys = {key for segment in self._chain.live() for key in segment.keys_between(low, high)}
        keys.update(self._chain.sealed.keys_between(low, high))
        return [StepId(key.hex()) for key in sorted(keys)]

    def steps_by_seq(self, seq: int) -> Step | None:
        """Returns the step with that seq, or None."""
        if not 0 <= seq < 1 << 64:
            return None
        return self._found(lambda: self._step_by_seq(seq))

    def _step_by_seq(self, seq: int) -> Step | None:
        for segment in self._chain.live():
            row = segment.seq_row(seq)
            if row is not None:
                return self._step_at(segment, *row)
        return self._chain.sealed.step_by_seq(seq)

    def has(self, oid: Oid) -> bool:
        """Tells whether the journal holds the object; its bytes are not checked."""
        return self._has_live(oid) or self._has_sealed(oid) or self._was_sealed(oid)

    def _has_live(self, oid: Oid) -> bool:
        return any(segment.object_offsets(oid) for segment in self._chain.live())

    def _has_sealed(self, oid: Oid) -> bool:
        return bool(self._chain.sealed.last) and self._chain.sealed.packs.has(oid)

    def _was_sealed(self, oid: Oid) -> bool:
        return self._chain.look_again() and (self._has_live(oid) or self._has_sealed(oid))

    def copies(self, oid: Oid) -> Iterator[tuple[Segment, int]]:
        """Yields where an object's copies in live segments are, the newest first."""
        for segment in self._chain.live():
            for offset in segment.object_offsets(oid):
                yield segment, offset

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Returns kind and bytes of an object from its newest copy that hashes to its id.

        Raises:
            ObjectMissingError: the journal does not hold it.
            ObjectDamagedError: no copy is intact.
        """
        return self._chain.recent.read(oid, self._read)

    def _read(self, oid: Oid) -> tuple[str, bytes]:
        if (found := self._read_live(oid)) is not None:
            return found
        if self._has_sealed(oid):
            return _noted(self, oid, self.sealed.packs.read(oid))
        if not self._was_sealed(oid):
            raise damaged_object(oid) if self._has_live(oid) else missing(oid)
        return self._read(oid)

    def _read_live(self, oid: Oid) -> tuple[str, bytes] | None:
        """Returns kind and bytes from the newest live copy that is intact; None without one."""
        found = (segment.source.load(offset, oid) for segment, offset in self.copies(oid))
        return self._chain.recent.seen(oid, next((one for one in found if one is not None), None))

    def pieces(self, oid: Oid) -> Iterator[bytes]:
        """Yields an object's bytes in pieces of at most 1 MiB, from a copy checked beforehand.

        Raises:
            ObjectMissingError, ObjectDamagedError: as `read`, before the first piece; the latter
                also at the end when the file changed meanwhile.
        """
        for segment, offset in self.copies(oid):
            if segment.source.is_sound(offset, oid):
                for piece in segment.source.pieces(offset, oid):
                    if piece is None:
                        raise damaged_object(oid)
                    yield piece
                return
        content = self.read(oid)[1]
        for at in range(0, len(content), frames.CHUNK_BYTES):
            yield content[at : at + frames.CHUNK_BYTES]

    def is_sound(self, oid: Oid) -> bool:
        """Tells whether an intact copy exists; a live one is read in bounded memory."""
        if any(segment.source.is_sound(offset, oid) for segment, offset in self.copies(oid)):
            return True
        if not self._has_sealed(oid):
            return self._was_sealed(oid) and self.is_sound(oid)
        return self.sealed.packs.is_sound(oid)

    def stored_size(self, oid: Oid) -> int:
        """Returns how many bytes the object takes, deflated; sealed ones as part of their pack.

        Raises:
            ObjectMissingError, ObjectDamagedError: as `read`.
        """
        found = (segment.source.stored_size(offset) for segment, offset in self.copies(oid))
        size = next((one for one in found if one is not None), None)
        if size is None and (self._has_sealed(oid) or self._was_sealed(oid)):
            size = self._chain.sealed.packs.stored_size(oid)
        return len(self.read(oid)[1]) if size is None else size

    def view(self) -> View:
        """Returns the fold of all operations that were seen."""
        if self._view is None:
            self._view = self._load_view()
        if self._view.number < self.last_number:
            self._view = fold_on(self._view, self.operations)
        return self._view

    def _load_view(self) -> View:
        saved = self._saved_view()
        if saved is None:
            return View()
        if saved.number > self.last_number:
            self.refresh()
        if self._knows(saved.number):
            return saved
        # Operations that the saved View knew are lost. Heads must be steps that can be read, so
        # it is folded anew from what is left; a seq is never given twice all the same.
        left = fold(View(), self.operations())
        return replace(left, last_seq=max(left.last_seq, saved.last_seq))

    def _knows(self, number: int) -> bool:
        if number <= self._chain.sealed.last:
            return True
        for segment in self._chain.live():
            if segment.header is not None and segment.header.first <= number:
                return segment.operation_offset(number) is not None
        return False

    def _saved_view(self) -> View | None:
        return load_view(self.store)

    def acknowledged(self) -> int:
        """Returns the newest operation that anything proves to have been committed, read or not."""
        saved = self._saved_view()
        numbers = [self.last_number, saved.number if saved else 0]
        for segment in self.segments():
            first = segment.header.first if segment.header else 1
            numbers += [first - 1, segment.proven]
        return max(numbers)

    def verify(self, full: bool, *, progress: Progress | None = None) -> VerifyReport:
        """Checks every frame, and with `full` every object and what each step reaches."""
        from stepwell.store.engine.journal.verify import verify_journal  # few readers verify

        self.refresh()
        return verify_journal(self, full=full, progress=progress or _no_progress)


def _noted(journal: Journal, oid: Oid, found: Object) -> Object:
    """Takes note of an object that was read from packs, if all that hold it count: others may go."""
    packed = journal._chain.recent.packed
    if packed is not None:
        listed = journal.manifest.packs
        others = (index for index in journal.sealed.packs.indexes if index.name not in listed)
        if not any(oid in index for index in others):
            packed.add(oid)
    return found


def share_memory(writer: Journal, reader: Journal) -> None:
    """Has two of one store remember together what they read and found intact."""
    reader._chain.recent = writer._chain.recent


def _no_progress(_what: str, _done: int, _total: int) -> None:
    pass


def load_view(store: Path) -> View | None:
    """Returns the saved View; None when there is none to be trusted."""
    content = read_checked(store / VIEW)
    if content is None:
        return None
    try:
        return view_from_json(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _damaged_operation(number: int) -> IntegrityError:
    return IntegrityError(
        f"operation {number} cannot be read: its bytes are damaged",
        hint="run `stepwell verify` to see what else is damaged",
        operation=number,
    )


def _no_step(step: StepId) -> NotFoundError:
    return NotFoundError(f"there is no step {step}", hint="`stepwell log` lists them", step=step)


def _padded(prefix: str, digit: str) -> bytes | None:
    text = prefix.lower().ljust(32, digit)
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        return None
    return bytes.fromhex(text)
