"""Which agents we understand, and reading what they send."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.store.agents.adapters import claude, cline, codex, documented, gemini, opencode, pi
from stepwell.store.agents.events import AgentEvent

Translate = Callable[[str, Mapping[str, Any]], AgentEvent | None]

ADAPTERS: Mapping[str, Translate] = {
    claude.AGENT: claude.translate,
    opencode.AGENT: opencode.translate,
    codex.AGENT: codex.translate,
    gemini.AGENT: gemini.translate,
    gemini.QWEN: gemini.translate_qwen,
    pi.AGENT: pi.translate,
    cline.AGENT: cline.translate,
    documented.CURSOR: documented.translate_cursor,
    documented.GOOSE: documented.translate_goose,
}
"""Agent -> (event name, payload) -> event."""


def read_event(agent: str, event: str, payload: bytes) -> AgentEvent | None:
    """Returns the event of what an agent's hook was given; None for one of no use.

    Raises:
        ValueError: it cannot be read, or no such agent is known.
    """
    if agent not in ADAPTERS:
        raise ValueError(f"no agent {agent} is known")
    try:
        form = json.loads(payload.decode("utf-8", "replace"))
        return ADAPTERS[agent](event, form)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"an event of {agent} cannot be read: {error!r}") from error
