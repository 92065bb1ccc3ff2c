"""Folding: what goes is superseded within its turn, and nothing that somebody may want goes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.pruning import shown, told

from stepwell.store import Workspace
from stepwell.store.engine.pruning.fold import Edit, Folded, FoldFacts, fold_steps
from stepwell.store.engine.recording import Act
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.retention import Policy
from stepwell.store.model.steps import Snapshot

FOLD = Policy(fold=True)
BLOB = Oid(b"b" * 20)


def facts(
    seq: int, state: int, *, ms: int, path: bytes | None = b"a", turn: int = 1, stays: bool = False
) -> FoldFacts:
    """Returns a step that follows the one numbered before it."""
    snapshot = Snapshot(Oid(bytes([state]) * 20), Oid(bytes(20)))
    parent = StepId(f"{seq - 1:032x}")
    step = StepId(f"{seq:032x}")
    edits = None if path is None else (Edit(path, BLOB, BLOB),)
    return FoldFacts(step, seq, parent, ms * 10**6, ("s", turn), snapshot, edits, stays)


def fold(steps: list[FoldFacts]) -> list[Folded]:
    """Folds steps of which only that they differ is known."""
    return fold_steps(steps, lambda blob: None)


def written(*texts: bytes, path: bytes = b"a", other: int | None = None) -> list[FoldFacts]:
    """Returns steps a minute apart, each of which wrote a text; `other` edited another file."""
    steps = []
    for seq, text in enumerate(texts[1:], start=1):
        before = texts[seq - 1]
        edits = (Edit(b"other" if seq == other else path, Oid(before), Oid(text)),)
        steps.append(replace(facts(seq, seq, ms=seq * 60_000), edits=edits))
    return steps


def test_continuous_edits_become_one() -> None:
    """Of one file within five seconds of one another; the first and the last of the turn stay."""
    steps = [facts(n, n, ms=n * 4_000) for n in range(1, 7)]
    assert [(one.seq, one.into) for one in fold(steps)] == [(n, 6) for n in (2, 3, 4, 5)]
    slow = [facts(n, n, ms=n * 6_000) for n in range(1, 7)]
    assert fold(slow) == []


def test_other_files_turns_and_what_stays_end_a_run_of_edits() -> None:
    """Each of them keeps the step before it."""
    other = [facts(n, n, ms=n, path=b"b" if n == 4 else b"a") for n in range(1, 7)]
    assert [one.seq for one in fold(other)] == [2, 5]
    turns = [facts(n, n, ms=n, turn=n // 4) for n in range(1, 8)]
    assert [one.seq for one in fold(turns)] == [2, 5, 6]
    held = [facts(n, n, ms=n, stays=n == 4) for n in range(1, 7)]
    assert [(one.seq, one.into) for one in fold(held)] == [(2, 4), (3, 4), (5, 6)]


def test_a_cycle_that_left_nothing_goes_and_steps_without_a_change_stay() -> None:
    """From the first step that differs up to the one that is as before."""
    states = [1, 2, 3, 1, 4, 5]
    steps = [facts(n, s, ms=n * 60_000, path=None) for n, s in enumerate(states, start=1)]
    assert [(one.seq, one.into) for one in fold(steps)] == [(2, 5), (3, 5), (4, 5)]
    quiet = [facts(n, 1, ms=n * 60_000, path=None) for n in range(1, 7)]
    assert fold(quiet) == []


def reasons(steps: list[FoldFacts]) -> dict[int, str]:
    """Folds steps whose blobs are named by their texts; the binary one cannot be compared."""
    gone = fold_steps(steps, lambda blob: None if b"\0" in blob else bytes(blob))
    assert all(one.into > one.seq for one in gone)
    return {one.seq: one.reason for one in gone}


def test_a_chain_of_formatting_leaves_its_last_step() -> None:
    """Steps that moved white space alone; what else is between two of them keeps both."""
    spaced = [b"a=1\n", b"a=2\n", b"a = 2\n", b"a  = 2\n", b"a = 2\n\n", b"a = 3\n", b"z\n"]
    found = reasons(written(*spaced))
    assert {seq for seq, why in found.items() if "white space alone" in why} == {2, 3}
    mixed = [b"1\n", b"2\n", b" 2\n", b"3\n", b" 3\n", b"z\n"]
    assert not any("white space" in why for why in reasons(written(*mixed)).values())


def test_an_edit_of_which_nothing_is_left_is_superseded() -> None:
    """Also with other work in between; what took something away, and what stays in part, stays."""
    steps = written(
        b"keep\n", b"keep\n1\n", b"keep\n1\ndebug\n", b"keep\n1\n", b"keep\n1\n2\n", b"z\n"
    )
    assert set(reasons(steps[:-1])) == {2}
    assert "nothing that it wrote is left" in reasons(steps[:-1])[2]
    partly = written(b"0\n", b"1\n", b"1\na\nb\n", b"1\na\n", b"1\na\n2\n")
    assert reasons(partly) == {}
    removing = written(b"a\nb\nc\n", b"a\nb\n", b"a\n", b"a\nx\n", b"a\nx\ny\n")
    assert reasons(removing) == {}
    alone = written(b"0\n", b"1\n", b"x\n", b"2\n", b"3\n", other=2)
    assert 2 not in reasons(alone)


def test_what_cannot_be_compared_is_not_superseded() -> None:
    """Binary content, and a turn with a step whose edits are not known."""
    assert reasons(written(b"0\n", b"1\n", b"\0x\n", b"2\n", b"3\n")) == {}
    steps = written(b"0\n", b"1\n", b"x\n", b"2\n", b"3\n", b"4\n")
    assert set(reasons(steps)) == {2, 3, 4}
    unknown = [replace(one, edits=None) if one.seq == 3 else one for one in steps]
    assert reasons(unknown) == {}


@given(st.lists(st.sampled_from([b"a\n", b"a \n", b"b\n", b"a\nb\n", b"\0"]), max_size=14))
def test_whatever_was_written_ends_and_turns_stay(texts: list[bytes]) -> None:
    """The first and the last step never go, and no step twice."""
    steps = written(*texts)
    gone = reasons(steps)
    assert not {1, len(steps)} & set(gone)


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
    gone = fold(steps)
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
        assert [quick.stands_for(quick.get_step(f"#{n}")) for n in (2, 5, 9)] == [0, 2, 3]
        folded = quick.operations(1)[0].operation.details["folded"]
        assert [list(pair) for pair in folded] == [[5, 2], [9, 3]]
        quick.undo(done.operation)
        assert told(quick) == before
