"""Checking a journal: frames, objects, and whether every step's content is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepwell.store.engine.extras import read_extras
from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.frames import Frame
from stepwell.store.engine.journal.proof import read_proof
from stepwell.store.engine.journal.walk import Gap
from stepwell.store.engine.manifest import read_manifest
from stepwell.store.engine.objects import EMPTY_TREE, MODE_TREE, TREE, decode_tree
from stepwell.store.engine.sealing.check import check_sealed
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid
from stepwell.store.model.reports import Damage, Sample, VerifyReport
from stepwell.store.model.steps import Operation, Step, StepRecorded

if TYPE_CHECKING:
    from stepwell.store.engine.journal.journal import Journal
    from stepwell.store.engine.journal.segment import Segment

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total)."""

_BLOBS = ("coverage_blob", "rules_blob", "prompt", "input", "result_text", "state", "said")
_REPORT_EVERY = 256


@dataclass(slots=True)
class _Check:
    """One verification under way."""

    journal: Journal
    full: bool
    progress: Progress
    sample: Sample | None = None
    noted: int = 0
    """The newest operation of which a note says that it was acknowledged."""
    checked: int = 0
    damaged: list[Damage] = field(default_factory=list)
    suspects: set[Oid] = field(default_factory=set)
    """Objects of which at least one copy is damaged."""
    sound: set[Oid] = field(default_factory=set)
    """With `full`: objects of which one copy was hashed and found right."""

    def takes(self, oid: Oid) -> bool:
        """Tells whether an object is to be read."""
        return self.full or (self.sample is not None and self.sample.takes(oid))

    def note(
        self,
        kind: str,
        identity: str,
        reason: str,
        operations: Iterable[int] = (),
        steps: Iterable[str] = (),
    ) -> None:
        numbers = tuple(sorted(set(operations)))
        self.damaged.append(Damage(kind, identity, tuple(steps), reason, numbers))


def verify_journal(
    journal: Journal, *, full: bool, progress: Progress, sample: Sample | None = None
) -> VerifyReport:
    """Returns what is wrong with the journal; raises only when the system refuses to read.

    With `full` every object is read, with `sample` a part of them.

    Kinds of damage: `segment` (its id is the number), of which nothing, or not all, can be read;
    `frame` (SEGMENT:OFFSET), a stretch of bytes that is no frame; `operation` (its number), lost;
    `object` (hex id), of which no intact copy is there; `manifest`; and of sealed history `pack`
    (its name), `refs` and `config`.
    """
    journal.sealed.packs.forget()
    # Before the journal is looked at: what a writer adds meanwhile is no loss.
    check = _Check(journal, full, progress, sample, read_proof(journal.store))
    journal.refresh()
    segments = journal.segments()
    _check_manifest(check)
    for done, segment in enumerate(segments):
        progress("segments", done, len(segments))
        _check_segment(check, segment)
    progress("segments", len(segments), len(segments))
    _check_sealed(check)
    _check_numbers(check, segments)
    _check_steps(check)
    return VerifyReport(check.checked, tuple(check.damaged), full)


def _check_manifest(check: _Check) -> None:
    if read_manifest(check.journal.store) is None:
        reason = "it is missing or damaged; what the files suggest is taken for it"
        check.note("manifest", "manifest", reason)


def _check_segment(check: _Check, segment: Segment) -> None:
    if segment.lost is not None:
        reason = f"nothing of segment {segment.number} can be read: {segment.lost}"
        check.note("segment", str(segment.number), reason)
        return
    if not segment.header_intact():
        check.note("frame", f"{segment.number}:0", "a copy of the header is damaged")
    _check_frames(check, segment)
    if segment.proven > segment.last_number:
        reason = f"segment {segment.number} ends before operation {segment.proven}, which it had"
        check.note("segment", str(segment.number), reason)


def _check_frames(check: _Check, segment: Segment) -> None:
    """Walks the frames up to the last known commit; what follows is a write under way or void."""
    pending: list[Gap] = []
    for item in segment.walk():
        if isinstance(item, Gap):
            pending.append(item)
        elif item.end <= segment.committed:
            check.checked += 1
            if item.kind == frames.OPERATION:
                _note_gaps(check, segment, pending, [frames.unpack_commit(item.payload).number])
                pending.clear()
            elif check.full or check.sample is not None:
                _check_object(check, segment, item)
    known = [gap for gap in pending if gap.offset < segment.committed]
    _note_gaps(check, segment, known, [])


def _note_gaps(check: _Check, segment: Segment, gaps: Iterable[Gap], operations: list[int]) -> None:
    for offset, end in gaps:
        reason = f"{end - offset:,} bytes are damaged"
        check.note("frame", f"{segment.number}:{offset}", reason, operations)


def _check_object(check: _Check, segment: Segment, frame: Frame) -> None:
    if frame.kind not in (frames.OBJECT, frames.LARGE):
        return
    entry = segment.source.entry(frame.offset)
    if entry is None or not check.takes(entry.oid):
        return
    check.checked += 1
    if segment.source.is_sound(frame.offset, entry.oid):
        check.sound.add(entry.oid)
    else:
        check.suspects.add(entry.oid)


def _check_sealed(check: _Check) -> None:
    journal = check.journal
    for found in check_sealed(journal.store, journal.manifest, journal.sealed.packs, check.full):
        check.checked += 1
        if found.wrong:
            check.note(found.kind, found.name, found.wrong)
        if check.full and found.index is not None:
            check.checked += found.index.count
            if found.wrong:
                bad = (oid for oid in found.index.ids() if not journal.is_sound(oid))
                check.suspects.update(bad)
            else:
                check.sound.update(found.index.ids())
        elif check.sample is not None and found.index is not None:
            taken = [oid for oid in found.index.ids() if check.takes(oid)]
            check.checked += len(taken)
            check.suspects.update(oid for oid in taken if not journal.is_sound(oid))


def _check_numbers(check: _Check, segments: list[Segment]) -> None:
    """Finds operations that are no longer there, by the holes in their numbers."""
    sealed = check.journal.sealed
    present = [operation.number for operation in sealed.operations(0)]
    lost_steps = sealed.steps_apart_from(present)
    for segment in segments:
        for position in range(segment.operation_count):
            number, offset = segment.operation_row(position)
            commit = segment.commit_at(offset)
            if commit is not None and commit.number == number:
                present.append(number)
            else:
                lost_steps[number] = [key.hex() for key in segment.steps_at(offset)]
    expected = 1
    newest = max(check.noted, check.journal.acknowledged())
    for number in [*sorted(present), newest + 1]:
        for lost in range(expected, number):
            reason = f"operation {lost} cannot be read"
            check.note("operation", str(lost), reason, [lost], lost_steps.get(lost, ()))
        expected = max(expected, number + 1)


def _check_steps(check: _Check) -> None:
    """Checks that what steps name can be read: at the top, and with `full` all the way down."""
    reach = _Reach(check)
    affected: dict[Oid, list[tuple[int, str]]] = defaultdict(list)
    total = check.journal.last_number
    for operation in check.journal.operations():
        if operation.number % _REPORT_EVERY == 0:
            check.progress("operations", operation.number, total)
        for step in _steps_of(operation):
            for oid in reach.bad_in_step(step):
                affected[oid].append((operation.number, step.id))
    check.progress("operations", total, total)
    for oid in sorted({*affected, *reach.lost_suspects()}):
        known = check.journal.has(oid)
        reason = "its bytes do not match its id" if known else "it is not in the store"
        users = affected[oid]
        check.note("object", oid.hex(), reason, (n for n, _ in users), (s for _, s in users))


def _steps_of(operation: Operation) -> list[Step]:
    return [e.step for e in operation.effects if isinstance(e, StepRecorded)]


def soundness(journal: Journal) -> Callable[[Step], bool]:
    """Returns what tells whether all that a step needs can be read; each object is read once."""
    reach = _Reach(_Check(journal, full=True, progress=lambda _what, _done, _total: None))
    return lambda step: not reach.bad_in_step(step)


class _Reach:
    """Which bad objects lie below a step; each tree and extras blob is looked at once."""

    def __init__(self, check: _Check) -> None:
        self._check = check
        self._sound: dict[Oid, bool] = {EMPTY_TREE: True}
        self._below: dict[Oid, frozenset[Oid]] = {EMPTY_TREE: frozenset()}

    def lost_suspects(self) -> set[Oid]:
        """Returns the damaged objects that have no intact copy, reached from a step or not."""
        return {oid for oid in self._check.suspects if not self._is_sound(oid)}

    def bad_in_step(self, step: Step) -> set[Oid]:
        """Returns the objects without which the step cannot be read back whole."""
        named = {getattr(step, name) for name in _BLOBS} - {None}
        tree, extras = step.snapshot.tree, step.snapshot.extras
        if not self._check.full and not self._check.suspects:
            return {oid for oid in (*named, tree, extras) if not self._is_sound(oid)}
        bad = {oid for oid in named if not self._is_sound(oid)}
        return bad | self._below_extras(extras) | self._below_tree(tree)

    def _is_sound(self, oid: Oid) -> bool:
        known = self._sound.get(oid)
        if known is None:
            journal = self._check.journal
            if self._check.full or oid in self._check.suspects:
                known = oid in self._check.sound or journal.is_sound(oid)
            else:
                known = journal.has(oid)
            self._sound[oid] = known
        return known

    def _below_extras(self, oid: Oid) -> frozenset[Oid]:
        if oid not in self._below:
            try:
                entries = read_extras(self._check.journal, oid).entries.values()
                bad = frozenset(blob for _, blob in entries if not self._is_sound(blob))
            except IntegrityError:
                bad = frozenset({oid})
            self._below[oid] = bad
        return self._below[oid]

    def _below_tree(self, root: Oid) -> frozenset[Oid]:
        """Walks without recursion: a tree may be deeper than the interpreter's stack."""
        stack = [root]
        while stack:
            oid = stack[-1]
            if oid in self._below:
                stack.pop()
                continue
            folders, files = self._children(oid)
            unknown = [folder for folder in folders if folder not in self._below]
            if unknown:
                stack.extend(unknown)
                continue
            bad = {file for file in files if not self._is_sound(file)}
            self._below[oid] = frozenset(bad.union(*(self._below[f] for f in folders)))
            stack.pop()
        return self._below[root]

    def _children(self, oid: Oid) -> tuple[list[Oid], list[Oid]]:
        """Returns a tree's folders and files; of one that cannot be read, itself as a file."""
        try:
            kind, content = self._check.journal.read(oid)
            entries = decode_tree(content) if kind == TREE else []
        except (IntegrityError, ValueError):
            self._sound[oid] = False
            return [], [oid]
        folders = [e.oid for e in entries if e.mode == MODE_TREE]
        return folders, [e.oid for e in entries if e.mode != MODE_TREE]
