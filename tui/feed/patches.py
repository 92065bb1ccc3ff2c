"""The diff of the selected step: at once when it was seen before, else after a short rest.

The rest keeps a held-down key from asking for every step that it passes; a newer wish makes the
answer to an older one void. Once the diff is there, those of the neighbours are read, too, if they
are small: they are what is looked at next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from stepwell.tui.messages import PatchLoaded
from stepwell.tui.model.diffchoices import CONTEXT
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import Oid, Step, StepId

REST_S = 0.06
KEPT = 64
_AHEAD_FILES = 50
_AHEAD_LINES = 3_000
"""A neighbour with more is not read before somebody looks at it."""
_LONG_LINES = 5_000
"""For one with more something has to be made ready that takes longer than a rest."""
KEPT_ROWS = 400_000
"""Rows of all remembered diffs together; the newest one is always kept."""
_EACH = 20
"""A file, or a hunk, takes as much memory as so many rows."""


class PatchKey(NamedTuple):
    """Names a diff, so that it is known again."""

    step: StepId | None
    base: StepId | None = None
    context: int = CONTEXT
    ignore_space: bool = False
    said: Oid | None = None
    """What the agent said of it, which may come long after the step, and is shown with it."""


class Sight(NamedTuple):
    """Which diff: a step's own, or with a base what leads from it to the step.

    Without a step it leads to the disk as it is, and without both from the head to the disk.
    """

    step: Step | None = None
    base: Step | None = None
    context: int = CONTEXT
    ignore_space: bool = False

    @property
    def key(self) -> PatchKey:
        """What the diff is remembered by."""
        step, base = self.step, self.base
        ids = (step.id if step else None, base.id if base else None)
        said = step.said if step else None
        return PatchKey(*ids, self.context, self.ignore_space, said)


class Loader(Protocol):
    """What is needed of the gateway."""

    def load_patch(self, generation: int, sight: Sight) -> None:
        """Answers with PatchLoaded, or Failed."""

    def expect_large(self) -> None:
        """A large diff is probably asked for next."""

    def forget_patch(self) -> None:
        """Nobody waits for the diff that is being read any more."""


class Timer(Protocol):
    """What starting a timer returns."""

    def stop(self) -> None: ...


class Patches:
    """The diffs that were loaded lately, and the one that is wished for."""

    def __init__(
        self,
        loader: Loader,
        show: Callable[[DiffRows], None],
        later: Callable[[float, Callable[[], None]], Timer],
        rest_s: float = REST_S,
        note: Callable[[bool, bool], None] = lambda _at_hand, _ahead: None,
    ) -> None:
        """`show` takes the rows of the newest wish; `later` is a widget's `set_timer`.

        `note` hears of each look at a step, whether its diff was known, and read before any look.
        """
        self._note_look = note
        self._loader = loader
        self._show = show
        self._later = later
        self._rest_s = rest_s
        self._known: OrderedDict[PatchKey, DiffRows] = OrderedDict()
        self._generation = 0
        self._timer: Timer | None = None
        self._wanted: PatchKey | None = None
        self._expected: list[Sight] = []
        self._ahead: set[PatchKey] = set()
        """What was read before anybody looked at it."""

    def want(self, sight: Sight, neighbours: Sequence[Step] = ()) -> bool:
        """Wishes for a diff; tells whether it was shown at once.

        The disk's diff is never taken from memory. `neighbours` are looked at next, the likeliest first.
        """
        self.drop()
        self._wanted = sight.key
        self._expected = [sight._replace(step=one) for one in neighbours if _is_small(one)]
        if any(map(_is_large, (sight.step, *neighbours))):
            self._loader.expect_large()
        rows = self._known.get(sight.key)
        self._note(sight.key, rows is not None)
        if rows is not None:
            self._known.move_to_end(sight.key)
            self._show(rows)
            if self._expected:
                self._timer = self._later(self._rest_s, self._prepare)
            return True
        generation = self._generation
        self._timer = self._later(self._rest_s, lambda: self._loader.load_patch(generation, sight))
        return False

    def _note(self, key: PatchKey, at_hand: bool) -> None:
        if key.step is not None and key.base is None:
            self._note_look(at_hand, key in self._ahead)
            self._ahead.discard(key)

    def _prepare(self) -> None:
        """Reads the diff of the next neighbour that is not known yet."""
        while self._expected:
            sight = self._expected.pop(0)
            if sight.key not in self._known:
                self._loader.load_patch(self._generation, sight)
                return

    def drop(self) -> None:
        """Wishes for nothing until the next wish."""
        self._generation += 1
        self._loader.forget_patch()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def take(self, message: PatchLoaded) -> None:
        """Keeps an answer, and shows it when it is the one that is wished for."""
        key, whole = message.key, not message.rows.unread
        if whole and isinstance(key, PatchKey) and key.step is not None:
            self._known[key] = message.rows
            self._forget()
        if message.generation != self._generation:
            return
        if key == self._wanted:
            self._show(message.rows)
        elif isinstance(key, PatchKey) and whole:
            self._ahead.add(key)
        if whole:
            self._prepare()

    def _forget(self) -> None:
        total = sum(map(_weight, self._known.values()))
        while len(self._known) > 1 and (len(self._known) > KEPT or total > KEPT_ROWS):
            key, rows = self._known.popitem(last=False)
            total -= _weight(rows)
            self._ahead.discard(key)


def _weight(rows: DiffRows) -> int:
    return len(rows) + _EACH * (len(rows.changes) + len(rows.hunk_rows))


def _is_small(step: Step) -> bool:
    counts = step.changes
    return counts.files <= _AHEAD_FILES and counts.added + counts.deleted <= _AHEAD_LINES


def _is_large(step: Step | None) -> bool:
    return step is not None and step.changes.added + step.changes.deleted > _LONG_LINES
