"""What each route does, over a real server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.daemons import until
from support.httpserver import Served, http_server

from stepwell.store import Workspace
from stepwell.store.engine.accounts import Finding

from .conftest import S


@contextmanager
def _events(server: Served, last: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Gives the events after one, as they come, each with its id."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    headers = {"Authorization": f"Bearer {server.token}", "Last-Event-ID": last}
    connection.request("GET", "/events", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    with closing(connection), closing(answer):
        yield _read(answer)


def _read(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    said = dict[str, str]()
    for line in lines:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            said[name] = value
        elif said.keys() >= {"id", "data"}:
            yield {**json.loads(said["data"]), "id": said["id"]}
            said = {}


def _snapshot(server: Served, lease: int, **body: Any) -> dict[str, Any]:
    made = server.ask("POST", f"/sessions/{S}/snapshots", body, lease=lease)
    assert made.status == 201, made.json
    return dict(made.json)


def test_access_is_given_renewed_refused_and_released(server: Served) -> None:
    """Not granted is no error: the answer names the holder."""
    path = "/sessions/new:one/access"
    first = server.ask("POST", path, {"client_id": "a", "mode": "write", "ttl_ms": 60_000}).json
    again = server.ask("POST", path, {"client_id": "a", "mode": "write", "ttl_ms": 60_000}).json
    assert first["granted"] and again["lease"] == first["lease"]
    refused = server.ask("POST", path, {"client_id": "b", "mode": "write", "ttl_ms": 60_000})
    assert (refused.status, refused.json["granted"], refused.json["holder"]) == (200, False, "a")
    assert server.ask("POST", path, {"client_id": "b", "mode": "read"}).json["granted"]
    shown = server.ask("GET", path).json
    assert (shown["write_holder"], shown["locked"], len(shown["clients"])) == ("a", True, 2)
    assert server.ask("DELETE", f"{path}/a").json == {"released": True}
    assert server.ask("DELETE", f"{path}/a").json == {"released": False}
    assert server.ask("GET", path).json["locked"] is False


def test_a_snapshot_is_taken_listed_read_restored_and_deleted(server: Served, lease: int) -> None:
    """Files and state go back together, behind a safety step, and forth again by undo."""
    file = server.root / "a"
    file.write_text("first\n")
    first = _snapshot(server, lease, description="first", tags=["x"], state={"plan": {"n": 1}})
    file.write_text("second\n")
    second = _snapshot(server, lease, description="second", state={"plan": {"n": 2}})
    assert (first["description"], first["tags"], first["by"]) == ("first", ["x"], "test")

    listed = server.ask("GET", f"/sessions/{S}/snapshots").json["snapshots"]
    assert [one["id"] for one in listed[:2]] == [second["id"], first["id"]]
    tagged = server.ask("GET", "/snapshots?tag=x&limit=1").json
    assert [one["id"] for one in tagged["snapshots"]] == [first["id"]]
    path = f"/sessions/{S}/snapshots/{first['id']}"
    assert server.ask("GET", path).json["state"] == {"plan": {"n": 1}}
    versions = server.ask("GET", f"/sessions/{S}/versions").json["versions"]
    assert [one["id"] for one in versions[-2:]] == [first["id"], second["id"]]
    query = f"older={first['id']}&newer={second['id']}"
    between = server.ask("GET", f"/sessions/{S}/versions/diff?{query}").json
    assert [one["path"] for one in between["changes"]] == ["a"]
    assert between["state_changes"][0]["path"] == f"/{S}/plan/n"

    dry = server.ask("POST", f"{path}/restore", {"dry_run": True})
    assert (dry.status, dry.json["applied"], file.read_text()) == (200, False, "second\n")
    assert dry.json["plan"]["changes"][0]["hunks"][0]["lines"] == ["-second", "+first"]
    done = server.ask("POST", f"{path}/restore", {}, lease=lease).json
    assert done["applied"] and done["safety_step"] and file.read_text() == "first\n"
    states = server.ask("GET", "/steps/@").json["states"]
    assert states[S] == {"plan": {"n": 1}}
    undone = server.ask("POST", "/undo", {"session": S}, lease=lease)
    assert undone.json["applied"] and file.read_text() == "second\n"

    assert server.ask("DELETE", path, lease=lease).json == {"deleted": True, "id": first["id"]}
    assert server.ask("GET", path).status == 404
    assert server.ask("GET", f"/steps/{first['id']}").status == 200
    assert server.ask("POST", "/undo", {"session": S}, lease=lease).json["applied"]
    assert server.ask("GET", path).status == 200


def test_work_that_is_in_no_step_is_not_written_over(server: Served, lease: int) -> None:
    """The answer is the drift, and nothing was changed; `force` saves it first."""
    made = _snapshot(server, lease, description="clean")
    file = server.root / "a"
    file.write_text("in no step\n")
    path = f"/sessions/{S}/snapshots/{made['id']}/restore"
    refused = server.ask("POST", path, {}, lease=lease)
    assert (refused.status, refused.json["code"]) == (409, "drift")
    assert [one["path"] for one in refused.json["drift"]] == ["a"]
    assert file.read_text() == "in no step\n"
    assert server.ask("POST", path, {"force": True}, lease=lease).json["applied"]
    assert server.ask("POST", "/undo", {"session": S}, lease=lease).json["applied"]
    assert file.read_text() == "in no step\n"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/sessions/{S}/snapshots", {}),
        ("DELETE", f"/sessions/{S}/snapshots/@", None),
        ("POST", f"/sessions/{S}/snapshots/@/restore", {}),
        ("POST", f"/sessions/{S}/checkpoints/2/annotation", {"tags": ["x"]}),
        ("DELETE", f"/sessions/{S}/checkpoints/2/annotation", None),
        ("POST", "/rollback", {"session": S, "step": "#2"}),
        ("POST", "/undo", {"session": S}),
        ("POST", "/merge", {"session": S, "branch": "b"}),
    ],
)
def test_no_write_goes_without_the_lease(
    server: Served, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """Neither without one, nor with a stale one; the answer tells which it was."""
    with Workspace.open(server.root, home=server.home) as ws:
        lease = server.acquire(S)
        for shown, code in ((None, "lease_needed"), (lease - 1, "lease"), (0, "lease")):
            answer = server.ask(method, path, body, lease=shown)
            assert (answer.status, answer.json["code"]) in {(409, code), (404, "not_found")}
        server.ask("DELETE", f"/sessions/{S}/access/test")
        number = ws.refresh() and ws.view().number
        answer = server.ask(method, path, body, lease=lease)
        assert answer.status in (404, 409)
        ws.refresh()
        assert number in (False, ws.view().number)


HOLDER = """
import http.client, json, sys
port, token, lease = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
c = http.client.HTTPConnection("127.0.0.1", int(port))
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
headers["Stepwell-Lease"] = lease
c.request("POST", "/sessions/claude:s1/snapshots", '{"description": "late"}', headers)
answer = c.getresponse()
print(answer.status, json.loads(answer.read())["code"], flush=True)
"""


def test_a_client_that_was_stopped_past_its_lease_gets_409(server: Served) -> None:
    """The one that took over is named, and its work is the newest."""
    lease = server.acquire(S, "holder", ttl_ms=300)
    command = [sys.executable, "-c", HOLDER, str(server.port), server.token, str(lease)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        holder.send_signal(signal.SIGSTOP)
        asked = {"client_id": "heir", "mode": "write", "ttl_ms": 60_000}
        until(lambda: server.ask("POST", f"/sessions/{S}/access", asked).json["granted"])
        heir = server.ask("POST", f"/sessions/{S}/access", asked).json["lease"]
        made = _snapshot(server, heir, description="the heir's")
        holder.send_signal(signal.SIGCONT)
        holder.stdin.write("go\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "409 lease\n"
    server.ask("DELETE", f"/sessions/{S}/access/heir")
    with Workspace.open(server.root, home=server.home) as ws:
        assert ws.head().id == made["id"]
        assert ws.verify(full=True).ok


def test_annotations_are_set_read_found_by_tag_and_removed(server: Served, lease: int) -> None:
    """With who made them and when; another takes the place of the first."""
    path = f"/sessions/{S}/checkpoints/2/annotation"
    assert server.ask("GET", path).status == 404
    body = {"label": "green", "description": "all tests pass", "tags": ["ok"]}
    made = server.ask("POST", path, body, lease=lease).json["annotation"]
    assert {k: made[k] for k in body} == body
    assert made["by"] == "test" and made["created"].endswith("Z")
    changed = server.ask("POST", path, {"description": "no more", "tags": ["bad"]}, lease=lease)
    found = server.ask("GET", path).json["annotation"]
    assert found == changed.json["annotation"]
    assert (found["label"], found["tags"], found["created"]) == (None, ["bad"], made["created"])
    tagged = server.ask("GET", f"/sessions/{S}/timeline?tag=bad").json["steps"]
    assert [step["seq"] for step in tagged] == [2]
    assert tagged[0]["annotation"]["description"] == "no more"
    assert server.ask("GET", f"/sessions/{S}/timeline?tag=ok").json["steps"] == []
    assert server.ask("DELETE", path, lease=lease).json["deleted"]
    assert server.ask("GET", path).status == 404
    wrong = server.ask("POST", path, {"label": "no label:"}, lease=lease)
    assert (wrong.status, wrong.json["code"]) == (422, "usage")
    other = f"/sessions/{S}/checkpoints/1/annotation"
    assert server.ask("POST", other, {}, lease=lease).status == 404


def test_a_timeline_is_paged_without_gap_or_repeat(server: Served, lease: int) -> None:
    """By the number of the last step of the page before."""
    for number in range(7):
        (server.root / "paged").write_text(f"{number}\n")
        _snapshot(server, lease)
    seen, after = [], ""
    while True:
        page = server.ask("GET", f"/sessions/{S}/timeline?limit=3{after}").json
        seen += [step["seq"] for step in page["steps"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    with Workspace.open(server.root, home=server.home) as ws:
        assert seen == [step.seq for step in ws.steps(session=S, limit=1_000)]
    assert server.ask("GET", "/sessions/none:x/timeline").status == 404
    assert server.ask("GET", f"/sessions/{S}/timeline?limit=0").status == 422
    numbers = [
        row["number"]
        for after in ("", "?after=5", "?after=3&limit=2")
        for row in server.ask("GET", f"/operations{after}").json["operations"]
    ]
    assert numbers[-6:] == [4, 3, 2, 1, 2, 1]


def test_a_page_that_was_asked_for_before_tells_that_its_steps_are_sealed(
    server: Served, lease: int
) -> None:
    """Sealing is no operation; snapshots tell of it, too."""
    _snapshot(server, lease)
    timeline, snapshots = f"/sessions/{S}/timeline", f"/sessions/{S}/snapshots"
    before = server.ask("GET", timeline).json["steps"]
    assert before[0]["tier"] == "L2"
    with Workspace.open(server.root, home=server.home) as ws:
        ws.gc()
    after = server.ask("GET", timeline).json["steps"]
    assert after == [{**step, "tier": "L3"} for step in before]
    listed = server.ask("GET", snapshots).json["snapshots"][0]
    assert listed["step"]["tier"] == "L3"
    shown = server.ask("GET", f"{snapshots}/{listed['id']}").json
    assert shown["step"]["tier"] == "L3"


def test_events_come_as_they_happen_and_again_after_the_last_one_seen(
    server: Served, lease: int
) -> None:
    """A client that was away misses none, and gets none twice; from whichever process."""
    with _events(server, "1.1") as live:
        first = [next(live) for _ in range(2)]
        assert [event["event"] for event in first] == ["snapshot:created"] * 2
        with _events(server, first[0]["id"]) as back:
            assert next(back) == first[1]
        (server.root / "a").write_text("told\n")
        with Workspace.open(server.root, home=server.home) as ws:
            step = ws.capture("another process's", session="other:s")
        found = next(event for event in live if event["step"] == step.id)
    assert (found["event"], found["session"]) == ("snapshot:created", "other:s")
    assert server.ask("GET", "/events", headers={"Last-Event-ID": "nonsense"}).status == 422


def test_events_after_one_that_never_was_are_those_from_now_on(server: Served) -> None:
    """An id of another store: what happens is told, not what would be due by then."""
    with _events(server, "999999999.1") as live, _events(server, "0") as all_of_them:
        assert next(all_of_them)["operation"] == 1
        with Workspace.open(server.root, home=server.home) as ws:
            step = ws.capture("from now on", session="other:s", tags=("t",))
        assert next(event for event in live if event["step"] == step.id)


def test_rollback_merge_and_branches(server: Served, lease: int) -> None:
    """Parts too; a dry run changes nothing."""
    file = server.root / "merged"
    file.write_text("base\n")
    base = _snapshot(server, lease)
    with Workspace.open(server.root, home=server.home) as ws:
        ws.create_branch("side", at=base["id"])
        ws.apply(ws.plan_switch("side"))
        (server.root / "side").write_text("side\n")
        ws.capture("on the side", session=S)
        ws.apply(ws.plan_switch("main"))
    names = [one["name"] for one in server.ask("GET", "/branches").json["branches"]]
    assert {"main", "side"} <= set(names)
    asked = {"session": S, "branch": "side", "dry_run": True}
    assert server.ask("POST", "/merge", asked).json["merged"] is False
    assert not (server.root / "side").exists()
    merged = server.ask("POST", "/merge", {**asked, "dry_run": False}, lease=lease).json
    assert merged["merged"] and (server.root / "side").read_text() == "side\n"
    back = {"session": S, "step": base["id"], "paths": ["side"]}
    assert server.ask("POST", "/rollback", back, lease=lease).json["applied"]
    assert not (server.root / "side").exists()
    outside = {**back, "paths": ["../outside"]}
    assert server.ask("POST", "/rollback", outside, lease=lease).status == 422


def test_steps_are_shown_with_their_difference(server: Served) -> None:
    """Against the one before, or any other."""
    shown = server.ask("GET", "/steps/%232").json
    assert (shown["seq"], shown["title"], shown["prompt"]) == (2, "number 1", None)
    own = server.ask("GET", "/steps/%232/diff").json["changes"]
    assert own[0]["hunks"][0]["lines"] == ["-0", "+1"]
    other = server.ask("GET", "/steps/%234/diff?against=%232").json["changes"]
    assert other[0]["hunks"][0]["lines"] == ["-1", "+3"]
    assert server.ask("GET", "/steps/%232/diff?hunks=false").json["changes"][0]["hunks"] == []
    with Workspace.open(server.root, home=server.home) as ws:
        ws.create_branch("side-by/side", at=shown["id"])
    for reference in ("side-by/side", "side-by%2Fside"):
        assert server.ask("GET", f"/steps/{reference}").json["id"] == shown["id"]
        assert server.ask("GET", f"/steps/{reference}/diff").json["changes"] == own
    for path in (
        "/steps/ffffffff",
        "/steps/%23999999999",
        "/steps/%00",
        "/steps/..%2f..",
        "/steps/-x",
    ):
        assert server.ask("GET", path).status == 404


def test_a_step_says_what_the_agents_record_told_of_it_later(tmp_path: Path) -> None:
    """Model and answer came after the step; both are shown with it."""
    root, home = tmp_path / "project", tmp_path / "home"
    root.mkdir()
    with Workspace.init(root, home=home) as ws:
        (root / "a").write_text("1\n")
        step = ws.capture("number 1", session=S)
        with http_server(root, home) as server:
            listed = f"/sessions/{S}/timeline"
            assert server.ask("GET", listed).json["steps"][0]["model"] is None
            ws.add_accounts(S, [Finding(step, model="m-1", said="It is done.")])
            shown = server.ask("GET", f"/steps/{step.id}").json
            assert (shown["model"], shown["said"]) == ("m-1", "It is done.")
            assert server.ask("GET", listed).json["steps"][0]["model"] == "m-1"
            ws.purge(paths=[b"a"])
            (changed,) = server.ask("GET", listed).json["steps"]
            assert changed["snapshot"] == server.ask("GET", f"/steps/{step.id}").json["snapshot"]


def test_a_hook_is_recorded_as_from_stdin(server: Served) -> None:
    """An agent's prompt becomes a step of its session."""
    body = {"session_id": "http", "prompt": "mend it", "hook_event_name": "UserPromptSubmit"}
    assert server.ask("POST", "/hooks/claude?event=UserPromptSubmit", body).json["recorded"]
    steps = server.ask("GET", "/sessions/claude:http/timeline").json["steps"]
    assert (steps[0]["kind"], steps[0]["turn"]) == ("prompt", 1)
    assert server.ask("POST", "/hooks/nobody", body).status == 404


def test_figures_for_people_and_for_prometheus(server: Served) -> None:
    """The same ones."""
    found = server.ask("GET", f"/sessions/{S}/metrics").json
    assert found["name"] == S and found["steps"] >= 3
    text = server.ask("GET", "/metrics").body.decode()
    line = next(
        one for one in text.splitlines() if one.startswith("stepwell_session_steps{") and S in one
    )
    assert float(line.rsplit(" ", 1)[1]) == found["steps"]
    assert (found["peak_memory_bytes"], found["peak_memory_of"]) == (None, None)
    assert "stepwell_session_peak_memory_bytes{" not in text
    assert server.ask("GET", "/sessions/none:x/metrics").status == 404


def test_errors_are_problem_documents(server: Served) -> None:
    """Of the type that RFC 9457 names, with our code and a hint."""
    answer = server.ask("GET", "/steps/ffffffff")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["type"] == "urn:stepwell:problem:not_found"
    assert (problem["status"], problem["title"]) == (404, "Not Found")
    assert problem["detail"] and problem["code"] == "not_found"
    assert server.ask("GET", "/nothing").json["code"] == "not_found"
    assert server.ask("POST", f"/sessions/{S}/access", {"x": 1}).json["code"] == "usage"


def test_a_server_ends_in_good_order_and_its_leases_with_it(server: Served) -> None:
    """Streams end, and no lease of it is in force any more."""
    with http_server(server.root, server.home) as second:
        asked = {"client_id": "a", "mode": "write", "ttl_ms": 3_600_000}
        assert second.ask("POST", "/sessions/gone:x/access", asked).json["granted"]
        with _events(second, "0") as stream:
            assert next(stream)["operation"] == 1
            assert second.stop() == 0
            assert all(event["operation"] for event in stream)
    assert server.ask("GET", "/sessions/gone:x/access").json["locked"] is False


def test_a_write_under_way_is_finished_and_answered_before_the_end(server: Served) -> None:
    """SIGTERM while a large file goes into the journal: the client hears of its snapshot."""
    with http_server(server.root, server.home) as second:
        lease, large = second.acquire("last:x"), server.root / "large"
        large.write_bytes(os.urandom(40 << 20))
        before = _journal_bytes(server)
        with ThreadPoolExecutor(1) as client:
            asked = client.submit(second.ask, "POST", "/sessions/last:x/snapshots", {}, lease=lease)
            until(lambda: asked.done() or _journal_bytes(server) > before + (1 << 20))
            assert second.stop() == 0
            made = asked.result()
    large.unlink()
    assert made.status == 201
    with Workspace.open(server.root, home=server.home) as ws:
        assert len(ws.read_file(ws.get_step(made.json["id"]), b"large")) == 40 << 20
    assert server.ask("GET", "/sessions/last:x/access").json["locked"] is False


def _journal_bytes(server: Served) -> int:
    return sum(one.stat().st_size for one in (server.store / "journal").glob("*.segment"))


def test_a_server_that_is_killed_leaves_no_lease(server: Served) -> None:
    """Nor anything else that the next command would have to mend."""
    with http_server(server.root, server.home) as second:
        second.acquire("gone:y", ttl_ms=3_600_000)
        second.process.kill()
        second.process.wait()
    assert server.ask("GET", "/sessions/gone:y/access").json["locked"] is False
