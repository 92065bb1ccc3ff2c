"""The facade's verbs for the review of an experiment: parts picked of candidates, and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from stepwell.store.branchverbs import BranchVerbs
from stepwell.store.engine import marking
from stepwell.store.engine.experimenting import find_candidate, find_experiment
from stepwell.store.engine.merge.picks import Picked, PicksRequest
from stepwell.store.engine.references import refuse_pruned
from stepwell.store.engine.travel import Aim
from stepwell.store.link.carry import asked, carried
from stepwell.store.model.errors import NotFoundError, RefusedError, UsageError
from stepwell.store.model.experiments import Candidate, Verdict
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.plans import PlannedChanges
from stepwell.store.model.steps import Note, Step


class ReviewVerbs(BranchVerbs):
    """Plans what is picked of candidates; keeps what a person thinks of them."""

    @asked
    def plan_picks(
        self,
        name: str,
        *,
        paths: Sequence[tuple[str, bytes]] = (),
        hunks: Sequence[str] = (),
        prefer: Literal["ours", "theirs"] | None = None,
    ) -> PlannedChanges:
        """Returns what merging picked parts of an experiment's candidates would change on disk.

        `paths` are (label, path), each with all below it; `hunks` are ids of the differences from
        the base to the candidates. Parts of several candidates may be picked. What the disk and the
        picks both changed is merged line by line; where that cannot be, the plan has conflicts and
        cannot be applied, unless `prefer` says who wins: the disk with what was picked of candidates
        before (ours), or the candidate (theirs). The result is a step of the current branch, with one parent.

        Raises:
            NotFoundError: there is no such experiment, candidate, path or hunk; a step was pruned.
            UsageError: nothing is picked, or a hunk of what is no text on both sides.
            RefusedError: a merge is under way.
        """
        told = find_experiment(self.view(), name)
        if not (paths or hunks):
            raise UsageError("nothing is picked", hint="name paths as LABEL:PATH, or hunks")
        wanted: dict[str, list[TrackedPath]] = {}
        for label, path in paths:
            wanted.setdefault(find_candidate(told, label).label, []).append(TrackedPath(path))
        picked = []
        for one in told.candidates:
            chosen = tuple(wanted.get(one.label, ()))
            if chosen or (hunks and self._is_kept(one)):
                picked.append(Picked(one.branch, self._kept(one), chosen))
        if not picked:
            raise NotFoundError(f"the candidates of {name} were pruned", experiment=name)
        request = PicksRequest(self.get_step(told.base), tuple(picked), tuple(hunks), prefer)
        return self._planned(Aim("merge", picked[0].tip, picked[0].tip, merge=request))

    def _kept(self, candidate: Candidate) -> Step:
        """Returns the candidate's newest step; raises NotFoundError when it was pruned."""
        tip = self._journal.step(candidate.head)
        refuse_pruned(self.view(), tip)
        return tip

    def _is_kept(self, candidate: Candidate) -> bool:
        try:
            self._kept(candidate)
        except NotFoundError:
            return False
        return True

    @carried
    def judge(
        self,
        name: str,
        label: str,
        verdict: Verdict | None,
        *,
        note: str | None = None,
        by: str = "",
    ) -> Step:
        """Gives a candidate a verdict in place of the one before; returns its newest step, marked.

        A verdict is a tag of that step, so that the timeline shows it, filters find it and `undo`
        takes it back. None: no verdict. A note is added to the step's.

        Raises:
            NotFoundError: there is no such experiment or candidate, or its step was pruned.
            RefusedError: it has no step of its own: it still runs, or never ran.
        """
        told = find_experiment(self.view(), name)
        one = find_candidate(told, label)
        if one.head == told.base:
            raise RefusedError(
                f"{label} of {name} cannot be judged: it has no step of its own",
                hint=f"stepwell experiment show {name} tells what became of it",
                experiment=name,
            )
        step, written = self._kept(one), None
        if note is not None:
            identity = self._context.randomness(4).hex()
            written = Note(identity, note, by, self._context.clock())
        with self._writer() as writer:
            marking.judge(writer, step, verdict, written)
        return self._marked(step)
