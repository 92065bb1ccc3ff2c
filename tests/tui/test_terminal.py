"""The program in a real terminal: what outlives it, and how it steps aside."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from support.terminal import STEPWELL, Terminal, timeline

from stepwell.store import Workspace

KEYS = '[keys]\npreset = "lazygit"\n"timeline.tag" = "r"\n"files.tree" = "X"\n'


@pytest.fixture
def orchard(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace of nine steps; returns root and home."""
    root, home = tmp_path / "orchard", tmp_path / "home"
    root.mkdir()
    (root / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(root, home=home) as workspace:
        for number in range(1, 9):
            (root / "soil.py").write_text(f"DEPTH = {number}\n" + "x" * 150 + "\n")
            workspace.capture(f"depth {number}")
    return root, home


def test_the_screen_is_as_it_was_left(orchard: tuple[Path, Path]) -> None:
    """Step, mark, pane, times and diff; going back to now forgets the place again."""
    with timeline(*orchard) as screen:
        screen.press("j", "j", "j", "m")
        screen.until("a letter marks #6")
        screen.press("x")
        screen.until("' x leads to #6")
        screen.press("T", "3")
        screen.until("[ hunk")
        screen.press("s", "w")
        screen.until("│  1 + DEPTH = 5")
        assert screen.leave("q") == 0
    with timeline(*orchard) as screen:
        screen.until("back at #6")
        screen.until(lambda: "DEPTH = 5" in screen.text and "│  1 + DEPTH = 5" in screen.text)
        screen.press("1")
        screen.until("c compare")
        screen.press("G", "'")
        screen.until("a letter goes to its step   x #6")
        screen.press("x")
        screen.until("Diff #6")
        screen.press("'", "q")
        screen.until("no step is marked q")
        screen.press("@", "3")
        screen.until("[ hunk")
        assert screen.leave("q") == 0


def test_keys_of_ones_own_work_and_clashes_are_told(orchard: tuple[Path, Path]) -> None:
    """Footer and help show the keys in force; what clashed has its own key."""
    root, home = orchard
    (home / "keys.toml").write_text(KEYS)
    with timeline(root, home, STEPWELL_CONFIG=str(home / "keys.toml")) as screen:
        screen.until("r would be both timeline.restore and timeline.tag")
        screen.press(">")
        screen.until("9/9")
        screen.press("<")
        screen.until("z undo")
        assert "u undo" not in screen.text
        screen.press("z")
        screen.until("nothing to undo")
        screen.press("q")
        screen.until("W compare")
        screen.press("2")
        screen.until("X tree")
        screen.press("?")
        screen.until(lambda: "X folders, or whole paths" in " ".join(screen.text.split()))


def test_ctrl_z_gives_the_terminal_back_to_the_shell(orchard: tuple[Path, Path]) -> None:
    """Really stopped; `fg` draws the screen anew, and keys go on working."""
    root, home = orchard
    program = shlex.join([sys.executable, "-c", STEPWELL, "-C", str(root)])
    shell = ["bash", "--noprofile", "--norc", "-i"]
    settings = {"STEPWELL_HOME": str(home), "PS1": "prompt> ", "HISTFILE": ""}
    terminal = Terminal(shell, settings, (100, 30))
    try:
        terminal.until("prompt>")
        terminal.type(f"{program}\n")
        terminal.until(lambda: "1 Timeline" in terminal.text and "depth 8" in terminal.text)
        terminal.press("ctrl+z")
        terminal.until(lambda: "Stopped" in terminal.text and "prompt>" in terminal.text)
        terminal.type("echo $((6*7))\n")
        terminal.until("42")
        terminal.type("fg\n")
        terminal.until(lambda: "1 Timeline" in terminal.text and "42" not in terminal.lines[0])
        terminal.press("G")
        terminal.until("9/9")
        terminal.press("q")
        terminal.until("prompt>")
        terminal.type("exit\n")
        terminal.until(lambda: terminal.process.poll() is not None)
    finally:
        terminal.close()
