"""Merging by keyboard: previewed, its conflicts settled by side or editor, concluded, taken back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from support.clashes import CLASHES, TEXT, at_paths, begin, edited, sides_taken
from support.trees import contents
from textual.pilot import Pilot

from stepwell.store import Workspace
from stepwell.tui.app import StepwellApp
from stepwell.tui.screens.branches import BranchesScreen
from stepwell.tui.screens.conflicts import ConcludeForm, ConflictsScreen
from stepwell.tui.screens.leaving import editor_command
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.widgets.sentence import Sentence

Make = Callable[..., Any]


@pytest.fixture
def fork(tmp_path: Path) -> Callable[..., Path]:
    """Makes a workspace with a branch `try` whose work and ours differ as the test says."""

    def make(
        ours: Callable[[Path], object],
        theirs: Callable[[Path], object],
        start: Callable[[Path], object] = begin,
    ) -> Path:
        folder = tmp_path / "orchard"
        folder.mkdir()
        start(folder)
        (folder / "gone").write_text(TEXT)
        with Workspace.init(folder, home=tmp_path / "home") as ws:
            ws.create_branch("try")
            ws.apply(ws.plan_switch("try"))
            theirs(folder)
            ws.capture("their work")
            ws.apply(ws.plan_switch("main"))
            ours(folder)
            ws.capture("our work")
        return folder

    return make


@pytest.fixture
def clashing(fork: Callable[..., Path]) -> Path:
    """Both changed a line of `f`; `gone` is changed here and deleted there."""

    def ours(folder: Path) -> None:
        (folder / "f").write_text(edited("ours"))
        (folder / "gone").write_text(edited("ours"))

    def theirs(folder: Path) -> None:
        (folder / "f").write_text(edited("theirs"))
        (folder / "gone").unlink()
        (folder / "new").write_text("new\n")

    return fork(ours, theirs)


def status(root: Path) -> Any:
    with Workspace.open(root, home=root.parent / "home") as ws:
        return ws.status()


async def press(pilot: Pilot[int], app: StepwellApp, settle: Make, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot, app)


def text_of(screen_text: Make, app: StepwellApp) -> str:
    return "\n".join(screen_text(app))


def test_a_merge_without_conflicts_is_previewed_applied_and_undone(
    fork: Callable[..., Path], play_over: Make, settle: Make, screen_text: Make
) -> None:
    """`b`, `M` show what it would change; `M` again does nothing; `y` merges, `u` `y` takes it back."""
    root = fork(
        lambda f: (f / "mine").write_text("m\n"), lambda f: (f / "f").write_text(edited("t"))
    )

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "M")
        assert isinstance(app.screen, BranchesScreen)
        await press(pilot, app, settle, "j", "M", "M")
        assert isinstance(app.screen, RestorePreview)
        assert "Merge branch try, at #" in text_of(screen_text, app)
        assert (root / "f").read_text() == TEXT
        await press(pilot, app, settle, "y")
        assert (root / "f").read_text() == edited("t")
        assert app.main.footer.sentence.startswith("Merged try, 1 file changed; disk saved as #")
        await press(pilot, app, settle, "u", "y")
        assert (root / "f").read_text() == TEXT

    play_over(root, scene, (80, 24))


def test_while_merging_the_keys_that_end_it_are_named(
    clashing: Path, play_over: Make, settle: Make, screen_text: Make
) -> None:
    """Going back has to wait: the screen names its own keys; and after the merge, the way back."""

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "j", "M", "y")
        await press(pilot, app, settle, "escape", "r")
        said = app.screen.query_one("#preview-headline", Sentence).plain
        assert said.endswith(
            "(in the timeline M leads to its conflicts: c there concludes the merge, x takes it back)"
        )
        await press(pilot, app, settle, "escape", "M")
        assert isinstance(app.screen, ConflictsScreen)

    play_over(clashing, scene, (80, 24))


def test_the_way_back_is_whole_in_a_narrow_footer(
    fork: Callable[..., Path], play_over: Make, settle: Make, screen_text: Make
) -> None:
    """What gives way is what comes before it."""
    root = fork(
        lambda f: (f / "mine").write_text("m\n"), lambda f: (f / "f").write_text(edited("t"))
    )
    with Workspace.open(root, home=root.parent / "home") as ws:
        ws.rename_branch("try", "a-branch-with-a-long-name-as-people-give-them")

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "k", "M", "y")
        assert app.screen is app.main and len(app.main.footer.sentence) > 78
        last = screen_text(app)[-1].rstrip()
        assert last.startswith(" Merged a-branch-with") and last.endswith("… u takes it back.")

    play_over(root, scene, (80, 24))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_conflicts_are_settled_by_side_and_the_merge_is_concluded(
    clashing: Path, play_over: Make, settle: Make, screen_text: Make, size: tuple[int, int]
) -> None:
    """Shown side by side; each side by a preview; what is left is counted; `c` asks, `y` ends it."""
    root = clashing

    async def merge(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "j", "M")
        assert "2 conflicts" in text_of(screen_text, app)
        await press(pilot, app, settle, "y")
        assert isinstance(app.screen, ConflictsScreen)

    async def resume(pilot: Pilot[int], app: StepwellApp) -> None:
        assert "merging try, 1 left" in screen_text(app)[0]
        await press(pilot, app, settle, "M")
        shown = text_of(screen_text, app)
        assert "Merge of try: 1 file with conflict markers left" in shown
        assert "markers left" in shown and "content: both sides changed the same lines" in shown
        assert all(word in shown for word in ("line 6", "ours", "theirs"))
        await press(pilot, app, settle, "c")
        assert isinstance(app.screen, ConflictsScreen)
        await press(pilot, app, settle, "t", "t")
        assert isinstance(app.screen, RestorePreview)
        assert "<<<<" in (root / "f").read_text()
        await press(pilot, app, settle, "y")
        assert isinstance(app.screen, ConflictsScreen)
        assert (root / "f").read_text() == edited("theirs")
        await press(pilot, app, settle, "j", "t", "y")
        assert not (root / "gone").exists()
        assert "deleted, as theirs" in text_of(screen_text, app)
        await press(pilot, app, settle, "c", "c", "enter")
        assert isinstance(app.screen, ConcludeForm) and status(root).merging is not None
        await press(pilot, app, settle, "y")
        assert app.screen is app.main and status(root).merging is None
        assert "merged: now at #" in app.main.footer.sentence
        assert "merging" not in screen_text(app)[0]
        await press(pilot, app, settle, "u", "y")

    play_over(root, merge, size)
    play_over(root, resume, size)
    assert (root / "f").read_text() == edited("ours") and not (root / "new").exists()


def test_each_kind_of_conflict_is_settled_by_keyboard(
    fork: Callable[..., Path], play_over: Make, settle: Make, tmp_path: Path
) -> None:
    """All kinds in one merge: each path given theirs, concluded, and taken back: by keys alone."""
    names = {kind: kind.replace("/", "-") for kind in CLASHES}
    # A file that is the same as others could have been renamed to anywhere.
    texts = {"rename/rename": TEXT.replace("line", "branch")}

    def each(side: str) -> Callable[[Path], None]:
        def act(folder: Path) -> None:
            for kind, clash in CLASHES.items():
                getattr(clash, side)(folder / names[kind])

        return act

    def start(folder: Path) -> None:
        for kind, name in names.items():
            (folder / name).mkdir()
            begin(folder / name, texts.get(kind, TEXT))

    root = fork(each("ours"), each("theirs"), start)
    before = contents(root)
    wanted = {
        kind: sides_taken(clash, tmp_path / names[kind], texts.get(kind, TEXT))["theirs"]
        for kind, clash in CLASHES.items()
    }

    def found() -> Any:
        return {kind: at_paths(clash, root / names[kind]) for kind, clash in CLASHES.items()}

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "j", "M", "y")
        assert isinstance(app.screen, ConflictsScreen)
        conflicts = status(root).merging.conflicts
        assert {one.kind for one in conflicts} == set(CLASHES)
        for _ in conflicts:
            await press(pilot, app, settle, "t", "y")
            if isinstance(app.screen, RestorePreview):  # it is like that already
                await press(pilot, app, settle, "escape")
            await press(pilot, app, settle, "j")
        assert found() == wanted
        await press(pilot, app, settle, "c", "y")
        assert app.screen is app.main and status(root).merging is None
        assert found() == wanted
        await press(pilot, app, settle, "u", "y")

    play_over(root, scene)
    assert contents(root) == before


def test_a_merge_under_way_is_taken_back(clashing: Path, play_over: Make, settle: Make) -> None:
    """`x` previews, `y` does it; everything is as before the merge."""
    root = clashing

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "j", "M", "y", "x", "x")
        assert isinstance(app.screen, RestorePreview) and status(root).merging is not None
        await press(pilot, app, settle, "y")
        assert app.screen is app.main

    play_over(root, scene)
    assert status(root).merging is None
    assert (root / "f").read_text() == edited("ours") and (root / "gone").read_text() == edited(
        "ours"
    )
    assert not (root / "new").exists()


def test_a_conflict_is_settled_in_the_editor(
    clashing: Path,
    play_over: Make,
    settle: Make,
    screen_text: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`e` runs $EDITOR over the file; afterwards it is looked at anew. Its failure is said."""
    root, editor = clashing, tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i -e "/^<<<<<<<\\|^=======\\|^>>>>>>>/d" "$1"\nexit 3\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setattr(StepwellApp, "suspend", lambda self: nullcontext())

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "j", "M", "y", "e")
        shown = text_of(screen_text, app)
        assert "editor ended with 3" in shown
        assert "c concludes it" in shown and "edited" in shown

    play_over(root, scene)
    assert "ours\ntheirs\n" in (root / "f").read_text()


def test_without_a_merge_under_way_the_key_says_what_to_do(
    fork: Callable[..., Path], play_over: Make, settle: Make
) -> None:
    """`M` on the main screen leads back with a sentence."""
    root = fork(lambda f: (f / "a").write_text("a"), lambda f: (f / "b").write_text("b"))

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "M")
        assert app.screen is app.main
        assert app.main.footer.sentence.startswith("no merge is under way")

    play_over(root, scene)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ["vi", "+7", "/a b"]),
        ({"EDITOR": " "}, ["vi", "+7", "/a b"]),
        ({"EDITOR": "nano -w"}, ["nano", "-w", "+7", "/a b"]),
        ({"EDITOR": "vi", "VISUAL": "/usr/bin/hx"}, ["/usr/bin/hx", "/a b:7"]),
        ({"VISUAL": "code"}, ["code", "--wait", "--goto", "/a b:7"]),
        ({"VISUAL": "'my editor'"}, ["my editor", "/a b"]),
    ],
)
def test_editors_are_told_the_line_in_their_own_way(
    variables: dict[str, str], words: list[str]
) -> None:
    """What is not known gets the file alone."""
    assert editor_command(variables, b"/a b", 7) == words


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 40)])
def test_hostile_names_and_lines_reach_no_terminal_and_no_key_but_y_writes(
    fork: Callable[..., Path], play_over: Make, settle: Make, size: tuple[int, int]
) -> None:
    """Escape sequences, bidi signs, a very long line; every key of the screen, and then none applied."""
    name = "f\x1b[2J\u202ec\n"

    def write(word: str) -> Callable[[Path], object]:
        text = f"\x1b]0;{word}\x07\n\u202e{word}\n{word * 40_000}\n\xff\n"
        return lambda folder: (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))

    root = fork(write("ours"), write("theirs"))
    controls = {*map(chr, range(32)), "\x7f", "\u202e", *map(chr, range(0x80, 0xA0))}

    async def scene(pilot: Pilot[int], app: StepwellApp) -> None:
        await press(pilot, app, settle, "b", "j", "M", "y")
        before = {path.name: path.read_bytes() for path in root.iterdir()}
        for keys in ("]", "[", "J", "K", "t", "o", "b", "O", "T", "x"):
            named = {"]": "right_square_bracket", "[": "left_square_bracket"}.get(keys, keys)
            await press(pilot, app, settle, named)
            shown = "".join(part.text for strip in _strips(app) for part in strip)
            assert not controls & set(shown)
            if not isinstance(app.screen, ConflictsScreen):
                await press(pilot, app, settle, "enter", "tab", "escape")
            assert isinstance(app.screen, ConflictsScreen)
        assert {path.name: path.read_bytes() for path in root.iterdir()} == before

    play_over(root, scene, size)


def _strips(app: StepwellApp) -> Any:
    return app.screen._compositor.render_strips()
