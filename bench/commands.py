"""Command-line tools from the package index, and our own command, as whole processes.

Each tool has an environment and a home of its own. What it does is what a person would type.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
from table import Stopped, say
from trees import clean_environment


class NotInstalled(Exception):
    """The package index did not give a tool."""


class Command:
    """One tool over one copy of the tree."""

    name = ""
    package = ""
    """Requirement of the package index; empty: installed beside this interpreter."""
    repeats = 1
    guests: tuple[()] = ()

    def __init__(self, root: Path, store: Path) -> None:
        self.root, self.store = root, store
        self._programs = (
            environment_of(self.package) if self.package else Path(sys.executable).parent
        )
        self._patience_s: float | None = None

    def prepare(self) -> None:
        """Makes an empty home."""
        self.store.mkdir()

    def capture(self) -> None:
        raise NotImplementedError

    def token(self) -> str:
        """Returns what the tool calls the newest capture."""
        raise NotImplementedError

    def restore(self, token: str, changed: list[str]) -> None:
        raise NotImplementedError

    def tree(self, token: str) -> str:
        """Nothing: these tools have ids of their own."""
        return ""

    def stop_after(self, patience_s: float) -> None:
        self._patience_s = patience_s if patience_s < 3600 else None

    def heal(self) -> None:
        """Nothing can be done from outside."""

    def close(self) -> None:
        shutil.rmtree(self.store, ignore_errors=True)

    def run(self, program: str, *words: str) -> str:
        """Runs a program of the tool in the tree and returns what it printed."""
        environment = clean_environment() | {
            "HOME": str(self.store),
            "STEPWELL_HOME": str(self.store),
        }
        environment |= {"PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb"}
        command = [str(self._programs / program), *words]
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self._patience_s,
            )
        except subprocess.TimeoutExpired:
            raise Stopped from None
        if done.returncode:
            raise RuntimeError(f"{command}: {done.returncode}: {done.stderr[-400:]}")
        return done.stdout


class Stepwell(Command):
    name = "stepwell"

    def prepare(self) -> None:
        super().prepare()
        self._newest = json.loads(self.run("stepwell", "init", "--json"))["step"]

    def capture(self) -> None:
        answer = json.loads(self.run("stepwell", "capture", "--json"))
        self._newest = answer["head"]["id"] if answer.get("unchanged") else answer["id"]

    def token(self) -> str:
        return self._newest

    def restore(self, token: str, changed: list[str]) -> None:
        self.run("stepwell", "rollback", token, "--yes", "--json")


class Stepback(Command):
    """Its only way to capture is to run a command under it."""

    name = "stepback"
    package = "stepback==0.2.0"

    def capture(self) -> None:
        self.run("stepback", "run", "--", "true")

    def token(self) -> str:
        state = json.loads((self.root / ".git/stepback/state.json").read_text())
        return str(state["checkpoints"][-1]["id"])

    def restore(self, token: str, changed: list[str]) -> None:
        self.run("stepback", "rewind", token, "-y")


class Rewind(Command):
    name = "rewind-ai"
    package = "rewind-ai==1.1.0"

    def capture(self) -> None:
        self.run("rewind", "snap", "-m", "bench")

    def token(self) -> str:
        meta = json.loads((self.root / ".git/rewind_meta.json").read_text())
        return str(meta["checkpoints"][-1]["index"])

    def restore(self, token: str, changed: list[str]) -> None:
        self.run("rewind", "jump", token, "-y")


class Unedit(Command):
    name = "unedit"
    package = "unedit==0.1.5"

    def capture(self) -> None:
        self._newest = json.loads(self.run("unedit", "save", "-m", "bench", "--json"))["id"]

    def token(self) -> str:
        return str(self._newest)

    def restore(self, token: str, changed: list[str]) -> None:
        self.run("unedit", "back", token, "--yes")


class Snapback(Command):
    name = "snapback-cli"
    package = "snapback-cli==0.2.0"

    def capture(self) -> None:
        self._newest = self.run("snapback", "snap", "-m", "bench").split()[-1]

    def token(self) -> str:
        return self._newest

    def restore(self, token: str, changed: list[str]) -> None:
        self.run("snapback", "undo", token)


OTHERS: tuple[type[Command], ...] = (Stepback, Rewind, Unedit, Snapback)


def environment_of(package: str) -> Path:
    """Returns the folder of a package's programs; it is installed once, into the cache folder.

    Raises:
        NotInstalled: the package index does not give it.
    """
    folder = Path(platformdirs.user_cache_dir("stepwell-bench")) / re.sub(r"\W+", "-", package)
    programs = folder / "bin"
    if not (folder / "ready").exists():
        say(f"installing {package}")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [
            str(programs / "python"),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "-q",
        ]
        done = subprocess.run([*pip, package], capture_output=True, text=True)
        if done.returncode:
            raise NotInstalled(f"{package}: {done.stderr[-300:]}")
        (folder / "ready").touch()
    return programs
