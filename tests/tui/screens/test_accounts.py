"""What an agent's own record told of a step, on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.store.engine.accounts import Finding
from stepwell.store.engine.recording import Act
from stepwell.store.model.steps import StepResult, Tokens
from stepwell.tui.app import StepwellApp

Make = Callable[..., Any]


def test_models_tokens_exit_codes_and_answers_come_in_while_one_looks(
    tmp_path: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """The prompt in full, with what the model said in the end; figures in the detail."""
    root = tmp_path / "project"
    root.mkdir()
    with Workspace.init(root, home=tmp_path / "home") as ws:
        act = Act("Why so slow?", "prompt", "codex:1", 1, prompt="Why so slow?")
        prompt = ws.record(act=act).step
        failed = Act("$ make", "tool", "codex:1", 1, "Bash", result=StepResult(True))
        call = ws.record(act=failed).step

        async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
            await settle(pilot, app)
            answer = Finding(prompt, "gpt", tokens=Tokens(1234, 56), said="It waits for the disk.")
            ended = Finding(call, result=StepResult(False, 2))
            ws.add_accounts("codex:1", [answer, ended])
            app.gateway.poll()
            await settle(pilot, app)
            assert any("exit 2" in line for line in screen_text(app))
            await pilot.press("j")
            await settle(pilot, app)
            shown = "\n".join(screen_text(app))
            assert "gpt" in shown and "1,234 tokens in, 56 out" in shown
            assert "It waits for the disk." in shown

        play_over(root, scene)
