"""Lanes hang together: every line leads from a step to its parent."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.cli.graph import Lanes


def _drawn(steps: Sequence[tuple[str, list[str]]]) -> list[str]:
    lanes = Lanes()
    rows = []
    for name, parents in steps:
        before, own = lanes.row(name, parents, "o")
        rows += [*before, f"{own} {name}"]
    return rows


def test_a_line_of_steps_is_one_lane() -> None:
    """Nothing but the signs below each other."""
    assert _drawn([("c", ["b"]), ("b", ["a"]), ("a", [])]) == ["o c", "o b", "o a"]


def test_two_branches_meet_at_their_base() -> None:
    """The newest branch keeps the left lane."""
    assert _drawn([("d", ["b"]), ("c", ["b"]), ("b", ["a"]), ("a", [])]) == [
        "o d",
        "│ o c",
        "├─╯",
        "o b",
        "o a",
    ]


def test_three_branches_meet_in_one_line() -> None:
    """With a joint for the one in the middle."""
    rows = _drawn([("d", ["a"]), ("c", ["a"]), ("b", ["a"]), ("a", [])])
    assert rows == ["o d", "│ o c", "│ │ o b", "├─┴─╯", "o a"]


def test_a_lane_in_between_is_crossed() -> None:
    """Two lanes meet while another one goes on between them."""
    steps = [("e", ["a"]), ("d", ["x"]), ("c", ["a"]), ("a", []), ("x", [])]
    assert _drawn(steps) == ["o e", "│ o d", "│ │ o c", "├─┼─╯", "o │ a", "  o x"]


def test_a_merge_leads_to_both_parents() -> None:
    """The second parent gets a lane of its own."""
    steps = [("d", ["b", "c"]), ("c", ["a"]), ("b", ["a"]), ("a", [])]
    assert _drawn(steps) == ["o d", "│ o c", "o │ b", "├─╯", "o a"]


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[str, list[str]]]:
    count = draw(st.integers(1, 14))
    steps = []
    for number in range(count):
        older = [str(n) for n in range(number)]
        parents = draw(st.lists(st.sampled_from(older), max_size=2, unique=True)) if older else []
        steps.append((str(number), parents))
    return steps[::-1]


@settings(max_examples=200, deadline=None)
@given(_histories())
def test_every_step_stands_in_the_lane_that_its_children_lead_to(
    steps: list[tuple[str, list[str]]],
) -> None:
    """Followed down column by column, each drawn lane ends at the parent that it was begun for."""
    lanes = Lanes()
    leading: dict[int, str] = {}
    for name, parents in steps:
        before, own = lanes.row(name, parents, "o")
        column = own.index("o") // 2
        came = [at for at, wanted in leading.items() if wanted == name]
        assert column == min(came, default=column)
        assert bool(before) == (len(came) > 1)
        for at in came:
            del leading[at]
            if before:
                assert before[0][2 * at] in "├┴╯"
        busy = {at for at in range(len(own) // 2 + 1) if own[2 * at] == "│"}
        assert busy == set(leading)
        leading.update(_begun(leading, column, parents))
        assert sorted(leading.values()) == sorted(w for w in lanes._waiting if w)


def _begun(leading: dict[int, str], column: int, parents: list[str]) -> dict[int, str]:
    """Returns where the lanes to the parents must be: below the step, then the first free ones."""
    begun = dict(zip([column], parents, strict=False))
    for parent in parents[1:]:
        free = next(at for at in range(99) if at not in leading and at not in begun)
        begun[free] = parent
    return begun
