"""What steps need of the store: the objects below them, each counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from stepwell.store.engine.extras import read_extras
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import EMPTY_TREE, MODE_TREE, ObjectReader, decode_tree
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Step

TEXTS = ("coverage_blob", "rules_blob", "prompt", "input", "result_text", "state", "said")
"""The blobs that a step names beside its snapshot."""


def texts_of(step: Step) -> set[Oid]:
    """Returns the blobs that the step names beside its snapshot, that of its extras too."""
    named = {getattr(step, name) for name in TEXTS} - {None}
    return {*named, step.snapshot.extras}


def stored_bytes(journal: Journal, objects: Iterable[Oid]) -> int:
    """Returns the stored bytes of objects; those that cannot be read count as none."""
    total = 0
    for oid in objects:
        with suppress(IntegrityError):
            total += journal.stored_size(oid)
    return total


class Reach:
    """The objects that some steps need, gathered step by step."""

    def __init__(self, reader: ObjectReader, *, strict: bool) -> None:
        """`strict`: what cannot be read raises IntegrityError; else it counts as having no parts."""
        self._reader = reader
        self._strict = strict
        self.objects: set[Oid] = set()
        self.trees: set[Oid] = set()
        """Those of them that were gone through as folders."""
        self.below: set[Oid] = set()
        """Those that trees name, or are such trees."""

    def add(self, step: Step) -> list[Oid]:
        """Adds all that a step needs; returns what no earlier one did.

        Raises:
            IntegrityError: something cannot be read, and the reach is strict.
        """
        new = list(self._unseen(texts_of(step)))
        new += self._unseen(self._refused_entries(step.snapshot.extras))
        return [*new, *self.add_tree(step.snapshot.tree)]

    def add_object(self, oid: Oid) -> None:
        """Adds one object alone."""
        self.objects.add(oid)

    def _unseen(self, objects: Iterable[Oid]) -> Iterator[Oid]:
        for oid in objects:
            if oid not in self.objects:
                self.objects.add(oid)
                yield oid

    def _refused_entries(self, extras: Oid) -> list[Oid]:
        try:
            return [blob for _, blob in read_extras(self._reader, extras).entries.values()]
        except IntegrityError:
            if self._strict:
                raise
            return []

    def add_tree(self, root: Oid) -> list[Oid]:
        """Adds a tree with all that is below it; returns what is new."""
        new: list[Oid] = []
        stack = [root]
        while stack:
            oid = stack.pop()
            if oid in self.trees or oid == EMPTY_TREE:
                continue
            self.trees.add(oid)
            self.below.add(oid)
            new += self._unseen([oid])
            for _, mode, child in self._entries(oid):
                if mode == MODE_TREE:
                    stack.append(child)
                else:
                    self.below.add(child)
                    new += self._unseen([child])
        return new

    def _entries(self, tree: Oid) -> Iterable[tuple[bytes, int, Oid]]:
        try:
            return decode_tree(self._reader.read(tree)[1])
        except (IntegrityError, ValueError):
            if self._strict:
                raise
            return []
