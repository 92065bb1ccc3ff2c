"""Filtering by columns and stored texts finds what reading every step would find."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.store.catalogue import sifting
from stepwell.store.engine.filters import parse
from stepwell.store.engine.recording import Act
from stepwell.store.model.steps import StepResult
from stepwell.store.workspace import Workspace

START_NS = 1_750_000_000_000_000_000
NOW = datetime.fromtimestamp(START_NS / 1e9 + 3600, UTC)

ACTS = (
    Act("plant a tree", "prompt", session="a:one", turn=1),
    Act("edit Soil.py", "tool", session="a:one", tool="Edit", result=StepResult(True)),
    Act('say "hello" \\ back', "tool", session="a:one", tool="Bash", result=StepResult(False, 2)),
    Act("ﬁne größe, straße", "tool", session="b:two", tool="Bash", result=StepResult(True, 0, 5)),
    Act("outside work", "outside", flags=("outside",)),
    Act("the disk was full", "gap", session="b:two"),
    Act("tab\tand \x1b[2J", "tool", session="B:Three", tool="Write"),
    Act("#3 is wrong", "prompt", session="b:two"),
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Three times those acts, some of them marked, and a rollback with its safety step."""
    base = tmp_path_factory.mktemp("sifting")
    (base / "root").mkdir()
    ticks = iter(range(10_000))
    with Workspace.init(
        base / "root", home=base / "home", clock=lambda: START_NS + next(ticks) * 10_000_000_000
    ) as ws:
        for turn in range(3):
            for act in ACTS:
                (base / "root" / f"{act.kind}.txt").write_text(f"{turn} {act.title}")
                ws.record(act=act)
        ws.mark(ws.get_step("#4"), label="green", note="The TREE stands", by="ada", tags=("ok",))
        ws.mark(ws.get_step("#9"), tags=("wip",), milestone=True)
        ws.create_branch("try/tree", at="#5")
        (base / "root" / "prompt.txt").write_text("in no step yet")
        ws.apply(ws.plan_rollback("#6"), force=True)
        yield ws


TERMS = (
    "tree", "TREE", "soil", '"a tree"', '"\\"hello\\""', "fine", "größe", "STRASSE", "full", "#3",
    "text:green", "kind:tool", "kind:gap,prompt", "kind:safety", "kind:checkpoint,milestone",
    "status:ok", "status:failed", "status:unknown", "status:gap", "status:unstable,failed",
    "status:failed,gap", "tool:bash", "tool:B*", "tool:edit,write", "tag:ok", "tag:w*",
    "note:stands", "by:ada", "by:a", "by:b*", "branch:main", "branch:main.1", "branch:m*",
    "session:one", "session:b:two,b:three", "session:*T*", "since:1h", "until:30m", "since:58m",
    "path:prompt", "path:*.txt",
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(("", "-")), st.sampled_from(TERMS)), max_size=3),
    st.integers(0, 27),
    st.integers(1, 40),
)
def test_the_same_steps_as_by_reading_each(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    terms: list[tuple[str, str]],
    newer_than: int,
    stretch: int,
) -> None:
    """Whatever is asked, in whatever stretches, newest first."""
    monkeypatch.setattr(sifting, "STRETCH", stretch)
    wanted = parse(" ".join(sign + term for sign, term in terms), NOW)
    steps = workspace.steps(limit=100, all_branches=True)
    expected = [
        step.seq
        for step in steps
        if step.seq > newer_than and wanted.matches(step, workspace.changed_paths)
    ]
    parts = list(workspace.find_steps(wanted, newer_than=newer_than))
    assert [seq for part in parts for seq in part.seqs] == expected
    assert sum(part.looked for part in parts) == sum(step.seq > newer_than for step in steps)


def test_what_columns_tell_reads_no_step(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kinds, failures, sessions and times of unmarked steps."""
    read: list[object] = []
    monkeypatch.setattr(sifting, "step_of_text", read.append)
    wanted = parse("kind:tool status:failed session:one since:1d", NOW)
    found = [s for part in workspace.find_steps(wanted, newer_than=9) for s in part.seqs]
    assert len(found) == 2 and not read


def test_damaged_files_are_made_up_for(tmp_path: Path) -> None:
    """A step whose stored text cannot be read comes from the journal."""
    root = tmp_path / "root"
    root.mkdir()
    with Workspace.init(root, home=tmp_path / "home") as ws:
        (root / "a").write_text("a")
        ws.capture("plant a tree")
        ws.steps()
        shard = next((ws.store / "catalogue").glob("steps-*"))
    shard.write_bytes(b"\0" * shard.stat().st_size)
    with Workspace.open(root, home=tmp_path / "home") as ws:
        parts = list(ws.find_steps(parse("tree", NOW)))
    assert [seq for part in parts for seq in part.seqs] == [2]
