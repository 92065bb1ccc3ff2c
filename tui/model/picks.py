"""Which files, hunks and lines a person has chosen of some changes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from stepwell.tui.model.statedocument import StateDocument
from stepwell.tui.values import Change, Hunk, hunk_name, lines_of, signs_of

State = Literal["none", "some", "all"]
_WHOLE = -1
"""Stands for the hunk of a change that has none: a mode, a binary, an empty file."""


class Lines(NamedTuple):
    """First line and number of lines on one side of a hunk."""

    start: int
    size: int

    def touches(self, other: Lines) -> bool:
        """Tells whether two ranges share a line, or one is empty and lies in or at the other."""
        low = max(self.start, other.start)
        high = min(self.start + self.size, other.start + other.size)
        return low < high or (0 in (self.size, other.size) and low <= high)


class Wanted(NamedTuple):
    """A path of a step's change that is to be put back: whole, or where these hunks are."""

    path: bytes
    hunks: tuple[Hunk, ...] | None
    """None: the whole file."""


class LineAt(NamedTuple):
    """A line that a hunk removes or adds."""

    change: int
    hunk: int
    number: int
    """Among the changed lines of its hunk, from 1."""


class Picks:
    """A choice among changes; which ones is fixed, what is chosen is not."""

    def __init__(self, changes: Sequence[Change], *, everything: bool = False) -> None:
        self.changes = tuple(changes)
        self._chosen: list[set[int]] = [
            set(self._parts(index)) if everything else set() for index in range(len(self.changes))
        ]
        self._lines: dict[tuple[int, int], bytes] = {}
        """Of hunks of which some lines are chosen, but not all: 1 for each that is, else 0."""

    def takes(self, index: int) -> bool:
        """Tells whether a change can be chosen: state comes back with everything or not at all."""
        return not isinstance(self.changes[index], StateDocument)

    @property
    def total(self) -> int:
        """How many changes can be chosen."""
        return sum(map(self.takes, range(len(self.changes))))

    def _parts(self, index: int) -> Iterable[int]:
        if not self.takes(index):
            return ()
        return range(len(self.changes[index].hunks)) if self.changes[index].hunks else (_WHOLE,)

    def state(self, index: int) -> State:
        """Tells how much of a file is chosen."""
        chosen = len(self._chosen[index])
        if chosen and chosen == len(list(self._parts(index))):
            return "all"
        return "some" if chosen or self._some_of(index) else "none"

    def _some_of(self, index: int) -> dict[int, bytes]:
        return {hunk: lines for (at, hunk), lines in self._lines.items() if at == index}

    def has_hunk(self, index: int, hunk: int) -> bool:
        """Tells whether the whole of a hunk is chosen."""
        return hunk in self._chosen[index]

    def has_line(self, line: LineAt) -> bool:
        """Tells whether a line is chosen, alone or with its hunk."""
        change, hunk, number = line
        some = self._lines.get((change, hunk))
        return self.has_hunk(change, hunk) if some is None else some[number - 1] == 1

    def key(self, index: int) -> frozenset[object]:
        """What of a file is chosen, to be compared."""
        return frozenset([*self._chosen[index], *self._some_of(index).items()])

    @property
    def any(self) -> bool:
        """Something is chosen."""
        return any(self._chosen) or bool(self._lines)

    @property
    def complete(self) -> bool:
        """Everything is chosen."""
        every = filter(self.takes, range(len(self.changes)))
        return all(self.state(index) == "all" for index in every)

    @property
    def files(self) -> int:
        """How many files something is chosen of."""
        return sum(self.state(index) != "none" for index in range(len(self.changes)))

    @property
    def hunks(self) -> int:
        """How many hunks are chosen whole of files that are not chosen whole."""
        return sum(
            len(chosen) for index, chosen in enumerate(self._chosen) if self.state(index) == "some"
        )

    @property
    def lines(self) -> int:
        """How many lines are chosen of hunks that are not chosen whole."""
        return sum(some.count(1) for some in self._lines.values())

    def set_file(self, index: int, chosen: bool) -> None:
        """Chooses a whole file, or none of it."""
        self._chosen[index] = set(self._parts(index)) if chosen else set()
        for hunk in self._some_of(index):
            del self._lines[index, hunk]

    def take_over(self, known: Picks, whole: Collection[bytes] = ()) -> int:
        """Chooses what another choice, of a plan for the same end, has of the same paths.

        What is new is left out; so is a file with a path that nothing chosen there has, and one
        whose hunks are not the same now, unless its path is among `whole`: then it was asked for
        whatever is in it. Returns of how many files something was chosen there, and nothing is here.
        """
        lost = 0
        by_path = known._by_path()
        for index, change in enumerate(self.changes):
            paths = _paths(change)
            others = sorted({at for path in paths for at in by_path.get(path, ())})
            states = {known.state(at) for at in others}
            known_paths = set[bytes]().union(*(_paths(known.changes[at]) for at in others))
            is_known = paths <= known_paths
            is_like = is_known and len(others) == 1 and self._is_like(index, known, others[0])
            is_asked = is_known and not paths.isdisjoint(whole)
            self.set_file(index, states == {"all"} and (is_like or is_asked))
            if is_like:
                self._take_part(index, known, others[0])
            lost += bool(states - {"none"}) and self.state(index) == "none"
        return lost

    def leave_out(self, paths: Collection[bytes]) -> int:
        """Chooses nothing of files with one of some paths; returns how many there were."""
        found = [
            at for at, change in enumerate(self.changes) if not _paths(change).isdisjoint(paths)
        ]
        for index in found:
            self.set_file(index, False)
        return len(found)

    def _by_path(self) -> Mapping[bytes, Sequence[int]]:
        found: dict[bytes, list[int]] = defaultdict(list)
        for index, change in enumerate(self.changes):
            for path in _paths(change):
                found[path].append(index)
        return found

    def _is_like(self, index: int, known: Picks, other: int) -> bool:
        here, there = (choice.changes[at].hunks for choice, at in ((self, index), (known, other)))
        return [hunk.id for hunk in here] == [hunk.id for hunk in there]

    def _take_part(self, index: int, known: Picks, other: int) -> None:
        if known.state(other) == "some":
            self._chosen[index] = set(known._chosen[other])
            self._lines |= {(index, at): some for at, some in known._some_of(other).items()}

    def toggle_files(self, indices: Sequence[int]) -> None:
        """Chooses files whole, or lets go of them when they all are chosen whole."""
        files = [index for index in indices if self.takes(index)]
        chosen = any(self.state(index) != "all" for index in files)
        for index in files:
            self.set_file(index, chosen)

    def toggle_hunk(self, index: int, hunk: int) -> None:
        """Chooses a hunk or lets go of it; above the first hunk, the file."""
        if hunk < 0 or not self.changes[index].hunks:
            self.toggle_files([index])
        elif self.takes(index):
            self._lines.pop((index, hunk), None)
            self._chosen[index] ^= {hunk}

    def takes_lines(self, index: int) -> bool:
        """Tells whether single lines can be chosen: of a text that is there on both sides."""
        change = self.changes[index]
        return self.takes(index) and change.status == "M" and bool(change.hunks)

    def toggle_lines(self, lines: Sequence[LineAt]) -> None:
        """Chooses lines, or lets go of them when they all are chosen."""
        missing = [line for line in lines if not self.has_line(line)]
        numbers: dict[tuple[int, int], list[int]] = {}
        for change, hunk, number in missing or lines:
            numbers.setdefault((change, hunk), []).append(number)
        for (change, hunk), some in numbers.items():
            self._set_lines(change, hunk, some, bool(missing))

    def _set_lines(self, change: int, hunk: int, numbers: Iterable[int], chosen: bool) -> None:
        signs = signs_of(self.changes[change].hunks[hunk].lines)
        all_or_none = bytes([self.has_hunk(change, hunk)])
        every = all_or_none * (signs.count(b"-") + signs.count(b"+"))
        left = bytearray(self._lines.pop((change, hunk), every))
        for number in numbers:
            left[number - 1] = chosen
        self._chosen[change] -= {hunk}
        if 0 not in left:
            self._chosen[change] |= {hunk}
        elif 1 in left:
            self._lines[change, hunk] = bytes(left)

    def toggle_hunks(self, hunks: Sequence[tuple[int, int]]) -> None:
        """Chooses hunks, or lets go of them when they all are chosen."""
        missing = [one for one in hunks if not self._has_part(*one)]
        for one in missing or hunks:
            self.toggle_hunk(*one)

    def _has_part(self, index: int, hunk: int) -> bool:
        return self.has_hunk(index, hunk) if hunk >= 0 else self.state(index) == "all"

    def toggle_all(self) -> None:
        """Chooses everything, or nothing when everything is chosen."""
        self.toggle_files(range(len(self.changes)))

    def wanted(self) -> tuple[Wanted, ...]:
        """Returns the choice by path."""
        found = []
        for index, change in enumerate(self.changes):
            if self.state(index) == "all":
                found.append(Wanted(change.path, None))
            elif self._chosen[index]:
                hunks = tuple(change.hunks[hunk] for hunk in sorted(self._chosen[index]))
                found.append(Wanted(change.path, hunks))
        return tuple(found)

    def paths(self) -> list[bytes]:
        """Returns the paths of the files that are chosen whole, with those they were renamed from."""
        whole = [c for index, c in enumerate(self.changes) if self.state(index) == "all"]
        return [path for c in whole for path in (c.path, c.old_path) if path is not None]

    def hunk_names(self) -> list[str]:
        """Returns the names of what is chosen of files that are not chosen whole: hunks and lines."""
        names = []
        for index, change in enumerate(self.changes):
            if self.state(index) == "some":
                some = self._some_of(index)
                for hunk in sorted(self._chosen[index] | some.keys()):
                    lines = lines_of(_numbers(some[hunk])) if hunk in some else None
                    names.append(hunk_name(change.hunks[hunk].id, lines))
        return names

    def choose(self, wanted: Sequence[Wanted], side: Literal["before", "after"]) -> bool:
        """Chooses, of a plan's changes, what was wanted of a step's; tells whether anything fits.

        A plan leads to how things were before or after the step, so the lines that it would
        write are numbered as on the old or the new side of the step's own change.
        """
        by_path = {one.path: one for one in wanted}
        self._lines.clear()
        for index, change in enumerate(self.changes):
            one = by_path.get(change.path) or by_path.get(change.old_path or b"")
            self._chosen[index] = set()
            if one is not None and (one.hunks is None or not change.hunks):
                self.set_file(index, True)
            elif one is not None and one.hunks is not None:
                sought = [_side(hunk, side == "before") for hunk in one.hunks]
                self._chosen[index] = {
                    number
                    for number, hunk in enumerate(change.hunks)
                    if any(_side(hunk, False).touches(other) for other in sought)
                }
        return self.any


def _paths(change: Change) -> set[bytes]:
    return {path for path in (change.path, change.old_path) if path is not None}


def _numbers(some: bytes) -> Iterator[int]:
    return (number for number, chosen in enumerate(some, 1) if chosen)


def _side(hunk: Hunk, old: bool) -> Lines:
    """The changed lines of one side, without the unchanged ones around them."""
    start, count = (hunk.old_start, hunk.old_lines) if old else (hunk.new_start, hunk.new_lines)
    signs = signs_of(hunk.lines)
    above = next((at for at, sign in enumerate(signs) if sign in b"+-"), 0)
    below = next((at for at, sign in enumerate(reversed(signs)) if sign in b"+-\\"), 0)
    return Lines(start + above + (count == 0), max(0, count - above - below))
