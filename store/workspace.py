"""The facade: every front door captures, reads and travels through a Workspace.

A Workspace holds a lock-free reader of the journal. Each writing verb takes the writer lock for as
long as it runs, settles what a crash may have interrupted, does its work and lets go; readers,
here and in other processes, then see the whole operation.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from stepwell.store.engine import history, reading, registry
from stepwell.store.engine.context import Context, Progress, no_progress
from stepwell.store.engine.journal import JournalWriter
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.recording import Act, Recorded, record
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.settle import Recovery, recover
from stepwell.store.engine.travel import Aim, apply_travel, plan_travel
from stepwell.store.model.errors import NotAWorkspaceError, NotFoundError
from stepwell.store.model.ids import Clock, RandomBytes
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Applied, Plan, PlannedChanges
from stepwell.store.model.steps import Mark, Note, Operation, Step, StepResult, Undoable
from stepwell.store.model.text import rfc3339
from stepwell.store.reader import WorkspaceReader


def capture_config(config: CaptureConfig | None, root: bytes, home: Path) -> CaptureConfig:
    """Returns the settings with Stepwell's own data folder left out, should it lie in the root."""
    config = config or CaptureConfig()
    data, inside = os.path.realpath(os.fsencode(home)), root.rstrip(b"/") + b"/"
    return replace(config, apart=data[len(inside) :]) if data.startswith(inside) else config


class Workspace(WorkspaceReader):
    """A folder under care and its private store; use as a context manager, or call `close`."""

    recovered: Recovery | None = None
    """What the last writing verb found interrupted and settled; None when nothing was."""

    @classmethod
    def init(
        cls,
        path: str | os.PathLike[str],
        *,
        home: Path,
        force: bool = False,
        guarded: Collection[Path] = (),
        clock: Clock = time.time_ns,
        randomness: RandomBytes = os.urandom,
        config: CaptureConfig | None = None,
    ) -> Self:
        """Registers a workspace around `path`, records its first step and returns it opened.

        A folder that is registered already is only opened; a moved one is adopted with its history.

        Raises:
            RefusedError: the folder is a home or root folder and `force` is not given.
        """
        folder = os.fsencode(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise NotFoundError(f"{escape(folder)} is not a folder", hint="make it first")
        with suppress(NotAWorkspaceError):
            return cls.open(path, home=home, clock=clock, randomness=randomness, config=config)
        root = registry.root_for(folder)
        if not force:
            registry.refuse_unsafe_root(root, home, [os.fsencode(g) for g in guarded])
        registry.make_home(home)
        with WriterLock.acquire(home, wait_s=5.0, clock=clock):
            old = registry.moved_from(root, home)
            if old is not None:
                registry.adopt(old, root, home)
                return cls.open(
                    os.fsdecode(root), home=home, clock=clock, randomness=randomness, config=config
                )
            registered = registry.register(root, home, randomness)
            JournalWriter.create(registered.store, randomness=randomness)
            settings = capture_config(config, root, home)
            context = Context(root, registered.store, clock, randomness, settings)
            workspace = cls(registered, home, context)
            workspace.record("first capture")
            registry.finish(registered, home, rfc3339(clock()))
            return workspace

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        home: Path,
        clock: Clock = time.time_ns,
        randomness: RandomBytes = os.urandom,
        config: CaptureConfig | None = None,
        wait_s: float = 5.0,
    ) -> Self:
        """Opens the workspace that holds `path`.

        Raises:
            NotAWorkspaceError: no registered root holds it.
            FormatError: its store was made by a newer version, or cannot be read.
        """
        registered = registry.locate(os.fsencode(os.path.abspath(path)), home)
        registry.check_store_access(registered.store)
        context = Context(
            registered.root,
            registered.store,
            clock,
            randomness,
            capture_config(config, registered.root, home),
            wait_s,
        )
        return cls(registered, home, context)

    @contextmanager
    def _writer(self) -> Iterator[JournalWriter]:
        context = self._context
        clock = context.clock
        with WriterLock.acquire(context.store, wait_s=context.wait_s, clock=clock) as lock:
            writer = JournalWriter.open_writer(
                context.store, lock, clock=clock, randomness=context.randomness
            )
            try:
                self.recovered = recover(writer, context)
                yield writer
            finally:
                writer.close()
        self.refresh()

    def capture(
        self,
        title: str = "",
        *,
        session: str | None = None,
        tags: Sequence[str] = (),
        label: str | None = None,
    ) -> Step:
        """Captures the workspace and returns the new step, or the head when nothing differs."""
        return self.record(title, session=session, tags=tags, label=label).step

    def record(
        self,
        title: str = "",
        *,
        session: str | None = None,
        tags: Sequence[str] = (),
        label: str | None = None,
        act: Act | None = None,
        only_changes: bool = False,
    ) -> Recorded:
        """Captures and records a step; `act` says more about it than a title and a session.

        A plain capture without a mark is recorded only when something differs; `only_changes`
        holds every kind of act to that.
        """
        mark = Mark(label=label, tags=tuple(dict.fromkeys(tags))) if label or tags else None
        what = act or Act(title=title, session=session, mark=mark)
        with self._writer() as writer:
            if label is not None:
                history.check_label_free(writer.view(), label, None)
            return record(writer, self._context, what, only_changes=only_changes)

    @contextmanager
    def step(
        self, *, tool: str, title: str = "", session: str | None = None, turn: int | None = None
    ) -> Iterator[None]:
        """Captures before and after the body and records one step for it.

        What differed from the head already before is recorded first, as a change made outside. A
        body that raises is recorded as failed, with what it changed, and the exception goes on.
        """
        self.record(act=Act(kind="outside", flags=("outside",)), only_changes=True)
        started, ok = self._context.clock(), False
        try:
            yield
            ok = True
        finally:
            took = (self._context.clock() - started) // 1_000_000
            result = StepResult(ok, duration_ms=took)
            act = Act(title, "tool", session=session, turn=turn, tool=tool, result=result)
            self.record(act=act)

    def settle(self) -> Recovery | None:
        """Finishes, or takes back, what a crash interrupted; None when there was nothing."""
        with self._writer():
            return self.recovered

    def plan_rollback(
        self,
        step: Step | str,
        *,
        side: Literal["before", "after"] = "after",
        session: str | None = None,
    ) -> PlannedChanges:
        """Returns what going back to `step` would change on disk; changes nothing."""
        target = self.get_step(step) if isinstance(step, str) else step
        onto = target if side == "after" else reading.parent_of(target, self._journal)
        return self._planned(Aim("rollback", target, onto, side, session=session))

    def plan_undo(
        self, operation: int | None = None, *, session: str | None = None
    ) -> PlannedChanges | Operation:
        """Returns the plan that takes an operation back, or the operation when no file is concerned."""
        return self._plan_flip(history.choose_undo(self.view(), operation), True, session)

    def plan_redo(self, *, session: str | None = None) -> PlannedChanges | Operation:
        """Returns the plan that does again what was undone last, or the operation, as `plan_undo`."""
        return self._plan_flip(history.choose_redo(self.view()), False, session)

    def apply(
        self,
        planned: PlannedChanges | Plan,
        *,
        force: bool = False,
        progress: Progress = no_progress,
    ) -> Applied:
        """Executes a plan behind a safety step; `undo` takes it back.

        Raises:
            DriftError, OtherSessionError: the plan says so and `force` is not given.
            RefusedError: a step was recorded since the plan was made.
        """
        plan = planned.plan if isinstance(planned, PlannedChanges) else planned
        with self._writer() as writer:
            return apply_travel(writer, self._context, plan, force=force, progress=progress)

    def undo(
        self, operation: int | None = None, *, force: bool = False, session: str | None = None
    ) -> Applied | Operation:
        """Takes back the newest operation not undone yet, or the one named."""
        planned = self.plan_undo(operation, session=session)
        if isinstance(planned, PlannedChanges):
            return self.apply(planned, force=force)
        return self._flip(history.choose_undo(self.view(), planned.number), undo=True)

    def redo(self, *, force: bool = False, session: str | None = None) -> Applied | Operation:
        """Does again what was undone last."""
        planned = self.plan_redo(session=session)
        if isinstance(planned, PlannedChanges):
            return self.apply(planned, force=force)
        return self._flip(history.choose_redo(self.view()), undo=False)

    def _plan_flip(
        self, entry: Undoable, undo: bool, session: str | None
    ) -> PlannedChanges | Operation:
        if entry.kind not in history.TRAVELS:
            return self._journal.operation(entry.number)
        return self._planned(history.travel_aim(self._journal, entry, undo=undo, session=session))

    def _flip(self, entry: Undoable, *, undo: bool) -> Operation:
        with self._writer() as writer:
            return history.flip_marks(writer, entry, undo=undo)

    def _planned(self, aim: Aim) -> PlannedChanges:
        plan, reader = plan_travel(self._journal, self._context, aim)
        return PlannedChanges(plan, reading.plan_changes(reader, plan))

    def mark(
        self,
        step: Step,
        *,
        label: str | None = None,
        note: str | None = None,
        tags: Sequence[str] = (),
        milestone: bool = False,
        by: str = "",
    ) -> Step:
        """Makes the step a checkpoint, or adds to the one that it is; returns it marked."""
        added = note and Note(self._context.randomness(4).hex(), note, by, self._context.clock())
        with self._writer() as writer:
            if label is not None:
                history.check_label_free(writer.view(), label, step)
            old = writer.view().marks.get(step.id)
            mark = history.marked(
                old, label=label, note=added or None, tags=tags, milestone=milestone
            )
            history.set_mark(writer, step, mark, summary=f"marked #{step.seq}", kind="mark")
        return self._marked(step)

    def unmark(self, step: Step, *, label: bool = False, tags: Sequence[str] = ()) -> Step:
        """Takes away the label, those tags, or, with neither given, the whole mark."""
        with self._writer() as writer:
            mark = history.unmarked(writer.view().marks.get(step.id), label=label, tags=tags)
            history.set_mark(writer, step, mark, summary=f"unmarked #{step.seq}", kind="unmark")
        return self._marked(step)

    def rebuild(self) -> int:
        """Makes the catalogue anew from the journal; returns the number of steps in it."""
        from stepwell.store.catalogue import rebuild

        self._drop_catalogue()
        return rebuild(self.store / "catalogue", self._journal)
