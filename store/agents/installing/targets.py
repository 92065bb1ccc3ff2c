"""Where each agent's hooks are configured, and in which form."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stepwell.store.agents.adapters import claude, cline, codex, documented, gemini, opencode, pi
from stepwell.store.engine.ourhooks import MARK, PROJECT_PLACES
from stepwell.store.model.errors import UsageError

Scope = Literal["user", "project"]
Form = Literal["groups", "flat", "files", "plugin"]
"""`groups`: JSON, event -> groups of hooks, as Claude Code has it; `flat`: JSON, event -> hooks;
`files`: one executable an event; `plugin`: one file of code that we ship."""


@dataclass(frozen=True, slots=True)
class Door:
    """How a hook reaches us on this machine."""

    python: str
    hook: str
    """Path of the hook client."""

    def command(self, agent: str, event: str) -> str:
        """Returns a line for `sh` that can neither fail nor say anything, even when we are gone."""
        python, hook = shlex.quote(self.python), shlex.quote(self.hook)
        run = f"{python} -I -S {hook} {agent} {event} >/dev/null 2>&1"
        return f"[ -x {python} ] && [ -f {hook} ] && {run} || true {MARK}"


def shared_command(agent: str, event: str) -> str:
    """Returns the same for a file that a team shares, where no path of this machine may stand."""
    run = f"stepwell hook {agent} {event} >/dev/null 2>&1"
    return f"command -v stepwell >/dev/null 2>&1 && {run} || true {MARK}"


@dataclass(frozen=True, slots=True)
class Target:
    """An agent, and where it looks for hooks."""

    agent: str
    form: Form
    events: tuple[str, ...]
    usual: Scope
    user: str
    """File or folder below the agent's own folder."""
    project: str
    """File or folder below the project."""
    shared: bool = False
    """The project's file is meant to be shared."""
    extra: Mapping[str, object] | None = None
    """Fields of each hook beside the command."""
    root: Mapping[str, object] | None = None
    """Fields that the document must have."""
    program: str = ""
    """The client's command; empty: as the agent's name."""
    then: str = ""
    """What the person has to do next."""
    untested: bool = False
    """Made from documents: the client could not be tried."""

    def place(self, scope: Scope, folder: Path, project: Path) -> Path:
        """Returns the file or folder; `folder` is the agent's own."""
        return folder / self.user if scope == "user" else project / self.project


_SECONDS = {"type": "command", "timeout": 10}

AGENTS: Mapping[str, Target] = {
    target.agent: target
    for target in (
        Target(
            claude.AGENT, "groups", claude.EVENTS, "project", "settings.json",
            PROJECT_PLACES[claude.AGENT], extra=_SECONDS,
        ),
        Target(
            opencode.AGENT, "plugin", (), "user", "plugins/stepwell.js",
            PROJECT_PLACES[opencode.AGENT],
        ),
        Target(
            codex.AGENT, "groups", codex.EVENTS, "user", "hooks.json", PROJECT_PLACES[codex.AGENT],
            shared=True, extra=_SECONDS,
            then="open /hooks in Codex once and trust the new ones; until then it skips them",
        ),
        Target(
            gemini.AGENT, "groups", gemini.EVENTS, "user", "settings.json",
            PROJECT_PLACES[gemini.AGENT], shared=True,
            extra={"type": "command", "name": "stepwell", "timeout": 10_000},
        ),
        Target(
            gemini.QWEN, "groups", gemini.QWEN_EVENTS, "user", "settings.json",
            PROJECT_PLACES[gemini.QWEN], shared=True,
            extra={"type": "command", "name": "stepwell", "timeout": 10_000},
        ),
        Target(
            pi.AGENT, "plugin", (), "user", "extensions/stepwell.ts", PROJECT_PLACES[pi.AGENT],
        ),
        Target(cline.AGENT, "files", cline.EVENTS, "user", "hooks", PROJECT_PLACES[cline.AGENT]),
        Target(
            documented.CURSOR, "flat", documented.CURSOR_EVENTS, "user", "hooks.json",
            PROJECT_PLACES[documented.CURSOR], shared=True, extra={"timeout": 10},
            root={"version": 1}, program="cursor-agent", untested=True,
        ),
        Target(
            documented.GOOSE, "groups", documented.GOOSE_EVENTS, "user",
            "plugins/stepwell/hooks/hooks.json",
            f"{PROJECT_PLACES[documented.GOOSE]}/hooks/hooks.json",
            shared=True, extra=_SECONDS, untested=True,
        ),
    )
}  # fmt: skip
"""Every agent that can be installed for, by name."""

Command = Callable[[str, str], str]


def target_of(agent: str) -> Target:
    """Returns an agent's target.

    Raises:
        UsageError: no such agent is known.
    """
    if agent not in AGENTS:
        raise UsageError(f"{agent} is no agent that is known", hint=f"one of {', '.join(AGENTS)}")
    return AGENTS[agent]
