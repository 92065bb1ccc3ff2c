"""Sessions as clients work with them: snapshots to come back to, annotations, the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from stepwell.store.catalogue.rows import SessionFigures
from stepwell.store.engine.lock import peak_memory
from stepwell.store.engine.meters import PEAK_MEMORY, Meters
from stepwell.store.engine.recording import plain_act
from stepwell.store.model.access import Fence
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import BusyError, NotFoundError
from stepwell.store.model.plans import Applied, PlannedChanges
from stepwell.store.model.steps import Mark, Step
from stepwell.store.state.meterfile import recall
from stepwell.store.state.values import StateChange
from stepwell.store.statechanges import state_changes
from stepwell.store.workspace import Workspace

SNAPSHOT = "snapshot"
"""Flag of a step that was taken as a session's snapshot."""


@dataclass(frozen=True, slots=True)
class PlannedRestore:
    """What going back to a snapshot would change, in files and in state."""

    planned: PlannedChanges
    states: tuple[StateChange, ...]


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What leads from one snapshot to another."""

    changes: tuple[Change, ...]
    states: tuple[StateChange, ...]


def _peak(
    command: int | None, daemon: int | None
) -> tuple[int | None, Literal["command", "daemon"] | None]:
    if command is not None:
        return command, "command"
    return daemon, None if daemon is None else "daemon"


class Sessions:
    """The sessions of one workspace; not thread-safe, as the workspace is not."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def figures(self, session: str | None = None) -> list[SessionFigures]:
        """Returns the figures of a session (None: of all), the newest first.

        Raises:
            NotFoundError: there is no such session.
        """
        if session is not None:
            self.require(session)
        workspace = self._workspace
        writers, seen, daemons = workspace.writers(), workspace.last_seen(), self._daemon_peak()
        return [
            SessionFigures(
                row,
                workspace.text(row.prompt),
                writers.get(row.name),
                *_peak(row.peak_memory_bytes, daemons),
                max(row.last_ns, seen.get(row.name, 0)),
            )
            for row in workspace.sessions()
            if session in (None, row.name)
        ]

    def _daemon_peak(self) -> int | None:
        """Returns the largest resident size of the daemon, and of those before it; bytes."""
        try:
            daemon = self._workspace.daemon()
        except BusyError:
            daemon = None
        meters = Meters()
        recall(self._workspace.store, meters)
        now = peak_memory(daemon.pid) if daemon is not None else None
        return max(now or 0, meters.counted(PEAK_MEMORY)) or None

    def take(
        self,
        session: str,
        *,
        description: str = "",
        tags: Sequence[str] = (),
        state: Mapping[str, Any] | None = None,
        by: str = "",
    ) -> Step:
        """Captures files, and the session's state, as a snapshot of it, and returns the step.

        `state` as of `Workspace.capture`: None keeps the documents that it has.

        Raises:
            UsageError: the state is no JSON, or too large.
        """
        workspace = self._workspace
        note = workspace.new_note(description, by=by) if description.strip() else None
        mark = Mark(notes=(note,) if note else (), tags=tuple(dict.fromkeys(tags)), by=by)
        title = description.strip() or f"snapshot of {session}"
        act = replace(plain_act(title, session, state=state), mark=mark, flags=(SNAPSHOT,))
        return workspace.record(act=act).step

    def take_unheld(self, session: str, *, description: str = "") -> Step:
        """As `take`, for whoever has no lease.

        Raises:
            LeaseError: a client may write the session; nothing was written.
        """
        with self._workspace.writing_as(Fence(session, None)):
            return self.take(session, description=description)

    def snapshots(self, session: str | None = None, *, tag: str | None = None) -> list[Step]:
        """Returns the snapshots of a session (None: of all), newest first; those with a tag."""
        return [
            step
            for step in self._marked(session, tag)
            if SNAPSHOT in step.flags and step.checkpoint is not None
        ]

    def snapshot(self, session: str, reference: str) -> Step:
        """Returns a snapshot of a session by its id, a part of it, or what else names a step.

        Raises:
            NotFoundError: the session has none of that name.
        """
        step = self._workspace.get_step(reference)
        if step.session == session and SNAPSHOT in step.flags and step.checkpoint is not None:
            return step
        raise NotFoundError(
            f"session {session} has no snapshot {reference}",
            hint=f"stepwell session snapshots {session} lists them",
            session=session,
            snapshot=reference,
        )

    def delete(self, session: str, reference: str) -> Step:
        """Makes a snapshot an ordinary step again; `undo` takes that back."""
        return self._workspace.unmark(self.snapshot(session, reference))

    def plan_restore(self, session: str, reference: str) -> PlannedRestore:
        """Returns what going back to a snapshot would change; changes nothing."""
        target = self.snapshot(session, reference)
        planned = self._workspace.plan_rollback(target, session=session)
        head = self._workspace.head()
        return PlannedRestore(planned, state_changes(self._workspace, head, target))

    def restore(self, planned: PlannedRestore, *, force: bool = False) -> Applied:
        """Brings files and state back, behind a safety step; raises as `Workspace.apply`."""
        return self._workspace.apply(planned.planned, force=force)

    def diff(self, session: str, older: str, newer: str) -> VersionDiff:
        """Returns what leads from one snapshot of a session to another, in files and in state."""
        a, b = self.snapshot(session, older), self.snapshot(session, newer)
        changes = self._workspace.diff(a, b)
        return VersionDiff(changes, state_changes(self._workspace, a, b))

    def annotate(
        self,
        session: str,
        seq: int,
        *,
        label: str | None = None,
        description: str = "",
        tags: Sequence[str] = (),
        by: str = "",
    ) -> Step:
        """Makes this the annotation of a session's step, in place of what it was; returns the step.

        Notes stay; the description is the newest of them. Without one there is no new note.

        Raises:
            NotFoundError: the session has no step of that number.
            UsageError, RefusedError: no label can be called so, or another step is.
        """
        step = self.step(session, seq)
        note = description if description.strip() else None
        return self._workspace.mark(
            step, label=label, note=note, tags=tuple(tags), by=by, whole=True
        )

    def annotations(self, session: str, *, tag: str | None = None) -> list[Step]:
        """Returns the annotated steps of a session, newest first; those with a tag."""
        return self._marked(session, tag)

    def annotation(self, session: str, seq: int) -> Step:
        """Returns an annotated step of a session.

        Raises:
            NotFoundError: the session has no step of that number, or it is not annotated.
        """
        step = self.step(session, seq)
        if step.checkpoint is None:
            raise NotFoundError(
                f"step #{seq} has no annotation", hint="annotate it first", session=session, seq=seq
            )
        return step

    def remove_annotation(self, session: str, seq: int) -> Step:
        """Takes a step's annotation away; `undo` brings it back. Raises as `annotation`."""
        return self._workspace.unmark(self.annotation(session, seq))

    def step(self, session: str, seq: int) -> Step:
        """Returns the step of a session with that number.

        Raises:
            NotFoundError: it has none.
        """
        step = self._workspace.get_step(f"#{seq}")
        if step.session != session:
            raise NotFoundError(
                f"step #{seq} is not one of session {session}",
                hint="stepwell log --session lists its steps",
                session=session,
                seq=seq,
            )
        return step

    def timeline(
        self, session: str, *, tag: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Step]:
        """Returns up to `limit` steps of a session, newest first, below a step number.

        With a tag only the steps that have it.

        Raises:
            NotFoundError: there is no such session.
        """
        self.require(session)
        if tag is None:
            return self._workspace.steps(session=session, limit=limit, before_seq=before)
        found = self._marked(session, tag)
        return [step for step in found if before is None or step.seq < before][:limit]

    def require(self, session: str) -> None:
        """Raises NotFoundError unless there is a step of that session."""
        if session not in self._workspace.view().sessions:
            raise NotFoundError(
                f"there is no session {session}",
                hint="stepwell sessions lists them",
                session=session,
            )

    def _marked(self, session: str | None, tag: str | None) -> list[Step]:
        workspace = self._workspace
        marks = workspace.view().marks.items()
        wanted = [step for step, mark in marks if tag is None or tag in mark.tags]
        found = [workspace.marked_step(step) for step in wanted]
        mine = [step for step in found if session is None or step.session == session]
        return sorted(mine, key=lambda step: -step.seq)
