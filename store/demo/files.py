"""The demo's own hands: it changes the project's files and runs its commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.demo.acts import Delete, FileChange, Mode, Rename, Replace, Write
from stepwell.store.model.errors import FailedError

TIMEOUT_S = 60

# The project's commands find the Python that runs the demo, whatever the person's PATH says. It
# writes no bytecode: an edit that keeps a file's size within the second would run the old code.
_SHELL = 'export PATH="$1:$PATH" PYTHONDONTWRITEBYTECODE=1; exec sh -c "$2"'


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: its exit code and everything that it wrote."""

    exit_code: int
    output: str


def make_project(folder: Path, files: Iterable[tuple[str, str]]) -> None:
    """Writes the files, given as (path, text), below `folder`."""
    for path, text in files:
        _write(folder / path, text)


def change_files(folder: Path, changes: Iterable[FileChange]) -> None:
    """Makes the changes, in order.

    Raises:
        FailedError: a text to be replaced does not occur exactly once.
    """
    for change in changes:
        _change(folder, change)


def command_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns an environment in which commands behave as those that `run_command` runs."""
    path = f"{Path(sys.executable).parent}:{environment.get('PATH', os.defpath)}"
    return {**environment, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def run_command(folder: Path, line: str) -> Finished:
    """Runs a command line in `folder` and waits for its end."""
    words = ["sh", "-c", _SHELL, "sh", str(Path(sys.executable).parent), line]
    done = subprocess.run(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    return Finished(done.returncode, done.stdout)


def _change(folder: Path, change: FileChange) -> None:
    path = folder / change.path
    match change:
        case Write(text=text):
            _write(path, text)
        case Replace(old=old, new=new):
            _replace(path, old, new)
        case Rename(new_path=new_path):
            path.rename(folder / new_path)
        case Delete():
            path.unlink()
        case Mode(bits=bits):
            path.chmod(bits)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    # Whatever the umask, so that every run of the demo has the same snapshots.
    path.chmod(0o644)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise FailedError(
            f"the demo cannot edit {path.name}: its text is not what the session expects",
            hint="build the demo in a folder of its own",
            path=str(path),
        )
    path.write_text(text.replace(old, new), encoding="utf-8")
