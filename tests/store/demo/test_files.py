"""The demo's hands: exact edits, real commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.store.demo.acts import Delete, Mode, Rename, Replace, Write
from stepwell.store.demo.files import change_files, run_command
from stepwell.store.model.errors import FailedError


def test_changes_are_made_in_order(tmp_path: Path) -> None:
    """Each change sees what the one before it left."""
    changes = (
        Write("a/one.txt", "first\n"),
        Replace("a/one.txt", "first", "second"),
        Rename("a/one.txt", "two.txt"),
        Mode("two.txt", 0o755),
        Write("gone.txt", ""),
        Delete("gone.txt"),
    )
    change_files(tmp_path, changes)
    assert (tmp_path / "two.txt").read_text() == "second\n"
    assert (tmp_path / "two.txt").stat().st_mode & 0o777 == 0o755
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "two.txt"]


@pytest.mark.parametrize("text", ["nothing of it", "word word"])
def test_an_edit_that_does_not_fit_exactly_once_is_an_error(tmp_path: Path, text: str) -> None:
    """A session that drifted from its project fails loudly, and changes nothing."""
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(FailedError, match="cannot edit file"):
        change_files(tmp_path, [Replace("file.txt", "word", "other")])
    assert (tmp_path / "file.txt").read_text() == text


def test_a_command_runs_in_the_folder_and_its_end_is_told(tmp_path: Path) -> None:
    """Exit code and both streams, as a person would see them."""
    done = run_command(tmp_path, "echo out; echo err >&2; touch made.txt; exit 3")
    assert (done.exit_code, done.output) == (3, "out\nerr\n")
    assert (tmp_path / "made.txt").exists()


def test_python3_is_the_one_that_runs_the_demo(tmp_path: Path) -> None:
    """Whatever the person's PATH leads to."""
    import sys

    done = run_command(tmp_path, "python3 -c 'import sys; print(sys.prefix)'")
    assert done.output.strip() == sys.prefix
