"""The diff of the selected step."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from stepwell.tui.feed.patches import KEPT, Patches, Sight
from stepwell.tui.messages import PatchLoaded
from stepwell.tui.model.diffrows import DiffRows
from stepwell.tui.values import Change, Oid, Snapshot, Step, StepId, TrackedPath

SNAPSHOT = Snapshot(Oid(b"t" * 20), Oid(b"e" * 20))


def step(seq: int) -> Step:
    return Step(StepId(f"{seq:032x}"), seq, "main", (), "tool", "", 0, SNAPSHOT)


class Desk:
    """Notes what is asked for and shown; timers fire when told."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Hashable]] = []
        self.shown: list[DiffRows] = []
        self.forgotten = 0
        self.timers: list[Callable[[], None]] = []
        self.patches = Patches(self, self.shown.append, self.later)

    def forget_patch(self) -> None:
        self.forgotten += 1

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
