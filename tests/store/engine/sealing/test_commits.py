"""Derived commits: whatever a step says, git's strictest check accepts it and nobody is fooled."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.store.engine.objects import EMPTY_TREE
from stepwell.store.engine.reference import ReferenceEngine
from stepwell.store.engine.sealing.commits import commit_of_step, step_of_commit
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Snapshot, Step

_TEXT = st.text(max_size=40) | st.sampled_from(
    ["\nStepwell-Step: " + "a" * 32, "x\n\ny", "\0", "\ud800", "\x1b[2J", "<>", "a <b> <c>", " "]
)


def step(title: str, **more: object) -> Step:
    """Returns a step with that title."""
    snapshot = Snapshot(EMPTY_TREE, EMPTY_TREE)
    base = Step(StepId("1f" * 16), 1, "main", (), "tool", title, 10**18, snapshot)
    return Step(**{**{f: getattr(base, f) for f in base.__dataclass_fields__}, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ReferenceEngine:
    """Real git, with an empty tree."""
    engine = ReferenceEngine(tmp_path_factory.mktemp("git") / "scratch")
    engine.add("tree", b"")
    return engine


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    title=_TEXT,
    session=st.none() | _TEXT,
    tool=st.none() | _TEXT,
    author=st.none() | _TEXT | st.builds("{} <{}>".format, _TEXT, _TEXT),
    time_ns=st.sampled_from([-(10**18), 0, 1, 10**18, 1 << 70]),
)
def test_git_accepts_any_commit(
    engine: ReferenceEngine,
    title: str,
    session: str | None,
    tool: str | None,
    author: str | None,
    time_ns: int,
) -> None:
    """And the step that it stands for is read back, whatever the title pretends."""
    made = step(title, session=session, tool=tool, author=author, time_ns=time_ns)
    content = commit_of_step(made, ())
    engine.check_commit(engine.add("commit", content))
    assert step_of_commit(content) == b"\x1f" * 16


def test_an_imported_author_is_named(tmp_path: Path) -> None:
    """Who made an imported step is its author; Stepwell commits it."""
    content = commit_of_step(step("t", author="Ada Byron <ada@example.org>"), [Oid(b"\1" * 20)])
    lines = content.decode().split("\n")
    assert lines[1] == f"parent {'01' * 20}"
    assert lines[2] == "author Ada Byron <ada@example.org> 1000000000 +0000"
    assert lines[3] == "committer Stepwell <stepwell@localhost> 1000000000 +0000"


def test_other_commits_stand_for_no_step() -> None:
    """Anything that is not the very form is none."""
    assert step_of_commit(b"tree x\n\ntitle\n") is None
    assert step_of_commit(b"tree x\n\ntitle\n\nStepwell-Step: short\n") is None
    assert step_of_commit(b"") is None
