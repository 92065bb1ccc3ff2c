"""The facade: every front door captures, reads and travels through a Workspace.

A Workspace holds a lock-free reader of the journal. Each writing verb takes the writer lock for as
long as it runs, settles what a crash may have interrupted, does its work and lets go; readers,
here and in other processes, then see the whole operation. While a daemon looks after the workspace
it runs the verbs that are marked so, and lends the lock to the others (link/).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

from stepwell.store.engine import (
    datafolder,
    history,
    marking,
    reading,
    registry,
)
from stepwell.store.engine.accounts import Finding, record_accounts
from stepwell.store.engine.context import Context
from stepwell.store.engine.journal import Durability, JournalWriter
from stepwell.store.engine.leftovers import clear_leftovers
from stepwell.store.engine.lock import WriterLock
from stepwell.store.engine.marking import Marking
from stepwell.store.engine.partial import part_of
from stepwell.store.engine.recording import Act, Recorded, note_gap, plain_act, record
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.settle import recover
from stepwell.store.engine.sight import ScanSight
from stepwell.store.engine.travel import Aim
from stepwell.store.engine.view import TRAVEL_KINDS
from stepwell.store.environment import default_capture, default_home
from stepwell.store.link.carry import asked, carried
from stepwell.store.link.turn import write_turn
from stepwell.store.model.errors import NotAWorkspaceError, NotFoundError
from stepwell.store.model.ids import Clock, RandomBytes
from stepwell.store.model.paths import TrackedPath, escape
from stepwell.store.model.plans import Applied, PlannedChanges, Recovery
from stepwell.store.model.steps import (
    LONGEST_TEXT,
    Mark,
    Note,
    Operation,
    Step,
    StepResult,
    Undoable,
)
from stepwell.store.model.text import message_parts, rfc3339
from stepwell.store.shareverbs import ShareVerbs


def capture_config(config: CaptureConfig | None, root: bytes, home: Path) -> CaptureConfig:
    """Returns the settings (None: the user's own) without Stepwell's data folder, if that is inside."""
    config = config or default_capture()
    data, inside = os.path.realpath(os.fsencode(home)), root.rstrip(b"/") + b"/"
    return replace(config, apart=data[len(inside) :]) if data.startswith(inside) else config


def _data_folder(home: str | os.PathLike[str] | None) -> Path:
    return default_home() if home is None else Path(home).absolute()


def _context(
    registered: registry.Registered,
    home: Path,
    clock: Clock,
    randomness: RandomBytes,
    config: CaptureConfig | None,
) -> Context:
    root, store = registered.root, registered.store
    settings = capture_config(config, root, home)
    sight = ScanSight(root, store, settings)
    return Context(root, store, clock, randomness, settings, sight)


class Workspace(ShareVerbs):
    """A folder under care and its private store; use as a context manager, or call `close`."""

    @classmethod
    def init(
        cls,
        path: str | os.PathLike[str],
        *,
        home: str | os.PathLike[str] | None = None,
        force: bool = False,
        guarded: Collection[Path] = (),
        clock: Clock = time.time_ns,
        randomness: RandomBytes = os.urandom,
        config: CaptureConfig | None = None,
    ) -> Self:
        """Registers a workspace around `path`, records its first step and returns it opened.

        `home` is the data folder; None: the user's own.

        A folder that is registered already is only opened; a moved one is adopted with its history.

        Raises:
            RefusedError: the folder is a home or root folder and `force` is not given.
        """
        home = _data_folder(home)
        folder = os.fsencode(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise NotFoundError(f"{escape(folder)} is not a folder", hint="make it first")
        with suppress(NotAWorkspaceError):
            return cls.open(path, home=home, clock=clock, randomness=randomness, config=config)
        root = registry.root_for(folder)
        if not force:
            registry.refuse_unsafe_root(root, home, [os.fsencode(g) for g in guarded])
        datafolder.make_home(home)
        with WriterLock.acquire(home, wait_s=5.0, clock=clock):
            named, all_read = registry.linked_workspaces(home)
            if all_read:
                datafolder.sweep(home, named, clock)
            if registry.linked_again(root, home, rfc3339(clock())):
                return cls.open(
                    os.fsdecode(root), home=home, clock=clock, randomness=randomness, config=config
                )
            registered = registry.register(root, home, randomness)
            JournalWriter.create(registered.store, randomness=randomness)
            context = _context(registered, home, clock, randomness, config)
            workspace = cls(registered, home, context)
            workspace.record("first capture")
            registry.finish(registered, home, rfc3339(clock()))
            return workspace

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        home: str | os.PathLike[str] | None = None,
        clock: Clock = time.time_ns,
        randomness: RandomBytes = os.urandom,
        config: CaptureConfig | None = None,
        wait_s: float = 5.0,
        durability: Durability = "durable",
    ) -> Self:
        """Opens the workspace that holds `path`; `home` as in `init`.

        With the durability "fast" nothing is synced: what was recorded last survives a kill, but
        perhaps not a loss of power.

        Raises:
            NotAWorkspaceError: no registered root holds it.
            FormatError: its store was made by a newer version, or cannot be read.
        """
        home = _data_folder(home)
        registered = registry.locate(os.fsencode(os.path.abspath(path)), home)
        datafolder.check_store(registered.store)
        context = _context(registered, home, clock, randomness, config)
        return cls(registered, home, replace(context, wait_s=wait_s, durability=durability))

    @contextmanager
    def _writer(self) -> Iterator[JournalWriter]:
        context = self._context
        with write_turn(context, self.link) as lock:
            writer = JournalWriter.open_writer(
                context.store,
                lock,
                clock=context.clock,
                randomness=context.randomness,
                durability=context.durability,
            )
            try:
                clear_leftovers(context.store)
                self.recovered = recover(writer, context)
                self._check_fence()
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
        state: Mapping[str, Any] | None = None,
    ) -> Step:
        """Captures the workspace and returns the new step, or the head when nothing differs.

        `title` may be a longer message: what follows its first line becomes a note on the step.
        `state` are the session's JSON documents by name, all of them; the step carries them beside
        the files, as do those after it, until others are given. Going back brings both back.
        None: they are as before. Read them with `state`.

        Raises:
            UsageError: the state is no JSON, or too large; a text is too long.
        """
        act = self.plain_act(title, session, tags, label, state)
        return self.record(label=label, act=act, only_changes=not (label or tags)).step

    def plain_act(
        self,
        message: str = "",
        session: str | None = None,
        tags: Sequence[str] = (),
        label: str | None = None,
        state: Mapping[str, Any] | None = None,
        by: str = "",
    ) -> Act:
        """Returns a plain capture whose title is the message's first line; `by` wrote what follows.

        A mark that it has only because of that is no reason to record a step without changes.

        Raises:
            UsageError: the state is no JSON, or too large.
        """
        title, rest = message_parts(message)
        # The disk is recorded in any case, however much is said of it.
        text = rest if len(rest) <= LONGEST_TEXT else f"{rest[: LONGEST_TEXT - 1]}…"
        note = self.new_note(text, by=by) if text else None
        return plain_act(title, session, tags, label, state, note)

    @carried
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
        """Captures and records a step; `act` says more about it than the other arguments.

        A plain capture without a mark is recorded only when something differs; `only_changes`
        holds every kind of act to that.
        """
        what = act or self.plain_act(title, session, tags, label)
        only_changes = only_changes or (act is None and not (label or tags))
        marking.check_texts(what.mark or Mark())
        with self._writer() as writer:
            if label is not None:
                marking.check_label_free(writer.view(), label, None)
            return record(writer, self._context, what, only_changes=only_changes)

    @carried
    def note_gap(self, reason: str, *, title: str = "", session: str | None = None) -> Step:
        """Records that something could not be captured, and why."""
        with self._writer() as writer:
            return note_gap(writer, self._context, Act(title, session=session), reason)

    def add_accounts(self, session: str, findings: Sequence[Finding]) -> None:
        """Records what an agent's own record tells of steps of its session."""
        with self._writer() as writer:
            record_accounts(writer, session, findings)

    @contextmanager
    def step(
        self,
        *,
        tool: str,
        title: str = "",
        session: str | None = None,
        turn: int | None = None,
        input: str | None = None,
    ) -> Iterator[Callable[[str], None]]:
        """Captures before and after the body and records one step for it.

        The body is given a function that takes the call's result as text.

        What differed from the head already before is recorded first, as a change made outside. A
        body that raises is recorded as failed, with what it changed, and the exception goes on.
        """
        self.record(act=Act(kind="outside", flags=("outside",)), only_changes=True)
        started, ok, told = self._context.clock(), False, list[str]()
        try:
            yield told.append
            ok = True
        finally:
            took = (self._context.clock() - started) // 1_000_000
            result = StepResult(ok, duration_ms=took)
            act = Act(title, "tool", session=session, turn=turn, tool=tool, result=result)
            text = "\n".join(told) if told else None
            self.record(act=replace(act, input=input, result_text=text))

    @carried
    def settle(self) -> Recovery | None:
        """Finishes, or takes back, what a crash interrupted; None when there was nothing."""
        with self._writer():
            return self.recovered

    @asked
    def plan_rollback(
        self,
        step: Step | str,
        *,
        side: Literal["before", "after"] = "after",
        paths: Sequence[bytes] = (),
        hunks: Sequence[str] = (),
        only: bool = False,
        files_only: bool = False,
        session: str | None = None,
    ) -> PlannedChanges:
        """Returns what going back to `step` would change on disk; changes nothing.

        With `paths` (each with all below it), `hunks` (ids of the whole plan's changes) or `only`
        (the step's own change, keeping later ones) the rest of the disk stays as it is. With any
        of them, or `files_only`, the branch is not moved back: applying adds a step to its tip.
        """
        target = self.get_step(step) if isinstance(step, str) else step
        onto = target if side == "after" and not only else reading.parent_of(target, self._journal)
        part = part_of(paths, hunks, only=only, files_only=files_only, side=side)
        return self._planned(Aim("rollback", target, onto, side, session=session, part=part))

    @asked
    def plan_undo(
        self, operation: int | None = None, *, session: str | None = None
    ) -> PlannedChanges | Operation:
        """Returns the plan that takes an operation back, or the operation when no file is concerned."""
        return self._plan_flip(history.choose_undo(self.view(), operation), True, session)

    @asked
    def plan_redo(self, *, session: str | None = None) -> PlannedChanges | Operation:
        """Returns the plan that does again what was undone last, or the operation, as `plan_undo`."""
        return self._plan_flip(history.choose_redo(self.view()), False, session)

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
        if entry.kind not in TRAVEL_KINDS:
            return self._journal.operation(entry.number)
        return self._planned(history.travel_aim(self._journal, entry, undo=undo, session=session))

    @carried
    def _flip(self, entry: Undoable, *, undo: bool) -> Operation:
        with self._writer() as writer:
            return history.flip(writer, entry, undo=undo)

    @carried
    def mark(
        self,
        step: Step,
        *,
        label: str | None = None,
        note: str | None = None,
        tags: Sequence[str] = (),
        milestone: bool | Mapping[str, Any] = False,
        by: str = "",
        path: bytes | None = None,
        line: int | None = None,
        whole: bool = False,
    ) -> Step:
        """Makes the step a checkpoint, or adds to the one that it is; returns it marked.

        A note may be on a file, and on one of its lines (from 1). A milestone may be given
        `quality` and `baseline`; the state of the project and its history since the milestone
        before are looked up. With `whole` label and tags take the place of those that it has.
        """
        about = None if path is None else TrackedPath(path)
        written = None if note is None else self.new_note(note, by=by, path=about, line=line)
        now_ns = self._context.clock()
        added = Marking(label, written, tuple(tags), milestone, whole, now_ns, by)
        with self._writer() as writer:
            marking.add_mark(writer, step, added)
        return self._marked(step)

    def new_note(
        self, text: str, *, by: str = "", path: TrackedPath | None = None, line: int | None = None
    ) -> Note:
        """Returns a note of now, which is not on any step yet."""
        identity = self._context.randomness(4).hex()
        return Note(identity, text, by, self._context.clock(), path, line)

    @carried
    def unmark(
        self,
        step: Step,
        *,
        label: bool = False,
        tags: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> Step:
        """Takes away the label, those tags, those notes (by id); nothing named: the whole mark."""
        with self._writer() as writer:
            marking.take_mark(writer, step, label=label, tags=tags, notes=notes)
        return self._marked(step)
