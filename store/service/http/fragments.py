"""Steps as JSON text, made once: a page of a timeline is put together from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import get_args

from stepwell.store.catalogue.rendered import Rendering
from stepwell.store.engine.context import Progress
from stepwell.store.engine.reading import with_mark
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import (
    ChangeCounts,
    CoverageCounts,
    Snapshot,
    Step,
    StepKind,
    StepResult,
    Tokens,
)
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
        plain = [seq for seq, key in places.items() if key.step not in view.marks]
        found = catalogue.rendered(self._old, plain)
        others = catalogue.numbered(seq for seq in places if seq not in found)
        found |= {step.seq: self._of(with_mark(step, view)) for step in others}
        keys = list(places.values())
        marks = ((key.step, view.marks.get(key.step)) for key in keys)
        milestones = {step for step, mark in marks if mark and mark.milestone is not None}
        tiers = workspace.tiers_of_keys(keys, milestones)
        return _body((found[seq] for seq in places), tiers, _next(list(places), limit))

    def of_steps(self, workspace: Workspace, steps: Sequence[Step], limit: int) -> bytes:
        """Returns the same of steps that were found otherwise."""
        following = _next([step.seq for step in steps], limit)
        return _body(map(self._of, steps), workspace.tiers_of(steps), following)

    def _of(self, step: Step) -> bytes:
        found = self._kept.get(step.id)
        if found is not None and found[0] == step:
            return found[1]
        text = _text(step)
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[step.id] = (step, text)
        return text


def _body(texts: Iterable[bytes], tiers: Iterable[str], following: int | None) -> bytes:
    steps = (
        b'{"tier": "%b", %b' % (tier.encode("ascii"), text[1:])
        for text, tier in zip(texts, tiers, strict=True)
    )
    return b'{"steps": [%b], "next": %b}' % (
        b", ".join(steps),
        json.dumps(following).encode("ascii"),
    )


def _next(seqs: Sequence[int], limit: int) -> int | None:
    return seqs[-1] if len(seqs) == limit else None


def _text(step: Step) -> bytes:
    """Returns a step's text without its tier, which changes while the step does not."""
    form = timeline_form(step)
    del form["tier"]
    return json.dumps(form).encode("ascii")


def samples() -> list[Step]:
    """Returns a step of each kind that has everything a step can have but a mark, and one with nothing."""
    step, none = StepId("0" * 32), Oid(bytes(20))
    bare = Step(step, 1, "main", (), "capture", "title", 0, Snapshot(none, none))
    full = replace(
        bare,
        parents=(step, step),
        title="a \u2026\n",
        session="agent:1",
        agent="agent",
        turn=1,
        tool="tool",
        changes=ChangeCounts(1, 2, 3),
        coverage=CoverageCounts(1, 2, 3, 4),
        coverage_blob=none,
        rules_blob=none,
        prompt=none,
        input=none,
        result_text=none,
        said=none,
        state=none,
        result=StepResult(False, 1, 2, 3),
        model="model",
        raw_bytes=1,
        stored_bytes=2,
        flags=("flag",),
        reason="reason",
        author="author",
        source="source",
        call="call",
        tokens=Tokens(1, 2, 3),
    )
    return [bare, *(replace(full, kind=kind) for kind in get_args(StepKind))]


def _kind() -> str:
    """Returns a name that is another one when steps are told otherwise, by whatever change."""
    told = b"".join(map(_text, samples()))
    return f"{VERSION} {hashlib.sha256(told).hexdigest()}"
