"""Capturing when a workspace has come to rest, for whatever has no hooks."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from stepwell.store.agents.child import Child
from stepwell.store.agents.secrets import fit
from stepwell.store.engine.recording import Act, Recorded
from stepwell.store.model.errors import StepwellError
from stepwell.store.model.steps import Snapshot, StepResult
from stepwell.store.model.text import one_line
from stepwell.store.workspace import Workspace

SHORTEST_S = 0.1
"""Between two looks; as much longer as a look is slow, so that looking never takes a tenth of a core."""

Pause = Callable[[float], bool]
"""Waits for so many seconds, or less when it is time to end; returns whether it is."""


@dataclass(slots=True)
class Rest:
    """Tells when what differs from the newest step has stopped changing."""

    quiet_s: float
    _seen: Snapshot | None = None
    _since: float = 0.0

    def reached(self, seen: Snapshot, head: Snapshot, now: float) -> bool:
        """Tells whether `seen` is new and has been the same for `quiet_s`."""
        if seen != self._seen:
            self._seen, self._since = seen, now
        return seen != head and now - self._since >= self.quiet_s


def watch(
    workspace: Workspace,
    act: Act,
    *,
    pause: Pause,
    quiet_s: float,
    interval_s: float | None = None,
    tell: Callable[[Recorded], object],
) -> None:
    """Records a step each time the workspace comes to rest, or each `interval_s` if it changed.

    Returns when `pause` says so, after a last step of what is not recorded by then.

    Raises:
        StepwellError: a step could not be recorded; a gap says so.
    """
    rest = Rest(quiet_s)
    captured = time.monotonic()
    ended = False
    while not ended:
        started = time.monotonic()
        due = started - captured >= interval_s if interval_s else _at_rest(workspace, rest, started)
        if due:
            captured = started
            _record(workspace, act, tell)
        took = time.monotonic() - started
        ended = pause(max(SHORTEST_S, 10 * took, min(interval_s or 0.0, 1.0)))
    _record(workspace, act, tell)


def _at_rest(workspace: Workspace, rest: Rest, now: float) -> bool:
    workspace.refresh()
    return rest.reached(workspace.look(), workspace.head().snapshot, now)


def _record(workspace: Workspace, act: Act, tell: Callable[[Recorded], object]) -> None:
    recorded = workspace.record(act=act, only_changes=True)
    if not recorded.unchanged:
        tell(recorded)


def run(
    workspace: Workspace,
    command: list[str],
    *,
    folder: bytes,
    session: str,
    quiet_s: float,
    started: Callable[[subprocess.Popen[bytes]], object],
    keep_text: bool = True,
) -> int:
    """Runs a command in a folder with our terminal, and records what it changes as it goes, then how it ended.

    What differs before it is a step made outside. A step that cannot be recorded on the way does
    not disturb the command; of the last one the error is raised, when the command has ended.
    `started` is given the process, for signals. Without `keep_text` only the program is named. Returns its exit status, 128 + N for signal N.

    Raises:
        OSError: the command cannot be started.
        StepwellError: what came before it, or its end, could not be recorded.
    """
    workspace.record(act=Act(kind="outside", flags=("outside",)), only_changes=True)
    line = (fit(" ".join(command)) or "") if keep_text else os.path.basename(command[0])
    text = line if keep_text else None
    act = Act(kind="tool", session=session, turn=1, tool="run", input=text)
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=folder) as process:
        child = Child(process)
        started(process)
        with suppress(StepwellError):
            watch(
                workspace,
                act,
                pause=child.ended,
                quiet_s=quiet_s,
                tell=lambda recorded: None,
            )
        status = child.wait()
    code = status if status >= 0 else 128 - status
    took_ms = int((time.monotonic() - begun) * 1_000)
    result = StepResult(code == 0, code, took_ms, peak_memory_bytes=child.peak_memory)
    workspace.record(act=replace(act, title=one_line(f"$ {line}"), result=result))
    return code
