"""Which steps belong to which turn, and what a fold may hide: words and bytes by ordinal. Pure.

A turn is a prompt and the steps of its session up to that session's next prompt. A step is *plain*
when hiding its row takes nothing from the graph: it has one parent and one child, and is neither a
landmark of its own nor a branch's tip.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

PROMPT, FAILED, QUIET, PLAIN = 1, 2, 4, 8
LANDMARK, IN_TURN, GOES_ON, SIMPLE = 16, 32, 64, 128
"""Bits. QUIET: it changed no file and did not fail. GOES_ON: so did the step before, in the same
turn. SIMPLE: of a kind that can be plain, with one parent."""

NO_TURN = -1
_NO_PARENT = 0


def _words() -> array[int]:
    return array("i")


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of a history; everything is empty while it is not known."""

    of: Sequence[int] = field(default_factory=_words)
    """Each step's turn, NO_TURN for none."""
    prompts: Sequence[int] = field(default_factory=_words)
    """The ordinal of each turn's prompt, ascending."""
    sizes: Sequence[int] = field(default_factory=_words)
    """How many steps follow the prompt."""
    failures: Sequence[int] = field(default_factory=_words)
    """How many of them failed."""
    sessions: Sequence[int] = field(default_factory=_words)
    """The number of each turn's session."""
    traits: bytes = b""
    """Each step's bits."""

    def headed_by(self, ordinal: int) -> int:
        """Returns the turn whose prompt the step is; NO_TURN: it is none."""
        known = 0 <= ordinal < len(self.of) and self.traits[ordinal] & PROMPT
        return self.of[ordinal] if known else NO_TURN

    def is_new_session(self, turn: int) -> bool:
        """Tells whether the turn before, in time, was of another session."""
        return turn == 0 or self.sessions[turn] != self.sessions[turn - 1]

    def members(self, turn: int) -> Iterable[int]:
        """Yields the ordinals of a turn's steps, the prompt apart, oldest first."""
        left, ordinal = self.sizes[turn], self.prompts[turn]
        while left:
            ordinal += 1
            if self.of[ordinal] == turn:
                left -= 1
                yield ordinal


@dataclass(frozen=True, slots=True)
class Shape:
    """What turns are made of, as columns, oldest step first."""

    seqs: Sequence[int]
    parents: Sequence[int]
    """The first parent's number, 0 for none; negative: older than what is known."""
    more: Mapping[int, tuple[int, ...]]
    """Step number -> further parents."""
    sessions: Sequence[int]
    """The session's number, 0 for none."""
    acts: Sequence[int]
    """What `act` returns for each step, from `start` on."""
    start: int = 0


def act(kind: str, *, failed: bool, changed: bool) -> int:
    """Returns a step's own bits."""
    simple = kind in ("tool", "capture", "outside")
    bits = (PROMPT if kind == "prompt" else 0) | (FAILED if failed else 0)
    bits |= QUIET if simple and not failed and not changed else 0
    bits |= LANDMARK if failed or kind in ("prompt", "rollback", "merge", "gap") else 0
    return bits | (SIMPLE if simple else 0)


class TurnBuilder:
    """Grows with its history: a new step costs one step, whatever came before."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._of, self._prompts, self._sizes = _words(), _words(), _words()
        self._failures, self._sessions = _words(), _words()
        self._traits = bytearray()
        self._children = bytearray()
        self._open: dict[int, int] = {}
        self._ends = (0, 0)

    def known(self, seqs: Sequence[int]) -> int:
        """Returns how many of these steps are built in; of another history all are forgotten."""
        size = len(self._of)
        if size and (len(seqs) < size or (seqs[0], seqs[size - 1]) != self._ends):
            self._forget()
            return 0
        return size

    def extend(self, shape: Shape) -> None:
        """Takes the steps from `shape.start` on, which is what `known` returned."""
        self._join_turns(shape)
        self._join_parents(shape)
        if len(shape.seqs):
            self._ends = (shape.seqs[0], shape.seqs[len(shape.seqs) - 1])

    # Both loops go through a whole history when it is opened: names are local, calls are rare.

    def _join_turns(self, shape: Shape) -> None:
        of, traits, sizes, failures = self._of, self._traits, self._sizes, self._failures
        before = traits[-1] if traits else 0
        last = of[-1] if of else NO_TURN
        for bits, session in zip(shape.acts, shape.sessions[shape.start :], strict=False):
            if bits & PROMPT:
                turn = self._begin_turn(len(of), session)
            else:
                turn = self._open.get(session, NO_TURN)
                if turn >= 0:
                    sizes[turn] += 1
                    failures[turn] += bits >> 1 & 1
                    bits |= IN_TURN
                if bits & before & QUIET and turn == last:
                    bits |= GOES_ON
            of.append(turn)
            traits.append(bits)
            before, last = bits, turn

    def _begin_turn(self, ordinal: int, session: int) -> int:
        turn = len(self._prompts)
        self._prompts.append(ordinal)
        self._sizes.append(0)
        self._failures.append(0)
        self._sessions.append(session)
        if session:
            self._open[session] = turn
        return turn

    def _join_parents(self, shape: Shape) -> None:
        start, seqs, traits, children = shape.start, shape.seqs, self._traits, self._children
        children.extend(bytes(len(seqs) - start))
        before = seqs[start - 1] if start else _NO_PARENT
        pairs = zip(seqs[start:], shape.parents[start:], strict=False)
        for ordinal, (seq, first) in enumerate(pairs, start):
            # Nearly every step is the first child of the one before it.
            if first == before and first and not children[ordinal - 1]:
                children[ordinal - 1] = 1
                if traits[ordinal - 1] & SIMPLE:
                    traits[ordinal - 1] |= PLAIN
            else:
                self._find_parent(ordinal, first, seqs)
            if first == _NO_PARENT or seq in shape.more:
                traits[ordinal] &= ~SIMPLE
                for parent in shape.more.get(seq, ()):
                    self._find_parent(ordinal, parent, seqs)
            before = seq

    def _find_parent(self, ordinal: int, parent: int, seqs: Sequence[int]) -> None:
        if parent > 0:
            at = bisect_left(seqs, parent, 0, ordinal)
            if at < ordinal and seqs[at] == parent:
                self._have_child(at)

    def _have_child(self, ordinal: int) -> None:
        self._children[ordinal] = min(2, self._children[ordinal] + 1)
        if self._children[ordinal] == 1 and self._traits[ordinal] & SIMPLE:
            self._traits[ordinal] |= PLAIN
        else:
            self._traits[ordinal] &= ~PLAIN

    def turns(self, kept: Iterable[int] = ()) -> Turns:
        """Returns the turns as they are now; `kept`: ordinals of marked steps, and of tips."""
        traits = bytearray(self._traits)
        for ordinal in kept:
            traits[ordinal] = (traits[ordinal] | LANDMARK) & ~(PLAIN | QUIET)
        return Turns(
            self._of[:],
            self._prompts[:],
            self._sizes[:],
            self._failures[:],
            self._sessions[:],
            bytes(traits),
        )
