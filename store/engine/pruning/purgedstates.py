"""State documents of steps without some contents.

What is the content of a file is blotted out of the documents of all steps, as of any text. A state
that is named by its own id is a version of each of its documents: the steps that have the same
value under the same name lose it, and other versions stay, as they do of a file.
"""

from __future__ import annotations

import json
from collections.abc import Set
from typing import Any

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import BLOB
from stepwell.store.engine.pruning.blot import BLOT, Blotter
from stepwell.store.engine.pruning.needed import kept_steps
from stepwell.store.engine.pruning.rewrite import Overlay
from stepwell.store.engine.sealing.gather import Made
from stepwell.store.engine.statedocs import decode_state, encode_state
from stepwell.store.model.ids import Oid


def named_states(journal: Journal, blobs: Set[Oid]) -> set[Oid]:
    """Returns those of the blobs that are the state of a step and have a document left in them.

    Raises:
        IntegrityError: one of them cannot be read.
    """
    states = {step.state for step in kept_steps(journal.operations(), ())} if blobs else set()
    return {oid for oid in blobs & states if oid is not None and _has_documents(journal, oid)}


def _has_documents(journal: Journal, oid: Oid) -> bool:
    found = decode_state(journal.read(oid)[1])
    return any(value != BLOT for documents in found.values() for value in documents.values())


class PurgedStates:
    """Takes contents out of the state of steps; notes what it touches.

    Raises:
        IntegrityError: a state cannot be read.
    """

    def __init__(self, journal: Journal, named: Set[Oid], blotter: Blotter) -> None:
        """`named` are the states that go as versions, `blotter` knows the contents of files."""
        self.named = named
        self.touched: dict[tuple[str, str], None] = {}
        """Session ("" for none) and name of each document that lost something, in order."""
        self._blotter = blotter
        self._made: dict[Oid, Oid] = {}
        self._gone = {
            (session, name, _text(value))
            for oid in named
            for session, documents in decode_state(journal.read(oid)[1]).items()
            for name, value in documents.items()
        }

    def without(self, oid: Oid | None, objects: Overlay) -> Oid | None:
        """Returns the state without the contents; it is put into `objects` when it is another."""
        if oid is None:
            return None
        if oid not in self._made:
            content = objects.read(oid)[1]
            found = decode_state(content)
            edited = {
                session: {
                    self._blotter.text(name): self._document(session, name, value)
                    for name, value in documents.items()
                }
                for session, documents in found.items()
            }
            same = edited == found
            self._made[oid] = oid if same else objects.add(Made(BLOB, encode_state(edited)))
        return self._made[oid]

    def _document(self, session: str, name: str, value: Any) -> Any:
        if self._gone and (session, name, _text(value)) in self._gone:
            edited: Any = BLOT
        else:
            edited = self._blotter.document(value)
        if edited != value:
            self.touched[session, self._blotter.text(name)] = None
        return edited


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
