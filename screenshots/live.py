"""A session of Claude Code while it happens: its recorded hook events, told by the real hook client.

No client is needed: what the calls do to the files is done here, as their inputs say, between the
event before a call and the one after it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store import Workspace
from stepwell.store.agents import hookclient
from stepwell.store.model.ids import Clock, RandomBytes
from stepwell.store.model.version import VERSION
from stepwell.store.service.daemon import Settings, serve

PAYLOADS = Path(__file__).resolve().parents[1] / "tests/store/agents/payloads/claude.jsonl"
HOOK = Path(hookclient.__file__).with_name("hook.py")
FILES = {
    ".gitignore": "*.log\n",
    "notes.txt": "some notes\n",
    "doomed.txt": "will be removed\n",
    "run.sh": "#!/bin/sh\n",
}
LAST = "CHANGES.md"
"""The picture is taken when this file was written, in the middle of a turn."""


@dataclass(frozen=True)
class Session:
    """The scenario's project in a folder, and the session that goes on in it."""

    folder: Path
    home: Path
    runtime: Path

    def init(self, clock: Clock, randomness: RandomBytes) -> None:
        """Makes the project and puts it under care."""
        self.folder.mkdir()
        for name, text in FILES.items():
            (self.folder / name).write_text(text)
        Workspace.init(self.folder, home=self.home, clock=clock, randomness=randomness).close()

    @contextmanager
    def daemon(self, clock: Clock, randomness: RandomBytes) -> Iterator[None]:
        """Runs the workspace's daemon, on a thread, as at a fixed moment."""
        self.runtime.mkdir()
        settings = Settings(
            self.folder, self.home, self.runtime, VERSION, clock=clock, randomness=randomness
        )
        thread = threading.Thread(target=serve, args=(settings,), daemon=True)
        thread.start()
        with Workspace.open(self.folder, home=self.home) as workspace:
            while workspace.daemon() is None:
                time.sleep(0.01)
            try:
                yield
            finally:
                link = workspace.link()
                if link is not None:
                    link.stop()
                thread.join()

    def events(self) -> Iterator[None]:
        """Tells one event after the other, up to the last; what calls do is done on the way."""
        text = PAYLOADS.read_text().replace("/work/repo", str(self.folder))
        for line in text.splitlines():
            told = json.loads(line)
            event, payload = told["event"], told["payload"]
            if event in ("PostToolUse", "PostToolUseFailure"):
                self._do(payload["tool_name"], payload["tool_input"])
            self._tell(event, payload)
            yield
            if event == "PostToolUse" and LAST in payload["tool_input"].get("file_path", ""):
                return

    def _do(self, tool: str, given: dict[str, Any]) -> None:
        if tool == "Bash":
            subprocess.run(given["command"], shell=True, cwd=self.folder, stderr=subprocess.DEVNULL)
        elif tool == "Write":
            Path(given["file_path"]).write_text(given["content"])
        elif tool == "Edit":
            path = Path(given["file_path"])
            path.write_text(path.read_text().replace(given["old_string"], given["new_string"]))

    def _tell(self, event: str, payload: dict[str, Any]) -> None:
        subprocess.run(
            [sys.executable, "-I", "-S", str(HOOK), "claude", event],
            input=json.dumps(payload).encode(),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home.parent),
                "STEPWELL_HOME": str(self.home),
                "XDG_RUNTIME_DIR": str(self.runtime),
            },
            check=True,
        )
