"""Where lines meet, beside `git merge-base --all`."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import pytest
from support.repositories import Repository

from stepwell.store.engine.merge.ancestry import lineage, merge_bases
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Snapshot, Step

NOTHING = Snapshot(Oid(b"\0" * 20), Oid(b"\0" * 20))


class Graph:
    """Steps by id."""

    def __init__(self) -> None:
        self.steps: dict[StepId, Step] = {}

    def step(self, step: StepId, /) -> Step:
        return self.steps[step]

    def add(self, *parents: Step) -> Step:
        seq = len(self.steps) + 1
        ids = tuple(parent.id for parent in parents)
        made = Step(StepId(f"{seq:032x}"), seq, "main", ids, "capture", "", seq, NOTHING)
        self.steps[made.id] = made
        return made


@pytest.mark.compat
@pytest.mark.parametrize("seed", range(3))
def test_bases_are_those_that_git_finds(tmp_path: Path, seed: int) -> None:
    """Over random graphs with criss-cross merges and several roots; the newest first."""
    chance = random.Random(seed)
    graph, git, commits = Graph(), Repository(tmp_path), {}
    tree = git("hash-object", "-w", "-t", "tree", "--stdin", feed=b"").decode().strip()
    for _ in range(22):
        known = list(graph.steps.values())
        count = min(len(known), chance.choice([0, 1, 1, 1, 2, 2, 2]) if len(known) > 2 else 1)
        parents = chance.sample(known[-5:], min(count, len(known[-5:])))
        step = graph.add(*parents)
        words = [word for parent in parents for word in ("-p", commits[parent.id])]
        made = git("commit-tree", tree, *words, "-m", step.id)
        commits[step.id] = made.decode().strip()
    steps = list(graph.steps.values())
    for a, b in chance.sample(list(combinations(steps, 2)), 60):
        try:
            rows = git("merge-base", "--all", commits[a.id], commits[b.id]).decode().split()
        except AssertionError:
            rows = []
        found = merge_bases(graph, a, b)
        assert {commits[base.id] for base in found} == set(rows)
        assert [s.seq for s in found] == sorted((s.seq for s in found), reverse=True)


def test_the_lineage_of_a_criss_cross_merge_goes_on_to_one_base() -> None:
    """Two bases, and the base of those."""
    graph = Graph()
    root = graph.add()
    left, right = graph.add(root), graph.add(root)
    ours, theirs = graph.add(left, right), graph.add(right, left)
    assert lineage(graph, ours, theirs) == {
        ours.id: [right, left],
        theirs.id: [right, left],
        left.id: [root],
        right.id: [root],
        root.id: [],
    }


def test_a_step_is_its_own_ancestor_and_strangers_have_none() -> None:
    """So that merged already, and nothing in common, can be told."""
    graph = Graph()
    root, stranger = graph.add(), graph.add()
    tip = graph.add(graph.add(root))
    assert merge_bases(graph, tip, root) == [root]
    assert merge_bases(graph, tip, tip) == [tip]
    assert merge_bases(graph, tip, stranger) == []
    assert lineage(graph, tip, root)[root.id] == []
