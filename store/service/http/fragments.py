"""Steps as JSON text, made once: a page of a timeline is put together from them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step
from stepwell.store.sessionforms import timeline_form

_KEPT = 8_192
"""Steps whose text is kept; about a kilobyte each."""


def timeline_body(steps: Sequence[Step], following: int | None) -> bytes:
    """Returns `{"steps": [...], "next": ...}`."""
    return b'{"steps": [%b], "next": %b}' % (
        b", ".join(_kept.of(step) for step in steps),
        json.dumps(following).encode("ascii"),
    )


class _Kept:
    """Texts of steps, each with the step that it is of: marks, accounts and purges change one."""

    def __init__(self) -> None:
        self._texts: dict[StepId, tuple[Step, bytes]] = {}

    def of(self, step: Step) -> bytes:
        found = self._texts.get(step.id)
        if found is not None and found[0] == step:
            return found[1]
        text = json.dumps(timeline_form(step)).encode("ascii")
        if len(self._texts) >= _KEPT:
            self._texts.clear()
        self._texts[step.id] = (step, text)
        return text


_kept = _Kept()
