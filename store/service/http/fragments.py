"""Steps as JSON text, made once: a page of a timeline is put together from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from stepwell.store.catalogue.rendered import Rendering
from stepwell.store.engine.context import Progress
from stepwell.store.engine.reading import with_mark
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import ChangeCounts, Snapshot, Step, StepResult, Tokens
from stepwell.store.model.version import VERSION
from stepwell.store.sessionforms import timeline_form
from stepwell.store.workspace import Workspace

_KEPT = 8_192
"""Steps whose text is kept in memory; about a kilobyte each."""


class Fragments:
    """The texts of steps: of old ones in the catalogue's folder, of new and marked ones in memory.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._old = Rendering(_kind(), _text)
        self._kept: dict[StepId, tuple[Step, bytes]] = {}
        """Each with the step that it is of: marks, accounts and purges change one."""

    def make_ready(
        self, workspace: Workspace, progress: Progress, enough: Callable[[], bool]
    ) -> None:
        """Makes the texts of old steps that are not made yet, until there is `enough`."""
        catalogue = workspace.catalogue()
        samples = catalogue.samples()
        for done, seq in enumerate(samples):
            if enough():
                return
            progress("making timelines ready", done, len(samples))
            catalogue.rendered(self._old, [seq])

    def page(self, workspace: Workspace, session: str, limit: int, before: int | None) -> bytes:
        """Returns up to `limit` steps of a session below a number as `{"steps": [...], "next": ...}`."""
        catalogue, view = workspace.catalogue(), workspace.view()
        places = catalogue.session_places(session, before, limit)
        plain = [seq for seq, step in places if step not in view.marks]
        found = catalogue.rendered(self._old, plain)
        others = catalogue.numbered(seq for seq, _ in places if seq not in found)
        found |= {step.seq: self._of(with_mark(step, view)) for step in others}
        return _body((found[seq] for seq, _ in places), _next([s for s, _ in places], limit))

    def of_steps(self, steps: Sequence[Step], limit: int) -> bytes:
        """Returns the same of steps that were found otherwise."""
        return _body(map(self._of, steps), _next([step.seq for step in steps], limit))

    def _of(self, step: Step) -> bytes:
        found = self._kept.get(step.id)
        if found is not None and found[0] == step:
            return found[1]
        text = _text(step)
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[step.id] = (step, text)
        return text


def _body(texts: Iterable[bytes], following: int | None) -> bytes:
    return b'{"steps": [%b], "next": %b}' % (
        b", ".join(texts),
        json.dumps(following).encode("ascii"),
    )


def _next(seqs: Sequence[int], limit: int) -> int | None:
    return seqs[-1] if len(seqs) == limit else None


def _text(step: Step) -> bytes:
    return json.dumps(timeline_form(step)).encode("ascii")


def _kind() -> str:
    """Returns a name that is another one when steps are told otherwise, by whatever change."""
    none = Oid(bytes(20))
    step = Step(
        StepId("0" * 32),
        1,
        "main",
        (),
        "tool",
        "title",
        0,
        Snapshot(none, none),
        changes=ChangeCounts(1, 2, 3),
        result=StepResult(False, 1, 2, 3),
        tokens=Tokens(1, 2, 3),
        state=none,
    )
    return f"{VERSION} {_text(step).decode('ascii')}"
