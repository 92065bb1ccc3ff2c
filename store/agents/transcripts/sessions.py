"""Old sessions of agents as partial, read-only timelines: `transcripts import claude`.

The steps say what was asked and done. The files of that time are unknown: such a step has none, and
nothing can be put back from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepwell.store.agents.events import AgentEvent, without_text
from stepwell.store.agents.secrets import fit
from stepwell.store.agents.transcripts.told import AGENTS, Told, told_in
from stepwell.store.engine.context import Context
from stepwell.store.engine.extras import Extras, encode
from stepwell.store.engine.importing import (
    BATCH_STEPS,
    IMPORTED,
    PARTIAL,
    WITHOUT_FILES,
    free_name,
)
from stepwell.store.engine.journal import JournalWriter, Transaction
from stepwell.store.engine.objects import BLOB, TREE
from stepwell.store.model.errors import BusyError, NotFoundError
from stepwell.store.model.ids import Oid, mint_step_id
from stepwell.store.model.steps import (
    Branch,
    BranchSet,
    Effect,
    Snapshot,
    Step,
    StepRecorded,
    StepResult,
    View,
)
from stepwell.store.model.text import one_line, plural
from stepwell.store.workspace import Workspace

_PAGE = 1_000
_MOST_FILES = 2_000
"""Session files of one agent that are looked at, the newest."""


@dataclass(frozen=True, slots=True)
class OldSession:
    """A session of which a file of the agent's own tells."""

    agent: str
    name: str
    """`AGENT:ID`."""
    path: Path
    told: tuple[Told, ...]
    imported: int
    live: bool
    """Steps of it were recorded as it happened: there is nothing to import."""

    @property
    def started_ns(self) -> int:
        return self.told[0].time_ns


def find_sessions(workspace: Workspace, agent: str, folder: Path) -> list[OldSession]:
    """Returns the workspace's sessions of an agent that keeps its files in `folder`, oldest first."""
    root = os.fsdecode(workspace.root)
    found = []
    for path in _files(agent, folder, root):
        told = told_in(agent, path, root)
        if told:
            found.append(_session(workspace, agent, path, told))
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
    known = _steps(workspace, session.name)
    work = _SessionImport(session, known)
    new = [one for one in session.told if _source(session, one) not in work.known]
    if not keep_text:
        new = [replace(one, event=without_text(one.event)) for one in new]
    done = 0
    while done < len(new):
        done += workspace.record_import(work, new[done : done + BATCH_STEPS])
    return len(new), work.branch


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


class _SessionImport:
    """One import under way: the steps of a session, one after another, on a branch of their own."""

    def __init__(self, session: OldSession, known: Sequence[Step]) -> None:
        self.known = {step.source for step in known}
        self.branch = known[-1].branch if known else ""
        self._session = session
        self._head = known[-1].id if known else None
        self._turn = known[-1].turn if known else None

    def record(self, writer: JournalWriter, context: Context, drafts: Sequence[Told]) -> int:
        """Records the first of them as one operation; returns how many it has dealt with."""
        view = writer.view()
        if view.sessions.get(self._session.name) != self._head:
            raise BusyError(
                f"the import of {self._session.name} was stopped: the session went on meanwhile",
                hint="run it again; what was imported stays",
                pid=None,
            )
        self.branch = self.branch or self._free_branch(view)
        effects: list[Effect] = []
        with writer.begin() as transaction:
            empty = Snapshot(transaction.add(TREE, b""), transaction.add(BLOB, encode(Extras())))
            steps = [
                self._step(one, transaction, context, empty, view.last_seq + number)
                for number, one in enumerate(drafts, 1)
            ]
            effects += map(StepRecorded, steps)
            base = view.branches.get(self.branch, Branch(self.branch, steps[0].id, None))
            effects.append(BranchSet(Branch(self.branch, steps[-1].id, base.base)))
            summary = f"imported {plural(len(steps), 'step')} of {self._session.name}"
            transaction.commit("import", summary, effects, session=self._session.name)
        return len(drafts)

    def finish(self, writer: JournalWriter, tips: None) -> None:
        """Does nothing: the branch ends at the newest step already."""

    def _free_branch(self, view: View) -> str:
        wanted = re.sub(r"[^0-9A-Za-z-]", "-", self._session.name.partition(":")[2])[:13].strip("-")
        return free_name(self._session.agent, wanted or "session", view, lambda branch: False)

    def _step(
        self, told: Told, transaction: Transaction, context: Context, empty: Snapshot, seq: int
    ) -> Step:
        event = told.event
        prompt = event.kind == "prompt"
        if prompt:
            self._turn = (self._turn or 0) + 1

        def kept(text: str | None) -> Oid | None:
            fitted = fit(text)
            if fitted is None:
                return None
            return transaction.add(BLOB, fitted.encode("utf-8", "replace"))

        step = Step(
            id=mint_step_id(context.randomness),
            seq=seq,
            branch=self.branch,
            parents=() if self._head is None else (self._head,),
            kind="prompt" if prompt else "tool",
            title=one_line(fit(event.title) or "") or "(no title)",
            time_ns=told.time_ns,
            snapshot=empty,
            session=self._session.name,
            agent=self._session.agent,
            turn=self._turn,
            tool=event.tool and one_line(event.tool),
            prompt=kept(event.prompt),
            input=kept(event.input),
            result_text=kept(event.result),
            result=None if prompt else _result(event),
            model=event.model and one_line(event.model),
            flags=(IMPORTED, PARTIAL, WITHOUT_FILES),
            source=_source(self._session, told),
            call=told.id,
        )
        self._head = step.id
        return step


def _result(event: AgentEvent) -> StepResult:
    return StepResult(event.ok, event.exit_code, event.duration_ms)


def _source(session: OldSession, told: Told) -> str:
    return f"{session.name}:{told.id}"


def _session(workspace: Workspace, agent: str, path: Path, told: list[Told]) -> OldSession:
    name = told[0].event.session
    steps = _steps(workspace, name)
    imported = sum(step.source is not None for step in steps)
    mine = tuple(one for one in told if one.event.session == name)
    return OldSession(agent, name, path, mine, imported, imported < len(steps))


def _steps(workspace: Workspace, session: str) -> list[Step]:
    """Returns the steps of a session, oldest first."""
    found: list[Step] = []
    before: int | None = None
    while page := workspace.steps(session=session, before_seq=before, limit=_PAGE):
        found += page
        before = page[-1].seq
    return found[::-1]


# --- where the files are -------------------------------------------------------------------------


def _files(agent: str, folder: Path, root: str) -> list[Path]:
    found = _PLACES[agent](folder, root)
    return sorted(found, key=lambda path: path.name)[-_MOST_FILES:]


def _claude_files(folder: Path, root: str) -> list[Path]:
    return [*(folder / "projects" / re.sub(r"[^0-9A-Za-z]", "-", root)).glob("*.jsonl")]


def _codex_files(folder: Path, root: str) -> list[Path]:
    found = sorted((folder / "sessions").glob("*/*/*/rollout-*.jsonl"))[-_MOST_FILES:]
    return [path for path in found if _begins_in(path, root)]


def _begins_in(path: Path, root: str) -> bool:
    """Tells whether a file's first line names the folder; so Codex and Pi begin theirs."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline(1 << 20))
        folder = first.get("payload", first).get("cwd")
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    return isinstance(folder, str) and (folder == root or folder.startswith(root + "/"))


def _gemini_files(folder: Path, root: str) -> list[Path]:
    names = {hashlib.sha256(os.fsencode(root)).hexdigest()}
    try:
        projects = json.loads((folder / "projects.json").read_bytes()).get("projects", {})
        names.add(str(projects.get(root, "")))
    except (OSError, ValueError, AttributeError, RecursionError):
        pass
    safe = [name for name in names if name and os.sep not in name and name not in (".", "..")]
    return [p for name in safe for p in (folder / "tmp" / name / "chats").glob("session-*.jsonl")]


def _pi_files(folder: Path, root: str) -> list[Path]:
    return [path for path in (folder / "sessions").glob("*/*.jsonl") if _begins_in(path, root)]


_PLACES: Mapping[str, Callable[[Path, str], list[Path]]] = {
    "claude": _claude_files,
    "codex": _codex_files,
    "gemini": _gemini_files,
    "pi": _pi_files,
}

__all__ = ["AGENTS", "OldSession", "chosen", "find_sessions", "import_session"]
