"""git for a remote asks nobody anything, and ends with the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.daemons import until
from support.sharing import Make

from stepwell.store import FailedError, Workspace

_COMMAND = "import sys; from stepwell.store.cli.main import main; sys.exit(main(sys.argv[1:]))"
_IN_A_TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
_ASKING = {"SSH_ASKPASS": "/bin/false", "GIT_ASKPASS": "/bin/false", "DISPLAY": ":0"}


@pytest.fixture
def ann(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with the remote `far`, which is reached by ssh; `ssh` is `tmp_path/bin/ssh`."""
    for name in ("GIT_SSH", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("STEPWELL_HOME", str(tmp_path / "home of ann"))
    workspace = make("ann")
    workspace.add_remote("far", "ssh://example.org/app.git")
    return workspace


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_ssh_finds_no_terminal_and_nothing_to_ask_by(ann: Workspace, tmp_path: Path) -> None:
    """Though the command was started in a terminal, and the person has a program that asks."""
    told = tmp_path / "told"
    _script(
        tmp_path / "bin" / "ssh",
        f'echo "$@" > {told}; env >> {told}; (: < /dev/tty) && echo a terminal >> {told}; exit 255',
    )
    command = [sys.executable, "-c", _COMMAND, "-C", str(tmp_path / "ann"), "push", "far"]
    subprocess.run(
        [sys.executable, "-c", _IN_A_TERMINAL, *command],
        env={**os.environ, **_ASKING},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    lines = told.read_text().splitlines()
    assert "BatchMode=yes" in lines[0] and "ConnectTimeout" in lines[0]
    assert "SSH_ASKPASS_REQUIRE=never" in lines and "GIT_TERMINAL_PROMPT=0" in lines
    assert not any(line.startswith(("SSH_ASKPASS=", "GIT_ASKPASS=")) for line in lines)
    assert "a terminal" not in lines


@pytest.mark.parametrize("by", ["core.sshCommand", "GIT_SSH_COMMAND", "GIT_SSH"])
def test_the_persons_own_way_by_ssh_is_kept(
    ann: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Nothing is added to it."""
    told = tmp_path / "told"
    own = _script(tmp_path / "own", f'echo "$@" > {told}; exit 255')
    if by == "core.sshCommand":
        (tmp_path / "gitconfig").write_text(f"[core]\n\tsshCommand = {own}\n")
    else:
        monkeypatch.setenv(by, str(own))
    with pytest.raises(FailedError, match="the remote far"):
        ann.push("far")
    assert "example.org" in told.read_text() and "BatchMode" not in told.read_text()


def test_no_program_is_asked_for_a_password(
    ann: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one of the environment nor one of the configuration."""
    asked = tmp_path / "asked"
    asking = _script(tmp_path / "asking", f"touch {asked}; echo x")
    (tmp_path / "gitconfig").write_text(f"[core]\n\taskPass = {asking}\n")
    monkeypatch.setenv("GIT_ASKPASS", str(asking))
    monkeypatch.setenv("SSH_ASKPASS", str(asking))
    with _wanting_a_password() as port:
        ann.add_remote("web", f"http://127.0.0.1:{port}/app.git")
        with pytest.raises(FailedError, match="the remote web"):
            ann.push("web")
    assert not asked.exists()


@contextmanager
def _wanting_a_password() -> Iterator[int]:
    """Serves HTTP that lets nobody in; gives the port."""
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served.server_port
        finally:
            served.shutdown()
            thread.join()


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found by /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_git_ends_with_the_command(ann: Workspace, tmp_path: Path, number: signal.Signals) -> None:
    """Also what git itself started, though no signal of the terminal reaches it."""
    told = tmp_path / "told"
    _script(tmp_path / "bin" / "ssh", f"echo $$ > {told}.new; mv {told}.new {told}; exec sleep 600")
    command = [sys.executable, "-c", _COMMAND, "-C", str(tmp_path / "ann"), "push", "far"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        until(told.exists)
        running.send_signal(number)
        assert running.wait() == 130
    until(lambda: not _runs(int(told.read_text())))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
