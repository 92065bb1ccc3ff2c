"""Rounds in which every contestant does the same, in turn, each in a copy of the tree of its own.

Whatever was captured or restored is checked: all must have stored the same git tree, and after a
restore the files must be what they were. What is not so is said in the table.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from edits import Edits, Plan
from ours import INSIDE, Disk
from table import CAP_S, Results, say
from trees import fingerprint

FIRST = "first capture"
UNCHANGED = "capture, no change"
FLOOR = "append and fdatasync"
WARM_UP = 3


def capture_of(count: int) -> str:
    return f"capture, {count} file{'s' if count > 1 else ''}"


def restore_of(count: int) -> str:
    return f"restore, {count:,} file{'s' if count > 1 else ''}"


def after_restore_of(count: int) -> str:
    return f"capture after a restore of {count:,}"


class Contestant(Protocol):
    """A way to take snapshots of one folder.

    `capture` and `restore` return the milliseconds of it that were spent in a daemon, where one says.
    """

    name: str
    repeats: int
    """How often it runs in each round: quick ones more often, for their tails. Restores divide it."""
    guests: Sequence[Contestant]
    """Other ways to capture into the same store: they run before it, and leave the files as they were."""
    root: Path
    store: Path

    def prepare(self) -> None: ...
    def capture(self) -> float | None: ...
    def token(self) -> Any: ...
    def tree(self, token: Any) -> str: ...
    def restore(self, token: Any, changed: list[str]) -> float | None: ...
    def stop_after(self, patience_s: float) -> None: ...
    def heal(self) -> None: ...
    def close(self) -> None: ...


class Contest:
    """The rounds over one tree; the last of the contestants is the one that stored trees are checked by."""

    def __init__(self, results: Results, tree: str, contestants: Sequence[Contestant]) -> None:
        self._results, self._tree = results, tree
        self._all = list(contestants)
        self._edits = Edits(self._all[-1].root)
        self._turn = 0

    def first(self, rounds: int) -> None:
        """Times the first capture with what it needs to be set up; the last store stays."""
        for number in range(rounds):
            for who in self._in_turn():
                say(f"{self._tree}: first capture {number + 1}/{rounds}, {who.name}")
                if number:
                    who.close()
                who.stop_after(CAP_S)
                with self._results.timed(self._tree, FIRST, who.name):
                    who.prepare()
                    who.capture()
                self._heal_if_stopped(who, FIRST)
        self._compare_trees(self._all, FIRST)

    def warm_up(self) -> int:
        """Captures a few edits of one file, and returns how many."""
        for _ in range(WARM_UP):
            plan = self._edits.plan(1)
            for who in self._all:
                self._settle(who, plan)
            self._edits.keep(plan)
        return WARM_UP

    def captures(self, count: int, rounds: int, disk: Disk | None = None) -> None:
        """Times captures of so many changed files, and bare appends beside them."""
        measure = capture_of(count)
        say(f"{self._tree}: {measure}")
        for _ in range(rounds):
            plan = self._edits.plan(count)
            for who in self._in_turn():
                for one in (*who.guests, who):
                    self._there_and_back(one, count, measure)
                plan.do(who.root)
                self._time_capture(who, measure)
            self._compare_trees(self._all, measure)
            self._edits.keep(plan)
            if disk:
                self._append(disk)

    def _there_and_back(self, who: Contestant, count: int, measure: str) -> None:
        """Runs the captures beyond the one of the round: of edits, and of their undoing."""
        for _ in range(who.repeats // 2):
            extra = self._edits.plan(count)
            extra.do(who.root)
            self._time_capture(who, measure)
            extra.undo(who.root)
            self._time_capture(who, measure)

    def _append(self, disk: Disk) -> None:
        for _ in range(disk.repeats):
            with self._results.timed(self._tree, FLOOR, disk.name):
                disk.append()

    def unchanged(self, rounds: int) -> None:
        say(f"{self._tree}: {UNCHANGED}")
        for _ in range(rounds):
            for who in self._in_turn():
                for one in (*who.guests, who):
                    for _ in range(one.repeats):
                        self._time_capture(one, UNCHANGED)

    def restores(
        self, count: int, rounds: int, *, everything: bool, alone: Contestant | None = None
    ) -> bool:
        """Times going back over a change of so many files, and the capture that follows.

        With `everything` the last round compares the whole tree and not only those files. `alone`:
        only that one, which disturbs no other then. Returns whether a run was stopped at the cap.
        """
        say(f"{self._tree}: {restore_of(count)}{f', {alone.name}' if alone else ''}")
        for number in range(rounds):
            for who in [alone] if alone else self._in_turn():
                for _ in range(max(1, who.repeats // count)):
                    self._restore(who, count, everything=everything and number == rounds - 1)
        measure = restore_of(count)
        return any(self._results.look(self._tree, measure, w.name).stopped for w in self._all)

    def _restore(self, who: Contestant, count: int, *, everything: bool) -> None:
        measure, after = restore_of(count), after_restore_of(count)
        cell = self._results.cell(self._tree, measure, who.name)
        if cell.stopped:
            return
        plan, token = self._edits.plan(count), who.token()
        whole = fingerprint(who.root) if everything else ""
        self._settle(who, plan)
        # Whoever syncs would otherwise wait for what the others left unwritten.
        os.sync()
        who.stop_after(CAP_S)
        inside = None
        with self._results.timed(self._tree, measure, who.name):
            inside = who.restore(token, [edit.path for edit in plan.edits])
        self._note_inside(measure, inside)
        if cell.stopped:
            plan.undo(who.root)
            self._heal_if_stopped(who, measure)
            return
        cell.wrong = cell.wrong or plan.wrong(who.root)
        if everything and not cell.wrong and fingerprint(who.root) != whole:
            cell.wrong = "not restored"
        plan.undo(who.root)
        self._time_capture(who, after)
        if who.tree(who.token()) != who.tree(token):
            self._results.cell(self._tree, after, who.name).wrong = "another tree"

    def _time_capture(self, who: Contestant, measure: str) -> None:
        if self._results.cell(self._tree, measure, who.name).stopped:
            who.stop_after(math.inf)
            who.heal()
            who.capture()
            return
        who.stop_after(CAP_S)
        inside = None
        with self._results.timed(self._tree, measure, who.name):
            inside = who.capture()
        self._note_inside(measure, inside)
        self._heal_if_stopped(who, measure)

    def _note_inside(self, measure: str, inside: float | None) -> None:
        if inside is not None:
            self._results.cell(self._tree, measure, INSIDE).times.append(inside)

    def _heal_if_stopped(self, who: Contestant, measure: str) -> None:
        if self._results.cell(self._tree, measure, who.name).stopped:
            who.heal()
            who.capture()
        who.stop_after(math.inf)

    def _settle(self, who: Contestant, plan: Plan) -> None:
        who.stop_after(math.inf)
        plan.do(who.root)
        who.capture()

    def _compare_trees(self, whom: Sequence[Contestant], measure: str) -> None:
        expected = self._all[-1].tree(self._all[-1].token())
        for who in whom:
            if who.tree(who.token()) != expected:
                self._results.cell(self._tree, measure, who.name).wrong = "another tree"

    def _in_turn(self) -> Iterator[Contestant]:
        """Yields all, each time beginning with another one."""
        self._turn += 1
        at = self._turn % len(self._all)
        yield from self._all[at:] + self._all[:at]
