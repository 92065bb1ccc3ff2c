"""What is left to other programs, where it cannot be."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from textual.app import App

from stepwell.tui.screens.leaving import compare_files


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
