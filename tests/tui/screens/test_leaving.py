"""What is left to other programs, where it cannot be, and what they print."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from textual.app import App

from stepwell.tui.screens.leaving import compare_files, tamed


@pytest.mark.parametrize("name", [b"plan/", b"a/..", b"a\0b", b"x" * 300])
def test_a_name_that_no_file_can_have_is_said(name: bytes) -> None:
    """Nothing breaks."""
    said = compare_files(App[None](), "diff", name, b"old", b"new")
    assert said.startswith("the two sides cannot be compared: ")


def test_no_room_for_the_two_sides_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there is no place for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    said = compare_files(App[None](), "diff", b"soil.py", b"old", b"new")
    assert said == "the two sides cannot be compared: No such file or directory"


def test_a_differs_colours_stay_and_nothing_else_acts() -> None:
    """Its own signs pass; links, titles and cursor moves out of a file's content do not."""
    printed = b"\x1b[31m-old\x1b[0m\n\x1b]0;wicked\x07\x1b[2J\x1b]8;;http://x\x1b\\\xff\n"
    clean = tamed(printed)
    assert clean.startswith(b"\x1b[31m-old\x1b[0m\n")
    rest = clean.removeprefix(b"\x1b[31m-old\x1b[0m\n")
    assert not set(rest) & {0x1B, 0x07, 0xFF}
    assert b"wicked" in rest and rest.count(b"\n") == 1


def test_plain_output_is_left_as_it_is() -> None:
    """But for tabs, which become spaces."""
    assert tamed(b"a\n b\n") == b"a\n b\n"
    assert tamed(b"") == b""
