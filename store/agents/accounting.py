"""When a turn is over: what hooks do not tell of its steps, read in the agent's own record.

The record may be written a moment after the hook was called, so it is read again a few times.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stepwell.store.agents.events import AgentEvent, without_text
from stepwell.store.agents.secrets import fit
from stepwell.store.agents.transcripts.readers import opencode
from stepwell.store.agents.transcripts.told import AGENTS, Source, Told, told_in
from stepwell.store.engine.accounts import Finding, with_account
from stepwell.store.model.ids import StepId
from stepwell.store.model.steps import AccountSet, Step, StepRecorded, StepResult
from stepwell.store.model.text import one_line
from stepwell.store.workspace import Workspace

_TURNS = 2
"""Turns of a session that are looked at, the newest."""
_LOOKED_BACK = 256
"""Operations in which their steps are looked for."""
_TRIES = 4


@dataclass(slots=True)
class _Due:
    session: str
    source: Source
    tries: int = 0
    told: Sequence[Told] = ()


class Accounting:
    """Looks after the sessions of one workspace. `folders` are where agents keep their records.

    `read` may run on a thread of its own; all else is the workspace's thread's.
    """

    def __init__(self, workspace: Workspace, folders: Mapping[str, Path]) -> None:
        self._workspace = workspace
        self._root = os.fsdecode(workspace.root)
        self._folders = folders
        self._due: dict[str, _Due] = {}
        self._read: _Due | None = None

    def hear(self, event: AgentEvent) -> None:
        """Notes that a turn is over."""
        if event.kind in ("turn.end", "session.end"):
            source = self._source(event)
            if source is not None:
                self._due[event.session] = _Due(event.session, source)

    def _source(self, event: AgentEvent) -> Source | None:
        agent, _, id = event.session.partition(":")
        if agent == "opencode" and agent in self._folders:
            return Source(self._folders[agent] / opencode.NAME, id)
        return Source(Path(event.record)) if event.record and agent in AGENTS else None

    @property
    def is_due(self) -> bool:
        """Tells whether some session waits."""
        return bool(self._due or self._read)

    def read(self) -> None:
        """Reads the record of the session that waits longest, unless one is read already."""
        if self._read is None and self._due:
            due = self._due.pop(next(iter(self._due)))
            agent = due.session.partition(":")[0]
            try:
                told = list(told_in(agent, due.source, self._root, newest=True))
            except (OSError, ValueError):
                # The agent's own file: what cannot be read of it is not told.
                return
            due.told = [replace(one, files=()) for one in told]
            self._read = due

    def settle(self, *, keep_text: bool = True) -> None:
        """Records what was read and is new.

        Raises:
            StepwellError: it could not be recorded; it is tried again after the next turn.
        """
        due, self._read = self._read, None
        if due is None:
            return
        told = due.told
        if not keep_text:
            told = [replace(one, event=without_text(one.event), said="") for one in told]
        pairs = list(matched(self._steps(due.session), told))
        findings = (self._finding(step, one) for step, one in pairs)
        found = [one for one in findings if one is not None]
        if found:
            self._workspace.add_accounts(due.session, found)
        due.tries += 1
        if due.tries < _TRIES and not _is_answered(pairs):
            self._due.setdefault(due.session, due)

    def _steps(self, session: str) -> list[Step]:
        """Returns the session's newest steps, oldest first, with what was told of them before.

        They come from the journal: to load the catalogue would hold up the hooks.
        """
        found: dict[StepId, Step] = {}
        for row in reversed(self._workspace.operations(_LOOKED_BACK)):
            for effect in row.operation.effects:
                if isinstance(effect, StepRecorded) and effect.step.session == session:
                    found[effect.step.id] = effect.step
                elif isinstance(effect, AccountSet) and effect.step in found:
                    found[effect.step] = with_account(found[effect.step], effect.account)
        return list(found.values())

    def _finding(self, step: Step, told: Told) -> Finding | None:
        """Returns what the record tells of a step and the step does not have."""
        model = told.event.model or told.model
        said = fit(told.said) if told.said else None
        if said is not None and step.said is not None and self._workspace.text(step.said) == said:
            said = None
        found = Finding(
            step,
            model=one_line(model) if model and step.model is None else None,
            result=_result(step, told.event),
            tokens=told.tokens if told.tokens != step.tokens else None,
            said=said,
        )
        return found if found != Finding(step) else None


def _result(step: Step, event: AgentEvent) -> StepResult | None:
    """Returns how the call ended where only the record has its exit code."""
    known, code = step.result, event.exit_code
    if known is None or code is None or known.exit_code is not None:
        return None
    return replace(known, ok=event.ok, exit_code=code)


def _is_answered(pairs: Sequence[tuple[Step, Told]]) -> bool:
    """Tells whether the record has the end of the newest turn."""
    prompts = [told for step, told in pairs if step.kind == "prompt"]
    return bool(prompts and prompts[-1].said)


def matched(steps: Sequence[Step], told: Sequence[Told]) -> Iterator[tuple[Step, Told]]:
    """Yields the steps of the newest turns with what is told of each, in order.

    By the agent's own id; where hooks give none, turns by their prompt, the newest first, and
    calls by their order among those of the same tool and title.
    """
    theirs = _turns_of_told(told)
    pairs: list[tuple[Sequence[Step], Sequence[Told]]] = []
    for turn in reversed(_turns_of_steps(steps)[-_TURNS:]):
        at = next((n for n in reversed(range(len(theirs))) if _same(turn[0], theirs[n][0])), None)
        if at is not None:
            pairs.append((turn, theirs[at]))
            del theirs[at:]
    for own, found in reversed(pairs):
        yield from _paired(own, found)


def _paired(steps: Iterable[Step], told: Iterable[Told]) -> Iterator[tuple[Step, Told]]:
    left = list(told)
    for step in steps:
        for at, one in enumerate(left):
            if _same(step, one):
                yield step, left.pop(at)
                break


def _same(step: Step, told: Told) -> bool:
    event = told.event
    if (step.kind == "prompt") != (event.kind == "prompt"):
        return False
    if step.call is not None and step.call == told.id:
        return True
    title = one_line(fit(event.title) or "")
    return step.call is None and (step.tool, step.title) == (event.tool, title)


def _turns_of_steps(steps: Iterable[Step]) -> list[list[Step]]:
    turns: list[list[Step]] = []
    for step in steps:
        if step.kind == "prompt":
            turns.append([])
        if turns and step.kind in ("prompt", "tool"):
            turns[-1].append(step)
    return turns


def _turns_of_told(told: Iterable[Told]) -> list[list[Told]]:
    turns: list[list[Told]] = []
    for one in told:
        if one.event.kind == "prompt":
            turns.append([])
        if turns:
            turns[-1].append(one)
    return turns
