"""A step's changes without their lines, and the lines added one change at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.store.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Step 2 changes, renames, adds and deletes files of several sorts; step 3 one of them again."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "text").write_text("one\ntwo\n")
    (root / "old name").write_text("moved\n")
    (root / "gone").write_text("x\n")
    (root / "mode").write_text("m\n")
    workspace = Workspace.init(root, home=tmp_path / "home")
    (root / "text").write_text("one\n2\n")
    (root / "old name").rename(root / "new name")
    (root / "gone").unlink()
    (root / "mode").chmod(0o755)
    (root / "binary").write_bytes(b"\0\1\2")
    (root / "empty").touch()
    workspace.capture("much")
    (root / "text").write_text("1\n2\n")
    workspace.capture("a little")
    return workspace


def test_lines_that_come_later_are_the_same(ws: Workspace) -> None:
    """For a step's own change and since another step."""
    with ws:
        much, little = ws.get_step("#2"), ws.get_step("#3")
        for step in (ws.get_step("#1"), much, little):
            later = tuple(ws.with_lines(change) for change in ws.changed_files(step))
            assert later == ws.step_changes(step)
        since = ws.changed_files(little, since=much)
        assert tuple(ws.with_lines(c, context=0) for c in since) == ws.diff(much, little, context=0)


def test_no_file_is_read_before_its_lines_are_wanted(ws: Workspace) -> None:
    """The list is there at once, however much the files hold."""
    with ws:
        files = {change.path: change for change in ws.changed_files(ws.get_step("#2"))}
        assert {path: change.status for path, change in files.items()} == {
            b"text": "M", b"new name": "R", b"gone": "D", b"mode": "M", b"binary": "A", b"empty": "A",
        }  # fmt: skip
        assert not any(c.added or c.deleted or c.hunks or c.binary for c in files.values())
