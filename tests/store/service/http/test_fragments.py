"""Timelines that are put together from texts: as they are when each step is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from stepwell.store import Step, Workspace
from stepwell.store.catalogue import shards as shards_module
from stepwell.store.engine.context import no_progress
from stepwell.store.model.steps import StepKind
from stepwell.store.service.http.fragments import Fragments, samples
from stepwell.store.sessionforms import timeline_form
from stepwell.store.sessions import Sessions

S = "me:s1"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Steps of two sessions, in files of a few steps each."""
    monkeypatch.setattr(shards_module, "SHARD_STEPS", 5)
    (tmp_path / "project").mkdir()
    with Workspace.init(tmp_path / "project", home=tmp_path / "home") as ws:
        for number in range(24):
            (tmp_path / "project" / "a").write_text(f"{number}\n")
            ws.capture(f"number {number}", session=S if number % 3 else "me:s2")
        yield ws


def _read(workspace: Workspace) -> list[Step]:
    return Sessions(workspace).timeline(S, limit=1_000)


def _wanted(workspace: Workspace) -> list[object]:
    steps = _read(workspace)
    return [timeline_form(*one) for one in zip(steps, workspace.tiers_of(steps), strict=True)]


def _paged(fragments: Fragments, workspace: Workspace, limit: int) -> list[object]:
    found: list[object] = []
    before: int | None = None
    while True:
        page = json.loads(fragments.page(workspace, S, limit, before))
        found += page["steps"]
        before = page["next"]
        if before is None:
            return found


@pytest.mark.parametrize("limit", [1, 4, 5, 500])
def test_pages_hold_what_the_steps_say(workspace: Workspace, limit: int) -> None:
    """Old steps and new ones, once each, whether they were made ready or not."""
    wanted = _wanted(workspace)
    unready, ready = Fragments(), Fragments()
    assert _paged(unready, workspace, limit) == wanted
    ready.make_ready(workspace, no_progress, lambda: False)
    assert _paged(ready, workspace, limit) == wanted


def test_marks_come_and_go_in_old_steps_too(workspace: Workspace) -> None:
    """Annotated, with other words, and not any more."""
    fragments = Fragments()
    fragments.make_ready(workspace, no_progress, lambda: False)
    old = _read(workspace)[-2]
    changes: list[Callable[[], object]] = [
        lambda: workspace.mark(old, label="good", tags=("a",)),
        lambda: workspace.mark(old, note="better", by="me"),
        lambda: workspace.unmark(old),
    ]
    for change in changes:
        change()
        wanted = _wanted(workspace)
        assert _paged(fragments, workspace, 9) == wanted


def test_a_page_at_hand_is_the_same_and_reads_nothing(workspace: Workspace) -> None:
    """There is one of old steps and new ones, marked or not, once a page was read after the newest operation."""
    fragments = Fragments()
    fragments.make_ready(workspace, no_progress, lambda: False)
    old = _read(workspace)[-4:-1]
    workspace.mark(old[0], label="good", note="so", milestone=True)
    before = old[0].seq + 1
    assert fragments.page_at_hand(workspace, S, 3, before) is None
    read = fragments.page(workspace, S, 3, before)
    assert fragments.page_at_hand(workspace, S, 3, before) == read
    assert json.loads(read)["steps"] == _wanted(workspace)[-4:-1]
    newest = fragments.page_at_hand(workspace, S, 3, None)
    assert newest is not None and json.loads(newest)["steps"] == _wanted(workspace)[:3]
    assert fragments.page_at_hand(workspace, "me:nobody", 3, None) is None
    assert Fragments().page_at_hand(workspace, S, 3, before) is None


def test_what_another_process_did_is_not_at_hand(workspace: Workspace, tmp_path: Path) -> None:
    """Until a page was read since; what it unmarked is unmarked then."""
    fragments = Fragments()
    fragments.make_ready(workspace, no_progress, lambda: False)
    old = workspace.mark(_read(workspace)[-2], label="good")
    fragments.page(workspace, S, 3, None)
    with Workspace.open(workspace.root, home=tmp_path / "home") as other:
        other.unmark(old)
    workspace.refresh()
    assert fragments.page_at_hand(workspace, S, 1, old.seq + 1) is None
    fragments.page(workspace, S, 3, None)
    found = fragments.page_at_hand(workspace, S, 1, old.seq + 1)
    assert found is not None and json.loads(found)["steps"] == [_wanted(workspace)[-2]]


def test_tiers_are_those_of_now_whenever_the_texts_were_made(workspace: Workspace) -> None:
    """Of stored steps and new ones: a milestone, some ready in memory, and all of them sealed."""
    fragments = Fragments()
    fragments.make_ready(workspace, no_progress, lambda: False)
    workspace.mark(_read(workspace)[-3], label="good", milestone=True)
    while workspace.has_unready:
        workspace.make_ready()
    before = _paged(fragments, workspace, 4)
    assert before == _wanted(workspace)
    workspace.gc()
    after = _paged(fragments, workspace, 4)
    assert after == _wanted(workspace) != before
    tagged = json.loads(fragments.of_steps(workspace, _read(workspace), 500))
    assert tagged == {"steps": after, "next": None}


def test_samples_have_everything_that_a_step_can_have() -> None:
    """So that a text that is made otherwise is of another kind; marked steps' texts are not stored."""
    bare, *full = samples()
    assert {step.kind for step in full} == set(get_args(StepKind))
    told = {one.name for one in fields(Step)} - {"id", "seq", "branch", "kind", "time_ns"}
    for name in told - {"snapshot", "checkpoint"}:
        assert all(getattr(step, name) != getattr(bare, name) for step in full), name


def test_a_purge_leaves_no_text_of_before(workspace: Workspace) -> None:
    """The steps that it rewrote are told anew, and the old files are gone."""
    fragments = Fragments()
    fragments.make_ready(workspace, no_progress, lambda: False)
    folder = workspace.store / "catalogue"
    before = {path.name for path in folder.glob("rows-*")}
    old = {step.snapshot.tree.hex().encode() for step in _read(workspace)}
    workspace.purge(paths=[b"a"])
    wanted = _wanted(workspace)
    assert _paged(fragments, workspace, 9) == wanted
    fragments.make_ready(workspace, no_progress, lambda: False)
    after = {path.name for path in folder.glob("rows-*")}
    assert before and after and not before & after
    assert not any(tree in json.dumps(wanted).encode() for tree in old)


def test_getting_ready_ends_when_it_is_told_to(workspace: Workspace) -> None:
    """A server that is to end does not wait for it; progress says how far it is."""
    told: list[tuple[int, int]] = []
    Fragments().make_ready(
        workspace, lambda _, done, total: told.append((done, total)), lambda: len(told) == 2
    )
    assert told == [(0, 6), (1, 6)]
