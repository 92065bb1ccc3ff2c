"""What the daemon does with the tiers when nobody is at anything, and that nobody waits for it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.daemons import daemon_thread, until

from stepwell.store import Step, Workspace
from stepwell.store.engine.tiers import Thresholds
from stepwell.store.model.version import VERSION
from stepwell.store.service.daemon import Settings, serve
from stepwell.store.service.log import Log
from stepwell.store.service.sealer import Gathered, Sealer


def edits(ws: Workspace, project: Path, count: int) -> list[Step]:
    steps = []
    for number in range(count):
        (project / "a").write_text(f"{number}\n")
        steps.append(ws.record(session="me:1").step)
    return steps


def ready(ws: Workspace) -> int:
    return ws.tiers().tiers[0].ready


def test_the_daemon_has_the_newest_steps_ready_and_prepares_neighbours(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """Steps from before it came are no part of its ring; a look at one has those beside it prepared."""
    old = edits(ws, project, 8)
    with daemon_thread(project, home, runtime):
        edits(ws, project, 2)
        until(lambda: ready(ws) == 3)
        here = ws.step_changes(old[3])
        assert [change.path for change in here] == [b"a"] and here[0].hunks
        # It prepares while nobody asks it for anything, this question included.
        until(lambda: ws.tiers().tiers[1].ready == 5, pause_s=0.5)
        ws.step_changes(old[2])
        ws.step_changes(old[4])
        memory = ws.tiers().memory
        assert (memory.looks, memory.at_hand, memory.ahead) == (3, 2, 2)
    assert ws.step_changes(old[3]) == here


def test_nobody_waits_for_a_daemon_that_is_at_something_else(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """While the lock is lent, a step is shown at once, from the store."""
    step = edits(ws, project, 1)[0]
    with daemon_thread(project, home, runtime):
        link = ws.link()
        assert link is not None
        lent = link.borrow()
        assert lent is not None
        with lent:
            assert [change.path for change in ws.step_changes(step)] == [b"a"]
        assert ws.tiers().memory.looks == 0


def test_memory_gives_out_nothing_that_was_purged(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """Though the step was ready there, and no pack had been before."""
    with daemon_thread(project, home, runtime):
        (project / "secret").write_text("9f8a7b6c5d4e3f2a\n")
        step = ws.record(session="me:1").step
        until(lambda: ready(ws) == 2)
        assert "9f8a7b6c" in repr(ws.step_changes(step))
        ws.purge(paths=[b"secret"])
        until(lambda: (ws.refresh(), ready(ws) == 1)[1])
        assert "9f8a7b6c" not in repr(ws.step_changes(ws.get_step(step.id)))


@contextmanager
def daemon_with(settings: Settings) -> Iterator[None]:
    """A daemon of these settings, on a thread."""
    thread = threading.Thread(target=serve, args=(settings,), daemon=True)
    thread.start()
    with Workspace.open(settings.root, home=settings.home) as ws:
        until(lambda: ws.link() is not None)
        try:
            yield
        finally:
            link = ws.link()
            assert link is not None
            link.stop()
            thread.join(20)


def test_in_an_emergency_the_daemon_seals_beside_its_work(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """Only the newest stay in memory, its log tells of it, and the history goes to a pack."""
    few = Settings(project, home, runtime, VERSION, memory=Thresholds(1, 1, 1))
    with daemon_with(few):
        steps = edits(ws, project, 14)
        log = ws.store / "daemon.log"
        # Events reach the log by the bus, on a thread of its own: in either order.
        until(lambda: log.exists() and '"event": "sealing"' in log.read_text())
        until(lambda: '"event": "snapshot:cleanup"' in log.read_text())
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        (told, *_) = [one for one in lines if one["event"] == "snapshot:cleanup"]
        assert (told["what"], told["level"]) == ("memory", "emergency")
        assert told["bytes_after"] < told["bytes_before"]
        (project / "a").write_text("meanwhile\n")
        ws.capture("captures go on")
        until(lambda: (ws.refresh(), ws.stats().packs == 1)[1])
        assert ws.read_file(steps[3], b"a") == b"3\n"


@pytest.mark.parametrize("gathered", [Gathered(1, 1 << 40), Gathered(1 << 40, 1, 0.2)])
def test_what_has_gathered_is_sealed_without_being_asked_for(
    gathered: Gathered, ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """When it is much, however busy the daemon is; when nobody asks for anything, from less on."""
    with daemon_with(Settings(project, home, runtime, VERSION, gathered=gathered)):
        steps = edits(ws, project, 3)
        until(lambda: (ws.refresh(), ws.stats().packs == 1)[1])
        assert ws.read_file(steps[1], b"a") == b"1\n"


def test_little_is_left_unsealed_and_more_of_it_when_nobody_waits() -> None:
    """By default."""
    usual = Gathered()
    assert not usual.is_enough(31 << 20, 5) and usual.is_enough(32 << 20, 0)
    assert not usual.is_enough(1 << 20, 3600) and usual.is_enough(2 << 20, 60)


def test_a_sealing_that_fails_is_told_and_tried_more_and_more_seldom(
    ws: Workspace, tmp_path: Path
) -> None:
    """What keeps it back, such as a full disk, is seldom gone at once."""
    now = [0.0]
    # As when its folder was moved away.
    for name in os.listdir(ws.home / "roots"):
        (ws.home / "roots" / name).unlink()
    path = ws.store / "daemon.log"
    with closing(Log(ws.store, lambda: 0)) as log:
        sealer = Sealer(log, lambda: now[0])

        def tries() -> int:
            sealer.start(ws)
            until(lambda: (sealer.look(), not sealer.is_under_way)[1])
            return path.read_text().count('"event": "sealing"')

        assert tries() == 1 and "exit status" in path.read_text()
        assert tries() == 1
        now[0] += 601
        assert tries() == 2
        now[0] += 601
        assert tries() == 2
        now[0] += 601
        assert tries() == 3
        sealer.close()
