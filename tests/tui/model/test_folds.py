"""Folds: what is hidden, what stands for it, and what is never hidden."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.folds import Folds, run_around
from stepwell.tui.model.landmarks import next_landmark
from stepwell.tui.model.listed import Listed
from stepwell.tui.model.turns import PLAIN, PROMPT, Shape, TurnBuilder, Turns, act

_KINDS = {"p": "prompt", "r": "tool", "e": "tool", "b": "rollback"}


def history(signs: str) -> Turns:
    """Returns the turns of a chain: `p` prompt, `r` read, `e` edit, `b` rollback."""
    size = len(signs)
    acts = [act(_KINDS[sign], failed=False, changed=sign == "e") for sign in signs]
    builder = TurnBuilder()
    builder.extend(Shape(range(1, size + 1), range(size), {}, [1] * size, acts))
    return builder.turns()


def shown(folds: Folds, turns: Turns) -> str:
    """Returns one sign a step, oldest first: `#` listed, `.` folded away."""
    size = len(turns.of)
    listed = folds.listed(turns, size)
    kept = range(size) if listed is None else listed
    return "".join("#" if at in kept else "." for at in range(size))


def test_the_levels_fold_runs_then_turns_then_nothing() -> None:
    """The tip stays, and so does what is no plain step."""
    turns = history("perrreprrbre")
    folds = Folds()
    assert shown(folds, turns) == "############"
    assert folds.cycle() == 1
    assert shown(folds, turns) == "###..###.###"
    assert folds.cycle() == 2
    assert shown(folds, turns) == "#.....#..#.#"
    assert folds.cycle() == 0
    assert folds.listed(turns, 12) is None


def test_one_key_folds_the_run_then_the_turn() -> None:
    """And its opposite takes that back in the other order."""
    turns = history("perrreprr")
    folds = Folds()
    assert folds.fold(turns, 4)
    assert shown(folds, turns) == "###..####"
    assert folds.stands_for(turns, 2) == 3
    assert folds.stands_for(turns, 1) == 0
    assert folds.fold(turns, 2)
    assert shown(folds, turns) == "#.....###"
    assert not folds.fold(turns, 0)
    assert folds.unfold(turns, 0)
    assert shown(folds, turns) == "###..####"
    assert not folds.unfold(turns, 0)
    assert folds.unfold(turns, 2)
    assert shown(folds, turns) == "#########"


def test_single_turns_stay_open_while_all_are_folded() -> None:
    """What was opened by hand stays open until the level changes."""
    turns = history("peeepeeepee")
    folds = Folds()
    folds.cycle(), folds.cycle()
    assert folds.unfold(turns, 0)
    assert shown(folds, turns) == "#####...#.#"
    assert folds.fold(turns, 2)
    assert shown(folds, turns) == "#...#...#.#"


SIGNS = st.text("prrreb", min_size=1, max_size=60)


@given(SIGNS, st.lists(st.tuples(st.sampled_from("-+_"), st.integers(0, 59)), max_size=12))
def test_only_plain_steps_are_hidden_and_something_stands_for_them(
    signs: str, keys: Sequence[tuple[str, int]]
) -> None:
    """Whatever is pressed: below each hidden step its run's or its turn's row is listed."""
    turns, folds, size = history(signs), Folds(), len(signs)
    for key, at in keys:
        if key == "_":
            folds.cycle()
        else:
            (folds.fold if key == "-" else folds.unfold)(turns, at % size)
    chosen = folds.listed(turns, size)
    listed = Listed(size, chosen)
    for ordinal in range(size) if chosen is not None else ():
        if ordinal in chosen:
            continue
        assert turns.traits[ordinal] & PLAIN
        stand_in = listed.ordinal(listed.row(ordinal))
        low, _ = run_around(turns, ordinal)
        owners = {low, turns.prompts[turns.of[ordinal]] if turns.of[ordinal] >= 0 else low}
        kept = stand_in < ordinal and not turns.traits[stand_in] & PLAIN
        assert stand_in in owners or kept


def test_landmarks_are_found_among_what_is_listed() -> None:
    """Folded or not; the rows are those of the list, and there may be none left."""
    turns = history("perrbrpee")
    whole = Listed(9)
    assert next_landmark(turns.traits, whole, 1, 1) == 3
    assert next_landmark(turns.traits, whole, 3, 1) == 5
    assert next_landmark(turns.traits, whole, 5, 1) == 9
    assert next_landmark(turns.traits, whole, 9, 1) is None
    assert next_landmark(turns.traits, whole, 3, -1) is None
    folds = Folds()
    folds.cycle(), folds.cycle()
    folded = Listed(9, folds.listed(turns, 9))
    row = next_landmark(turns.traits, folded, 1, 1)
    assert row is not None and turns.traits[folded.ordinal(row)] & PROMPT
