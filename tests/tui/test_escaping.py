"""`esc` and a key that come in one piece, as over a slow line, are `esc` and the key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.terminal import Terminal, timeline
from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.widgets import TextArea

from stepwell.store import Workspace
from stepwell.tui.escaping import EscapedKey, EscapingDriver, reading


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Terminal]:
    """The timeline of five steps, with a key of its own for alt and n."""
    root, config = tmp_path / "orchard", tmp_path / "config.toml"
    root.mkdir()
    config.write_text('[keys]\n"timeline.now" = ["@", "alt+n"]\n')
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        for number in range(5):
            (root / "soil.py").write_text(f"DEPTH = {number}\n")
            workspace.capture(f"depth {number}")
    with timeline(root, tmp_path / "home", STEPWELL_CONFIG=str(config)) as screen:
        yield screen


def selected(screen: Terminal) -> str:
    """The row of the timeline under the cursor."""
    return next((row.split("│")[0] for row in screen.lines if row.startswith("▌")), "")


def test_a_key_right_behind_esc_is_a_key(screen: Terminal) -> None:
    """A letter, a sign, a capital that sequences begin with, one that Textual has another use for."""
    for burst, wanted in (
        ("\x1b:", ": Commands"),
        ("\x1bb", "b Branches"),
        ("\x1bI", "I Figures"),
        ("\x1bO", "O Operations"),
        ("\x1b?", "type to search keys"),
        ("\x1bV", "V Rules"),
    ):
        screen.type("s")
        screen.until("s Sessions")
        screen.type(burst)
        screen.until(
            lambda wanted=wanted: wanted in screen.text and "s Sessions" not in screen.text
        )
        screen.press("esc")
        screen.until(lambda wanted=wanted: wanted not in screen.text)
    screen.type("s")
    screen.until("s Sessions")
    screen.type("\x1b/depth 1\rs")
    screen.until("s Sessions")
    screen.type("\x1bj")
    screen.until(lambda: "depth 0" in selected(screen))
    screen.type("s\x1b\x1b[A")
    screen.until(lambda: "depth 1" in selected(screen))


def test_a_line_is_left_and_the_key_behind_goes_to_the_pane(screen: Terminal) -> None:
    """What was typed so far is dropped; the key is none of it."""
    screen.type("/depth 3\r")
    screen.until(lambda: "depth 3" in selected(screen))
    screen.type("fdepth")
    screen.until("filter depth")
    screen.type("\x1bj")
    screen.until(lambda: "depth 2" in selected(screen))


def test_alt_keeps_the_meaning_that_it_was_given(screen: Terminal) -> None:
    """In the settings; and where text is typed, alt and b goes a word back."""
    screen.type("Gk")
    screen.until(lambda: "depth 0" in selected(screen))
    screen.type("\x1bn")
    screen.until(lambda: "depth 4" in selected(screen))
    screen.type(":log here\x1bbover-")
    screen.until(": log over-here")


def test_keys_of_text_with_alt_leave_no_line(screen: Terminal) -> None:
    """`d` cuts the next word; backspace as ^H and enter are what they are without alt."""
    screen.type(":logs here\x1b[H\x1bd")
    screen.until(": here")
    screen.type("\x05x\x1b\x08\x1b\x08y")
    screen.until(": hery")
    screen.press("esc")
    screen.type("/depth 3\x1b\r")
    screen.until(lambda: "depth 3" in selected(screen) and "/depth" not in screen.text)


def test_a_sequence_that_stalls_leaves_no_line(screen: Terminal) -> None:
    """What begins as pasted text, a mouse report or an arrow does is no `esc`, however slow."""
    screen.type(":log")
    screen.until(": log")
    screen.type("\x1b[20")
    screen.until(": log[20")
    screen.type("0~text")
    screen.until(": log[200~text")


def test_a_word_is_cut_from_longer_texts_too() -> None:
    """By the key that Textual has for it."""
    (key,) = EscapedKey(events.Key("d", "d"), events.Key("alt+d", "d")).keys(set(), TextArea())
    actions = [one.action for one in TextArea.BINDINGS if key.key in one.key.split(",")]
    assert actions == ["delete_word_right"]


@pytest.mark.parametrize("driver", [LinuxDriver, Driver])
def test_only_the_reading_of_a_terminal_is_another(driver: type[Driver]) -> None:
    """A driver for tests, for the web or for other systems stays what it is."""
    assert reading(driver) is (EscapingDriver if driver is LinuxDriver else driver)
