"""Turns: who belongs to which prompt, what failed in it, and what may be hidden."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.model.steps import Mark, StepResult
from stepwell.tui.model.columns import columns_of
from stepwell.tui.model.turns import (
    LANDMARK,
    NO_TURN,
    PLAIN,
    QUIET,
    Shape,
    TurnBuilder,
    Turns,
    act,
)
from stepwell.tui.values import ChangeCounts, Step

Make = Callable[..., Step]
ONE, TWO = "claude:1", "codex:2"


def two_sessions(make_step: Make) -> list[Step]:
    """Two agents in one tree: each has a prompt, and their steps alternate."""
    prompt = {"kind": "prompt", "tool": None, "changes": ChangeCounts()}
    return [
        make_step(1, kind="capture", tool=None),
        make_step(2, (1,), session=ONE, **prompt),
        make_step(3, (2,), session=ONE),
        make_step(4, (3,), session=TWO, **prompt),
        make_step(5, (4,), session=ONE, result=StepResult(False, 1)),
        make_step(6, (5,), session=TWO, changes=ChangeCounts()),
        make_step(7, (6,), session=ONE, **prompt),
        make_step(8, (7,), session=ONE),
    ]


def test_steps_belong_to_the_newest_prompt_of_their_session(make_step: Make) -> None:
    """However two sessions interleave; what came before any prompt belongs to none."""
    turns = columns_of(two_sessions(make_step), complete=True).turns
    assert list(turns.of) == [NO_TURN, 0, 0, 1, 0, 1, 2, 2]
    assert list(turns.prompts) == [1, 3, 6]
    assert list(turns.sizes) == [2, 1, 1]
    assert list(turns.failures) == [1, 0, 0]
    assert [list(turns.members(turn)) for turn in range(3)] == [[2, 4], [5], [7]]
    assert [turns.headed_by(at) for at in (0, 1, 2, 6, 99)] == [NO_TURN, 0, NO_TURN, 2, NO_TURN]
    assert [turns.is_new_session(turn) for turn in range(3)] == [True, True, True]


def test_only_steps_between_one_parent_and_one_child_are_plain(make_step: Make) -> None:
    """A root, a fork, a tip and a marked step have something in the graph that must stay."""
    steps = [
        make_step(1),
        make_step(2, (1,)),
        make_step(3, (2,)),
        make_step(4, (3,), checkpoint=Mark("v1")),
        make_step(5, (4,)),
        make_step(6, (5,)),
        make_step(7, (5,)),
        make_step(8, (7, 6), kind="merge", tool=None),
    ]
    traits = columns_of(steps, complete=True).turns.traits
    assert [at + 1 for at, bits in enumerate(traits) if bits & PLAIN] == [2, 3, 6, 7]
    assert [at + 1 for at, bits in enumerate(traits) if bits & LANDMARK] == [4, 8]


def test_what_changed_no_file_and_did_not_fail_is_quiet() -> None:
    """Reads and checks that pass."""
    assert act("tool", failed=False, changed=False) & QUIET
    assert not act("tool", failed=True, changed=False) & QUIET
    assert not act("tool", failed=False, changed=True) & QUIET
    assert not act("rollback", failed=False, changed=False) & QUIET


KINDS = ("tool", "tool", "tool", "prompt", "capture", "rollback")
ACTS = st.tuples(st.sampled_from(KINDS), st.booleans(), st.booleans(), st.integers(0, 2))


def built(shape: Shape, cuts: Sequence[int]) -> Turns:
    """Builds a history in as many parts as there are cuts."""
    builder = TurnBuilder()
    for end in (*sorted(cuts), len(shape.seqs)):
        start = builder.known(shape.seqs[:end])
        acts = shape.acts[start:end]
        part = Shape(shape.seqs[:end], shape.parents, shape.more, shape.sessions, acts, start)
        builder.extend(part)
    return builder.turns()


@given(st.lists(ACTS, min_size=1, max_size=40), st.data())
def test_growing_by_parts_is_as_building_at_once(
    rows: list[tuple[str, bool, bool, int]], data: st.DataObject
) -> None:
    """A poll that finds new steps ends where reading everything anew would."""
    size = len(rows)
    seqs = array("q", range(3, 3 + 2 * size, 2))
    parents = array("q", [0])
    for at in range(1, size):
        parents.append(seqs[data.draw(st.integers(max(0, at - 3), at - 1))])
    acts = [act(kind, failed=failed, changed=changed) for kind, failed, changed, _ in rows]
    shape = Shape(seqs, parents, {}, [session for *_, session in rows], acts)
    cuts = data.draw(st.lists(st.integers(1, size), max_size=4))
    assert built(shape, cuts) == built(shape, ())


def test_another_history_starts_anew(make_step: Make) -> None:
    """A store that was put back from elsewhere under the same path."""
    builder = TurnBuilder()
    acts = [act("tool", failed=False, changed=False)] * 3
    builder.extend(Shape(array("q", [1, 2, 3]), array("q", [0, 1, 2]), {}, [0, 0, 0], acts))
    assert builder.known(array("q", [1, 2, 3, 4])) == 3
    assert builder.known(array("q", [5, 6, 7, 8])) == 0
    assert len(builder.turns().of) == 0
