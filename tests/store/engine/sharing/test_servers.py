"""Servers that break, hang, have no room, or are killed in the middle."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.full_disk import Room, can_mount
from support.servers import Line, git_daemon
from support.sharing import Make, git

from stepwell.store import FailedError, IntegrityError, Workspace
from stepwell.store.engine.sharing import stalls
from stepwell.store.model.errors import NoSpaceError


def _write(ws: Workspace, text: str) -> None:
    Path(os.fsdecode(ws.root), "a").write_text(text)
    assert ws.capture("write") is not None


def _noise(number: int) -> str:
    return random.Random(number).randbytes(100_000).hex()


def _refs(repository: Path) -> str:
    return git("-C", repository, "for-each-ref")


def _mirrors(ws: Workspace) -> list[Path]:
    return list((ws.store / "remotes").glob("*/*.git"))


_PUSH = """\
import os, sys
from pathlib import Path
from stepwell.store import Workspace
Path(sys.argv[3]).write_text(str(os.getpid()))
with Workspace.open(sys.argv[1], home=sys.argv[2]) as ws:
    ws.push("origin")
"""


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found by /proc")
@pytest.mark.parametrize(
    ("hook", "script"),
    [
        ("pre-receive", "kill -9 $(cat {pid}); exec sleep 60"),
        ("reference-transaction", "test $1 = prepared && kill -9 $(cat {pid}) && exec sleep 60"),
        ("reference-transaction", "test $1 = committed && kill -9 $(cat {pid}); exit 0"),
    ],
)
def test_a_push_killed_in_the_middle_can_be_pushed_again(
    make: Make, server: Path, tmp_path: Path, hook: str, script: str
) -> None:
    """What git did for it is ended, and leaves no lock in a repository on this machine."""
    ann, ben = make("ann"), make("ben")
    _write(ann, "one\n")
    path = server / "hooks" / hook
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script.format(pid=tmp_path / 'pid')}\n")
    path.chmod(0o755)
    folders = (tmp_path / "ann", tmp_path / "home of ann", tmp_path / "pid")
    killed = subprocess.run([sys.executable, "-c", _PUSH, *folders], check=False)
    assert killed.returncode == -signal.SIGKILL
    path.unlink()
    _write(ann, "two\n")
    ann.push("origin")
    assert not list(server.rglob("*.lock"))
    assert git("-C", server, "fsck", "--no-dangling") == ""
    assert ben.pull("origin").imported == 3
    assert not ann.push("origin").changed


def test_a_full_disk_of_the_server_takes_nothing(make: Make, server: Path, tmp_path: Path) -> None:
    """What was there stays; with room again the same push goes through."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    before = _refs(server)
    _write(ann, _noise(1))
    with git_daemon(tmp_path, blocks=64) as port:
        ann.add_remote("far", f"git://127.0.0.1:{port}/server.git")
        with pytest.raises(FailedError, match="the remote far") as raised:
            ann.push("far", force=True)
    assert not isinstance(raised.value, NoSpaceError)
    assert _refs(server) == before and git("-C", server, "fsck", "--no-dangling") == ""
    ann.remove_remote("far")
    with git_daemon(tmp_path) as port:
        for ws in (ann, ben):
            ws.add_remote("far", f"git://127.0.0.1:{port}/server.git")
        assert ann.push("far", force=True).changed
        assert ben.pull("far").imported == 2


def test_a_full_disk_here_takes_nothing(make: Make, tmp_path: Path) -> None:
    """What came before stays; with room again the same pull brings all."""
    mounts = can_mount(tmp_path)
    room = Room(tmp_path / "home of ben", 2_000, mounts)
    with room.held():
        ann, ben = make("ann"), make("ben")
        ann.push("origin")
        ben.pull("origin")
        for number in range(30):
            _write(ann, _noise(number))
        ann.push("origin")
        before = ben.view().number
        # Where only the size of files is limited, git is killed by that and cannot say so.
        with room.little(), pytest.raises(NoSpaceError if mounts else FailedError):
            ben.pull("origin")
        assert ben.view().number == before and ben.verify(full=True).ok
        assert not mounts or not list(ben.store.rglob("tmp_pack_*"))
        room.more()
        assert ben.pull("origin").imported == 30
        assert ben.verify(full=True).ok
        ben.close()


def test_what_is_cut_off_comes_whole_or_not_at_all(make: Make, tmp_path: Path) -> None:
    """At whatever byte; what was fetched before is kept, and the next pull goes on from there."""
    ann, ben = make("ann"), make("ben")
    with git_daemon(tmp_path) as port:
        line = Line(port)
        ben.add_remote("far", f"git://127.0.0.1:{line.port}/server.git")
        _write(ann, _noise(1))
        ann.push("origin")
        assert ben.pull("far").imported == 2
        (mirror,) = _mirrors(ben)
        kept = {path.name for path in mirror.rglob("*.pack")}
        _write(ann, _noise(2))
        ann.push("origin")
        number = ben.view().number
        for most in (0, 100, 1_000, 5_000, 40_000):
            line.most = most
            with pytest.raises(FailedError, match="the remote far"):
                ben.pull("far")
            assert ben.view().number == number
            assert kept <= {path.name for path in mirror.rglob("*.pack")}
        line.most = None
        assert ben.pull("far").imported == 1
        assert line.passed < 150_000
        line.close()
    assert ben.verify(full=True).ok


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not move for half a second is ended."""
    monkeypatch.setattr(stalls, "PACE_S", 0.05)
    monkeypatch.setattr(stalls, "LOOKS", 10)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found by /proc")
def test_a_server_that_says_nothing_is_given_up(make: Make, impatient: None, silent: int) -> None:
    """Whatever is asked of it; the command ends with a sentence that says so."""
    ann = make("ann")
    ann.add_remote("far", f"git://127.0.0.1:{silent}/app.git")
    for act in (ann.push, ann.pull):
        with pytest.raises(FailedError, match=r"the remote far .*nothing had moved for"):
            act("far")


def test_a_flood_is_refused_and_leaves_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    """It is ended while it comes, or found when it has come; and not fetched again."""
    ann, ben, eve = make("ann"), make("ben"), make("eve")
    for number in range(10):
        _write(ann, _noise(number))
    for ws in (ann, eve):
        ws.push("origin")
    with monkeypatch.context() as patch:
        patch.setattr("stepwell.store.engine.sharing.fetching.MOST_BYTES", 500_000)
        for why in ("it is larger than", "was not fetched again"):
            with pytest.raises(IntegrityError, match=why) as raised:
                ben.pull("origin")
            assert [one["workspace"] for one in raised.value.facts["refused"]] == [ann.id]
            assert [path.name for path in _mirrors(ben)] == [f"{eve.id}.git"]
    assert ben.pull("origin", accept=[ann.id]).imported == 11


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found by /proc")
def test_a_slow_server_is_waited_for(
    make: Make, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    """As long as anything at all comes."""
    words = (
        "import os, sys, time\n"
        + "sys.stderr.write('.'); sys.stderr.flush(); time.sleep(0.2)\n" * 6
    )
    words += "os.execlp('sh', 'sh', '-c', sys.argv[-1])\n"
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!{sys.executable}\n{words}")
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    ann = make("ann")
    ann.add_remote("far", f"example.org:{server}")
    assert ann.push("far").changed


@pytest.mark.parametrize("address", ["ext::sh -c touch% {mark}", "{script}:x"])
def test_no_rule_leads_to_a_program(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Though the person's own configuration allows it elsewhere."""
    mark, script = tmp_path / "ran", tmp_path / "-oProxyCommand=x"
    where = address.format(mark=mark, script=script.name)
    (tmp_path / "gitconfig").write_text(
        f'[protocol "ext"]\n\tallow = always\n[url "{where}"]\n\tinsteadOf = https://example.org/app\n'
    )
    ann = make("ann")
    ann.add_remote("web", "https://example.org/app")
    for act in (ann.push, ann.pull):
        with pytest.raises(FailedError, match="the remote web"):
            act("web")
    assert not mark.exists()
