"""The README's tour is true: its commands are run, and say what it says they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
PROGRAM = [
    sys.executable,
    "-c",
    "import sys; from stepwell.store.cli.main import main; sys.exit(main())",
]
LEFT_OUT = "..."


@dataclass(frozen=True)
class Said:
    """A command of the tour and what follows it."""

    words: list[str]
    lines: list[str]


def _tour() -> Iterator[Said]:
    part = (
        README.read_text().partition("## Five minutes")[2].partition("In a project of your own")[0]
    )
    text = "".join(re.findall(r"^```console\n(.*?)^```", part, re.MULTILINE | re.DOTALL))
    for block in text.removeprefix("$ ").split("\n$ "):
        command, *lines = block.rstrip("\n").split("\n")
        yield Said(shlex.split(command), lines)


def _plain(line: str) -> str:
    """Returns the line without what differs in every run: ids, ages, the widths made of them."""
    line = re.sub(r"\b[0-9a-f]{8}\b", "ID", line)
    line = re.sub(r"\b(now|\d+[smh])( ago)?\b", "AGE", line)
    return re.sub(r"\s+", " ", line).strip()


def _follows(shown: list[str], real: list[str]) -> bool:
    """Tells whether the lines are the real ones, where `...` stands for any number of them."""
    if not shown:
        return not real
    if shown[0] == LEFT_OUT:
        return any(_follows(shown[1:], real[start:]) for start in range(len(real) + 1))
    return bool(real) and shown[0] == real[0] and _follows(shown[1:], real[1:])


def test_the_tour_says_what_the_program_says(tmp_path: Path) -> None:
    """Every command of the tour, in order, over a demo of its own."""
    environment = os.environ | {"STEPWELL_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}
    place = tmp_path
    ran = []
    for said in _tour():
        if said.words[0] == "cd":
            place = place / said.words[1]
            continue
        assert said.words[0] == "stepwell"
        command = [*PROGRAM, *said.words[1:]]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
        real = done.stdout.replace(f"{tmp_path}/", "").splitlines()
        assert done.returncode == 0, done.stderr
        shown, plain = [_plain(line) for line in said.lines], [_plain(line) for line in real]
        assert _follows(shown, plain), f"{shlex.join(said.words)} says\n{done.stdout}"
        ran.append(said.words[1])
    assert {"demo", "log", "status", "rollback", "undo", "diff", "cat"} <= set(ran)
