"""Running an experiment: each candidate's command and check in a root of its own, several at once.

One thread looks after all of them: it starts what may start, takes in output, captures the roots
now and then, and ends everything when it is interrupted. Every capture is recorded on the
candidate's branch of the workspace's own store, under the writer lock of that one capture.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from stepwell.store.agents.secrets import fit, mask
from stepwell.store.checks.figures import Figures, Reading, read_figures
from stepwell.store.checks.process import Child, Command, Ran, wait_for
from stepwell.store.engine.context import Context
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.objects import LayeredObjects
from stepwell.store.engine.recording import Act, Recorded, record
from stepwell.store.engine.scratch import end_processes
from stepwell.store.engine.sight import ScanSight
from stepwell.store.engine.snapshots import by_path, differing
from stepwell.store.experiments.roots import add_extra, clone, environment_in, materialise
from stepwell.store.experiments.trial import Trial
from stepwell.store.model.errors import BusyError, StepwellError, UsageError
from stepwell.store.model.experiments import Candidate, CheckResult, Experiment
from stepwell.store.model.paths import TrackedPath, escape, is_under
from stepwell.store.model.steps import Snapshot, StepResult

Writing = Callable[[], AbstractContextManager[JournalWriter]]
"""Gives the journal's writer for as long as the lock is held."""

Report = Callable[[str, str], None]
"""Called with (label, what is going on) whenever that changes."""

_LOOK_S = 0.05
_NAMED = 20
_PATIENCE = 12
_SAID = 2_000
"""Characters of a failed check's output that are kept: the figures are read again and again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an experiment happens: the workspace, and the scratch folder that holds its roots."""

    context: Context
    writing: Writing
    reader: LayeredObjects
    scratch: Path
    base: Snapshot
    experiment: Experiment


@dataclass
class _Seat:
    """A candidate that is being worked on."""

    candidate: Candidate
    root: Path
    context: Context
    also: Collection[TrackedPath]
    """Files of the base that rules ignore."""
    child: Child
    phase: Literal["command", "check"] = "command"
    captured_at: float = 0.0


class Runner:
    """One run of an experiment; `run` returns the candidates with their figures."""

    def __init__(
        self, place: Place, trial: Trial, report: Report, is_stopped: Callable[[], bool]
    ) -> None:
        self._place = place
        self._trial = trial
        self._report = report
        self._done: dict[str, Candidate] = {c.label: c for c in place.experiment.candidates}
        self._is_stopped = is_stopped
        self._seats: list[_Seat] = []
        self._roots: dict[str, Path] = {}
        self._also: tuple[TrackedPath, ...] = ()

    def candidates(self) -> tuple[Candidate, ...]:
        """Returns the candidates as far as they came."""
        return tuple(self._done[c.label] for c in self._place.experiment.candidates)

    def run(self) -> None:
        """Runs everything to its end, after `prepare`. Whatever interrupts it ends all children."""
        waiting = list(self._place.experiment.candidates)
        try:
            while waiting or self._seats:
                self._heed_stop()
                while waiting and len(self._seats) < self._trial.jobs:
                    self._begin(waiting.pop(0))
                wait_for([seat.child for seat in self._seats], _LOOK_S)
                self._seats = [seat for seat in self._seats if not self._advanced(seat)]
        except BaseException:
            self._end(self._seats)
            raise

    def _heed_stop(self) -> None:
        if self._is_stopped():
            raise KeyboardInterrupt

    def prepare(self) -> None:
        """Makes all roots before anything runs in one: the first from the store, others from it.

        Raises:
            FailedError: they cannot be made.
            UsageError: a folder that is to come along is not ignored.
        """
        first: Path | None = None
        for at, candidate in enumerate(self._place.experiment.candidates):
            self._heed_stop()
            self._report(candidate.label, "making its folder")
            root = (
                self._place.scratch
                / str(at)
                / os.fsdecode(os.path.basename(self._place.context.root) or b"root")
            )
            root.parent.mkdir(mode=0o700)
            if first is None:
                first = root
                materialise(self._place.reader, self._place.base, root)
                for path in self._trial.extras:
                    add_extra(self._place.context.root, root, path)
                self._also = self._ignored_files(self._context(root))
            else:
                clone(first, root)
            self._roots[candidate.label] = root

    def _context(self, root: Path) -> Context:
        settings = replace(self._place.context.capture, apart=b"")
        folder = os.fsencode(root)
        sight = ScanSight(folder, root.parent, settings)
        return replace(self._place.context, root=folder, capture=settings, sight=sight)

    def _ignored_files(self, context: Context) -> tuple[TrackedPath, ...]:
        """Returns the base's files that rules would leave out in a scratch root.

        Raises:
            UsageError: a folder that was added is not ignored there, and would be captured.
        """
        reader = LayeredObjects(self._place.reader)
        disk = context.sight.take(reader, self._place.base).snapshot
        pairs = by_path(differing(reader, self._place.base, disk))
        for path, (was, _) in pairs.items():
            extra = next((one for one in self._trial.extras if is_under(path, one)), None)
            if was is None and extra is not None:
                raise UsageError(
                    f"{escape(extra)} cannot be copied into an experiment: it is not ignored there",
                    hint="name it in .gitignore or .stepwellignore",
                    path=escape(extra),
                )
        return tuple(path for path, (was, now) in pairs.items() if was and was.oid and not now)

    def _begin(self, candidate: Candidate) -> None:
        root = self._roots[candidate.label]
        context, tried = self._context(root), replace(candidate, tried=True)
        self._look_first(context)
        child = Child(self._command(candidate.command, root, candidate))
        seat = _Seat(tried, root, context, self._also, child, captured_at=time.monotonic())
        self._seats.append(seat)
        self._set(tried)
        self._report(candidate.label, "running")

    def _look_first(self, context: Context) -> None:
        """Has a root looked at before its command runs.

        What is captured later, under the writer lock, then costs what the command changed.
        """
        captured = context.sight.take(
            LayeredObjects(self._place.reader), self._place.base, self._also
        )
        if captured.snapshot == self._place.base:
            context.sight.keep(captured)  # the store holds the base

    def _command(self, words: tuple[str, ...], root: Path, candidate: Candidate) -> Command:
        environment = {
            **environment_in(self._trial.environment, root),
            "STEPWELL_EXPERIMENT": self._place.experiment.name,
            "STEPWELL_CANDIDATE": candidate.label,
        }
        return Command(words, root, environment, self._trial.limit_s)

    def _advanced(self, seat: _Seat) -> bool:
        """Looks after a seat; tells whether it is done."""
        ran = seat.child.poll()
        if ran is None:
            self._capture_now_and_then(seat)
            return False
        end_processes(seat.root.parent)
        if seat.phase == "check":
            self._checked(seat, ran)
            return True
        return self._commanded(seat, ran)

    def _commanded(self, seat: _Seat, ran: Ran) -> bool:
        seat.candidate = _ended(seat.candidate, ran)
        self._set(seat.candidate)
        try:
            self._record(seat, self._act(seat, ran), patience=_PATIENCE)
        except StepwellError as error:
            self._set(replace(seat.candidate, reason=f"not captured: {error.message}"))
            return True
        if not self._trial.check or not ran.ok:
            self._report(seat.candidate.label, "done" if ran.ok else "its command failed")
            return True
        seat.phase = "check"
        seat.child = Child(self._command(self._trial.check, seat.root, seat.candidate))
        self._report(seat.candidate.label, "checking")
        return False

    def _checked(self, seat: _Seat, ran: Ran) -> None:
        junit = seat.root / self._trial.junit if self._trial.junit else None
        figures = read_figures(ran, Reading(junit, self._trial.numbers))
        self._set(replace(seat.candidate, check=_result(figures, ran)))
        self._report(seat.candidate.label, "checked" if figures.ok else "its check failed")

    def _set(self, candidate: Candidate) -> None:
        self._done[candidate.label] = candidate

    def _act(self, seat: _Seat, ran: Ran) -> Act:
        line = mask(shlex.join(seat.candidate.command))
        return Act(
            title=f"{seat.candidate.label}: {line}",
            kind="tool",
            session=self._session(seat),
            tool=os.path.basename(seat.candidate.command[0]),
            input=line,
            result_text=fit(ran.output.decode("utf-8", "replace")),
            result=StepResult(ran.ok, ran.exit_code, ran.duration_ms),
        )

    def _session(self, seat: _Seat) -> str:
        return f"experiment:{seat.candidate.branch}"

    def _capture_now_and_then(self, seat: _Seat) -> None:
        if seat.phase != "command" or time.monotonic() - seat.captured_at < self._trial.every_s:
            return
        began = time.monotonic()
        try:
            done = self._record(seat, Act(session=self._session(seat)))
        except BusyError:
            done = None  # the next time will do, and the last one waits
        except StepwellError as error:
            self._report(seat.candidate.label, error.message)
            seat.child.stop()
            done = None
        if done is not None and not done.unchanged:
            self._report(seat.candidate.label, f"captured #{done.step.seq}")
        # However large the root, captures take no more than a tenth of the time.
        seat.captured_at = time.monotonic() + 9 * (time.monotonic() - began)

    def _record(self, seat: _Seat, act: Act, patience: int = 1) -> Recorded:
        for _ in range(patience - 1):
            try:
                return self._recorded(seat, act)
            except BusyError:
                self._report(seat.candidate.label, "waiting for the writer lock")
        return self._recorded(seat, act)

    def _recorded(self, seat: _Seat, act: Act) -> Recorded:
        with self._place.writing() as writer:
            branch = seat.candidate.branch
            return record(writer, seat.context, act, branch=branch, also=seat.also)

    def _end(self, seats: list[_Seat]) -> None:
        """Ends all children, then keeps what they left."""
        ends = [(seat, seat.child.kill()) for seat in seats]
        end_processes(self._place.scratch)
        for seat, ran in ends:
            if seat.phase == "command":
                seat.candidate = _ended(seat.candidate, ran)
                self._set(seat.candidate)
                try:
                    self._record(seat, self._act(seat, ran))
                except StepwellError as error:
                    self._report(seat.candidate.label, f"not captured: {error.message}")
            self._report(seat.candidate.label, "stopped")


def _ended(candidate: Candidate, ran: Ran) -> Candidate:
    reason = read_figures(ran, Reading()).reason
    return replace(candidate, exit_code=ran.exit_code, duration_ms=ran.duration_ms, reason=reason)


def _result(figures: Figures, ran: Ran) -> CheckResult:
    tests = figures.tests
    said = "" if figures.ok else mask(ran.output.decode("utf-8", "replace"))[-_SAID:]
    return CheckResult(
        ok=figures.ok,
        exit_code=figures.exit_code,
        duration_ms=figures.duration_ms,
        passed=tests.passed if tests else None,
        failed=tests.failed if tests else None,
        total=tests.total if tests else None,
        failures=tests.failures[:_NAMED] if tests else (),
        reason=figures.reason,
        metrics=figures.numbers,
        said=said,
    )
