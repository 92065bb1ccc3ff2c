"""What the daemon does for many clients at once: turns, lending the lock, refusing nonsense."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import daemon_thread, until

from stepwell.store import BusyError, Workspace
from stepwell.store.engine.lock import holder
from stepwell.store.link import values, wire
from stepwell.store.link.address import LINK, identity
from stepwell.store.link.client import connect
from stepwell.store.link.turn import write_turn
from stepwell.store.model.errors import StepwellError, UsageError
from stepwell.store.model.version import VERSION
from stepwell.store.service import desk
from stepwell.store.service.held import HeldWorkspace
from stepwell.store.service.server import Limits


@pytest.fixture
def served(ws: Workspace, project: Path, home: Path, runtime: Path) -> Iterator[Workspace]:
    """A workspace with a daemon that is quickly impatient with its clients."""
    limits = Limits(request_s=0.3, connections=20)
    with daemon_thread(project, home, runtime, limits=limits):
        yield ws


def _ask(ws: Workspace, head: wire.Head, body: bytes = b"") -> tuple[wire.Head, bytes]:
    connection = connect(ws.store, VERSION, 5.0)
    assert connection is not None
    with connection:
        connection.send(head, body)
        return connection.receive()


def _raw(ws: Workspace) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(os.readlink(ws.store / LINK))
    return sock


def test_the_lock_is_lent_and_taken_back(served: Workspace, project: Path) -> None:
    """What has no verb of its own on the wire is done here, under the lock of the daemon."""
    with write_turn(served._context, served.link) as lock:
        assert lock.held and holder(served.store) == os.getpid()
        done = threading.Event()

        def capture() -> None:
            with Workspace.open(project, home=served.home) as other:
                other.capture("waits for its turn")
                done.set()

        (project / "a").write_text("a\n")
        thread = threading.Thread(target=capture)
        thread.start()
        assert not done.wait(0.1)
    thread.join(20)
    assert done.is_set()
    served.refresh()
    assert served.head().title == "waits for its turn"


def test_a_borrower_that_keeps_the_lock_makes_others_give_up(
    served: Workspace, project: Path
) -> None:
    """After the time that they are ready to wait, as without a daemon."""
    with write_turn(served._context, served.link):
        with Workspace.open(project, home=served.home, wait_s=0.1) as other:
            with pytest.raises(BusyError, match="borrowed"):
                other.capture("in vain")
            with pytest.raises(BusyError, match="borrowed"):
                other.create_branch("b")
            with pytest.raises(BusyError, match="borrowed"), write_turn(other._context, other.link):
                pass


BORROWER = """
import sys, time
from stepwell.store import Workspace
from stepwell.store.link.turn import write_turn
with Workspace.open(sys.argv[1], home=sys.argv[2]) as ws:
    with write_turn(ws._context, ws.link):
        print("mine", flush=True)
        time.sleep(60)
"""


def test_a_borrower_that_is_killed_gives_the_lock_back(served: Workspace, project: Path) -> None:
    """The kernel frees it, the daemon takes it."""
    command = [sys.executable, "-c", BORROWER, str(project), str(served.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as borrower:
        assert borrower.stdout is not None and borrower.stdout.readline() == b"mine\n"
        borrower.send_signal(signal.SIGKILL)
    (project / "a").write_text("a\n")
    assert served.capture("after it").title == "after it"


def test_what_prevents_taking_the_lock_back_is_told_and_ends_with_its_cause(
    served: Workspace, project: Path
) -> None:
    """The daemon then neither keeps the lock nor gives up for good."""
    manifest, away = served.store / "manifest", served.store / "manifest.away"
    with write_turn(served._context, served.link):
        manifest.rename(away)
        manifest.mkdir()
    (project / "a").write_text("a\n")
    for _ in range(2):
        with pytest.raises(StepwellError) as told:
            served.capture("in vain")
        assert "unforeseen" not in told.value.message
    manifest.rmdir()
    away.rename(manifest)
    assert served.capture("again").title == "again"


def test_clients_that_say_nothing_keep_nobody_waiting(served: Workspace, project: Path) -> None:
    """More of them than are allowed: the oldest go, and a verb is done meanwhile."""
    silent = [_raw(served) for _ in range(60)]
    (project / "a").write_text("a\n")
    assert served.capture("among the silent").title == "among the silent"
    for sock in silent:
        assert sock.recv(1) == b""
        sock.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"x" * 200_000,
        b"stepwell 1\n",
        b"stepwell 1 - 0:0\n",
        b"\xff\0\n",
    ],
)
def test_a_client_that_talks_nonsense_is_hung_up_on(served: Workspace, said: bytes) -> None:
    """Without a word, and without harm."""
    with _raw(served) as sock:
        try:
            sock.sendall(said)
            assert sock.recv(1_000) == b""
        except ConnectionError:
            pass
    assert served.daemon() is not None


def test_a_request_that_never_ends_is_dropped(served: Workspace) -> None:
    """Its time is limited, and a body larger than allowed is not even waited for."""
    for head in (wire.Head("call", 1_000), wire.Head("call", wire.BODY_BYTES + 1)):
        with _raw(served) as sock:
            hello = wire.Greeting(wire.PROTOCOL, VERSION, identity(served.store))
            sock.sendall(hello.line() + head.line() + b"{")
            answer = sock.makefile("rb").read()
            assert answer.count(b"\n") == 1 and answer.startswith(b"stepwell ")


@pytest.mark.parametrize("verb", ["close", "lend", "__init__", "rebuild", "_writer", "nothing"])
def test_only_the_verbs_of_the_facade_can_be_called(served: Workspace, verb: str) -> None:
    """Whatever else the daemon's object has."""
    body = values.dumps(
        {
            "verb": verb,
            "arguments": (),
            "keywords": {},
            "capture": served._context.capture,
            "wait_s": 1.0,
            "progress": False,
        }
    )
    head, text = _ask(served, wire.Head("call", len(body)), body)
    assert head.kind == "failed"
    assert isinstance(values.error_from_json(text), UsageError)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"map": {}}', b'{"map": {"verb": 1}}'])
def test_a_request_that_cannot_be_read_is_refused(served: Workspace, body: bytes) -> None:
    """With an error, and the daemon goes on."""
    for kind in ("call", "borrow"):
        head, _ = _ask(served, wire.Head(kind, len(body)), body)
        assert head.kind == "failed"
    assert served.daemon() is not None


def test_another_policy_is_not_put_upon_the_daemon(served: Workspace, project: Path) -> None:
    """A process that captures otherwise does so by itself, under the borrowed lock."""
    from stepwell.store import CaptureConfig

    (project / "large").write_bytes(b"x" * 2_000)
    with Workspace.open(project, home=served.home, config=CaptureConfig(cap_bytes=1_000)) as other:
        recorded = other.record("capped")
    assert [c.reason for c in recorded.covered if c.path == b"large"] == ["capped"]
    assert served.record("whole").step.changes.files == 1


def test_progress_is_told_across_the_socket(served: Workspace, project: Path) -> None:
    """As it is without a daemon."""
    for number in range(5):
        (project / f"f{number}").write_text("x\n")
    served.capture("files")
    told: list[tuple[str, int, int]] = []
    served.apply(served.plan_rollback("#1"), progress=lambda *step: told.append(step))
    assert told and told[-1][1] == told[-1][2] == 5


def test_progress_is_told_at_a_pace_for_people(served: Workspace, project: Path) -> None:
    """Not of every file: some twenty times a second, and at the end."""
    for number in range(150):
        (project / f"f{number}").write_text("x\n")
    served.capture("files")
    told: list[tuple[str, int, int]] = []
    planned = served.plan_rollback("#1")
    began = time.monotonic()
    served.apply(planned, progress=lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2] == 150
    assert len(told) <= 2 + (time.monotonic() - began) / desk._TELL_S


def test_many_clients_at_once_are_all_served(served: Workspace, project: Path) -> None:
    """Each records a step of its own; none is lost, none doubled."""
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with Workspace.open(project, home=served.home) as ws:
                for number in range(5):
                    ws.record(f"{name} {number}", tags=("t",))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"client {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    served.refresh()
    titles = sorted(step.title for step in served.steps(limit=100) if step.checkpoint)
    assert titles == sorted(f"client {n} {m}" for n in range(8) for m in range(5))


@pytest.mark.parametrize(("soon", "at_latest"), [(3, 1_000), (1_000, 3)])
def test_the_writer_is_opened_anew_as_it_goes_on(
    served: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch, soon: int, at_latest: int
) -> None:
    """After so many requests, each counted once: between two of them, or at last behind one."""
    renewed: list[int] = []
    renew = HeldWorkspace.renew

    def noted(held: HeldWorkspace) -> None:
        renewed.append(len(steps))
        renew(held)

    monkeypatch.setattr(HeldWorkspace, "renew", noted)
    monkeypatch.setattr(desk, "_RENEW_AFTER", soon)
    monkeypatch.setattr(desk, "_RENEW_AT_LATEST", at_latest)
    steps = list[str]()
    while len(steps) < 3:
        (project / "a").write_text(f"{len(steps)}\n")
        steps.append(served.capture().id)
    until(lambda: renewed)
    assert renewed[0] >= 2
    assert served.capture("after it", tags=("t",)).parents == (steps[-1],)


def test_events_of_nobody_known_are_refused_and_logged(served: Workspace) -> None:
    """An agent without an adapter costs an outside capture at most."""
    head, _ = _ask(served, wire.Head("hook", 2, ("nobody", "X")), b"{}")
    assert head.kind == "done"
    until(lambda: served.daemon() is not None)
