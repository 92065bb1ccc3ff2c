"""State beside files: its documents in the list of files, in the diff and in the preview."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.model.diffrows import LINES
from stepwell.tui.model.statedocument import StateDocument
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList

Make = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Steps that change a file and state, and at the end state alone."""
    folder = tmp_path / "orchard"
    folder.mkdir()
    (folder / "soil.py").write_text("DEPTH = 0\n")
    with Workspace.init(folder, home=tmp_path / "home") as ws:
        ws.capture("plan", session="me:1", state={"plan": {"todo": ["dig"], "depth": 0}})
        (folder / "soil.py").write_text("DEPTH = 1\n")
        state = {"plan": {"todo": ["dig", "plant"], "depth": 1}, "z\x1b[31mred": 1}
        ws.capture("dig", session="me:1", state=state)
        ws.capture("elsewhere", session="me:2", state={"plan": {"todo": []}})
    return folder


def _has(rows: list[str], text: str) -> bool:
    return any(text in row for row in rows)


def _state_grounds(app: StepwellApp) -> set[str | None]:
    """The grounds of the lines of a preview that change state."""
    diff = app.screen.query_one("#preview-diff", DiffView)
    changes = diff.rows.changes
    rows = ((n, diff.row(diff.row_at(n))) for n in range(diff.count))
    found = [
        n for n, row in rows if row.kind in LINES and isinstance(changes[row.change], StateDocument)
    ]
    assert found
    return {diff.row_ground(n) for n in found}


def test_documents_stand_behind_the_files_that_changed(
    root: Path, play_over: Make, until: Make, screen_text: Make
) -> None:
    """Each with a line for each place of it; what is picked of a step is files alone."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: _has(screen_text(app), "A state: plan"))
        await pilot.press("j")
        await until(lambda: _has(screen_text(app), "M state: plan"))
        rows = screen_text(app)
        for text in ("M soil.py", "- /depth  0", "+ /depth  1", '+ /todo/1  "plant"', "1 of 3"):
            assert _has(rows, text), text
        assert not _has(rows, "\x1b")
        files = app.screen.query_one(FileList)
        files.picks.toggle_all()
        assert [bytes(one.path) for one in files.picks.wanted()] == [b"soil.py"]
        assert files.picks.complete
        files.picks.toggle_all()
        assert not files.picks.any

    play_over(root, scene)


def test_a_document_is_no_file(root: Path, play_over: Make, until: Make, screen_text: Make) -> None:
    """It has no states to be walked through, and no differ takes it."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: _has(screen_text(app), "A state: plan"))
        for key, word in (("ctrl+t", "to compare"), ("comma", "states"), ("e", "to edit")):
            await pilot.press("2", key)
            await until(lambda word=word: word in app.main.footer.sentence)

    play_over(root, scene)


def test_a_preview_says_which_documents_go_back(
    root: Path, play_over: Make, until: Make, screen_text: Make, tmp_path: Path
) -> None:
    """With what becomes of them; not when files are left out; and they do go back."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await until(lambda: _has(screen_text(app), "A state: plan"))
        await pilot.press("j", "j")
        await until(lambda: _has(screen_text(app), "#2"))
        await pilot.press("r")
        await until(lambda: isinstance(app.screen, RestorePreview))
        await until(lambda: _has(screen_text(app), "M state: plan"))
        rows = screen_text(app)
        assert _has(rows, "State goes back, too: plan, ")
        for text in ("D state: plan of me:2", "- /depth  1", "+ /depth  0"):
            assert _has(rows, text), text
        assert not _has(rows, "\x1b")
        assert None not in _state_grounds(app)
        # The other session's later work is agreed to; then the file is left out, and not.
        await pilot.press("space", "j", "space")
        await until(lambda: not _has(screen_text(app), "State goes back"))
        assert _has(screen_text(app), "stays as it is")
        assert _state_grounds(app) == {None}
        await pilot.press("space", "y")
        await until(lambda: not isinstance(app.screen, RestorePreview))

    play_over(root, scene)
    with Workspace.open(root, home=tmp_path / "home") as ws:
        assert ws.state("me:1") == {"plan": {"todo": ["dig"], "depth": 0}}
        assert ws.state("me:2") == {}
