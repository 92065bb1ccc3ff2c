"""What is in order with an agent's hooks, and what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.agents.installing.plan import installed_in
from stepwell.store.agents.installing.targets import Door, Scope, Target
from stepwell.store.reader import WorkspaceReader

_VERSION_S = 10.0
_LOOKED_AT = 200
_SCOPES: tuple[Scope, ...] = ("user", "project")


@dataclass(frozen=True, slots=True)
class Health:
    """One agent's state."""

    agent: str
    client: str | None
    """Path of the client's program; None when it is not on the path."""
    version: str | None
    """As the client says it."""
    installed: tuple[Path, ...]
    """Files that hold our hooks."""
    reachable: bool
    """The command that the hooks run is there."""
    trusted: bool | None
    """Of Codex: whether it was told to trust the hooks; None where nothing of the kind is needed."""
    last_event_ns: int | None
    """When the newest step of it was recorded here."""
    failures: tuple[str, ...]
    """What could not be captured lately, the newest first."""
    untested: bool

    @property
    def problem(self) -> str:
        """What keeps it from working, in words; empty: nothing that can be seen."""
        if not self.installed:
            return ""
        if not self.reachable:
            return "the hooks' command is not there any more: install again"
        if self.trusted is False:
            return "Codex skips the hooks until you trust them: open /hooks there"
        return ""


def examine(
    target: Target,
    folder: Path,
    project: Path,
    door: Door,
    search_path: str,
    workspace: WorkspaceReader | None,
) -> Health:
    """Returns the state of one agent; asks its client for its version, and the store for steps."""
    places = (installed_in(target, scope, folder, project) for scope in _SCOPES)
    installed = tuple(path for path in places if path is not None)
    client = shutil.which(target.program or target.agent, path=search_path)
    last, failures = _recorded(workspace, target.agent) if workspace else (None, ())
    return Health(
        agent=target.agent,
        client=client,
        version=_version(client),
        installed=installed,
        reachable=os.access(door.python, os.X_OK) and os.path.isfile(door.hook),
        trusted=_trusted(folder) if target.agent == "codex" and installed else None,
        last_event_ns=last,
        failures=failures,
        untested=target.untested,
    )


def _version(client: str | None) -> str | None:
    if client is None:
        return None
    try:
        ran = subprocess.run(
            [client, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = ran.stdout.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines and ran.returncode == 0 else None


def _trusted(folder: Path) -> bool:
    """Tells whether Codex's configuration names any hook that was reviewed."""
    try:
        return "trusted_hash" in (folder / "config.toml").read_text("utf-8", "replace")
    except OSError:
        return False


def _recorded(workspace: WorkspaceReader, agent: str) -> tuple[int | None, tuple[str, ...]]:
    rows = [row for row in workspace.sessions() if row.agent == agent]
    last = max((row.last_ns for row in rows), default=None)
    newest = workspace.steps(limit=_LOOKED_AT, all_branches=True)
    gaps = (step for step in newest if step.kind == "gap" and step.agent in (agent, None))
    return last, tuple(step.reason or step.title for step in gaps)[:5]
