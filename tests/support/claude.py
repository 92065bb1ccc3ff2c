"""What Claude Code gives its hooks, as its version 2 does: payloads, and handing them over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from stepwell.store.agents import hookclient

HOOK = Path(hookclient.__file__).with_name("hook.py")


class Claude:
    """A session in a folder; each method returns (event, payload)."""

    def __init__(self, folder: Path, session: str = "s-1") -> None:
        self.folder = folder
        self.session = session
        self.prompt_id = ""
        self._calls = 0

    def _payload(self, event: str, **more: Any) -> tuple[str, bytes]:
        form = {
            "session_id": self.session,
            "transcript_path": f"/home/dev/.claude/projects/p/{self.session}.jsonl",
            "cwd": str(self.folder),
            "prompt_id": self.prompt_id,
            "permission_mode": "acceptEdits",
            "hook_event_name": event,
            **more,
        }
        return event, json.dumps(form).encode()

    def prompt(self, text: str) -> tuple[str, bytes]:
        self._calls += 1
        self.prompt_id = f"prompt-{self._calls}"
        return self._payload("UserPromptSubmit", prompt=text)

    def before(self, tool: str, **given: Any) -> tuple[str, bytes]:
        self._calls += 1
        return self._call("PreToolUse", tool, given)

    def after(self, tool: str, response: Any = None, **given: Any) -> tuple[str, bytes]:
        return self._call("PostToolUse", tool, given, tool_response=response, duration_ms=12)

    def failed(self, tool: str, error: str, **given: Any) -> tuple[str, bytes]:
        return self._call("PostToolUseFailure", tool, given, error=error, duration_ms=12)

    def _call(self, event: str, tool: str, given: Any, **more: Any) -> tuple[str, bytes]:
        call = f"toolu_{self._calls}"
        return self._payload(event, tool_name=tool, tool_input=given, tool_use_id=call, **more)

    def stop(self) -> tuple[str, bytes]:
        return self._payload("Stop", stop_hook_active=False, last_assistant_message="done")

    def start(self) -> tuple[str, bytes]:
        return self._payload("SessionStart", source="startup")

    def end(self) -> tuple[str, bytes]:
        return self._payload("SessionEnd", reason="other")


def run_hook(
    event: str, payload: bytes, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs the hook client as an agent does, and checks that it is silent and never fails."""
    command = [sys.executable, "-I", "-S", str(HOOK), "claude", event]
    done = subprocess.run(command, input=payload, capture_output=True, env=env, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    return done
