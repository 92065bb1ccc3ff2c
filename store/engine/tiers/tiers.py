"""The tiers in one hand: where a step's change is found, what is made ready next, what memory it takes.

L1 is the ring of each session's newest steps (`recent`), L2 what else was used of a session, in
memory (`warm`) over the unsealed segments, L3 what is sealed, and milestones.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from stepwell.store.engine.meters import Meters
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.sealing.part import SealedPart
from stepwell.store.engine.tiers import levels
from stepwell.store.engine.tiers.levels import DEFAULT, Level, Thresholds
from stepwell.store.engine.tiers.ready import (
    Key,
    Over,
    Ready,
    Steps,
    Stored,
    is_large,
    key_of,
    make_ready,
    read_ahead,
)
from stepwell.store.engine.tiers.recent import STEPS as RING
from stepwell.store.engine.tiers.recent import Held, Recent
from stepwell.store.engine.tiers.warm import Warm
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Step
from stepwell.store.model.tiering import Relieved

_PICKS: dict[Level, Callable[[Sequence[Held]], Iterator[Key]]] = {
    "normal": levels.continued,
    "aggressive": levels.superseded,
    "emergency": levels.older,
}
_WAITING = 1_000
_EXPECTED = 16
_REMEMBERED = 256

LOOKS, AT_HAND, AHEAD = "looks", "looks at hand", "looks prepared ahead"
"""Counters of what people looked at: all, what memory had, and that because it was expected."""


class TierSteps(Steps, Protocol):
    """Where steps are read, which also knows what is sealed."""

    @property
    def sealed(self) -> SealedPart:
        """What is sealed."""


class Tiers:
    """What is in memory of the tiers; for one thread at a time. Everything in it is derived."""

    def __init__(
        self,
        thresholds: Thresholds = DEFAULT,
        *,
        ring: int = RING,
        warm: Warm | None = None,
    ) -> None:
        self.meters = Meters()
        self.thresholds = thresholds
        self.warm = Warm() if warm is None else warm
        self.recent = Recent(self._leave, ring)
        self._waiting: deque[Step] = deque(maxlen=_WAITING)
        self._expected: deque[Step] = deque(maxlen=_EXPECTED)
        self._packs: frozenset[str] | None = None
        self._ahead: deque[StepId] = deque(maxlen=_REMEMBERED)

    def note(self, step: Step) -> None:
        """Takes in a step that was just recorded; costs nothing until it is made ready."""
        self._waiting.append(step)

    @property
    def waits(self) -> bool:
        """Tells whether a noted step is not ready yet."""
        return bool(self._waiting)

    def make_next(self, steps: Stored) -> bool:
        """Makes one of the noted steps ready, the newest first; False when none waits.

        Of a large one what it replaced is read ahead, no more. A step whose content is damaged is
        passed over: whoever asks for it is told.
        """
        if not self._waiting:
            return False
        step = self._waiting.pop()
        with suppress(StepwellError):
            if is_large(step):
                read_ahead(steps, step)
            elif key_of(step) not in self.recent:
                self.recent.keep(step, make_ready(steps, step))
        return True

    def _leave(self, held: Held) -> None:
        self.meters.count("L1 to L2")
        self.warm.keep(held.session, held.key, held.ready)

    def over(self, below: ObjectReader) -> ObjectReader:
        """Returns a reader that takes the contents of ready steps from memory."""
        return Over(self.recent.contents(), below)

    def changes_of(self, steps: TierSteps, step: Step) -> tuple[Change, ...]:
        """Returns what a step changed, with hunks, for somebody who looks at it.

        Raises:
            IntegrityError: an object of it is missing or damaged.
        """
        self.meters.count(LOOKS)
        if step.id in self._ahead:
            self.meters.count(AHEAD)
            self._ahead.remove(step.id)
        begun = time.perf_counter_ns()
        tier, found = self._find(steps, step)
        self.meters.note(tier, (time.perf_counter_ns() - begun) // 1_000)
        return found.there

    def looked(self, at_hand: bool, ahead: bool) -> None:
        """Takes in a look that was served elsewhere."""
        self.meters.count(LOOKS)
        for name, holds in ((AT_HAND, at_hand), (AHEAD, ahead)):
            if holds:
                self.meters.count(name)

    def ready(self, steps: Steps, step: Step) -> Ready:
        """Returns a step's change with its way back; raises as `changes_of`."""
        return self.recent.get(key_of(step)) or make_ready(steps, step)

    def _find(self, steps: TierSteps, step: Step) -> tuple[str, Ready]:
        found = self.recent.get(key_of(step))
        if found is not None:
            self.meters.count(AT_HAND)
            return "L1", found
        found = self.warm.get(step.session, key_of(step))
        if found is not None:
            self.meters.count(AT_HAND)
            return "L2", found
        made = make_ready(steps, step)
        self.warm.keep(step.session, key_of(step), made)
        return ("L3" if steps.sealed.holds(step.id) else "L2"), made

    def expect(self, steps: Iterable[Step]) -> None:
        """Says what will probably be looked at next, the likeliest first; older guesses are void."""
        self._expected.clear()
        self._expected.extend(steps)

    @property
    def expects(self) -> bool:
        """Tells whether something that is expected has not been looked at yet."""
        return bool(self._expected)

    def prepare_next(self, steps: Steps) -> bool:
        """Makes one expected step ready to be shown; False when there is none."""
        if not self._expected:
            return False
        step = self._expected.popleft()
        known = key_of(step) in self.recent or self.warm.get(step.session, key_of(step))
        if not known and not is_large(step):
            try:
                self.warm.keep(step.session, key_of(step), make_ready(steps, step))
            except StepwellError:
                return True
            self._ahead.append(step.id)
        return True

    def follow(self, packs: Collection[str]) -> None:
        """Takes in which packs there are; when others are, nothing that was ready stays so.

        Content that is removed for good leaves new packs, and memory must not bring it back.
        """
        if self._packs is not None and self._packs != frozenset(packs):
            self.forget()
        self._packs = frozenset(packs)

    def forget(self) -> None:
        """Lets go of everything."""
        self.recent.drop([held.key for ring in self.recent.rings() for held in ring])
        self.warm.shrink(0)
        self._waiting.clear()
        self._expected.clear()

    @property
    def bytes(self) -> int:
        """What the tiers take in this process."""
        return self.recent.bytes + self.warm.bytes

    @property
    def level(self) -> Level:
        """How full memory is by the thresholds."""
        return self.thresholds.level(self.bytes)

    def relieve(self) -> Relieved | None:
        """Lets go of what the level says; None when the level asks for nothing, or nothing is left.

        At `emergency` the caller is to seal the store as well.
        """
        level, before, begun = self.level, self.bytes, time.perf_counter_ns()
        if level == "calm":
            return None
        self.recent.drop([*self._going(level)])
        if level != "normal":
            self.recent.drop_contents([s for r in self.recent.rings() for s in levels.older(r)])
        if level == "emergency":
            self.warm.shrink(0)
        if self.bytes == before:
            return None
        took_us = (time.perf_counter_ns() - begun) // 1_000
        self.meters.note("memory cleanup", took_us)
        return Relieved(level, before, self.bytes, took_us / 1_000)

    def _going(self, level: Level) -> Iterator[Key]:
        pick = _PICKS[level]
        for ring in self.recent.rings():
            yield from pick(ring)
