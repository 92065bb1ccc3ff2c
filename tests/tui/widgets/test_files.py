"""The files pane."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from stepwell.tui.messages import CursorMoved
from stepwell.tui.values import Change, TrackedPath
from stepwell.tui.widgets.files import FileList


def change(path: bytes, status: str = "M", **fields: object) -> Change:
    return Change(TrackedPath(path), status, **fields)  # type: ignore[arg-type]


CHANGES = (
    change(b"auth/session.py", added=12, deleted=3),
    change(b"tests/test_a.py", "A", added=1_540),
    change(b"docs/logo.png", binary=True),
    change(b"new.py", "R", old_path=TrackedPath(b"old.py")),
)


class Stage(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.files = FileList()
        self.moves: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.files

    def on_mount(self) -> None:
        self.files.show(CHANGES)
        self.files.focus()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        self.moves.append(message.index)


def play(scene: Callable[[Pilot[None], Stage], Awaitable[None]], width: int = 40) -> None:
    async def whole() -> None:
        app = Stage()
        async with app.run_test(size=(width, 10)) as pilot:
            await pilot.pause()
            await scene(pilot, app)

    asyncio.run(whole())


def drawn(app: Stage) -> list[str]:
    rows = range(app.files.count)
    return ["".join(s.text for s in app.files.render_line(y)).rstrip() for y in rows]


def test_rows_tell_letter_path_and_numbers_in_columns() -> None:
    """Numbers stand under each other; a renamed file says from where."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        assert drawn(app) == [
            "▌ M auth/session.py          +12    -3",
            "  A tests/test_a.py        +1.5k",
            "  M docs/logo.png               binary",
            "  R new.py ← old.py",
        ]

    play(scene)


def test_narrow_panes_keep_the_name_of_the_file() -> None:
    """The folder part gives way first; no row is wider than the pane."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        rows = drawn(app)
        assert "ession.py" in rows[0] and "…" in rows[0]
        assert all(len(row) <= 28 for row in rows)

    play(scene, width=28)


def test_the_cursor_is_told_and_following_is_silent() -> None:
    """Moving by key leads the diff; following the diff does not echo."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("j", "j")
        assert app.moves == [1, 2]
        app.files.follow(0)
        await pilot.pause()
        assert app.files.cursor == 0
        assert app.moves == [1, 2]

    play(scene)


def test_the_same_path_stays_selected_in_other_changes() -> None:
    """Walking through steps, the file that one follows keeps the cursor."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("j")
        app.files.show((CHANGES[3], CHANGES[1]))
        assert app.files.cursor == 1
        app.files.show((CHANGES[3],))
        assert app.files.cursor == 0

    play(scene)
