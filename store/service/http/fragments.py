"""Steps as JSON text, made once: a page of a timeline is put together from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import get_args

from stepwell.store.catalogue import Catalogue
from stepwell.store.catalogue.rendered import Rendering
from stepwell.store.engine.context import Progress
from stepwell.store.engine.tiers.ready import Key
from stepwell.store.engine.view import with_mark
from stepwell.store.forms import Form
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import (
    ChangeCounts,
    CoverageCounts,
    Mark,
    Snapshot,
    Step,
    StepKind,
    StepResult,
    Tokens,
    View,
)
from stepwell.store.model.version import VERSION
from stepwell.store.sessionforms import marked_form, timeline_form
from stepwell.store.workspace import Workspace

_KEPT = 8_192
"""Steps whose text is kept in memory; about a kilobyte each."""
_HEADS = {tier: b'{"tier": "%b", ' % tier.encode("ascii") for tier in ("L1", "L2", "L3")}


class _Ready:
    """What was ready in memory (L1) when it was looked up, and the newest operation then."""

    def __init__(self, number: int, keys: Set[Key]) -> None:
        self.number = number
        self._keys = keys
        self._steps = {key.step for key in keys}

    def of(self, catalogue: Catalogue, places: Mapping[int, StepId]) -> set[StepId]:
        """Returns which of these steps, by number, are ready as they follow the one before them now."""
        near = [seq for seq, step in places.items() if step in self._steps]
        return {key.step for key in catalogue.keys(near) if key in self._keys}


class Fragments:
    """The texts of steps: of old ones in the catalogue's folder, of new and marked ones in memory.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._old = Rendering(_kind(), _text)
        self._kept: dict[StepId, tuple[object, bytes]] = {}
        """Each with what it was made of: marks, accounts and purges change a step."""
        self._ready = _Ready(0, frozenset())

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
        self._ready = _Ready(view.number, workspace.ready_keys())
        places = catalogue.session_places(session, before, limit)
        found = self._marked(view, places, catalogue.rendered(self._old, places))
        others = catalogue.numbered(seq for seq in places if seq not in found)
        found |= {step.seq: self._of(with_mark(step, view)) for step in others}
        return self._page(workspace, catalogue, places, found, limit)

    def page_at_hand(
        self, workspace: Workspace, session: str, limit: int, before: int | None
    ) -> bytes | None:
        """Returns the same page if all that it takes is in memory, and it holds a step; else None.

        What is ready in memory (L1) is as it was when a page was last read at this operation.
        """
        catalogue = workspace.catalogue_at_hand()
        if catalogue is None or self._ready.number != catalogue.number:
            return None
        places = catalogue.session_places(session, before, limit)
        found = catalogue.rendered(self._old, places, at_hand=True)
        if not places or len(found) < len(places):
            return None
        found = self._marked(workspace.view(), places, found)
        return self._page(workspace, catalogue, places, found, limit)

    def _marked(
        self, view: View, places: Mapping[int, StepId], found: dict[int, bytes]
    ) -> dict[int, bytes]:
        """Returns stored texts, which know of no marks, with the marks that the steps have now."""
        marked = {seq: view.marks[step] for seq, step in places.items() if step in view.marks}
        with_marks = {
            seq: self._with_mark(places[seq], found[seq], marked[seq])
            for seq in marked.keys() & found.keys()
        }
        return found | with_marks

    def _page(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        places: Mapping[int, StepId],
        found: Mapping[int, bytes],
        limit: int,
    ) -> bytes:
        marks = workspace.view().marks
        marked = ((step, marks.get(step)) for step in places.values())
        milestones = {step for step, mark in marked if mark and mark.milestone is not None}
        ready = self._ready.of(catalogue, places)
        tiers = workspace.tiers_of_ids(places.values(), milestones, ready)
        return _body((found[seq] for seq in places), tiers, _next(list(places), limit))

    def of_steps(self, workspace: Workspace, steps: Sequence[Step], limit: int) -> bytes:
        """Returns the same of steps that were found otherwise."""
        following = _next([step.seq for step in steps], limit)
        return _body(map(self._of, steps), workspace.tiers_of(steps), following)

    def _of(self, step: Step) -> bytes:
        return self._once(step.id, step, lambda: _text(step))

    def _with_mark(self, step: StepId, text: bytes, mark: Mark) -> bytes:
        def make() -> bytes:
            return _json(marked_form(json.loads(text), mark))

        return self._once(step, (text, mark), make)

    def _once(self, step: StepId, made_of: object, make: Callable[[], bytes]) -> bytes:
        found = self._kept.get(step)
        if found is not None and found[0] == made_of:
            return found[1]
        text = make()
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[step] = (made_of, text)
        return text


def _body(texts: Iterable[bytes], tiers: Iterable[str], following: int | None) -> bytes:
    steps = (_HEADS[tier] + text[1:] for text, tier in zip(texts, tiers, strict=True))
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
    return _json(form)


def _json(form: Form) -> bytes:
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
