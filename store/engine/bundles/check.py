"""Checking a bundle, all of it, before anything is believed.

Every object is hashed, every tree is held against the rules that `git fsck --strict` has, each path
that Extras names against those for paths, and everything that a step needs must be there. What is
left after that is as good as if this store had captured it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.store.engine import codec
from stepwell.store.engine.bundles.checktrees import MODES, Carried, TreeChecker
from stepwell.store.engine.bundles.format import (
    STEPS,
    BundleReader,
    Entry,
    malformed,
    object_digest,
)
from stepwell.store.engine.bundles.said import check_said, is_id, is_nameable, is_path
from stepwell.store.engine.bundles.save import blobs_of
from stepwell.store.engine.coverage import decode_coverage, decode_rules
from stepwell.store.engine.extras import Extras, decode
from stepwell.store.engine.objects import MODE_TREE, missing
from stepwell.store.engine.statedocs import decode_state
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Mark, Step

MOST_STEPS = 1_000_000
_MOST_BRANCHES = 10_000


@dataclass(frozen=True, slots=True)
class Contents:
    """A bundle that was checked. Its file stays open, and its bytes are hashed again when read."""

    steps: tuple[_Marked, ...]
    """As they were where they come from, each after its parents."""
    branches: Mapping[str, StepId]
    """Where branches end, in steps of the bundle."""
    objects: Carried


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
    if len(steps) > MOST_STEPS or len(branches) > _MOST_BRANCHES:
        raise malformed("it has too many steps or branches")
    for step, mark in steps:
        check_said(step, mark)
    if not all(is_nameable(name) and is_id(head) for name, head in branches.items()):
        raise malformed("a branch in it leads nowhere")
    _Checker(objects).check([step for step, _ in steps])
    return Contents(tuple(steps), branches, objects)


_Marked = tuple[Step, Mark | None]


def _parsed(document: bytes) -> tuple[tuple[_Marked, ...], Mapping[str, StepId]]:
    try:
        form = json.loads(document)
        steps = tuple(map(_step, form["steps"]))
        branches = {name: StepId(head) for name, head in form["branches"].items()}
        own = {step.id for step, _ in steps}
        led = all(head in own for head in branches.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise malformed("its steps cannot be read") from error
    if not led:
        raise malformed("a branch in it leads nowhere")
    return steps, branches


def _step(form: Mapping[str, Any]) -> _Marked:
    step = codec.step_from_json(form["step"])
    mark = codec.mark_from_json(form["mark"]) if form["mark"] is not None else None
    return step, mark


class _Checker:
    """Follows everything that steps need, each object once."""

    def __init__(self, objects: Carried) -> None:
        self._objects = objects
        self._trees = TreeChecker(objects)

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
            self._trees.check(step.snapshot.tree)
            for oid in blobs_of(step):
                self._trees.blob(oid)
            self._texts(step)

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
            if not is_path(path):
                raise malformed("a path in it leads out of the workspace")
        for mode, oid in extras.entries.values():
            if mode not in MODES - {MODE_TREE}:
                raise malformed("a file in it is of an unknown kind")
            self._trees.blob(oid)
        modes = (extras.file_mode, extras.exec_mode, extras.folder_mode, *extras.modes.values())
        if any(not 0 <= mode < 0o10000 for mode in modes):
            raise malformed("a mode in it is none")
