"""What an agent is told by the reply of its hook: that a rule took its work back, and why.

Claude Code, Codex, Gemini CLI and Qwen Code take what a hook prints after a call, or at a prompt, as
context for the model, all in one form. Any other hook prints nothing.
"""

from __future__ import annotations

import json

from stepwell.store.model.rules import RuleVerdict
from stepwell.store.workspace import Workspace

_CLAUDES = frozenset({"PostToolUse", "PostToolUseFailure", "UserPromptSubmit"})
_HEARD = {
    "claude": _CLAUDES,
    "codex": frozenset({"PostToolUse", "UserPromptSubmit"}),
    "gemini": frozenset({"AfterTool", "BeforeAgent"}),
    "qwen": frozenset({"PostToolUse", "UserPromptSubmit"}),
}
"""Agent -> events at which it listens."""


class News:
    """Tells each session once of each rollback of its work that a rule made from now on."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        verdicts = workspace.view().verdicts
        self._begun = verdicts[-1].time_ns if verdicts else 0
        self._told: dict[str, int] = {}

    def told(self) -> dict[str, int]:
        """Returns what `tell_again` takes to bring this state back."""
        return dict(self._told)

    def tell_again(self, told: dict[str, int]) -> None:
        """Forgets what was told since: the replies were not sent."""
        self._told = told

    def reply(self, agent: str, event: str, session: str) -> str:
        """Returns what the hook is to print for the agent; empty: nothing."""
        verdicts = self._workspace.view().verdicts
        since = self._told.get(session, self._begun)
        if event not in _HEARD.get(agent, ()) or not verdicts or verdicts[-1].time_ns <= since:
            return ""
        news = [v for v in verdicts if v.time_ns > since and v.action == "rollback"]
        self._told[session] = verdicts[-1].time_ns
        mine = [v for v in news if self._workspace.get_step(v.step).session == session]
        return _form(event, mine[-1]) if mine else ""


def _form(event: str, verdict: RuleVerdict) -> str:
    text = (
        f"Stepwell took your last steps back, because rule {verdict.rule} said: {verdict.detail}. "
        "The files are now as they were then: read them again before you go on. The person can take "
        "that back; do not do so yourself unless asked."
    )
    said = {"hookEventName": event, "additionalContext": text}
    return json.dumps({"hookSpecificOutput": said})
