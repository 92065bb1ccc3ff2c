"""Access to sessions through the facade, with and without a daemon, across processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.daemons import until

from stepwell.store import Workspace
from stepwell.store.model.access import Fence, Lease
from stepwell.store.model.errors import LeaseError


def _acquired(ws: Workspace, client: str, ttl_ms: int = 30_000) -> Lease:
    lease = ws.acquire_access("claude:s1", client, ttl_ms=ttl_ms).lease
    assert lease is not None
    return lease


def test_writes_are_held_to_the_lease(either: Workspace, project: Path) -> None:
    """With it they are done, after its release they are refused and nothing is written."""
    lease = _acquired(either, "editor")
    with either.writing_as(lease):
        (project / "a").write_text("1\n")
        step = either.capture("with the lease", session="claude:s1")
        assert either.release_access("claude:s1", "editor")
        (project / "a").write_text("2\n")
        with pytest.raises(LeaseError, match="has ended"):
            either.capture("without", session="claude:s1")
        with pytest.raises(LeaseError):
            either.mark(step, label="late")
        with pytest.raises(LeaseError):
            either.apply(either.plan_rollback("#1"))
        with pytest.raises(LeaseError):
            either.record_import(None, None)  # type: ignore[arg-type]  # under the borrowed lock
    assert either.head() == step
    assert (project / "a").read_text() == "2\n"
    assert either.capture("held to nothing").seq == step.seq + 1


def test_another_session_is_not_concerned(either: Workspace, project: Path) -> None:
    """Neither is a capture by a hook, which is held to no lease."""
    _acquired(either, "editor")
    with either.writing_as(Fence("codex:s2", None)):
        (project / "a").write_text("1\n")
        assert either.capture("another's", session="codex:s2").title == "another's"
    (project / "a").write_text("2\n")
    assert either.capture("a hook's", session="claude:s1").title == "a hook's"
    with either.writing_as(Fence("claude:s1", None)), pytest.raises(LeaseError, match="editor"):
        either.capture("in between", session="claude:s1")


def test_every_process_sees_who_has_access(either: Workspace, project: Path) -> None:
    """Through any opening of the workspace."""
    _acquired(either, "editor")
    with Workspace.open(project, home=either.home) as other:
        assert other.acquire_access("claude:s1", "script").holder == "editor"
        assert other.acquire_access("claude:s1", "script", mode="read").lease is not None
        assert [one.client for one in other.access("claude:s1").clients] == ["editor", "script"]
        assert other.writers() == {"claude:s1": "editor"}


HOLDER = """
import sys
from pathlib import Path
from stepwell.store import Workspace
from stepwell.store.model.errors import LeaseError
with Workspace.open(sys.argv[1], home=sys.argv[2]) as ws:
    lease = ws.acquire_access("claude:s1", "holder", ttl_ms=300).lease
    print("held", flush=True)
    sys.stdin.readline()
    try:
        with ws.writing_as(lease):
            ws.capture("late", session="claude:s1", tags=["late"])
        print("written", flush=True)
    except LeaseError as error:
        print(error.code, error.facts["holder"], flush=True)
"""


def test_a_holder_that_was_stopped_past_its_lease_is_refused(
    either: Workspace, project: Path
) -> None:
    """Somebody else took over meanwhile; the late write is told so, and the history is whole."""
    command = [sys.executable, "-c", HOLDER, str(project), str(either.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        until(lambda: either.acquire_access("claude:s1", "heir").lease is not None)
        with either.writing_as(either.access("claude:s1").clients[0]):
            (project / "a").write_text("the heir's\n")
            step = either.capture("the heir's", session="claude:s1")
        holder.send_signal(signal.SIGCONT)
        holder.stdin.write(b"go\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == b"lease heir\n"
    either.refresh()
    assert either.head() == step
    assert either.verify(full=True).ok


def test_a_client_whose_process_is_gone_holds_nobody_up(either: Workspace, project: Path) -> None:
    """However long its lease was."""
    script = HOLDER.replace("ttl_ms=300", "ttl_ms=3_600_000")
    command = [sys.executable, "-c", script, str(project), str(either.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        assert either.acquire_access("claude:s1", "heir").holder == "holder"
        holder.kill()
    assert either.acquire_access("claude:s1", "heir").lease is not None
