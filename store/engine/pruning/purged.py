"""Operations without some contents: trees that lack them, and texts in which they are blotted out.

What a step lost is in its coverage afterwards, with the reason `purged`; so a rollback to it leaves
those paths alone. Nothing is written here: what is made goes to an overlay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace

from stepwell.store.engine import extras as extras_codec
from stepwell.store.engine.codec import operation_to_json
from stepwell.store.engine.coverage import (
    decode_coverage,
    decode_rules,
    encode_coverage,
    encode_rules,
)
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_TREE,
    TREE,
    TreeEntry,
    decode_tree,
    encode_tree,
)
from stepwell.store.engine.pruning.blot import BLOT, Blotter, all_texts
from stepwell.store.engine.pruning.purgedstates import PurgedStates
from stepwell.store.engine.pruning.rewrite import Overlay
from stepwell.store.engine.sealing.gather import Made
from stepwell.store.model.experiments import Candidate, Experiment
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.paths import TrackedPath, join, parent
from stepwell.store.model.steps import (
    AccountSet,
    Covered,
    Effect,
    ExperimentSet,
    Mark,
    MarkSet,
    Operation,
    Snapshot,
    Step,
    StepRecorded,
    VerdictGiven,
)

_ID = re.compile("[0-9a-f]{32,64}")
"""Of an object or a step; it says nothing of what a content holds."""
_EVERYTHING = b"*\n"
"""Rules that ignore all: nothing is ever deleted for being absent from a step under them."""


class PurgeEdit:
    """Takes contents out of operations; counts what it touches.

    Raises:
        IntegrityError: a tree or text of a step cannot be read.
    """

    def __init__(
        self,
        objects: Overlay,
        blobs: Set[Oid],
        blotter: Blotter,
        states: PurgedStates,
    ) -> None:
        self._objects = objects
        self._blobs = blobs
        self._blotter = blotter
        self._states = states
        self.steps: dict[StepId, None] = {}
        """Those that lost something, in order."""
        self.paths: dict[TrackedPath, set[Oid]] = {}
        self.names: dict[str, None] = {}
        """Of branches, labels, tags, sessions, tools: they stay, as other things go by them."""
        self.texts = 0
        self._trees: dict[Oid, _Lost] = {EMPTY_TREE: _Lost(EMPTY_TREE)}
        self._extras: dict[tuple[Oid, frozenset[TrackedPath]], Oid] = {}
        self._said: dict[Oid, Oid] = {}
        self._rules: dict[Oid, Oid] = {}

    def operation(self, operation: Operation) -> Operation:
        inverse = operation.inverse
        edited = replace(
            operation,
            summary=self._text(operation.summary),
            effects=tuple(self._effect(effect) for effect in operation.effects),
            inverse=None if inverse is None else tuple(self._effect(effect) for effect in inverse),
            details=self._blotter.value(dict(operation.details)),
        )
        self._note_names(edited)
        return edited

    def _note_names(self, edited: Operation) -> None:
        for text in all_texts(operation_to_json(edited)):
            if self._blotter.text(text) != text and not _ID.fullmatch(text):
                self.names[text] = None

    def _effect(self, effect: Effect) -> Effect:
        if isinstance(effect, StepRecorded):
            return StepRecorded(self.step(effect.step))
        if isinstance(effect, MarkSet) and effect.mark is not None:
            return MarkSet(effect.step, self._mark(effect.mark))
        if isinstance(effect, AccountSet):
            account = replace(effect.account, said=self._stored(effect.account.said))
            return replace(effect, account=account)
        if isinstance(effect, VerdictGiven):
            facts = self._blotter.value(dict(effect.verdict.facts))
            detail = self._text(effect.verdict.detail)
            return VerdictGiven(replace(effect.verdict, detail=detail, facts=facts))
        if isinstance(effect, ExperimentSet) and effect.experiment is not None:
            return replace(effect, experiment=self._experiment(effect.experiment))
        return effect

    def _mark(self, mark: Mark) -> Mark:
        notes = tuple(replace(note, text=self._text(note.text)) for note in mark.notes)
        milestone = None if mark.milestone is None else self._blotter.value(dict(mark.milestone))
        return replace(mark, notes=notes, milestone=milestone)

    def _experiment(self, experiment: Experiment) -> Experiment:
        candidates = tuple(self._candidate(one) for one in experiment.candidates)
        return replace(experiment, candidates=candidates, check=self._texts(experiment.check))

    def _candidate(self, candidate: Candidate) -> Candidate:
        check = candidate.check
        if check is not None:
            failures = self._texts(check.failures)
            reason, said = self._text(check.reason), self._text(check.said)
            check = replace(check, failures=failures, reason=reason, said=said)
        return replace(
            candidate,
            command=self._texts(candidate.command),
            reason=self._text(candidate.reason),
            check=check,
        )

    def step(self, step: Step) -> Step:
        """Returns the step without the contents."""
        lost = self.lost(step.snapshot)
        for path, oid in lost.items():
            self.paths.setdefault(path, set()).add(oid)
        edited = replace(
            step,
            title=self._text(step.title),
            reason=None if step.reason is None else self._text(step.reason),
            rules_blob=self._made(step.rules_blob, self._rules, self._without_rules),
            prompt=self._stored(step.prompt),
            input=self._stored(step.input),
            result_text=self._stored(step.result_text),
            said=self._stored(step.said),
            state=self._states.without(step.state, self._objects),
        )
        if lost:
            edited = self._without(edited, lost)
        if edited != step:
            self.steps[step.id] = None
        return edited

    def lost(self, snapshot: Snapshot) -> dict[TrackedPath, Oid]:
        """Returns path -> content of what a snapshot loses."""
        found = dict(self._tree(snapshot.tree).paths)
        entries = extras_codec.read_extras(self._objects, snapshot.extras).entries
        found |= {path: oid for path, (_, oid) in entries.items() if oid in self._blobs}
        return found

    def _without(self, step: Step, lost: dict[TrackedPath, Oid]) -> Step:
        snapshot = Snapshot(self._tree(step.snapshot.tree).tree, self._kept_extras(step, lost))
        old = step.coverage_blob
        covered = decode_coverage(self._objects.read(old)[1]) if old is not None else []
        covered += [Covered(path, "purged") for path in lost]
        counts = step.coverage
        return replace(
            step,
            snapshot=snapshot,
            coverage_blob=self._objects.add(Made(BLOB, encode_coverage(covered))),
            coverage=replace(
                counts,
                stored=max(0, counts.stored - len(lost)),
                skipped=counts.skipped + len(lost),
            ),
        )

    def _tree(self, root: Oid) -> _Lost:
        """Returns what a tree becomes; without recursion, as it may be deeper than the stack."""
        stack = [root]
        while stack:
            oid = stack[-1]
            if oid in self._trees:
                stack.pop()
                continue
            entries = decode_tree(self._objects.read(oid)[1])
            below = [e.oid for e in entries if e.mode == MODE_TREE and e.oid not in self._trees]
            if below:
                stack.extend(below)
                continue
            self._trees[oid] = self._without_entries(oid)
            stack.pop()
        return self._trees[root]

    def _without_entries(self, oid: Oid) -> _Lost:
        lost, kept = _Lost(oid), list[TreeEntry]()
        for entry in decode_tree(self._objects.read(oid)[1]):
            if entry.mode != MODE_TREE:
                if entry.oid in self._blobs:
                    lost.paths.append((TrackedPath(entry.name), entry.oid))
                else:
                    kept.append(entry)
                continue
            inner = self._trees[entry.oid]
            lost.paths += [(join(entry.name, path), blob) for path, blob in inner.paths]
            lost.folders += [join(entry.name, path) for path in inner.folders]
            if inner.paths and inner.tree == EMPTY_TREE:
                lost.folders.append(TrackedPath(entry.name))
            else:
                kept.append(entry._replace(oid=inner.tree))
        if lost.paths:
            lost.tree = self._objects.add(Made(TREE, encode_tree(kept)))
        return lost

    def _kept_extras(self, step: Step, lost: dict[TrackedPath, Oid]) -> Oid:
        """Returns extras that speak of nothing that is gone."""
        old = step.snapshot.extras
        key = old, frozenset(lost)
        if key not in self._extras:
            known = extras_codec.read_extras(self._objects, old)
            entries = {path: one for path, one in known.entries.items() if path not in lost}
            gone = {*lost, *self._tree(step.snapshot.tree).folders}
            for path in (*entries, *known.empty_folders):
                gone.difference_update(_with_ancestors(path))
            modes = {path: mode for path, mode in known.modes.items() if path not in gone}
            edited = replace(known, modes=modes, entries=entries)
            same = edited == known
            made = old if same else self._objects.add(Made(BLOB, extras_codec.encode(edited)))
            self._extras[key] = made
        return self._extras[key]

    def _texts(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(self._text(text) for text in texts)

    def _text(self, text: str) -> str:
        blotted = self._blotter.text(text)
        self.texts += blotted != text
        return blotted

    def _stored(self, oid: Oid | None) -> Oid | None:
        return self._made(oid, self._said, self._blotted)

    def _blotted(self, text: bytes) -> bytes:
        """A text that is itself a content goes whole, however short it is."""
        return BLOT.encode("ascii") if self._is_purged(text) else self._blotter.stored(text)

    def _made(
        self, oid: Oid | None, known: dict[Oid, Oid], edit: Callable[[bytes], bytes]
    ) -> Oid | None:
        if oid is None:
            return None
        if oid not in known:
            content = self._objects.read(oid)[1]
            edited = edit(content)
            self.texts += edited != content
            known[oid] = oid if edited == content else self._objects.add(Made(BLOB, edited))
        return known[oid]

    def _without_rules(self, content: bytes) -> bytes:
        """Returns rules in which a purged rule file ignores everything below it."""
        texts = decode_rules(content).texts
        folders = {
            path: _EVERYTHING if self._is_purged(text) else text
            for path, text in texts.folders.items()
        }
        edited = replace(texts, folders=folders)
        return content if edited == texts else encode_rules(edited)

    def _is_purged(self, text: bytes) -> bool:
        oid = Made(BLOB, text).oid
        return oid in self._blobs or oid in self._states.named


@dataclass(slots=True)
class _Lost:
    """What becomes of a tree."""

    tree: Oid
    """Its new id."""
    paths: list[tuple[TrackedPath, Oid]] = field(default_factory=list)
    """What it loses, with its content."""
    folders: list[TrackedPath] = field(default_factory=list)
    """What held nothing else."""


def _with_ancestors(path: TrackedPath) -> Iterator[TrackedPath]:
    while path:
        yield path
        path = parent(path)
