"""The program in a real terminal: what outlives it, and how it steps aside."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.terminal import STEPWELL, Terminal, timeline
from support.traces import everywhere

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


def test_a_purge_reaches_the_lines_of_a_screen_that_is_open(orchard: tuple[Path, Path]) -> None:
    """What it blots out is not there when that screen is left, nor at the next start."""
    root, home = orchard
    key = "SERVICE_KEY=9f8a7b6c5d4e3f2a1b0c"
    (root / ".env").write_text(f"{key}\n")
    with Workspace.open(root, home=home) as workspace, timeline(root, home) as screen:
        workspace.capture("leak")
        screen.until("leak")
        screen.press(":")
        screen.until("Commands")
        screen.type(f"log '{key}'\r")
        screen.until("no step")
        done = workspace.purge(paths=[b".env"])
        assert "screen file" in {one.what for one in done.beside}
        screen.press("esc")
        screen.until("1 Timeline")
        assert screen.leave("q") == 0
    assert not everywhere(home, key.encode())
    with timeline(root, home) as screen:
        screen.until("leak")
        screen.press(":")
        screen.until("Commands")
        screen.press("up")
        screen.until("log '[purged]'")


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


SGR = re.compile(rb"\x1b\[([0-9;]*)m")
OWN = {39, 49, *range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)}
"""The codes of a terminal's own colours, and of its own ground."""


def colours(written: bytes) -> Iterator[int]:
    """Yields the codes of colours that were written; 38 and 48 stand for one by its numbers."""
    for found in SGR.finditer(written):
        codes = [int(code or 0) for code in found[1].split(b";")]
        for code in codes:
            if code >= 30 and code not in range(50, 90):
                yield code
            if code in (38, 48):
                break


def walk_through(screen: Terminal) -> None:
    """Opens a diff, a note, a preview, the help and a filter."""
    screen.press("j", "3")
    screen.until("[ hunk")
    screen.press("1")
    for key, shown in (("a", "ctrl+s"), ("r", "y apply"), ("f", "enter keep"), ("?", "↑ ↓ choose")):
        screen.until("c compare")
        screen.press(key)
        screen.until(shown)
        screen.press("esc")
        screen.until(lambda gone=shown: gone not in screen.text)  # type: ignore[misc]


def test_the_ansi_theme_uses_the_terminals_own_colours_alone(orchard: tuple[Path, Path]) -> None:
    """Set in the settings: no colour by numbers, no ground but the terminal's; what is selected is swapped."""
    root, home = orchard
    (home / "look.toml").write_text('[screen]\ntheme = "ansi"\n')
    with timeline(root, home, STEPWELL_CONFIG=str(home / "look.toml")) as screen:
        walk_through(screen)
        assert screen.reversed_line(screen.line_with("depth 7"))
        assert not screen.reversed_line(screen.line_with("depth 6"))
        assert screen.leave("q") == 0
    found = set(colours(screen.written))
    assert found <= OWN
    assert {31, 32, 33, 36} <= found


def test_without_colours_selection_and_changes_are_still_seen(orchard: tuple[Path, Path]) -> None:
    """NO_COLOR: no colour is written at all; what is remembered of colours stays."""
    root, home = orchard
    with timeline(root, home) as screen:
        screen.press("o")
        screen.until("theme: light")
        assert screen.leave("q") == 0
    with timeline(root, home, NO_COLOR="1") as screen:
        walk_through(screen)
        assert screen.reversed_line(screen.line_with("depth 7"))
        screen.press("o")
        screen.until("NO_COLOR is set")
        assert screen.leave("q") == 0
    assert set(colours(screen.written)) <= {39, 49}
    with timeline(root, home) as screen:
        screen.press("o")
        screen.until("theme: ansi")


def test_a_theme_that_there_is_not_is_told(orchard: tuple[Path, Path]) -> None:
    """The timeline starts all the same."""
    root, home = orchard
    (home / "look.toml").write_text('[screen]\ntheme = "pink"\n')
    with timeline(root, home, STEPWELL_CONFIG=str(home / "look.toml")) as screen:
        screen.until("there is no theme pink; there are dark, light, ansi, ansi-light")
