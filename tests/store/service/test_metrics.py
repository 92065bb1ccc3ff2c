"""The daemon's metrics: counted while it works, there again after every kind of restart."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.daemons import answers, daemon_process, until

from stepwell.store import Workspace
from stepwell.store.engine.meters import NEWEST, Meters
from stepwell.store.service.http.figures import exposition
from stepwell.store.sessions import Sessions
from stepwell.store.state.meterfile import FOLDER, recall
from stepwell.store.state.persistence import newest_saved

SAVES_OFTEN = """
import sys
from pathlib import Path
from stepwell.store.environment import runtime_folder
from stepwell.store.model.version import VERSION
from stepwell.store.service.daemon import Settings, serve
home, root = map(Path, sys.argv[1:])
serve(Settings(root, home, runtime_folder(), VERSION, metrics_ms=20))
"""


def captures(ws: Workspace) -> int:
    """How many recorded steps the daemon, or else the meters of this process, know of."""
    return next((one.count for one in ws.timings() if one.name == "record"), 0)


def edit(ws: Workspace, project: Path, text: str) -> None:
    (project / "a").write_text(text)
    ws.capture(text)


def test_metrics_survive_a_daemon_that_is_ended(ws: Workspace, project: Path, home: Path) -> None:
    """SIGTERM saves them, and the next daemon counts on."""
    for run in (1, 2):
        daemon = daemon_process(project, home)
        edit(ws, project, f"run {run}")
        assert captures(ws) == run
        daemon.terminate()
        assert daemon.wait(20) == 0
    (timing,) = [one for one in _recalled(ws).timings() if one.name == "record"]
    assert timing.count == 2 and 0 < timing.p50_ms <= timing.p99_ms


def test_metrics_survive_a_daemon_that_is_killed_up_to_the_interval(
    ws: Workspace, project: Path, home: Path
) -> None:
    """SIGKILL: what was saved last is what the next daemon, and a command without one, know."""
    daemon = subprocess.Popen([sys.executable, "-c", SAVES_OFTEN, str(home), str(project)])
    until(lambda: answers(ws))
    edit(ws, project, "before the kill")
    until(lambda: (saved := newest_saved(ws.store / FOLDER)) and "record" in saved.data["counts"])
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    assert _recalled(ws).counted("record") == 1
    again = daemon_process(project, home)
    assert captures(ws) == 1
    again.terminate()
    assert again.wait(20) == 0


def test_damaged_metrics_keep_no_daemon_from_its_work(
    ws: Workspace, project: Path, home: Path
) -> None:
    """They are put aside, which the log tells, and counting begins anew."""
    (ws.store / FOLDER).mkdir(mode=0o700)
    (ws.store / FOLDER / "snapshot-00000001.json.gz").write_bytes(b"no gzip")
    assert recall(ws.store, Meters()) is None
    daemon = daemon_process(project, home)
    edit(ws, project, "all the same")
    assert captures(ws) == 1
    daemon.terminate()
    assert daemon.wait(20) == 0
    assert "is refused" in (ws.store / "daemon.log").read_text()
    assert _recalled(ws).counted("record") == 1


def test_meters_keep_the_newest_times_and_come_back_as_they_were() -> None:
    """Percentiles are of the newest times; a copy by JSON is the same."""
    meters = Meters()
    for took_us in range(NEWEST + 100):
        meters.note("capture", took_us)
    (timing,) = meters.timings()
    assert (timing.count, timing.p50_ms, timing.p99_ms) == (NEWEST + 100, 0.599, 1.089)
    assert meters.share_within("capture", 599) == 0.5
    assert meters.share_within("nothing", 1) is None
    again = Meters()
    again.restore(json.loads(json.dumps(meters.snapshot())))
    assert again.timings() == meters.timings() and again.snapshot() == meters.snapshot()


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"format": 2, "counts": {}, "newest_us": {}},
        {"format": 1, "counts": []},
        {"format": 1, "counts": {"a": -1}, "newest_us": {}},
        {"format": 1, "counts": {"a": True}, "newest_us": {}},
        {"format": 1, "counts": {}, "newest_us": {"a": 3}},
        {"format": 1, "counts": {}, "newest_us": {"a": ["1"]}},
    ],
)
def test_what_are_no_metrics_is_refused(data: Any) -> None:
    """And leaves what was counted."""
    meters = Meters()
    meters.count("kept")
    with pytest.raises(ValueError, match="metrics"):
        meters.restore(data)
    assert meters.counted("kept") == 1


def _recalled(ws: Workspace) -> Meters:
    meters = Meters()
    assert recall(ws.store, meters) is not None
    return meters


def test_sessions_of_hooks_tell_the_memory_of_their_daemon(
    ws: Workspace, project: Path, home: Path
) -> None:
    """And say that it is the daemon's: while it runs, after it has ended, and for Prometheus."""
    daemon = daemon_process(project, home)
    (project / "a").write_text("by an agent")
    ws.capture("by an agent", session="claude:1")
    (running,) = Sessions(ws).figures()
    assert running.peak_memory_of == "daemon"
    assert running.peak_memory_bytes and running.peak_memory_bytes > 10_000_000
    daemon.terminate()
    assert daemon.wait(20) == 0
    (ended,) = Sessions(ws).figures()
    assert ended.peak_memory_of == "daemon"
    # The kernel counts in batches, one a processor: two readings of one peak differ by some pages.
    assert ended.peak_memory_bytes
    assert ended.peak_memory_bytes > running.peak_memory_bytes * 0.98
    name = 'stepwell_session_peak_memory_bytes{of="daemon",session="claude:1"} '
    (line,) = [one for one in exposition(ws).decode().splitlines() if one.startswith(name)]
    assert float(line.removeprefix(name)) == ended.peak_memory_bytes
