"""A purged content is nowhere in the data folder, by whichever door it came, or its place is named."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.daemons import daemon_thread, until
from support.httpserver import http_server
from support.pruning import edits
from support.sharing import git, workspaces
from support.traces import everywhere

from stepwell.store import StateConfig, StateSnapshots, Workspace
from stepwell.store.agents.installing.apply import Backups
from stepwell.store.agents.installing.plan import Edit
from stepwell.store.bundling import export_bundle
from stepwell.store.engine.recording import Act
from stepwell.store.sessions import Sessions
from stepwell.tui.feed.memory import Keeper, Memory
from stepwell.tui.model.remembered import Place

KEY = "SERVICE_KEY=9f8a7b6c5d4e3f2a1b0c"
SECRET = f"# keys of the service\n{KEY}\nREGION=eu\n"
NEEDLES = (b"9f8a7b6c5d4e3f2a", b"keys of the service")
SESSION = "claude:s"


@pytest.fixture
def states(ws: Workspace) -> Iterator[StateSnapshots]:
    """What `stepwell state` reads and writes, as a program of its own has it open."""
    with StateSnapshots(ws.store / "state", StateConfig(max_snapshots=4)) as snapshots:
        yield snapshots


def put_states(states: StateSnapshots) -> dict[str, object]:
    """Stores states with the secret in whole ones and patches; returns those without it by id."""
    filler = {f"n{number}": "x" * 50 for number in range(40)}
    kept: dict[str, object] = {}
    for number in range(6):
        state = {**filler, "number": number}
        if number in (1, 2, 4):
            state["env"] = {"text": f"export {KEY}"}
        one = states.create("s", state, description=f"{number} {KEY}", tags=(f"t{number}", KEY))
        if number in (3, 5):
            kept[one.id] = state
    states.record_event("s", "patch", [{"op": "add", "path": "/env", "value": SECRET}])
    states.record_event("s", "merge", {"number": 9})
    return kept


def through_every_door(ws: Workspace, project: Path) -> None:
    """Records the secret in steps: as files, as what was said, and as state that they carry."""
    (project / ".env").write_text(SECRET)
    call = {"file_path": str(project / ".env"), "content": SECRET}
    said = {"prompt": f"use {KEY}", "input": json.dumps(call), "result_text": f"1\t{KEY}\n"}
    step = ws.record(act=Act(f"write {KEY}", "tool", session=SESSION, turn=1, **said)).step
    ws.mark(step, label="keyed", note=f"holds {KEY}", by="me")
    ws.mark_milestone(step, note=f"still {KEY}")
    ws.capture("with state", session=SESSION, state={"plan": {"env": KEY}})
    Sessions(ws).take_unheld(SESSION, description=f"before {KEY} goes")
    edits(ws, project, 2)
    ws.gc()
    ws.try_approaches(
        [("tell", [sys.executable, "-c", f"open('told', 'w').write({SECRET!r}); print({KEY!r})"])],
        name="tries",
        check=[sys.executable, "-c", f"raise SystemExit({KEY!r})"],
    )
    (project / ".env").write_text(f"{SECRET}MORE=1\n")
    ws.apply(ws.plan_rollback(ws.get_step("keyed")), force=True)
    list(ws.search("SERVICE_KEY", datetime(2030, 1, 1, tzinfo=UTC)))
    list(ws.blame(b".env", ws.get_step("keyed")))


def beside(ws: Workspace, project: Path) -> None:
    """Leaves the secret where no step is: with hooks, the screen, what was installed, and others."""
    spool = ws.store / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    event = json.dumps({"tool_input": {"file_path": "env", "content": SECRET}}).encode()
    (spool / "01700000000000000000-1").write_bytes(b"claude PostToolUse\n" + event)
    keeper = Keeper(ws.home, ws.root)
    keeper.keep(Memory(place=Place(seq=3)))
    keeper.keep_line(f"mark @ --note '{KEY}'")
    before = json.dumps({"env": KEY}).encode()
    Backups(ws.home).keep(Edit(project / ".claude" / "settings.json", before, b"{}"))
    (ws.store / "notes-of-somebody").write_text(f"do not forget {KEY}\n")


def test_it_is_found_nowhere_or_its_place_is_named(
    ws: Workspace,
    project: Path,
    home: Path,
    runtime: Path,
    states: StateSnapshots,
    server: Path,
    tmp_path: Path,
) -> None:
    """Steps, state, logs, screen, spool, remotes: with a daemon and a server that know it by heart."""
    make, close = workspaces(tmp_path, server)
    other = make("ann")
    Path(os.fsdecode(other.root), "leaked").write_text(SECRET)
    other.capture("leaked")
    other.push("origin")
    close()
    ws.add_remote("origin", str(server))
    ws.pull("origin")
    kept = put_states(states)
    with daemon_thread(project, home, runtime):
        through_every_door(ws, project)
        ws.push("origin")
        export_bundle(ws, tmp_path / "person.bundle", ws.steps(limit=1000))
        log = ws.store / "daemon.log"
        until(lambda: NEEDLES[0] in log.read_bytes())
        with http_server(project, home) as served:
            listed = served.ask("GET", f"/sessions/{SESSION}/timeline").json
            written = ws.get_step("keyed")
            shown = f"/steps/{written.id}/diff"
            assert NEEDLES[0] in served.ask("GET", shown).body
            assert NEEDLES[0].decode() in repr(ws.step_changes(written))
            beside(ws, project)
            (project / ".env").unlink()
            places = everywhere(home, *NEEDLES)
            assert len(places) > 15, places
            planned = ws.plan_purge(paths=[b".env"])
            done = ws.purge(paths=[b".env"])
            assert everywhere(home, *NEEDLES) == {f"workspaces/{ws.store.name}/notes-of-somebody"}
            for path in (shown, f"/steps/{written.id}", f"/sessions/{SESSION}/timeline"):
                answer = served.ask("GET", path)
                assert answer.status == 200
                assert not any(needle in answer.body for needle in NEEDLES), path
            assert len(listed) == len(served.ask("GET", f"/sessions/{SESSION}/timeline").json)
        assert ws.daemon() is not None
        assert NEEDLES[0].decode() not in repr(ws.step_changes(ws.get_step("keyed")))
    assert everywhere(home, *NEEDLES) == {f"workspaces/{ws.store.name}/notes-of-somebody"}
    assert (planned.unreached, planned.beside) == (done.unreached, done.beside)
    named = {one.what: one.reason for one in done.unreached}
    assert "notes-of-somebody" in named
    (backup,) = (home / "installed").iterdir()
    assert json.loads(backup.read_text())["before"]
    assert "stepwell uninstall" in named[f"installed/{backup.name}"]
    assert "the remote origin" in named
    assert {"state snapshot", "state event", "log line", "screen file"} == {
        one.what for one in done.beside
    }
    assert {one: states.reconstruct_state(one) for one in kept} == kept
    assert ws.verify(full=True).ok
    assert NEEDLES[0] in git("--git-dir", server, "log", "--all", "-p").encode()
    assert (tmp_path / "person.bundle").exists()
