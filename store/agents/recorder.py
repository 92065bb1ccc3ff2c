"""From agents' events to steps: what a call changed is its step, all else is a step made outside.

State that a restart loses is found again in the journal: the number of a session's turn, and the
keys of the calls that have their step.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from stepwell.store.agents.accounting import Accounting
from stepwell.store.agents.adapters import read_event
from stepwell.store.agents.events import AgentEvent, without_text
from stepwell.store.agents.news import News
from stepwell.store.agents.risky import risk_of
from stepwell.store.agents.secrets import fit
from stepwell.store.agents.spool import Spooled
from stepwell.store.engine.checkpoints import RISKY
from stepwell.store.engine.recording import Act
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.steps import Step, StepKind, StepRecorded, StepResult
from stepwell.store.model.text import one_line, plural
from stepwell.store.workspace import Workspace

_REMEMBERED = 512
"""Keys of a session that are known to be recorded."""
_LOOKED_BACK = 256
"""Operations in which keys are looked for when a session is first heard of."""
_FORGOTTEN_S = 1_200.0
"""A call without an end counts as over after this."""


@dataclass(slots=True)
class _Session:
    """What is known of a session; `copy` shares nothing that changes."""

    turn: int | None = None
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    open: dict[str, tuple[float, AgentEvent]] = field(default_factory=dict)
    """Calls under way: key -> (when it was heard of, the event)."""

    def copy(self) -> _Session:
        return _Session(self.turn, self.keys.copy(), dict(self.open))


@dataclass(frozen=True, slots=True)
class _Before:
    """What was known before events that may be lost."""

    unread: frozenset[str] = frozenset()
    owed: tuple[str, ...] = ()
    told: Mapping[str, int] = field(default_factory=dict)
    sessions: dict[str, _Session | None] = field(default_factory=dict)
    """Of those that were asked for since; None: it was not known."""


class AgentRecorder:
    """Records what agents tell of one workspace; not thread-safe, as the workspace is not.

    `keeps_text` is asked at each event; where it says no, only tools and files are told.
    `sweep` is called at the beginning and the end of a session: a time to look at everything;
    `turn_ended` after each turn, when its steps are recorded. `accounting` hears of the events.
    """

    def __init__(
        self,
        workspace: Workspace,
        sweep: Callable[[], object] = lambda: None,
        keeps_text: Callable[[], bool] = lambda: True,
        turn_ended: Callable[[], object] = lambda: None,
        accounting: Accounting | None = None,
    ) -> None:
        self._workspace = workspace
        self._turn_ended = turn_ended
        self._accounting = accounting
        self._news = News(workspace)
        self._sweep = sweep
        self._keeps_text = keeps_text
        self._sessions: dict[str, _Session] = {}
        self._unread: set[str] = set()
        """Why events could not be understood, as far as gaps tell; without figures."""
        self._owed: list[str] = []
        """Why steps could not be recorded of which not even a gap could be."""
        self._before = _Before()

    def take(self, agent: str, event: str, payload: bytes) -> str:
        """Records what one event says; an event that was taken already changes nothing.

        Returns what the agent's hook is to print; empty: nothing.

        Raises:
            StepwellError: it could not be recorded; a gap is left now, or as soon as it can be.
        """
        self.pay()
        try:
            found = self._read(agent, event, payload)
        except ValueError as error:
            self._misunderstood(str(error))
            return ""
        if found is None:
            return ""
        self._apply(found)
        return self._news.reply(agent, event, found.session)

    def _misunderstood(self, why: str) -> None:
        """Leaves a gap with the reason, the same one once; what changed is not to be lost with it."""
        kind = re.sub(r"\d+", "", why)
        if kind not in self._unread and len(self._unread) < _REMEMBERED:
            self._unread.add(kind)
            try:
                self._workspace.note_gap(why)
            except StepwellError:
                self._owed.append(why)
        self._record(Act(f"after an unreadable event: {why}", kind="outside"), only_changes=True)

    def _read(self, agent: str, event: str, payload: bytes) -> AgentEvent | None:
        found = read_event(agent, event, payload)
        if found is not None and found.kind == "call.before" and found.title.startswith("$ "):
            found = replace(found, risk=risk_of(found.input or ""))
        return found if found is None or self._keeps_text() else without_text(found)

    def _apply(self, event: AgentEvent) -> None:
        session = self._session(event.session)
        if event.key is not None and event.key in session.keys:
            session.open.pop(event.key, None)
            return
        if event.kind in ("session.start", "session.end"):
            self._sweep()
        if self._accounting is not None:
            self._accounting.hear(event)
        match event.kind:
            case "prompt":
                self._end_calls(session)
                self._outside()
                session.turn = (session.turn or 0) + 1
                self._record(self._act(event, "prompt", session))
            case "call.before" if not event.only_reads:
                self._begin_call(event, session)
            case "call.after":
                self._end_call(event, session)
            case "turn.end" | "session.end":
                self._end_calls(session)
                if not self._under_way():
                    self._outside()
                self._turn_ended()

    def _begin_call(self, event: AgentEvent, session: _Session) -> None:
        if not self._under_way():
            self._outside()
        if event.risk:
            why = f"before a command that {event.risk}: {fit(event.title)}"
            self._workspace.mark_unasked(RISKY, why)
        session.open[event.key or ""] = (time.monotonic(), event)

    def _end_call(self, event: AgentEvent, session: _Session) -> None:
        session.open.pop(event.key or "", None)
        joint = self._under_way()
        if not event.only_reads:
            act = self._act(event, "tool", session)
            self._record(replace(act, flags=("joint",)) if joint else act)
        elif not joint:
            self._outside()

    def _end_calls(self, session: _Session) -> None:
        """Ends the calls whose end was never told: what they changed is theirs all the same."""
        if not session.open:
            return
        events = [event for _, event in session.open.values()]
        session.open.clear()
        act = self._act(events[-1], "tool", session)
        joint = ("joint",) if len(events) > 1 or self._under_way() else ()
        flags = ("unanswered", *joint)
        self._record(replace(act, result=None, flags=flags), only_changes=True)

    def _under_way(self) -> bool:
        """Tells whether some call is known to have begun and not to have ended."""
        now = time.monotonic()
        for session in self._sessions.values():
            for key, (since, _) in [*session.open.items()]:
                if now - since > _FORGOTTEN_S:
                    del session.open[key]
        return any(session.open for session in self._sessions.values())

    def _outside(self) -> None:
        self._record(Act(kind="outside", flags=("outside",)), only_changes=True)

    def _act(self, event: AgentEvent, kind: StepKind, session: _Session) -> Act:
        ended = event.kind == "call.after"
        return Act(
            title=one_line(fit(event.title) or ""),
            kind=kind,
            session=event.session,
            turn=session.turn,
            tool=event.tool,
            model=event.model,
            prompt=fit(event.prompt),
            input=fit(event.input),
            result_text=fit(event.result),
            result=StepResult(event.ok, event.exit_code, event.duration_ms) if ended else None,
            call=event.key,
        )

    def _record(self, act: Act, *, only_changes: bool = False) -> None:
        before = self._workspace.view().number
        try:
            self._workspace.record(act=act, only_changes=only_changes)
        except StepwellError as error:
            self._workspace.refresh()
            if self._workspace.view().number == before:
                self._owed.append(error.message)
            raise
        if act.session is not None and act.call is not None:
            self._session(act.session).keys.append(act.call)

    def begin(self) -> None:
        """Remembers what it knows, for `lost`."""
        self._before = _Before(frozenset(self._unread), tuple(self._owed), self._news.told())

    def lost(self, why: str) -> None:
        """Hears that what it recorded since `begin` is not there: it knows what it knew then."""
        before = self._before
        self._unread, self._owed = set(before.unread), [*before.owed, why]
        self._news.tell_again(dict(before.told))
        for name, session in before.sessions.items():
            if session is None:
                self._sessions.pop(name, None)
            else:
                self._sessions[name] = session
        self.begin()

    @property
    def owes(self) -> bool:
        """Tells whether a gap could not be left when it was due."""
        return bool(self._owed)

    def pay(self) -> None:
        """Leaves that gap, if it can be left now."""
        if self._owed:
            count, first = len(self._owed), self._owed[0]
            reason = first if count == 1 else f"{plural(count, 'step')}, the first: {first}"
            with suppress(StepwellError):
                self._workspace.note_gap(reason)
                self._owed.clear()

    def _session(self, name: str) -> _Session:
        if name not in self._before.sessions:
            known = self._sessions.get(name)
            self._before.sessions[name] = known and known.copy()
        if name not in self._sessions:
            self._sessions[name] = self._found(name)
        return self._sessions[name]

    def _found(self, name: str) -> _Session:
        session = _Session()
        head = self._workspace.view().sessions.get(name)
        if head is None:
            return session
        session.turn = self._workspace.get_step(head).turn
        for step in self._newest_steps():
            if step.session == name and step.call is not None:
                session.keys.appendleft(step.call)
        return session

    def _newest_steps(self) -> list[Step]:
        rows = self._workspace.operations(_LOOKED_BACK)
        return [e.step for r in rows for e in r.operation.effects if isinstance(e, StepRecorded)]

    def drain(self, spooled: Sequence[Spooled]) -> None:
        """Records what hooks left in the spool, oldest first: a gap, and a step flagged `late`.

        What changed meanwhile cannot be told apart any more, so one step has it all.

        Raises:
            StepwellError: not even the gap could be recorded; nothing was.
        """
        found = [(one, self._readable(one)) for one in spooled]
        news = [(one, event) for one, event in found if event is None or not self._known(event)]
        if not news:
            return
        count = plural(len(news), "event")
        self._workspace.note_gap(f"{count} of an agent came while nothing could be captured")
        events = [event for _, event in news if event is not None]
        # Where only the step fails, the reason is in a gap of its own, and the events are dealt with.
        with suppress(StepwellError):
            self._record(self._late(events), only_changes=not events)
        for event in events:
            if event.key is not None:
                self._session(event.session).keys.append(event.key)

    def _known(self, event: AgentEvent) -> bool:
        return event.key is not None and event.key in self._session(event.session).keys

    def _late(self, events: Sequence[AgentEvent]) -> Act:
        """Returns the act of all that was spooled; the turns that began meanwhile are counted."""
        prompts = [event for event in events if event.kind == "prompt"]
        calls = [event for event in events if event.kind == "call.after" and not event.only_reads]
        for prompt in prompts:
            session = self._session(prompt.session)
            session.turn = (session.turn or 0) + 1
        if not events:
            return Act(kind="outside", flags=("late", "outside"))
        last = (calls or prompts or events)[-1]
        kind: StepKind = "tool" if calls else "prompt" if prompts else "outside"
        act = self._act(last, kind, self._session(last.session))
        if len(calls) > 1:
            titles = ", ".join(one.title for one in calls)
            texts = [f"{one.tool}: {one.input}" for one in calls if one.input is not None]
            act = replace(
                act, input=fit("\n".join(texts)) if texts else None, result=None, result_text=None
            )
            act = replace(act, title=one_line(fit(f"{plural(len(calls), 'call')}: {titles}") or ""))
        prompt_text = prompts[-1].prompt if prompts else None
        return replace(act, prompt=fit(prompt_text), flags=("late",))

    def _readable(self, one: Spooled) -> AgentEvent | None:
        try:
            return self._read(one.agent, one.event, one.payload)
        except ValueError:
            return None
