"""The part of the facade that reads what a step changed: through the tiers, and from there ahead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stepwell.store.engine import reading
from stepwell.store.engine.context import Context
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.meters import Meters
from stepwell.store.engine.parents import ancestors
from stepwell.store.engine.tiers import Thresholds, Tiers, is_large, key_of
from stepwell.store.engine.tiers.figures import report
from stepwell.store.engine.tiers.ready import Key
from stepwell.store.link.carry import asked, peeked
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import StepId
from stepwell.store.model.plans import Recovery
from stepwell.store.model.reports import Timing
from stepwell.store.model.seqs import holds
from stepwell.store.model.steps import Step
from stepwell.store.model.tiering import Relieved, TierReport

if TYPE_CHECKING:
    from stepwell.store.link.link import Link

_CONTEXT = 3
_NEIGHBOURS = (-1, 1, -2, 2)
"""What somebody who looks at a step looks at next, the likeliest first; -1 is the one before."""


class StepReader:
    """What a step changed, and what the tiers hold of that."""

    _journal: Journal
    _context: Context
    recovered: Recovery | None

    def link(self) -> Link | None:
        """Returns the way to the workspace's daemon; None when none was started."""
        raise NotImplementedError

    def refresh(self) -> bool:
        """Looks for operations added elsewhere; returns whether there are any."""
        raise NotImplementedError

    def publish(self, event: str, **facts: Any) -> None:
        """Tells this workspace's subscribers of something that is no operation."""
        raise NotImplementedError

    def step_changes(
        self, step: Step, *, hunks: bool = True, context: int = _CONTEXT
    ) -> tuple[Change, ...]:
        """Returns the step's own change: against its first parent, or against nothing.

        With hunks it counts as looked at: a daemon, or this process in idle moments
        (`prepare_ahead`), makes ready what will probably be looked at next.
        """
        if hunks and context == _CONTEXT and not is_large(step):
            return self._looked_at(step)
        return reading.own_changes(self._journal, step, hunks=hunks, lines=context)

    @property
    def _tiers(self) -> Tiers:
        """What is ready, without anything that may have been removed for good since."""
        tiers = self._context.tiers
        tiers.follow(self._journal.manifest.packs)
        return tiers

    @peeked
    def _looked_at(self, step: Step) -> tuple[Change, ...]:
        tiers = self._tiers
        found = tiers.changes_of(self._journal, step)
        tiers.expect(self._neighbours(step))
        return found

    @peeked
    def note_look(self, at_hand: bool, ahead: bool) -> None:
        """Counts a look at a step that was served elsewhere, such as by a screen from its own memory."""
        self._context.tiers.looked(at_hand, ahead)

    def _neighbours(self, step: Step) -> list[Step]:
        found = []
        for distance in _NEIGHBOURS:
            with suppress(IntegrityError):
                near = self._journal.steps_by_seq(step.seq + distance)
                found += [near] if near is not None else []
        return found

    def tiers_of(self, steps: Sequence[Step]) -> list[str]:
        """Returns the tier of each step: L1 ready in memory, L2 in segments, L3 sealed or a milestone.

        The memory is the daemon's when one runs and is not at other work, else this process's.
        """
        marks = ((step.id, step.checkpoint) for step in steps)
        milestones = {step for step, mark in marks if mark and mark.milestone is not None}
        keys = self.ready_keys() if steps else frozenset()
        ready = {step.id for step in steps if key_of(step) in keys}
        return self.tiers_of_ids([step.id for step in steps], milestones, ready)

    def tiers_of_ids(
        self, steps: Iterable[StepId], milestones: Set[StepId], ready: Set[StepId]
    ) -> list[str]:
        """Returns the same of steps that were not read, of which some are milestones or ready in memory."""
        return [self._tier(step, ready, milestones) for step in steps]

    def ready_keys(self) -> frozenset[Key]:
        """Returns the `key_of` of the steps whose change is ready in memory: see `tiers_of`."""
        return frozenset(Key(step, parent) for step, parent in self._ready_keys())

    @peeked
    def _ready_keys(self) -> tuple[tuple[StepId, StepId | None], ...]:
        return tuple((step, parent) for step, parent in self._tiers.recent)

    def _tier(self, step: StepId, ready: Set[StepId], milestones: Set[StepId]) -> str:
        if step in ready:
            return "L1"
        kept = step in milestones or self._journal.sealed.holds(step)
        return "L3" if kept else "L2"

    def stands_for(self, step: Step) -> int:
        """Returns how many dropped steps lie between a step and the one that it is shown to follow.

        What they did is part of its change. Those that were removed for good do not count any more.
        """
        dropped = self._journal.view().dropped
        if not dropped:
            return 0
        found, recorded = 0, self._journal.step(step.id)
        for before in ancestors(self._journal.step, recorded):
            if not holds(dropped, before.seq):
                break
            found += 1
        return found

    def unified_diff(self, step: Step, *, reverse: bool = False) -> bytes:
        """Returns the step's own change as a patch that `git apply` takes; `reverse` takes it back.

        Of the newest steps of a session it is ready in memory (`make_ready`).
        """
        ready = self._tiers.ready(self._journal, step)
        return ready.patch(self._journal, reverse=reverse)

    @property
    def has_unready(self) -> bool:
        """Tells whether a step recorded here waits to be made ready."""
        return self._context.tiers.waits

    def make_ready(self) -> Relieved | None:
        """Makes one of the steps recorded here ready to be shown, undone and redone from memory.

        For idle moments. Returns what had to go from memory for it, if anything did.
        """
        self._tiers.make_next(self._journal)
        return self._relieve()

    @property
    def expects_looks(self) -> bool:
        """Tells whether something that will probably be looked at is not prepared yet."""
        return self._context.tiers.expects

    def prepare_ahead(self) -> Relieved | None:
        """Prepares one step that will probably be looked at next; for idle moments, as `make_ready`."""
        self._tiers.prepare_next(self._journal)
        return self._relieve()

    def limit_memory(self, thresholds: Thresholds) -> None:
        """Sets from which bytes on the tiers let go of what they hold ready."""
        self._context.tiers.thresholds = thresholds

    def _relieve(self) -> Relieved | None:
        relieved = self._context.tiers.relieve()
        if relieved is not None:
            self.publish("snapshot:cleanup", what="memory", **asdict(relieved))
        return relieved

    @property
    def meters(self) -> Meters:
        """What this process counted of its own work."""
        return self._context.tiers.meters

    @asked
    def timings(self) -> tuple[Timing, ...]:
        """Returns how long the daemon's work takes, by what it did; without one, this process's."""
        return self.meters.timings()

    @asked
    def tiers(self) -> TierReport:
        """Returns the figures of the three tiers; in memory, those of the daemon if one runs."""
        return report(self._journal, self._tiers)
