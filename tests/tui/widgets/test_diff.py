"""The diff widget: what is drawn, and where its keys lead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from stepwell.tui.feed.highlight import Highlighter
from stepwell.tui.keys.actions import actions_for
from stepwell.tui.look.themes import ALL, STEPWELL, STEPWELL_LIGHT
from stepwell.tui.messages import ContextAsked, CursorMoved, Refused
from stepwell.tui.model.diffrows import DiffRows, Kind
from stepwell.tui.values import Change, Hunk, Oid, TrackedPath
from stepwell.tui.widgets.diff import DiffView

OLD, NEW = Oid(b"o" * 20), Oid(b"n" * 20)
KEYS = {
    action.id for scope in ("list", "diff") for action in actions_for(scope) if not action.of_screen
}
TEXT = b"import os\n\ndef f():\n    return 2\n"


def change(path: bytes = b"src/a.py", lines: Sequence[bytes] = ()) -> Change:
    shown = lines or (b" def f():\n", b"-    return 1\n", b"+    return 2\n")
    counts = [sum(line[:1] in sign for line in shown) for sign in (b" -", b" +")]
    hunk = Hunk(path.hex(), 3, counts[0], 3, counts[1], tuple(shown))
    return Change(TrackedPath(path), "M", None, 0o100644, 0o100644, OLD, NEW,
                  added=1, deleted=1, hunks=(hunk,))  # fmt: skip


class Shelf:
    def read_blobs(
        self, oids: Sequence[Oid], limit: int, then: Callable[[Mapping[Oid, bytes]], None]
    ) -> None:
        then({NEW: TEXT, OLD: TEXT.replace(b"2", b"1")})


class Stage(App[None]):
    """One diff in a terminal."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, rows: DiffRows, coloured: bool = False) -> None:
        super().__init__()
        self.highlighter = Highlighter(Shelf())
        self.diff = DiffView(highlighter=self.highlighter if coloured else None)
        self.rows = rows
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.diff

    def on_mount(self) -> None:
        for theme in ALL:
            self.register_theme(theme)
        self.theme = STEPWELL.name
        self.diff.show(self.rows, "Diff #1")
        self.diff.focus()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        self.heard.append(message)

    def on_context_asked(self, message: ContextAsked) -> None:
        self.heard.append(message)

    def on_refused(self, message: Refused) -> None:
        self.heard.append(message)


Scene = Callable[[Pilot[None], Stage], Awaitable[None]]


def play(rows: DiffRows, scene: Scene, *, coloured: bool = False, size=(80, 24)) -> None:  # type: ignore[no-untyped-def]
    async def whole() -> None:
        app = Stage(rows, coloured)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await scene(pilot, app)
        app.highlighter.close()

    asyncio.run(whole())


def line(diff: DiffView, y: int) -> list[Segment]:
    return list(diff.render_line(y))


def text(diff: DiffView, y: int) -> str:
    return "".join(segment.text for segment in line(diff, y))


def grounds(diff: DiffView, y: int) -> dict[str, str]:
    """The ground of each word of a line."""
    return {
        word: segment.style.bgcolor.name
        for segment in line(diff, y)
        for word in segment.text.split()
        if segment.style and segment.style.bgcolor
    }


def test_lines_stand_behind_aligned_numbers_and_signs() -> None:
    """Signs tell added from removed without any colour."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        found = [text(app.diff, y).rstrip() for y in range(5)]
        assert found[0].startswith("▌M src/a.py") and found[0].endswith("+1 -1")
        assert found[1:] == [
            "   ⋯   ⋯   2 lines",
            "   3   3   def f():",
            "   4     -     return 1",
            "       4 +     return 2",
        ]

    play(DiffRows([change()]), scene)


@pytest.mark.parametrize("theme", [STEPWELL, STEPWELL_LIGHT])
def test_added_and_removed_lines_have_grounds_and_words_stand_out(theme: object) -> None:
    """The changed word lies on a stronger ground than its line, in both themes."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        app.theme = theme.name  # type: ignore[attr-defined]
        await pilot.pause()
        removed, added, context = (grounds(app.diff, y) for y in (3, 4, 2))
        assert removed["return"] != removed["1"]
        assert added["return"] != added["2"]
        assert len({removed["return"], added["return"], context["def"]}) == 3

    play(DiffRows([change()]), scene)


def test_colour_comes_after_the_plain_text() -> None:
    """First drawn plain, then keywords get their colour and gaps their names."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        for _ in range(500):
            if app.highlighter.colours.has(OLD, 1, 4):
                break
            await asyncio.sleep(0.01)
        await pilot.pause()
        colours = {
            word: segment.style.color.name
            for segment in line(app.diff, 4)
            for word in segment.text.split()
            if segment.style and segment.style.color
        }
        assert colours["return"] != colours["2"]

    play(DiffRows([change()]), scene, coloured=True)


def test_hunk_and_file_keys_jump() -> None:
    """`]` and `[` to changes, `}` and `{` to file headers."""
    rows = DiffRows([change(b"a.py"), change(b"b.py"), change(b"c.py")])

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        stops = []
        for key in ("]", "]", "[", "}", "}", "{"):
            await pilot.press(key)
            row = app.diff.row(app.diff.here)
            stops.append((row.kind, row.change))
        assert stops == [
            (Kind.DELETE, 0), (Kind.DELETE, 1), (Kind.DELETE, 0),
            (Kind.FILE, 1), (Kind.FILE, 2), (Kind.FILE, 1),
        ]  # fmt: skip

    play(rows, scene)


def test_the_caption_says_where_one_is() -> None:
    """File, hunk and numbers follow the cursor; above the first hunk it is in none."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        assert app.diff.title_text == "Diff #1  a.py  1 hunk"
        await pilot.press("]", "]")
        assert app.diff.title_text == "Diff #1  b.py  hunk 1/1"
        assert app.diff.title_right == "file 2/2  +1 -1"

    play(DiffRows([change(b"a.py"), change(b"b.py")]), scene)


def test_going_to_a_file_tells_nobody() -> None:
    """The files pane leads; an echo would fight with its cursor."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        app.heard.clear()
        app.diff.go_to_file(1)
        await pilot.pause()
        assert app.diff.row(app.diff.here).change == 1
        assert app.heard == []

    play(DiffRows([change(b"a.py"), change(b"b.py")]), scene)


def test_long_lines_scroll_sideways_behind_the_numbers() -> None:
    """`L` and `H` move the text, numbers and signs stay; the end of the line is the end."""
    lines = (b"+" + b"".join(b"%04d" % i for i in range(40)) + b"\n",)

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("L")
        assert text(app.diff, 2)[:19] == "       3 + 00020003"
        for _ in range(40):
            app.diff.action_sideways_right()
        assert text(app.diff, 2).rstrip().endswith("0039")
        for _ in range(60):
            app.diff.action_sideways_left()
        assert text(app.diff, 2)[:15] == "       3 + 0000"

    play(DiffRows([change(lines=lines)]), scene)


def test_hostile_content_never_reaches_the_terminal() -> None:
    """Escape sequences and markup are text; nothing of them acts."""
    lines = (b"+[red]\x1b[31m\x07\xe2\x80\xae[/]\n",)

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        drawn = "".join(text(app.diff, y) for y in range(6))
        assert "[red]\\x1b[31m\\x07\\u202e[/]" in drawn
        assert "a\\x1b]0;t\\x07" in drawn
        assert not any(ord(char) < 32 or ord(char) == 0x202E for char in drawn)

    play(DiffRows([change(b"a\x1b]0;t\x07", lines)]), scene)


def test_more_context_keeps_the_line_in_place() -> None:
    """`)` asks; the reread diff stands on the line that was read."""
    wide = (b" # a\n", b" # b\n", b" def f():\n", b"-    return 1\n", b"+    return 2\n")

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("]", ")")
        asked = [m for m in app.heard if isinstance(m, ContextAsked)]
        assert [m.by for m in asked] == [1]
        reread = change(lines=wide)
        hunk = reread.hunks[0]
        moved = Hunk("x", 1, hunk.old_lines, 1, hunk.new_lines, hunk.lines)
        app.diff.show(DiffRows([Change(reread.path, "M", None, 0o100644, 0o100644, OLD, NEW,
                                       added=1, deleted=1, hunks=(moved,))]))  # fmt: skip
        assert app.diff.row(app.diff.here).text == "    return 1"

    play(DiffRows([change()]), scene)


def test_a_page_of_a_long_diff_is_drawn_fast() -> None:
    """Only what is in view is computed: a page of 20,000 lines costs what a page of 40 does."""
    body = []
    for index in range(7_000):
        body += [b" keep(%d)\n" % index, b"-    old_name(%d, x)\n" % index,
                 b"+    new_name(%d, x, y)\n" % index]  # fmt: skip
    rows = DiffRows([change(lines=body)])

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        drawn: list[int] = []
        plain = app.diff.draw_row

        def counted(index: int, width: int) -> Sequence[Segment]:
            drawn.append(index)
            return plain(index, width)

        app.diff.draw_row = counted  # type: ignore[method-assign]
        await pilot.press("pagedown", "pagedown")
        assert 0 < len(drawn) < 4 * 36
        times = []
        for _ in range(30):
            begun = time.process_time()
            app.diff.action_page_down()
            for y in range(36):
                app.diff.render_line(y)
            times.append(time.process_time() - begun)
        assert sorted(times)[15] < 0.016

    play(rows, scene, size=(120, 36))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(sorted(KEYS)), min_size=5, max_size=40))
def test_any_walk_stays_in_the_diff(walk: list[str]) -> None:
    """Whatever is pressed in whatever order, the cursor rests on a row that can be read."""
    rows = DiffRows([change(b"a.py"), change(b"b.py", [b"+%d\n" % i for i in range(60)])])

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        for name in walk:
            method, _, argument = name.rstrip(")").partition("(")
            getattr(app.diff, f"action_{method}")(*([int(argument)] if argument else []))
            assert app.diff.row(app.diff.here).kind is not Kind.BLANK
            assert len(text(app.diff, 0)) == app.diff.row_width + 1

    play(rows, scene, size=(60, 12))


def test_changes_are_marked_on_the_scrollbar() -> None:
    """Also after other rows of the same number were shown."""
    calm = [b" x\n"] * 60

    def marks(app: Stage) -> list[int]:
        bar = app.diff.vertical_scrollbar
        return [y for y in range(bar.size.height) if bar.render_line(y).text == "╺"]

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        assert marks(app) == [0]
        app.diff.show(DiffRows([change(b"a.py", [*calm, b"+1\n"])]))
        await pilot.pause()
        assert marks(app) == [23]

    play(DiffRows([change(b"a.py", [b"+1\n", *calm])]), scene)


def test_no_changes_is_a_sentence() -> None:
    """An empty diff says so, and every key is harmless there."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        assert text(app.diff, 0).strip("▌ ") == "no changes"
        await pilot.press("]", "[", "}", "{", "j", "G", "L", "H", "pagedown")
        assert app.diff.cursor == 0

    play(DiffRows(()), scene)


def shown(diff: DiffView, lines: int) -> list[str]:
    return [text(diff, y)[1:].rstrip() for y in range(lines)]


REPLACED = (b" def f():\n", b"-    return 1\n", b"-    # gone\n", b"+    return 22\n")


def test_two_sides_stand_beside_each_other() -> None:
    """`s`: removed lines left, added ones right, each with its own numbers; `s` again takes it back."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("s")
        halves = [line.split("│") for line in shown(app.diff, 5)[2:]]
        assert [[half.rstrip() for half in line] for line in halves] == [
            ["  3   def f():", "  3   def f():"],
            ["  4 -     return 1", "  4 +     return 22"],
            ["  5 -     # gone", ""],
        ]
        await pilot.press("s")
        assert shown(app.diff, 6)[2:] == [
            "  3   3   def f():", "  4     -     return 1", "  5     -     # gone",
            "      4 +     return 22",
        ]  # fmt: skip

    play(DiffRows([change(lines=REPLACED)]), scene)


def test_a_wide_diff_has_two_sides_by_itself() -> None:
    """From 140 columns on; the row under the cursor stays when the width changes."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        assert app.diff.is_split
        await pilot.press("]")
        row = app.diff.here
        await pilot.resize_terminal(100, 24)
        await pilot.pause()
        assert not app.diff.is_split and app.diff.here == row
        await pilot.resize_terminal(45, 24)
        await pilot.press("s")
        assert not app.diff.is_split and app.diff.here == row

    play(DiffRows([change(lines=REPLACED)]), scene, size=(160, 24))


@pytest.mark.parametrize("keys", ["w", "w s"])
def test_long_lines_are_wrapped(keys: str) -> None:
    """`w`: every sign of a line is in view, and its number stands once."""
    long = b"".join(b"%04d" % number for number in range(40))

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press(*keys.split())
        drawn = "".join(shown(app.diff, 20))
        assert "".join(part for part in drawn.split() if part.isdigit()).endswith("39")
        digits = "".join(char for char in drawn.partition("+")[2] if char.isdigit())
        assert long.decode() in digits
        await pilot.press("L", "w")
        assert "0039" not in "".join(shown(app.diff, 20))

    play(DiffRows([change(lines=(b"+" + long + b"\n",))]), scene)


def test_many_rows_are_laid_out_beside() -> None:
    """The diff stays as it is, and can be walked through, until they are."""
    lines = [b"-a\n", b"+b\n", b"+c\n"] * 3_000

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("j", "j", "j", "j", "s")
        row = app.diff.here
        assert app.diff.is_split or "laying out" in app.diff.title_right
        for _ in range(500):
            if app.diff.is_split:
                break
            await asyncio.sleep(0.01)
        assert app.diff.is_split and app.diff.here == row
        assert "laying out" not in app.diff.title_right

    play(DiffRows([change(lines=lines)]), scene, coloured=True)


def test_what_was_laid_out_of_another_diff_is_not_used() -> None:
    """It may still be on its way when other rows are shown; those get a layout of their own."""
    rows, others = (DiffRows([change(lines=[b"-a\n", b"+b\n"] * n)]) for n in (6_000, 7_000))

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        work: list[Callable[[], None]] = []
        app.diff._aside = work.append
        await pilot.press("s")
        work.pop()()
        app.diff.show(others)
        await pilot.pause()
        assert app.diff.is_laying_out and app.diff.count == len(others)
        work.pop()()
        await pilot.pause()
        assert app.diff.is_split and app.diff.row_at(app.diff.count - 1) >= len(others) - 2

    play(rows, scene)


def test_a_large_diff_that_comes_back_is_laid_out_again() -> None:
    """Whatever was shown meanwhile."""
    rows = DiffRows([change(lines=[b"-a\n", b"+b\n"] * 6_000)])

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        work: list[Callable[[], None]] = []
        app.diff._aside = work.append
        await pilot.press("s")
        work.pop()()
        await pilot.pause()
        assert app.diff.is_split
        app.diff.show(DiffRows([change()]))
        app.diff.show(rows)
        work.pop()()
        await pilot.pause()
        assert app.diff.is_split

    play(rows, scene)


def test_without_white_space_no_hunk_is_picked() -> None:
    """A hunk goes back with its white space; picking what is not shown would surprise."""

    async def scene(pilot: Pilot[None], app: Stage) -> None:
        await pilot.press("W")
        assert [m.by for m in app.heard if isinstance(m, ContextAsked)] == [0]
        app.diff.choices.ignore_space = True
        app.diff.show(app.rows)
        assert "without white space" in app.diff.title_right
        await pilot.press("]", "space")
        await pilot.pause()
        assert any("white space" in m.reason for m in app.heard if isinstance(m, Refused))

    play(DiffRows([change()]), scene)
