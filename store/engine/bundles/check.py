"""Checking a bundle, all of it, before anything is believed.

Every object is hashed, every tree is held against the rules that `git fsck --strict` has, each path
that Extras names against those for paths, and everything that a step needs must be there. What is
left after that is as good as if this store had captured it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args

from stepwell.store.engine import codec
from stepwell.store.engine.bundles.format import (
    STEPS,
    BundleReader,
    Entry,
    malformed,
    object_digest,
)
from stepwell.store.engine.bundles.save import blobs_of
from stepwell.store.engine.coverage import decode_coverage, decode_rules
from stepwell.store.engine.extras import Extras, decode
from stepwell.store.engine.objects import (
    BLOB,
    EMPTY_TREE,
    MODE_EXEC,
    MODE_FILE,
    MODE_LINK,
    MODE_TREE,
    TREE,
    ObjectReader,
    TreeEntry,
    decode_tree,
    encode_tree,
    missing,
    refuses_entry,
)
from stepwell.store.engine.statedocs import decode_state
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Mark, Step, StepKind

_ID = re.compile("[0-9a-f]{32}")
_MODES = frozenset({MODE_FILE, MODE_EXEC, MODE_LINK, MODE_TREE})
_DEEPEST = 300
_LONGEST_NAME = 255
_MOST_STEPS = 1_000_000
_LONGEST_TEXT = 100_000
_KINDS = get_args(StepKind)


@dataclass(frozen=True, slots=True)
class Contents:
    """A bundle that was checked. Its file stays open, and its bytes are hashed again when read."""

    steps: tuple[_Marked, ...]
    """As they were where they come from, each after its parents."""
    branches: Mapping[str, StepId]
    """Where branches end, in steps of the bundle."""
    objects: Carried


class Carried(ObjectReader, Protocol):
    """An ObjectReader over objects from elsewhere, which tells what it does not have."""

    def kind(self, oid: Oid) -> str | None:
        """Returns an object's kind; None when it is not here."""


class _Objects:
    """An ObjectReader over the objects of a bundle."""

    def __init__(self, reader: BundleReader) -> None:
        self._reader = reader
        self.places: dict[Oid, Entry] = {}

    def has(self, oid: Oid) -> bool:
        return oid in self.places

    def kind(self, oid: Oid) -> str | None:
        place = self.places.get(oid)
        return None if place is None else place.kind

    def read(self, oid: Oid) -> tuple[str, bytes]:
        place = self.places.get(oid)
        if place is None:
            raise missing(oid)
        data = self._reader.read(place)
        if object_digest(place.kind, place.size, [data]) != oid:
            raise malformed("it was changed while it was read")
        return place.kind, data


def check_bundle(fd: int) -> Contents:
    """Returns what an open bundle holds.

    Raises:
        IntegrityError: anything about it is not as it has to be.
    """
    reader = BundleReader(fd)
    reader.check_whole()
    objects = _Objects(reader)
    document: bytes | None = None
    for entry, pieces in reader.entries():
        if document is not None:
            raise malformed("something follows the steps")
        if entry.kind == STEPS:
            document = b"".join(pieces)
        else:
            objects.places[object_digest(entry.kind, entry.size, pieces)] = entry
    if document is None:
        raise malformed("it has no steps")
    steps, branches = _parsed(document)
    return checked(steps, branches, objects)


def checked(steps: Sequence[_Marked], branches: Mapping[str, StepId], objects: Carried) -> Contents:
    """Returns steps from elsewhere, each after its parents, once nothing is wrong with them.

    Raises:
        IntegrityError: a step says what none may say, or lacks something that it needs.
    """
    for step, mark in steps:
        _check_said(step, mark)
    _Checker(objects).check([step for step, _ in steps])
    return Contents(tuple(steps), branches, objects)


_Marked = tuple[Step, Mark | None]


def _parsed(document: bytes) -> tuple[tuple[_Marked, ...], Mapping[str, StepId]]:
    try:
        form = json.loads(document)
        if len(form["steps"]) > _MOST_STEPS:
            raise malformed("it has too many steps")
        steps = tuple(map(_step, form["steps"]))
        branches = {name: StepId(head) for name, head in form["branches"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise malformed("its steps cannot be read") from error
    own = {step.id for step, _ in steps}
    if not all(_is_text(name) and head in own for name, head in branches.items()):
        raise malformed("a branch in it leads nowhere")
    return steps, branches


def _step(form: Mapping[str, Any]) -> _Marked:
    step = codec.step_from_json(form["step"])
    mark = codec.mark_from_json(form["mark"]) if form["mark"] is not None else None
    return step, mark


def _check_said(step: Step, mark: Mark | None) -> None:
    if not all(isinstance(i, str) and _ID.fullmatch(i) for i in (step.id, *step.parents)):
        raise malformed("a step's id is none")
    if step.kind not in _KINDS or not all(map(_is_text, step.flags)):
        raise malformed("a step is of an unknown kind")
    if not all(_is_text(text) for text in _said(step, mark) if text is not None):
        raise malformed("a step says something that is no text, or too long")
    if not all(_is_number(number) for number in _counted(step, mark) if number is not None):
        raise malformed("a number of a step is none")


def _said(step: Step, mark: Mark | None) -> list[object]:
    said: list[object] = [step.branch, step.title, step.session, step.agent, step.tool, step.model]
    said += [step.author, step.source, step.reason]
    if mark is not None:
        said += [mark.label, *mark.tags]
        said += [text for note in mark.notes for text in (note.id, note.text, note.by)]
    return said


def _counted(step: Step, mark: Mark | None) -> list[object]:
    counted: list[object] = [step.time_ns, step.turn, step.raw_bytes, step.stored_bytes]
    for counts in (step.changes, step.coverage):
        counted += [getattr(counts, name) for name in counts.__slots__]
    counted += [n for note in (mark.notes if mark else ()) for n in (note.time_ns, note.line)]
    return counted


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _is_number(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 63


class _Checker:
    """Follows everything that steps need, each object once."""

    def __init__(self, objects: Carried) -> None:
        self._objects = objects
        self._good: set[Oid] = set()

    def check(self, steps: Sequence[Step]) -> None:
        """Raises IntegrityError unless every step can be restored from what is in the bundle."""
        known: set[str] = set()
        later = {step.id for step in steps}
        for step in steps:
            if step.id in known:
                raise malformed("a step is in it twice")
            known.add(step.id)
            if any(parent in later for parent in step.parents):
                raise malformed("a step stands before its parent")
            later.discard(step.id)
            self._tree(step.snapshot.tree)
            for oid in blobs_of(step):
                self._blob(oid)
            self._texts(step)

    def _blob(self, oid: Oid) -> None:
        if self._objects.kind(oid) != BLOB:
            raise malformed(f"blob {oid.hex()} is missing")

    def _texts(self, step: Step) -> None:
        self._extras(decode(self._objects.read(step.snapshot.extras)[1]))
        if step.coverage_blob is not None:
            decode_coverage(self._objects.read(step.coverage_blob)[1])
        if step.rules_blob is not None:
            decode_rules(self._objects.read(step.rules_blob)[1])
        if step.state is not None:
            decode_state(self._objects.read(step.state)[1])

    def _extras(self, extras: Extras) -> None:
        for path in (*extras.modes, *extras.empty_folders, *extras.entries):
            if not _is_path(path):
                raise malformed("a path in it leads out of the workspace")
        for mode, oid in extras.entries.values():
            if mode not in _MODES - {MODE_TREE}:
                raise malformed("a file in it is of an unknown kind")
            self._blob(oid)
        modes = (extras.file_mode, extras.exec_mode, extras.folder_mode, *extras.modes.values())
        if any(not 0 <= mode < 0o10000 for mode in modes):
            raise malformed("a mode in it is none")

    def _tree(self, root: Oid) -> None:
        waiting = [(root, 0)]
        while waiting:
            oid, depth = waiting.pop()
            if oid in self._good or oid == EMPTY_TREE:
                continue
            if self._objects.kind(oid) != TREE:
                raise malformed(f"tree {oid.hex()} is missing")
            for entry in _entries(self._objects.read(oid)[1]):
                self._entry(entry)
                if entry.mode == MODE_TREE:
                    waiting.append((entry.oid, depth + 1))
                else:
                    self._blob(entry.oid)
            if depth > _DEEPEST:
                raise malformed("its folders lie too deep")
            self._good.add(oid)

    def _entry(self, entry: TreeEntry) -> None:
        if not _is_name(entry.name) or entry.mode not in _MODES:
            raise malformed("a name or mode in it cannot stand in a tree")
        content = b"" if entry.mode == MODE_TREE else None
        if refuses_entry(entry.name, entry.mode, content):
            whole = self._objects.read(entry.oid)[1] if entry.mode == MODE_FILE else None
            if refuses_entry(entry.name, entry.mode, whole):
                raise malformed("a name in it could reach a repository's own files")


def _entries(data: bytes) -> list[TreeEntry]:
    try:
        entries = decode_tree(data)
    except (ValueError, IndexError) as error:
        raise malformed("a tree in it cannot be read") from error
    names = [entry.name for entry in entries]
    # In git's order, nothing twice, no padded modes: then encoding it again gives the same bytes.
    if len(set(names)) != len(names) or encode_tree(entries) != data:
        raise malformed("a tree in it is malformed")
    return entries


def _is_name(name: bytes) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and name not in (b".", b"..") and not set(name) & {0, 47}


def _is_path(path: bytes) -> bool:
    """Tells whether a path stays in the workspace and away from a repository's own folder."""
    names = path.split(b"/")
    return all(map(_is_name, names)) and b".git" not in names
