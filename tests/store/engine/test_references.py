"""References resolve in the documented order; names follow git's ref rules."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.engine.references import check_free, check_name, resolve
from stepwell.store.model.errors import AmbiguousError, NotFoundError, RefusedError, UsageError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Branch, Mark, Snapshot, Step, View

SNAPSHOT = Snapshot(Oid(b"\0" * 20), Oid(b"\0" * 20))


def _step(seq: int, digits: str, *parents: Step) -> Step:
    return Step(
        id=StepId(digits.ljust(32, "0")),
        seq=seq,
        branch="main",
        parents=tuple(parent.id for parent in parents),
        kind="capture",
        title=f"step {seq}",
        time_ns=seq,
        snapshot=SNAPSHOT,
    )


@dataclass(frozen=True)
class Steps:
    """A lookup over a few steps in memory."""

    all: tuple[Step, ...]

    def step(self, identity: StepId) -> Step:
        return next(step for step in self.all if step.id == identity)

    def steps_by_seq(self, seq: int) -> Step | None:
        return next((step for step in self.all if step.seq == seq), None)

    def steps_by_prefix(self, prefix: str) -> Sequence[StepId]:
        return [step.id for step in self.all if step.id.startswith(prefix)]


ONE = _step(1, "aaaa1")
TWO = _step(2, "aaaa2", ONE)
THREE = _step(3, "beef3", TWO)
SIDE = _step(5, "cafe5", ONE)
STEPS = Steps((ONE, TWO, THREE, SIDE))
VIEW = View(
    current="main",
    branches={"main": Branch("main", THREE.id), "side": Branch("side", SIDE.id)},
    marks={
        ONE.id: Mark(label="green"),
        TWO.id: Mark(label="twice"),
        SIDE.id: Mark(label="twice"),
        THREE.id: Mark(label="side"),
    },
)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("@", THREE),
        ("@~0", THREE),
        ("@~1", TWO),
        ("@~", TWO),
        ("@~~", ONE),
        ("@~1~1", ONE),
        ("#2", TWO),
        ("#3~2", ONE),
        ("side", SIDE),
        ("side~1", ONE),
        ("green", ONE),
        ("aaaa1", ONE),
        ("BEEF", THREE),
        (SIDE.id, SIDE),
    ],
)
def test_each_form_of_reference_names_its_step(reference: str, expected: Step) -> None:
    """The forms of the interface, and `~N` after any of them."""
    assert resolve(reference, VIEW, STEPS) == expected


def test_a_branch_wins_over_a_label_and_a_label_over_a_prefix() -> None:
    """The order of trial decides, so that nothing else makes a reference ambiguous."""
    view = View(
        branches={"main": Branch("main", ONE.id), "beef": Branch("beef", TWO.id)},
        marks={SIDE.id: Mark(label="cafe"), ONE.id: Mark(label="beef")},
    )
    assert resolve("beef", view, STEPS) == TWO
    assert resolve("cafe", view, STEPS) == SIDE
    assert resolve("cafe5", view, STEPS) == SIDE


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("nowhere", "stepwell log"),
        ("", "stepwell log"),
        ("~1", "stepwell log"),
        ("12", "'#12'"),
        ("aaa", "at least 4"),
        ("#99", "--all"),
        ("@~9", "stepwell log"),
        ("abcd", "stepwell log"),
        ("@~" + "9" * 9, "stepwell log"),
        ("\udcff\x1b[31m", "stepwell log"),
    ],
)
def test_what_names_nothing_is_not_found_and_says_how_to_go_on(reference: str, hint: str) -> None:
    """One sentence, a hint that fits the mistake, exit code 3."""
    with pytest.raises(NotFoundError) as caught:
        resolve(reference, VIEW, STEPS)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3
    assert caught.value.facts["reference"] == reference


def test_an_ambiguous_prefix_lists_its_candidates_newest_first() -> None:
    """Both in words and as ids."""
    with pytest.raises(AmbiguousError) as caught:
        resolve("aaaa", VIEW, STEPS)
    assert caught.value.facts["candidates"] == [TWO.id, ONE.id]
    assert "#2 aaaa2000, #1 aaaa1000" in caught.value.message


def test_a_label_on_two_steps_is_ambiguous() -> None:
    """Labels need not be unique; a reference must be."""
    with pytest.raises(AmbiguousError) as caught:
        resolve("twice", VIEW, STEPS)
    assert caught.value.facts["candidates"] == [SIDE.id, TWO.id]


def test_a_store_without_steps_has_no_newest_one() -> None:
    """`@` says what to do first."""
    with pytest.raises(NotFoundError, match="none yet"):
        resolve("@", View(), STEPS)


@pytest.mark.parametrize(
    "name", ["green", "try/lru", "v1.2", "été", "main.1", "a-b_c", "12", "cafe"]
)
def test_ordinary_names_are_allowed(name: str) -> None:
    """For labels and for branches."""
    check_name(name, "label")
    check_name(name, "branch")


@pytest.mark.parametrize("name", ["@", "HEAD", "#12", "-x", "a:b", "two words", "x" * 201, ""])
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    """Beyond git's rules: what would read as another reference or as an option."""
    with pytest.raises(UsageError) as caught:
        check_name(name, "label")
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_a_refused_name_is_answered_with_one_that_would_do() -> None:
    """The hint is a name that the same check takes."""
    with pytest.raises(UsageError) as caught:
        check_name("before the refactor", "label")
    assert caught.value.hint == "before-the-refactor would do"


_CHARS = st.sampled_from([*"ab@{}~^:?*[\\/. -#\x00\x1f\x7f1é", "..", ".lock", "//", "HEAD"])


@pytest.mark.compat
@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_CHARS, min_size=1, max_size=5).map("".join), min_size=20, max_size=20))
def test_no_name_is_allowed_that_git_refuses(names: list[str]) -> None:
    """The oracle is `git check-ref-format`, for a branch and for a tag of that name."""
    for name in filter(_is_allowed, names):
        assert "\0" not in name
        git = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
        assert git.returncode == 0, name


def _is_allowed(name: str) -> bool:
    try:
        check_name(name, "branch")
    except UsageError:
        return False
    return True


def test_most_names_that_git_takes_are_allowed() -> None:
    """The check is no stricter than git except where a name would read as something else."""
    for name in ("a@b", "a{b}", "@x", "x@", "a.lock.b", "#x", "x#1", "(a)", "a;b", "ü", "'q'"):
        git = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
        assert git.returncode == 0
        check_name(name, "branch")


@pytest.mark.parametrize(("name", "taken"), [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a")])
def test_a_name_cannot_lie_above_or_below_another(name: str, taken: str) -> None:
    """Git keeps refs as files, so `a` and `a/b` cannot both exist."""
    with pytest.raises(RefusedError):
        check_free(name, ["other", taken], "branch")


@pytest.mark.parametrize("name", ["a", "ab", "b/a", "a.1"])
def test_names_side_by_side_are_free(name: str) -> None:
    """Only whole parts count; an equal name is for the caller to judge."""
    check_free(name, ["a", "abc/d", "b/b"], "label")
