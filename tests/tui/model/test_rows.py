"""What the timeline says of a step, before it has a width."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stepwell.store.model.steps import Mark, Note, Step, StepResult
from stepwell.tui.look.glyphs import ASCII, UTF8
from stepwell.tui.model.rows import Tips, row_of

Make = Callable[..., Step]
NONE = Tips("main", 0, {})


@pytest.mark.parametrize(
    ("fields", "word", "node"),
    [
        ({"kind": "prompt", "tool": None}, "you", "step"),
        ({"kind": "tool", "tool": "Bash"}, "bash", "step"),
        ({"kind": "tool", "tool": None}, "tool", "step"),
        ({"kind": "capture", "tool": None}, "capture", "step"),
        ({"kind": "capture", "tool": None, "flags": ("safety",)}, "save", "safety"),
        ({"kind": "rollback", "tool": None}, "back", "back"),
        ({"kind": "outside", "tool": None, "flags": ("outside",)}, "outside", "step"),
        ({"kind": "gap", "tool": None}, "gap", "gap"),
    ],
)
def test_kinds_are_words(make_step: Make, fields: dict[str, object], word: str, node: str) -> None:
    """Who or what made a step is said in a word, and its sign in the graph fits."""
    row = row_of(make_step(5, (4,), **fields), NONE, UTF8)
    assert (row.word, row.node) == (word, node)


def test_the_head_has_its_own_sign(make_step: Make) -> None:
    """Where you are is marked whatever the step's kind is."""
    step = make_step(5, (4,), kind="rollback", tool=None)
    assert row_of(step, Tips("main", 5, {}), UTF8).node == "head"


def test_a_gap_says_why(make_step: Make) -> None:
    """A gap without its reason would be no help."""
    row = row_of(make_step(5, (4,), kind="gap", reason="disk full"), NONE, UTF8)
    assert row.subject == "not captured: disk full"


def test_chips_stand_in_their_order(make_step: Make) -> None:
    """Result, flags, label, notes, tags, branch."""
    mark = Mark("v1", (Note("n", "good", "me", 1), Note("m", "too", "me", 2)), ("base",))
    step = make_step(
        5, (4,), tool="bash", result=StepResult(False, 2), flags=("late",), checkpoint=mark
    )
    row = row_of(step, Tips("main", 9, {5: ("main.1", "try")}), ASCII)
    assert [text for text, _ in row.chips] == [
        "x 2", "late", "!v1", "+2", "#base", "Y main.1", "Y try"
    ]  # fmt: skip


def test_hostile_titles_cannot_act_on_the_terminal(make_step: Make) -> None:
    """Escape sequences and line feeds are shown, not obeyed."""
    row = row_of(make_step(5, (4,), title="\x1b[2Jgone\u202e!\nsecond"), NONE, UTF8)
    assert row.subject == "\\x1b[2Jgone\\u202e!"
    tool = row_of(make_step(5, (4,), tool="\x07bell"), NONE, UTF8)
    assert tool.word == "\\x07bell"


def test_an_imported_commit_says_so_in_its_word(make_step: Make) -> None:
    """Every row of an imported history would else carry the same chip."""
    step = make_step(1, kind="capture", tool=None, flags=("imported",))
    row = row_of(step, NONE, UTF8)
    assert (row.word, row.chips) == ("commit", ())
