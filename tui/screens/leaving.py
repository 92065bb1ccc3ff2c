"""Leaving the terminal to another program for a while: an editor at a line, a pager with a patch."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any

from textual.app import App, SuspendNotSupported

from stepwell.tui.gateway import environment
from stepwell.tui.values import printable, printable_line

_PLUS = frozenset(
    ("vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "kak", "joe", "micro", "ne")
)
"""Editors that take `+LINE` before the file."""
_COLON = frozenset(("hx", "helix", "subl", "zed"))
"""Editors that take `FILE:LINE`."""
_PRINTING = frozenset(("diff", "difft", "delta", "icdiff", "colordiff"))
"""Differs that print and end."""
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_GOTO = frozenset(("code", "codium", "cursor", "windsurf"))
"""Editors that take `--goto FILE:LINE`, and come back at once without `--wait`."""


def editor_command(variables: Mapping[str, str], path: bytes, line: int | None) -> Sequence[str]:
    """Returns program and arguments that open a file (at a line) in a person's editor.

    An editor that is not known gets the file alone.
    """
    chosen = variables.get("VISUAL") or variables.get("EDITOR") or ""
    # Of white space alone nothing is left, and the file itself would be run.
    words, file = shlex.split(chosen) or ["vi"], os.fsdecode(os.path.abspath(path))
    name = os.path.basename(words[0])
    if name in _GOTO:
        return [*words, "--wait", "--goto", file if line is None else f"{file}:{line}"]
    if line is None:
        return [*words, file]
    if name in _COLON:
        return [*words, f"{file}:{line}"]
    return [*words, f"+{line}", file] if name in _PLUS else [*words, file]


def edit_file(app: App[Any], path: bytes, line: int | None) -> str:
    """Runs the person's editor over a file; returns why it did not go well, or nothing."""
    if not os.path.lexists(path):
        return "there is no such file on disk to edit"
    try:
        command = editor_command(environment(), path, line)
    except ValueError as error:
        return printable(f"$EDITOR cannot be understood: {error}")
    return run_there(app, command)


def page_text(app: App[Any], text: str) -> str:
    """Shows a text in the person's pager; returns why it did not go well, or nothing."""
    try:
        command = shlex.split(environment().get("PAGER") or "") or ["less"]
    except ValueError as error:
        return printable(f"$PAGER cannot be understood: {error}")
    return run_there(app, command, text.encode("utf-8", "replace"))


def compare_files(
    app: App[Any], differ: str, name: bytes, old: bytes | None, new: bytes | None
) -> str:
    """Runs the person's differ over two files; returns why it did not go well, or nothing.

    What only prints is shown in the pager.
    """
    try:
        command = shlex.split(differ) or ["vimdiff"]
    except ValueError as error:
        return printable(f"the differ cannot be understood: {error}")
    try:
        with TemporaryDirectory(prefix="stepwell-") as folder:
            files = [_laid(folder, side, name, text) for side, text in (("old", old), ("new", new))]
            return _compare(app, command, files)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return printable(f"the two sides cannot be compared: {why}")


def _compare(app: App[Any], command: Sequence[str], files: Sequence[str]) -> str:
    if os.path.basename(command[0]) not in _PRINTING:
        return run_there(app, [*command, *files])
    try:
        done = subprocess.run([*command, *files], capture_output=True, check=False)
    except OSError as error:
        return printable(f"cannot run {command[0]}: {error.strerror}")
    return run_there(app, ["less", "-R"], tamed(done.stdout or done.stderr))


def tamed(output: bytes) -> bytes:
    """Returns what a differ printed with its colours, and nothing else that acts on a terminal."""
    parts = _COLOUR.split(output)
    colours = [*_COLOUR.findall(output), b""]
    clean = (_harmless(part) for part in parts)
    return b"".join(part + colour for part, colour in zip(clean, colours, strict=True))


def _harmless(output: bytes) -> bytes:
    lines = output.decode("utf-8", "surrogateescape").split("\n")
    return "\n".join(printable_line(line) for line in lines).encode("utf-8", "backslashreplace")


def _laid(folder: str, side: str, name: bytes, text: bytes | None) -> str:
    """A side that is not there is an empty file: every differ takes two."""
    place = os.path.join(folder, side)
    os.mkdir(place)
    path = os.path.join(place, os.fsdecode(os.path.basename(name)))
    with open(path, "xb") as file:
        file.write(text or b"")
    return path


def run_there(app: App[Any], command: Sequence[str], given: bytes | None = None) -> str:
    """Runs a program on the terminal, `given` on its input; returns what went wrong, or nothing."""
    try:
        with app.suspend():
            done = subprocess.run(command, input=given, check=False)
    except SuspendNotSupported:
        return "this terminal cannot be left to another program"
    except OSError as error:
        return printable(f"cannot run {command[0]}: {error.strerror}")
    return "" if done.returncode == 0 else printable(f"{command[0]} ended with {done.returncode}")
