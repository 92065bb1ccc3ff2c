"""Old sessions of agents as partial, read-only timelines: `transcripts import claude`.

The steps say what was asked and done, and hold the files of that time as far as the agent's record
has them. Nothing can be put back from them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

from stepwell.store.agents.events import without_text
from stepwell.store.agents.transcripts.places import sources
from stepwell.store.agents.transcripts.rebuilt import first_known, scenes
from stepwell.store.agents.transcripts.recorded import SessionImport
from stepwell.store.agents.transcripts.told import AGENTS, Source, Told, told_in
from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.coverage import decode_rules
from stepwell.store.engine.importing import BATCH_STEPS
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.steps import Step
from stepwell.store.model.text import plural
from stepwell.store.workspace import Workspace

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class OldSession:
    """A session of which a file of the agent's own tells."""

    agent: str
    name: str
    """`AGENT:ID`."""
    source: Source
    told: tuple[Told, ...]
    """Without the contents of files."""
    imported: int
    live: bool
    """Steps of it were recorded as it happened: there is nothing to import."""

    @property
    def started_ns(self) -> int:
        return self.told[0].time_ns


def find_sessions(workspace: Workspace, agent: str, folder: Path) -> list[OldSession]:
    """Returns the workspace's sessions of an agent that keeps its files in `folder`, oldest first.

    Raises:
        FailedError: the system refuses to show that folder, or a file of it.
    """
    root = os.fsdecode(workspace.root)
    found = []
    try:
        for source in sources(agent, folder, root):
            # Contents are read again when it is imported: of all together they are too much.
            told = [replace(one, files=()) for one in told_in(agent, source, root)]
            if told:
                found.append(_session(workspace, agent, source, told))
    except OSError as error:
        raise system_error(error, "reading", error.filename or folder) from error
    return sorted(found, key=lambda one: one.started_ns)


def import_session(
    workspace: Workspace, session: OldSession, *, keep_text: bool = True
) -> tuple[int, str]:
    """Records what is no step yet; returns how many steps that were, and the branch.

    Without `keep_text` the steps have neither prompts nor inputs nor results.

    Raises:
        BusyError: another import of it is running.
        NoSpaceError, FailedError: what was recorded before that stays.
    """
    root = os.fsdecode(workspace.root)
    told = [
        one if keep_text else replace(one, event=without_text(one.event), said="")
        for one in told_in(session.agent, session.source, root)
        if one.event.session == session.name
    ]
    wanted = _wanted(workspace)
    first = first_known(told, root, wanted)
    work = SessionImport(session.name, session.agent, _steps(workspace, session.name), first)
    found = scenes(told, root, first, wanted)
    while batch := list(islice(found, BATCH_STEPS)):
        if any(work.is_new(scene) for scene in batch):
            workspace.record_import(work, batch)
        else:
            work.pass_over(batch)
    return work.count, work.branch


def _wanted(workspace: Workspace) -> Callable[[bytes], bool]:
    """Returns what tells whether a file is none that the workspace's rules ignore."""
    blob = workspace.head().rules_blob
    rules = decode_rules(b"" if blob is None else workspace.blob(blob))
    return cache(lambda path: not rules.matches(path, False))


def chosen(sessions: Sequence[OldSession], wanted: str | None) -> list[OldSession]:
    """Returns the one session of that name, id or beginning of it; None: all of them.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    if wanted is None:
        return list(sessions)
    bare = wanted.partition(":")[2] or wanted
    found = [one for one in sessions if one.name.partition(":")[2].startswith(bare)]
    if len(found) != 1:
        raise NotFoundError(
            f"{plural(len(found), 'session')} found for {wanted}",
            hint="stepwell transcripts list shows them",
            reference=wanted,
        )
    return found


def _session(workspace: Workspace, agent: str, source: Source, told: list[Told]) -> OldSession:
    name = told[0].event.session
    steps = _steps(workspace, name)
    imported = sum(step.source is not None for step in steps)
    mine = tuple(one for one in told if one.event.session == name)
    return OldSession(agent, name, source, mine, imported, imported < len(steps))


def _steps(workspace: Workspace, session: str) -> list[Step]:
    """Returns the steps of a session, oldest first."""
    found: list[Step] = []
    before: int | None = None
    while page := workspace.steps(session=session, before_seq=before, limit=_PAGE):
        found += page
        before = page[-1].seq
    return found[::-1]


__all__ = ["AGENTS", "OldSession", "chosen", "find_sessions", "import_session"]
