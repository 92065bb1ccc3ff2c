"""Subscribers hear of every operation, whoever did it, and hold nobody up."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from support.daemons import until

from stepwell.store import UsageError, Workspace
from stepwell.store.model.events import Event


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon."""
    return either


def names(heard: list[Event]) -> list[str]:
    return [event.event for event in heard]


def test_every_kind_of_operation_is_heard_of_in_order(ws: Workspace, project: Path) -> None:
    """With step, session and facts."""
    heard: list[Event] = []
    ws.subscribe("*", heard.append)
    (project / "a").write_text("a\n")
    step = ws.capture("one", session="me:1")
    ws.mark(step, milestone=True, label="good")
    ws.mark(step, note="again")
    ws.create_branch("try")
    ws.apply(ws.plan_rollback("#1"))
    ws.note_gap("no room")
    until(lambda: len(heard) >= 6)
    assert names(heard) == [
        "snapshot:created",
        "snapshot:milestone",
        "experiment:branch-created",
        "snapshot:created",
        "snapshot:rollback",
        "gap",
    ]
    created, milestone, branch, _, rollback, gap = heard
    assert (created.step, created.session, created.workspace) == (step.id, "me:1", ws.id)
    assert created.facts["title"] == "one" and created.facts["changes"]["files"] == 1
    assert (milestone.step, milestone.facts) == (step.id, {"label": "good"})
    assert (branch.step, branch.facts) == (step.id, {"branch": "try"})
    assert rollback.facts["before"] == step.id and rollback.facts["kind"] == "rollback"
    assert gap.facts == {"reason": "no room"}
    assert [e.operation for e in heard] == sorted(e.operation for e in heard)


def test_only_the_named_event_is_heard_until_the_subscription_ends(
    ws: Workspace, project: Path
) -> None:
    """A name that no event has is refused."""
    gaps: list[Event] = []
    steps: list[Event] = []
    ws.subscribe("gap", gaps.append)
    cancel = ws.subscribe("snapshot:created", steps.append)
    (project / "a").write_text("a\n")
    ws.capture("one")
    until(lambda: steps)
    cancel()
    (project / "a").write_text("b\n")
    ws.capture("two")
    ws.note_gap("why")
    until(lambda: gaps)
    assert (len(gaps), len(steps)) == (1, 1)
    with pytest.raises(UsageError, match="no event snapshot:maid"):
        ws.subscribe("snapshot:maid", print)


def test_what_other_processes_do_is_heard(ws: Workspace, project: Path, home: Path) -> None:
    """Though nobody tells this one."""
    heard: list[Event] = []
    ws.subscribe("snapshot:created", heard.append)
    with Workspace.open(project, home=home) as other:
        (project / "a").write_text("a\n")
        other.capture("elsewhere")
    until(lambda: heard)
    assert heard[0].facts["title"] == "elsewhere"


def test_a_subscriber_that_hangs_holds_no_capture_up(ws: Workspace, project: Path) -> None:
    """Nor one that fails, which is logged; the others hear all the same."""
    gate, entered = threading.Event(), threading.Event()

    def hang(_: Event) -> None:
        entered.set()
        gate.wait(20)

    heard: list[Event] = []
    ws.subscribe("snapshot:created", hang)
    ws.subscribe("*", heard.append)
    for number in range(3):
        (project / "a").write_text(f"{number}\n")
        ws.capture(f"{number}")
        assert entered.wait(20)
    assert heard == []
    gate.set()
    until(lambda: len(heard) == 3)


def test_a_subscriber_that_fails_is_logged_and_stays(
    ws: Workspace, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The next event reaches it again, and the others as ever."""
    heard: list[Event] = []

    def fail(event: Event) -> None:
        heard.append(event)
        raise RuntimeError("no")

    ws.subscribe("gap", fail)
    with caplog.at_level(logging.ERROR):
        ws.note_gap("one")
        ws.note_gap("two")
        until(lambda: len(heard) == 2)
        until(lambda: caplog.text.count("RuntimeError: no") == 2)


def test_closing_delivers_what_is_left(ws: Workspace, project: Path, home: Path) -> None:
    """Of operations and of what was published besides."""
    heard: list[Event] = []
    with Workspace.open(project, home=home) as other:
        other.subscribe("*", heard.append)
        (project / "a").write_text("a\n")
        other.capture("last")
        other.publish("rule:verdict", ok=True)
    assert sorted(names(heard)) == ["rule:verdict", "snapshot:created"]
