"""Which rows are folded away: runs of steps that changed nothing, and whole turns. Pure.

The oldest step of a run stands for it, and the prompt for its turn, so that what stands for a
hidden row is the next row below it that is listed.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from itertools import compress
from typing import Literal

from stepwell.tui.model.turns import GOES_ON, IN_TURN, NO_TURN, PLAIN, QUIET, Turns

Level = Literal[0, 1, 2]
"""What is folded everywhere: nothing, runs, or runs and turns."""

_QUIET = QUIET | PLAIN
_TURN = IN_TURN | PLAIN
_SHOWN = bytes.maketrans(b"\0\1", b"\1\0")
# A run is a byte 1 or 2 and every 2 behind it.
_RUN = re.compile(rb"[\x01\x02]\x02+")
_RUN_BYTES = bytes((2 if t & GOES_ON else 1) if t & _QUIET == _QUIET else 0 for t in range(256))
_TURN_BYTES = bytes(int(t & _TURN == _TURN) for t in range(256))


class Folds:
    """A level, and the single runs and turns that are the other way round."""

    def __init__(self) -> None:
        self.level: Level = 0
        self._runs: set[int] = set()
        """Ordinals of the steps that stand for runs."""
        self._turns: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.level or self._runs or self._turns)

    def cycle(self) -> Level:
        """Folds everything one level further, from the last back to nothing."""
        self.level = {0: 1, 1: 2, 2: 0}[self.level]  # type: ignore[assignment]
        self._runs, self._turns = set(), set()
        return self.level

    def fold(self, turns: Turns, ordinal: int) -> bool:
        """Folds the run around a step, else its turn; tells whether there was one to fold."""
        low, high = run_around(turns, ordinal)
        if high > low and not self._has_run(low):
            self._runs ^= {low}
            return True
        turn = turns.of[ordinal]
        if turn == NO_TURN or self.has_turn(turn) or not turns.sizes[turn]:
            return False
        self._turns ^= {turn}
        return True

    def unfold(self, turns: Turns, ordinal: int) -> bool:
        """Unfolds the turn that a step heads or belongs to, else the run that it stands for."""
        turn = turns.of[ordinal]
        low, high = run_around(turns, ordinal)
        if turn != NO_TURN and self.has_turn(turn):
            self._turns ^= {turn}
        elif high > low and self._has_run(low):
            self._runs ^= {low}
        else:
            return False
        return True

    def has_turn(self, turn: int) -> bool:
        """Tells whether a turn is folded."""
        return (self.level == 2) != (turn in self._turns)

    def _has_run(self, low: int) -> bool:
        return (self.level >= 1) != (low in self._runs)

    def stands_for(self, turns: Turns, ordinal: int) -> int:
        """Returns how many steps a row shows as a folded run, itself counted; 0: it is no run."""
        if not self or ordinal >= len(turns.traits) or turns.traits[ordinal] & _QUIET != _QUIET:
            return 0
        low, high = run_around(turns, ordinal)
        return high - low + 1 if low == ordinal and high > low and self._has_run(low) else 0

    def listed(self, turns: Turns, size: int) -> array[int] | None:
        """Returns the ordinals that are shown, descending; None: all `size` of them are."""
        if not self or len(turns.traits) != size:
            return None
        hidden = bytearray(size)
        self._hide_runs(turns, hidden)
        self._hide_turns(turns, hidden)
        return array("q", compress(range(size - 1, -1, -1), hidden.translate(_SHOWN)[::-1]))

    def _hide_runs(self, turns: Turns, hidden: bytearray) -> None:
        if self.level:
            runs = (found.span() for found in _RUN.finditer(turns.traits.translate(_RUN_BYTES)))
            spans = [(low, end - 1) for low, end in runs if low not in self._runs]
        else:
            spans = [run_around(turns, low) for low in self._runs]
        for low, high in spans:
            hidden[low + 1 : high + 1] = b"\1" * (high - low)

    def _hide_turns(self, turns: Turns, hidden: bytearray) -> None:
        plain = turns.traits.translate(_TURN_BYTES)
        if self.level == 2:
            both = int.from_bytes(hidden, "big") | int.from_bytes(plain, "big")
            hidden[:] = both.to_bytes(len(hidden), "big")
        for turn in self._turns:
            for ordinal in turns.members(turn):
                hidden[ordinal] = 0 if self.level == 2 else hidden[ordinal] | plain[ordinal]


def run_around(turns: Turns, ordinal: int) -> tuple[int, int]:
    """Returns the first and last ordinal of the run that a step is in; it alone where it is in none."""
    traits: Sequence[int] = turns.traits
    low = high = ordinal
    if traits[ordinal] & _QUIET != _QUIET:
        return low, high
    while low and traits[low] & GOES_ON and traits[low - 1] & _QUIET == _QUIET:
        low -= 1
    joined = _QUIET | GOES_ON
    while high + 1 < len(traits) and traits[high + 1] & joined == joined:
        high += 1
    return low, high
