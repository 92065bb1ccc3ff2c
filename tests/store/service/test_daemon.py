"""The daemon as a process: starting, ending, being killed, and all that others may do to it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import answers, daemon_process, daemon_thread, until

from stepwell.store import BusyError, FailedError, IntegrityError, Workspace
from stepwell.store.engine.lock import WriterLock
from stepwell.store.link.address import LINK, socket_path
from stepwell.store.model.errors import StoreUnreadableError
from stepwell.store.service.daemon import Settings, serve


@pytest.fixture
def daemon(ws: Workspace, project: Path, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon of the workspace, killed at the end whatever the test did to it."""
    process = daemon_process(project, home)
    yield process
    process.kill()
    process.wait()


def test_a_verb_is_done_by_the_daemon(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path
) -> None:
    """While it holds the lock all the time."""
    (project / "a").write_text("a\n")
    step = ws.capture("through the daemon")
    assert ws.head() == step and ws.read_file(step, b"a") == b"a\n"
    info = ws.daemon()
    assert info is not None and info.pid == daemon.pid
    with pytest.raises(BusyError) as refused:
        WriterLock.acquire(ws.store, wait_s=0, clock=lambda: 0)
    assert refused.value.facts["pid"] == daemon.pid


def test_a_daemon_follows_the_folder_and_logs_it(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path
) -> None:
    """It scans until the first capture was kept; the log says when that is over."""
    (project / "a").write_text("a\n")
    ws.capture()
    log = ws.store / "daemon.log"
    until(lambda: log.exists() and "daemon:follows" in log.read_text())
    (project / "a").write_text("followed\n")
    assert ws.read_file(ws.capture(), b"a") == b"followed\n"


def test_a_daemon_ends_when_the_settings_say_so(
    ws: Workspace, project: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that make no sense are logged, and it goes on as without any."""
    config = tmp_path / "config.toml"
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    config.write_text("[daemon]\nidle_s = 0.1\n")
    assert daemon_process(project, home).wait(20) == 0
    config.write_text("[daemon]\nidle_s = -1\n")
    process = daemon_process(project, home)
    assert "idle_s" in (ws.store / "daemon.log").read_text()
    process.terminate()
    assert process.wait(20) == 0


def test_of_two_daemons_one_stays_and_the_other_ends_quietly(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path, home: Path
) -> None:
    """Started one after the other, and at the same time after a kill."""
    assert daemon_process(project, home).wait(20) == 0
    daemon.kill()
    daemon.wait()
    command = [sys.executable, "-m", "stepwell.store.service", str(home), str(project)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    until(lambda: answers(ws) and sum(p.poll() is None for p in both) == 1)
    info = ws.daemon()
    assert info is not None
    for process in both:
        if process.pid == info.pid:
            process.terminate()
        _, said = process.communicate(timeout=20)
        assert (process.returncode, said) == (0, b"")


def test_sigterm_ends_it_and_leaves_nothing_behind(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path
) -> None:
    """No socket, no link, no lock; and the next command works by itself."""
    target = Path(os.readlink(ws.store / LINK))
    daemon.terminate()
    assert daemon.wait(20) == 0
    assert not target.exists() and not (ws.store / LINK).is_symlink()
    (project / "a").write_text("a\n")
    assert ws.capture("alone again").title == "alone again"


def test_a_killed_daemon_leaves_a_socket_that_bothers_nobody(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path, home: Path
) -> None:
    """Neither the next command, nor the next daemon."""
    daemon.kill()
    daemon.wait()
    assert (ws.store / LINK).is_symlink() and ws.daemon() is None
    (project / "a").write_text("a\n")
    assert ws.capture("alone").title == "alone"
    again = daemon_process(project, home)
    (project / "a").write_text("b\n")
    assert ws.capture("with the next one").title == "with the next one"
    again.terminate()
    assert again.wait(20) == 0


def test_a_daemon_of_another_version_gives_way(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """It finishes and ends, and the verb that met it is done all the same."""
    (project / "a").write_text("a\n")
    with daemon_thread(project, home, runtime, version="0.0.1"):
        assert ws.link() is not None
        assert ws.capture("by a newer one").title == "by a newer one"
        until(lambda: ws.link() is None)


def test_a_stopped_daemon_is_an_error_that_names_it(
    daemon: subprocess.Popen[bytes], project: Path, home: Path
) -> None:
    """Writing is refused in time; looking works without it."""
    daemon.send_signal(signal.SIGSTOP)
    with Workspace.open(project, home=home, wait_s=0.2) as ws:
        (project / "a").write_text("a\n")
        with pytest.raises(BusyError, match=f"process {daemon.pid}, does not answer"):
            ws.capture("in vain")
        assert [change.path for change in ws.status().dirty] == [b"a"]
        with pytest.raises(BusyError):
            ws.create_branch("b")
    daemon.send_signal(signal.SIGCONT)
    with Workspace.open(project, home=home) as ws:
        until(lambda: ws.daemon() is not None)
        ws.capture("it goes on")


def test_it_ends_when_nobody_needs_it(ws: Workspace, project: Path, home: Path) -> None:
    """After the time without a request that it was told."""
    process = daemon_process(project, home, "0.2")
    assert process.wait(20) == 0
    assert "nobody asked" in (ws.store / "daemon.log").read_text()


@pytest.mark.parametrize("what", ["root", "store", "socket", "link"])
def test_it_ends_when_its_folders_are_gone(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path, what: str
) -> None:
    """Moved or deleted: it holds on to nothing, and nobody is left with a lock and no way to it."""
    if what == "root":
        project.rename(project.with_name("elsewhere"))
    elif what == "store":
        shutil.rmtree(ws.store)
    elif what == "socket":
        os.unlink(os.readlink(ws.store / LINK))
    else:
        os.unlink(ws.store / LINK)
    assert daemon.wait(20) == 0


def test_nothing_is_acknowledged_into_a_journal_that_was_removed(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path
) -> None:
    """Though the daemon has its file open; the loss is told as without a daemon."""
    for segment in (ws.store / "journal").iterdir():
        segment.unlink()
    (project / "a").write_text("a\n")
    for kind in (FailedError, IntegrityError):
        with pytest.raises(kind):
            ws.capture("into nowhere")
    assert daemon.poll() is None


def test_the_daemon_of_a_store_does_not_serve_a_copy_of_it(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """Though the copy's link leads to it."""
    copy = tmp_path / "copy"
    shutil.copytree(home, copy, symlinks=True)
    with Workspace.open(project, home=copy) as other:
        assert (other.store / LINK).is_symlink() and other.daemon() is None
        (project / "a").write_text("a\n")
        other.capture("in the copy")
    ws.refresh()
    assert ws.head().seq == 1


def test_a_socket_folder_of_others_is_refused(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """A socket in a folder that others may write could be theirs; commands go on without one."""
    folder = runtime / f"stepwell-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(StoreUnreadableError, match="yours alone"):
        serve(Settings(project, home, runtime, "1"))
    assert "yours alone" in (ws.store / "daemon.log").read_text()
    ws.capture("alone")
    folder.rmdir()
    folder.symlink_to(home)
    with pytest.raises(StoreUnreadableError, match="yours alone"):
        socket_path(ws.store, runtime)


def test_a_runtime_folder_with_a_long_name_is_refused(ws: Workspace, tmp_path: Path) -> None:
    """Sockets have short names; the error says what to set."""
    long = tmp_path / ("x" * 90)
    long.mkdir()
    with pytest.raises(StoreUnreadableError) as refused:
        socket_path(ws.store, long)
    assert "XDG_RUNTIME_DIR" in refused.value.hint


def test_a_daemon_without_descriptors_serves_again_when_it_has_some(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path
) -> None:
    """A crowd that exhausts them does not stop it from listening."""
    used = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    soft, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used + 8, hard))
    target = os.readlink(ws.store / LINK)
    crowd = [socket.socket(socket.AF_UNIX) for _ in range(60)]
    for one in crowd:
        one.connect(target)
    until(lambda: "system resource" in (ws.store / "daemon.log").read_text())
    for one in crowd:
        one.close()
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: answers(ws))
    (project / "a").write_text("a\n")
    assert ws.capture("after the crowd").title == "after the crowd"


def test_all_that_it_makes_is_private_whatever_the_umask(
    ws: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """Socket, its folder, and the log."""
    old = os.umask(0)
    try:
        env = {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}
        command = [sys.executable, "-m", "stepwell.store.service", str(home), str(project)]
        with subprocess.Popen(command, env=env) as process:
            until(lambda: answers(ws))
            path = Path(os.readlink(ws.store / LINK))
            until((ws.store / "daemon.log").exists)
            assert path.is_relative_to(runtime)
            for made in (path, path.parent, ws.store / "daemon.log"):
                assert made.lstat().st_mode & 0o077 == 0, made
            process.terminate()
    finally:
        os.umask(old)


def test_a_daemon_that_dies_under_a_verb_is_told_apart_from_a_failure(
    daemon: subprocess.Popen[bytes], ws: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was done is not known, and that is what is said; the next command works."""
    from stepwell.store.link.client import Connection

    send = Connection.send

    def kill_after(self: Connection, *arguments: object) -> None:
        daemon.send_signal(signal.SIGSTOP)
        send(self, *arguments)  # type: ignore[arg-type]
        daemon.kill()

    monkeypatch.setattr(Connection, "send", kill_after)
    (project / "a").write_text("a\n")
    with pytest.raises(FailedError, match="whether it was done is not known"):
        ws.capture("lost")
    monkeypatch.undo()
    daemon.wait()
    assert ws.capture("again").title == "again"
