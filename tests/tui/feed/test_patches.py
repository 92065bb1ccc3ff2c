"""The diff of the selected step."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from stepwell.tui.feed.patches import KEPT, Patches, Sight
from stepwell.tui.messages import PatchLoaded
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import Change, ChangeCounts, Oid, Snapshot, Step, StepId, TrackedPath

SNAPSHOT = Snapshot(Oid(b"t" * 20), Oid(b"e" * 20))


def step(seq: int, lines: int = 0) -> Step:
    counts = ChangeCounts(1, lines, 0)
    return Step(StepId(f"{seq:032x}"), seq, "main", (), "tool", "", 0, SNAPSHOT, changes=counts)


class Desk:
    """Notes what is asked for and shown; timers fire when told."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Hashable]] = []
        self.shown: list[DiffRows] = []
        self.forgotten = self.expected = 0
        self.looks: list[tuple[bool, bool]] = []
        self.timers: list[Callable[[], None]] = []
        self.patches = Patches(self, self.shown.append, self.later, note=self.note_look)

    def expect_large(self) -> None:
        self.expected += 1

    def forget_patch(self) -> None:
        self.forgotten += 1

    def note_look(self, at_hand: bool, ahead: bool) -> None:
        self.looks.append((at_hand, ahead))

    def load_patch(self, generation: int, sight: Sight) -> None:
        self.asked.append((generation, sight.key))

    def later(self, seconds: float, call: Callable[[], None]) -> Desk.Timer:
        self.timers.append(call)
        return Desk.Timer(self, call)

    class Timer:
        """A timer that has not fired."""

        def __init__(self, desk: Desk, call: Callable[[], None]) -> None:
            self._desk, self._call = desk, call

        def stop(self) -> None:
            if self._call in self._desk.timers:
                self._desk.timers.remove(self._call)

    def fire(self) -> None:
        waiting, self.timers = self.timers, []
        for call in waiting:
            call()

    def answer(self, number: int = -1) -> DiffRows:
        generation, key = self.asked[number]
        rows = DiffRows(())
        self.patches.take(PatchLoaded(generation, key, rows))
        return rows


def test_only_the_step_that_the_cursor_rests_on_is_read() -> None:
    """A held-down key asks for nothing on its way."""
    desk = Desk()
    for seq in (1, 2, 3):
        desk.patches.want(Sight(step(seq)))
    desk.fire()
    assert [key[0] for _, key in desk.asked] == [step(3).id]  # type: ignore[index]


def test_a_known_diff_is_shown_at_once() -> None:
    """Coming back to a step neither waits nor reads."""
    desk = Desk()
    desk.patches.want(Sight(step(1)))
    desk.fire()
    rows = desk.answer()
    assert desk.patches.want(Sight(step(1))) is True
    assert desk.shown == [rows, rows]
    assert not desk.timers and len(desk.asked) == 1


def test_a_dropped_wish_is_neither_read_nor_shown() -> None:
    """While keys keep coming, nothing is read, and a late answer is only kept."""
    desk = Desk()
    desk.patches.want(Sight(step(1)))
    desk.fire()
    desk.patches.drop()
    desk.answer()
    desk.patches.want(Sight(step(2)))
    desk.patches.drop()
    desk.fire()
    assert desk.shown == [] and len(desk.asked) == 1


def test_an_answer_to_an_older_wish_is_kept_but_not_shown() -> None:
    """The screen never shows the diff of another step than the selected one."""
    desk = Desk()
    desk.patches.want(Sight(step(1)))
    desk.fire()
    desk.patches.want(Sight(step(2)))
    desk.answer(0)
    assert desk.shown == []
    assert desk.patches.want(Sight(step(1))) is True


def test_the_disk_is_compared_each_time() -> None:
    """What is on disk now cannot come from memory."""
    desk = Desk()
    for _ in range(2):
        assert desk.patches.want(Sight()) is False
        desk.fire()
        desk.answer()
    assert len(desk.asked) == 2


def test_the_memory_is_bounded() -> None:
    """The least recently seen diff is forgotten."""
    desk = Desk()
    for seq in range(KEPT + 1):
        desk.patches.want(Sight(step(seq)))
        desk.fire()
        desk.answer()
    assert desk.patches.want(Sight(step(1))) is True
    assert desk.patches.want(Sight(step(0))) is False


def test_diffs_of_very_many_files_are_not_kept_together() -> None:
    """A file takes memory even where it has few lines."""
    desk = Desk()
    many = DiffRows([Change(TrackedPath(b"%d" % number), "A") for number in range(10_000)])
    for seq in (1, 2, 3):
        desk.patches.want(Sight(step(seq)))
        desk.fire()
        desk.patches.take(PatchLoaded(*desk.asked[-1], many))
    assert desk.patches.want(Sight(step(3))) and not desk.patches.want(Sight(step(1)))


def test_the_first_files_of_a_large_diff_are_not_taken_for_all() -> None:
    """They are shown, and read again when only they had come; moving on stops the reading."""
    desk = Desk()
    desk.patches.want(Sight(step(1)))
    desk.fire()
    generation, key = desk.asked[-1]
    first = DiffRows((Change(TrackedPath(b"a"), "A"),), unread=1)
    desk.patches.take(PatchLoaded(generation, key, first))
    assert desk.shown == [first]
    before = desk.forgotten
    desk.patches.drop()
    assert desk.forgotten == before + 1
    assert desk.patches.want(Sight(step(1))) is False


def seqs(desk: Desk) -> list[int]:
    """Returns the numbers of the steps that were asked for."""
    return [int(str(key[0]), 16) for _, key in desk.asked]  # type: ignore[index]


def test_neighbours_are_read_once_the_wish_is_there() -> None:
    """One after the other, shown only when they are wished for, and then at once."""
    desk = Desk()
    desk.patches.want(Sight(step(5)), [step(4), step(6)])
    desk.fire()
    assert seqs(desk) == [5]
    desk.answer()
    assert seqs(desk) == [5, 4] and len(desk.shown) == 1
    ahead = desk.answer()
    assert seqs(desk) == [5, 4, 6] and len(desk.shown) == 1
    assert desk.patches.want(Sight(step(4)), [step(3)]) is True
    assert desk.shown[-1] is ahead
    desk.fire()
    assert seqs(desk) == [5, 4, 6, 3]
    assert desk.looks == [(False, False), (True, True)]


def test_moving_on_ends_reading_ahead() -> None:
    """An answer for whom nobody waits any more is kept, and leads to no other."""
    desk = Desk()
    desk.patches.want(Sight(step(5)), [step(4), step(6)])
    desk.fire()
    desk.answer()
    desk.patches.want(Sight(step(9)))
    desk.answer()
    assert seqs(desk) == [5, 4] and len(desk.shown) == 1
    assert desk.patches.want(Sight(step(4))) is True


def test_large_neighbours_and_those_of_a_comparison_wait_to_be_looked_at() -> None:
    """Nobody should wait because of a guess."""
    desk = Desk()
    large = replace(step(4), changes=ChangeCounts(files=1, added=100_000))
    desk.patches.want(Sight(step(5)), [large])
    desk.fire()
    desk.answer()
    assert seqs(desk) == [5]
    desk.patches.want(Sight(step(8), step(5)))
    assert len(desk.looks) == 1


def test_what_a_large_diff_needs_is_made_ready_before_it_is_asked_for() -> None:
    """When it is the wanted one, or a neighbour; nothing is for small ones."""
    desk = Desk()
    desk.patches.want(Sight(step(1)), (step(2, 3_000),))
    assert not desk.expected
    desk.patches.want(Sight(step(1)), (step(2, 90_000),))
    desk.patches.want(Sight(step(2, 90_000)))
    assert desk.expected == 2 and not desk.asked
