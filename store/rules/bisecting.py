"""Which step broke something: a command tried at steps in scratch copies, by halving."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.checks.process import Ran, run_all
from stepwell.store.engine.importing import WITHOUT_FILES
from stepwell.store.model.errors import FailedError, UsageError
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import Snapshot, Step
from stepwell.store.rules.copies import Copies

Judgement = Callable[[Ran, Path], bool | None]
"""From a command's end, and the root that it ran in: good, bad, or it cannot be told."""

CANNOT_BE_TRIED = 125
"""The exit status by which a command says so, as in `git bisect run`."""


@dataclass(slots=True)
class Tries:
    """Tries a command at steps, several at once; steps with the same files are tried once."""

    copies: Copies
    words: tuple[str, ...]
    limit_s: float | None
    judgement: Judgement
    is_stopped: Callable[[], bool]
    report: Callable[[Step, bool | None], None]
    known: dict[Snapshot, bool | None]
    count: int = 0

    def of(self, steps: Sequence[Step]) -> list[bool | None]:
        """Returns what the command says at each of the steps.

        Raises:
            KeyboardInterrupt: `is_stopped` said so; all children are ended.
            StepwellError: a copy cannot be made.
        """
        new = list({s.snapshot: s for s in steps if s.snapshot not in self.known}.values())
        with ExitStack() as stack:
            roots = [
                stack.enter_context(self.copies.copy(step.snapshot, str(at)))
                for at, step in enumerate(new)
            ]
            commands = [self.copies.command(self.words, root, self.limit_s) for root in roots]
            ends = run_all(commands, self.is_stopped)
            if self.is_stopped():
                raise KeyboardInterrupt
            self.count += len(new)
            for step, ran, root in zip(new, ends, roots, strict=True):
                self.known[step.snapshot] = self.judgement(ran, root)
                self.report(step, self.known[step.snapshot])
        return [self.known[step.snapshot] for step in steps]

    def at(self, steps: Sequence[Step]) -> Callable[[Sequence[int]], Mapping[int, bool | None]]:
        """Returns the trial of places among the steps."""

        def trial(places: Sequence[int]) -> Mapping[int, bool | None]:
            return dict(zip(places, self.of([steps[place] for place in places]), strict=True))

        return trial


def by_status(ran: Ran, _root: Path) -> bool | None:
    """Judges by the exit status alone: 0 is good, 125 and what did not end by itself cannot be told."""
    if ran.ended != "exit" or ran.exit_code == CANNOT_BE_TRIED:
        return None
    return ran.exit_code == 0


def require(tries: Tries, step: Step, expected: bool) -> None:
    """Raises unless the command says of a step what the person says of it.

    Raises:
        FailedError: it says otherwise, or nothing.
    """
    found = tries.of([step])[0]
    if found is expected:
        return
    word = "good" if expected else "bad"
    said = {True: "succeeds", False: "fails", None: "cannot be tried"}[found]
    raise FailedError(
        f"the command {said} at step #{step.seq}, which was given as {word}",
        hint="name another step, or mend the command; `-- sh -c '...'` gives it a shell",
        step=step.id,
    )


def way(find: Callable[[StepId], Step], good: Step, bad: Step) -> list[Step]:
    """Returns the steps that lead from `good` to `bad`, both included; without what has no files.

    Raises:
        UsageError: `good` does not come before `bad`.
    """
    came_from: dict[StepId, StepId | None] = {bad.id: None}
    waiting = deque([bad])
    while waiting and good.id not in came_from:
        step = waiting.popleft()
        # Numbers only grow along a line, so what lies below the good one leads nowhere.
        for parent in (p for p in step.parents if p not in came_from):
            found = find(parent)
            if found.seq >= good.seq:
                came_from[parent] = step.id
                waiting.append(found)
    if good.id not in came_from or good.id == bad.id:
        raise UsageError(
            f"step #{good.seq} does not come before step #{bad.seq}",
            hint="`stepwell log --branch NAME` lists the steps that lead to a branch's tip",
        )
    path, at = [], came_from[good.id]
    while at is not None:
        path.append(find(at))
        at = came_from[at]
    between = (s for s in path[:-1] if s.kind != "gap" and WITHOUT_FILES not in s.flags)
    return [good, *between, bad]
