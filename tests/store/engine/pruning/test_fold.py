"""Folding: what goes is superseded within its turn, and nothing that somebody may want goes."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.pruning import shown, told

from stepwell.store import Workspace
from stepwell.store.engine.pruning.fold import FoldFacts, fold_steps
from stepwell.store.engine.recording import Act
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.retention import Policy
from stepwell.store.model.steps import Snapshot

FOLD = Policy(fold=True)


def facts(
    seq: int, state: int, *, ms: int, path: bytes | None = b"a", turn: int = 1, stays: bool = False
) -> FoldFacts:
    """Returns a step that follows the one numbered before it."""
    snapshot = Snapshot(Oid(bytes([state]) * 20), Oid(bytes(20)))
    parent = StepId(f"{seq - 1:032x}")
    step = StepId(f"{seq:032x}")
    return FoldFacts(step, seq, parent, ms * 10**6, ("s", turn), snapshot, path, stays)


def test_continuous_edits_become_one() -> None:
    """Of one file within five seconds of one another; the first and the last of the turn stay."""
    steps = [facts(n, n, ms=n * 4_000) for n in range(1, 7)]
    assert [(one.seq, one.into) for one in fold_steps(steps)] == [(n, 6) for n in (2, 3, 4, 5)]
    slow = [facts(n, n, ms=n * 6_000) for n in range(1, 7)]
    assert fold_steps(slow) == []


def test_other_files_turns_and_what_stays_end_a_run_of_edits() -> None:
    """Each of them keeps the step before it."""
    other = [facts(n, n, ms=n, path=b"b" if n == 4 else b"a") for n in range(1, 7)]
    assert [one.seq for one in fold_steps(other)] == [2, 5]
    turns = [facts(n, n, ms=n, turn=n // 4) for n in range(1, 8)]
    assert [one.seq for one in fold_steps(turns)] == [2, 5, 6]
    held = [facts(n, n, ms=n, stays=n == 4) for n in range(1, 7)]
    assert [(one.seq, one.into) for one in fold_steps(held)] == [(2, 4), (3, 4), (5, 6)]


def test_a_cycle_that_left_nothing_goes_and_steps_without_a_change_stay() -> None:
    """From the first step that differs up to the one that is as before."""
    states = [1, 2, 3, 1, 4, 5]
    steps = [facts(n, s, ms=n * 60_000, path=None) for n, s in enumerate(states, start=1)]
    assert [(one.seq, one.into) for one in fold_steps(steps)] == [(2, 5), (3, 5), (4, 5)]
    quiet = [facts(n, 1, ms=n * 60_000, path=None) for n in range(1, 7)]
    assert fold_steps(quiet) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(0, 8_000),
            st.sampled_from([b"a", b"b", None]),
            st.integers(1, 2),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_boundaries_and_what_is_held_never_go(
    drawn: list[tuple[int, int, bytes | None, int, bool]],
) -> None:
    """Whatever the history is, each step that goes is stood for by a later one that stays."""
    steps, time = [], 0
    for seq, (state, later, path, turn, stays) in enumerate(drawn, start=1):
        time += later
        steps.append(facts(seq, state, ms=time, path=path, turn=turn, stays=stays))
    gone = fold_steps(steps)
    seqs = {one.seq for one in gone}
    by_seq = {step.seq: step for step in steps}
    assert len(seqs) == len(gone)
    for one in gone:
        assert not by_seq[one.seq].stays
        assert one.into > one.seq
        assert by_seq[one.seq - 1].turn == by_seq[one.seq].turn == by_seq[one.seq + 1].turn


def test_a_turn_of_quick_edits_is_folded_and_comes_back(
    tmp_path: Path,
) -> None:
    """The step that stands for others says for how many; what is marked stays; undo undoes it."""
    project, ticks = tmp_path / "project", itertools.count(1_700_000_000 * 10**9, 10**9)
    (project / "src").mkdir(parents=True)
    (project / "src" / "app.py").write_text("v\n")
    with Workspace.init(project, home=tmp_path / "home", clock=lambda: next(ticks)) as quick:
        for number in range(8):
            (project / "src" / "app.py").write_text(f"v{number}\n")
            act = Act(f"edit {number}", "tool", session="claude:s", turn=1, tool="Edit")
            quick.record(act=act)
        quick.mark(quick.get_step("#5"), label="here")
        before = told(quick)
        plan = quick.plan_prune(FOLD)
        assert [one.seq for one in plan.dropped] == [3, 4, 6, 7, 8]
        assert plan.folded == ((5, 2), (9, 3))
        assert told(quick) == before
        done = quick.prune(FOLD)
        assert shown(quick) == [1, 2, 5, 9]
        assert quick.prune(FOLD).dropped == ()
        assert done.operation is not None
        folded = quick.operations(1)[0].operation.details["folded"]
        assert [list(pair) for pair in folded] == [[5, 2], [9, 3]]
        quick.undo(done.operation)
        assert told(quick) == before
