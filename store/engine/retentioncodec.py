"""Stored forms of what retention does, as `codec` has them of the rest."""

from __future__ import annotations

from typing import Any

from stepwell.store.model.seqs import Seqs
from stepwell.store.model.steps import PurgeSet, StepRemoved, StepsDropped, UndoEnded


def retention_to_json(
    effect: StepsDropped | StepRemoved | UndoEnded | PurgeSet,
) -> dict[str, Any]:
    """Returns the stored form of an effect; `do` names which."""
    match effect:
        case StepsDropped(seqs, dropped):
            return {"do": "dropped", "seqs": ranges_to_json(seqs), "dropped": dropped}
        case StepRemoved(step, seq, raw_bytes, stored_bytes):
            return {"do": "removed", "step": step, "seq": seq, "bytes": [raw_bytes, stored_bytes]}
        case UndoEnded(numbers):
            return {"do": "undo_ended", "numbers": list(numbers)}
        case PurgeSet(targets):
            return {"do": "purge", "targets": list(targets)}


def ranges_to_json(seqs: Seqs) -> list[list[int]]:
    """Returns the stored form of a set of step numbers."""
    return [[low, high] for low, high in seqs]


def ranges_from_json(form: list[list[int]]) -> Seqs:
    """Returns the set of step numbers of a stored form."""
    return tuple((low, high) for low, high in form)
