"""Offering old sessions once: what was found for a folder, and that it is not asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from stepwell.store.agents.transcripts.sessions import find_sessions, import_session
from stepwell.store.engine.atomic import write_atomic
from stepwell.store.model.errors import FailedError
from stepwell.store.workspace import Workspace

ANSWERED = "offered"
"""Name of a file in the store: there is nothing to ask, or it was answered."""


class Offers:
    """What can be offered of old sessions; `folders` are where agents keep them, by agent.

    `keeps_text` is asked when they are imported.
    """

    def __init__(self, folders: Mapping[str, Path], keeps_text: Callable[[], bool]) -> None:
        self._folders = folders
        self._keeps_text = keeps_text

    def pending(self, workspace: Workspace) -> Mapping[str, int]:
        """Returns agent -> how many sessions of it are no steps yet; empty once it was answered.

        Where there are none, that is the answer.
        """
        if (workspace.store / ANSWERED).exists():
            return {}
        found = Counter(
            agent
            for agent, folder in self._folders.items()
            for one in find_sessions(workspace, agent, folder)
            if not one.live and one.imported < len(one.told)
        )
        if not found:
            self.decline(workspace)
        return dict(found)

    def accept(self, workspace: Workspace) -> tuple[int, int]:
        """Imports them; returns how many sessions and steps that were.

        Raises:
            StepwellError: an import failed; what was imported stays, and it is asked again.
        """
        sessions = steps = 0
        for agent, folder in self._folders.items():
            for one in find_sessions(workspace, agent, folder):
                if not one.live:
                    count, _ = import_session(workspace, one, keep_text=self._keeps_text())
                    sessions, steps = sessions + bool(count), steps + count
        self.decline(workspace)
        return sessions, steps

    def decline(self, workspace: Workspace) -> None:
        """Notes that it is not to be asked again."""
        # Where that cannot be written, it is asked once more.
        with suppress(FailedError):
            write_atomic(workspace.store / ANSWERED, b"", durable=False)
