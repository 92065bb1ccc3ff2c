"""Branches through the facade: made, listed, renamed, deleted; each of it undone exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store import NotFoundError, RefusedError, Step, UsageError, Workspace
from stepwell.store.engine.branching import distance


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon."""
    return either


def captured(ws: Workspace, project: Path, name: str) -> Step:
    """Records a step that adds a file."""
    (project / name).write_text(f"{name}\n")
    return ws.capture(name)


def state(ws: Workspace) -> tuple[str, dict[str, tuple[str, bool]]]:
    """Returns the current branch, and of each branch its head and whether it is a kept one."""
    view = ws.view()
    return view.current, {b.name: (b.head, b.kept) for b in view.branches.values()}


def test_a_branch_begins_at_a_step_and_is_listed_with_its_distance(
    ws: Workspace, project: Path
) -> None:
    """Ahead and behind are counted from where the two lines meet."""
    first = ws.head()
    captured(ws, project, "a")
    second = captured(ws, project, "b")
    ws.create_branch("old", at=first)
    ws.create_branch("try/one", at="@~1")
    ws.apply(ws.plan_rollback(first))
    rows = {row.name: row for row in ws.branches()}
    assert list(rows) == ["main", "old", "try/one", "main.1"]
    assert rows["main"].current and (rows["main"].ahead, rows["main"].behind) == (0, 0)
    assert (rows["old"].ahead, rows["old"].behind, rows["old"].base) == (0, 1, first.id)
    assert (rows["try/one"].ahead, rows["try/one"].behind) == (1, 1)
    assert rows["main.1"].kept and rows["main.1"].head == second.id
    assert (rows["main.1"].ahead, rows["main.1"].behind) == (2, 1)
    assert ws.get_step("try/one").title == "a"


def test_what_was_merged_counts_as_had(ws: Workspace, project: Path) -> None:
    """A merged branch is ahead by nothing; the current one is ahead of it by its own and the merge."""
    ws.create_branch("try")
    ws.apply(ws.plan_switch("try"))
    captured(ws, project, "theirs")
    captured(ws, project, "more of theirs")
    ws.apply(ws.plan_switch("main"))
    captured(ws, project, "ours")
    ws.merge_branch("try")
    row = next(row for row in ws.branches() if row.name == "try")
    assert (row.ahead, row.behind) == (0, 2)
    ws.apply(ws.plan_switch("try"))
    captured(ws, project, "later")
    row = next(row for row in ws.branches() if row.name == "main")
    assert (row.ahead, row.behind) == (2, 1)


histories = st.lists(
    st.lists(st.integers(min_value=1, max_value=12), max_size=3), min_size=1, max_size=40
)


@given(histories, st.data())
def test_distance_counts_over_all_ancestors(behind: list[list[int]], data: st.DataObject) -> None:
    """As sets of ancestors say, in any history of merges and several beginnings."""
    parents = {
        seq: sorted({seq - back for back in one if back < seq}) for seq, one in enumerate(behind, 1)
    }
    above: dict[int, set[int]] = {}
    for seq, own in parents.items():
        above[seq] = {seq}.union(*(above[parent] for parent in own))
    a, b = (data.draw(st.sampled_from(sorted(parents))) for _ in range(2))
    found = distance(a, b, parents.__getitem__)
    assert found == (len(above[a] - above[b]), len(above[b] - above[a]))


def test_names_follow_the_rules_and_are_given_once(ws: Workspace) -> None:
    """A malformed one is a usage error; a taken one, or one above or below it, is refused."""
    ws.create_branch("a/b")
    for name in ("", "two words", "@", "#1", "x..y", "a:b"):
        with pytest.raises(UsageError):
            ws.create_branch(name)
    for name in ("a", "a/b", "a/b/c", "main"):
        with pytest.raises(RefusedError):
            ws.create_branch(name)
    with pytest.raises(RefusedError):
        ws.rename_branch("main", "a")
    assert ws.rename_branch("a/b", "a").name == "a"
    with pytest.raises(NotFoundError):
        ws.rename_branch("a/b", "c")
    with pytest.raises(NotFoundError):
        ws.delete_branch("a/b")


def test_a_renamed_current_branch_stays_current(ws: Workspace, project: Path) -> None:
    """Captures go on on it; `@` is its tip."""
    ws.rename_branch("main", "trunk")
    step = captured(ws, project, "a")
    assert ws.view().current == step.branch == "trunk"
    assert ws.get_step("trunk") == ws.get_step("@") == step
    with pytest.raises(NotFoundError):
        ws.get_step("main")


def test_the_current_branch_is_not_deleted(ws: Workspace) -> None:
    """Its name is needed for the next capture."""
    with pytest.raises(RefusedError):
        ws.delete_branch("main")


def test_every_change_of_branches_is_undone_and_done_again(ws: Workspace, project: Path) -> None:
    """Newest first, and forward again."""
    first = ws.head()
    captured(ws, project, "a")
    ws.apply(ws.plan_rollback(first))
    states = [state(ws)]
    for change in (
        lambda: ws.create_branch("x", at=first),
        lambda: ws.rename_branch("x", "y"),
        lambda: ws.rename_branch("main.1", "mine"),
        lambda: ws.rename_branch("main", "trunk"),
        lambda: ws.delete_branch("mine"),
    ):
        change()
        states.append(state(ws))
    assert states[3][1]["mine"][1] is False
    for wanted in reversed(states[:-1]):
        ws.undo()
        assert state(ws) == wanted
    for wanted in states[1:]:
        ws.redo()
        assert state(ws) == wanted


def test_a_change_is_not_undone_over_a_later_one(ws: Workspace, project: Path) -> None:
    """A branch that moved, a name that is taken again, the current branch: refused, unchanged."""
    ws.create_branch("x")
    made = ws.operations(1)[0].operation.number
    ws.rename_branch("main", "trunk")
    captured(ws, project, "a")
    before = state(ws)
    with pytest.raises(RefusedError, match="branch trunk was changed since"):
        ws.undo()
    ws.delete_branch("x")
    deleted = ws.operations(1)[0].operation.number
    with pytest.raises(RefusedError, match="branch x was changed since"):
        ws.undo(made)
    ws.create_branch("x")
    with pytest.raises(RefusedError, match="another branch x"):
        ws.undo(deleted)
    ws.delete_branch("x")
    ws.create_branch("x/y")
    with pytest.raises(RefusedError, match="x/y exists"):
        ws.undo(deleted)
    ws.delete_branch("x/y")
    ws.undo(deleted)
    assert state(ws)[0] == before[0] and "x" in state(ws)[1]


def test_a_kept_branch_never_takes_a_name_that_a_person_gave(ws: Workspace, project: Path) -> None:
    """Numbers go on above all that are in use."""
    first = ws.head()
    ws.create_branch("main.1")
    ws.create_branch("main.4/x")
    step = captured(ws, project, "a")
    ws.apply(ws.plan_rollback(first))
    branches = ws.view().branches
    assert branches["main.1"].head == first.id and not branches["main.1"].kept
    assert branches["main.5"].head == step.id and branches["main.5"].kept
