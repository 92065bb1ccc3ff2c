"""The hook client as agents run it."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.claude import Claude, run_hook
from support.daemons import daemon_process, until

from stepwell.store import Workspace
from stepwell.store.agents import hookclient as hook
from stepwell.store.environment import default_home
from stepwell.store.link import wire
from stepwell.store.link.address import read_link


@pytest.fixture
def claude(project: Path) -> Claude:
    return Claude(project)


@pytest.fixture
def env(home: Path, runtime: Path) -> dict[str, str]:
    """The environment of an agent."""
    return {
        "HOME": str(home.parent),
        "STEPWELL_HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "PATH": os.environ["PATH"],
    }


@pytest.fixture
def started(ws: Workspace) -> Iterator[Workspace]:
    """A workspace whose daemons, started by whomever, are ended."""
    yield ws
    link = ws.link()
    if link is not None and link.stop():
        until(lambda: ws.daemon() is None)


def test_the_first_hook_starts_a_daemon_and_is_recorded(
    started: Workspace, project: Path, claude: Claude, env: dict[str, str]
) -> None:
    """The daemon is nobody's child, in a session of its own, with little of the environment."""
    run_hook(*claude.prompt("Go"), env={**env, "SECRET": "x", "GIT_DIR": "/nowhere"})
    started.refresh()
    assert [s.kind for s in started.steps()] == ["prompt", "capture"]
    info = started.daemon()
    assert info is not None
    assert os.getsid(info.pid) != os.getsid(0)
    with open(f"/proc/{info.pid}/stat") as file:
        assert int(file.read().rpartition(")")[2].split()[1]) != os.getpid()
    names = Path(f"/proc/{info.pid}/environ").read_bytes()
    assert b"SECRET" not in names and b"GIT_DIR" not in names
    (project / "a").write_text("a\n")
    run_hook(*claude.after("Write", {}, file_path=str(project / "a")), env=env)
    started.refresh()
    assert (started.head().title, started.head().changes.files) == ("write a", 1)


def test_a_hook_outside_every_workspace_does_nothing(
    ws: Workspace, tmp_path: Path, env: dict[str, str]
) -> None:
    """No daemon, no spool, no word."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run_hook(*Claude(elsewhere).prompt("Go"), env=env)
    run_hook(*Claude(tmp_path / "not there").prompt("Go"), env=env)
    run_hook("PreToolUse", b"no JSON", env={**env, "STEPWELL_HOME": "/nowhere"})
    assert read_link(ws.store) is None and not (ws.store / "spool").exists()


def test_the_workspace_is_found_from_below_and_through_links(
    started: Workspace, project: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    """As any command finds it."""
    (tmp_path / "link").symlink_to(project / "src")
    run_hook(*Claude(tmp_path / "link").prompt("Go"), env=env)
    started.refresh()
    assert started.head().kind == "prompt"


def test_without_a_daemon_events_are_spooled_and_drained(
    started: Workspace, project: Path, home: Path, claude: Claude, env: dict[str, str]
) -> None:
    """A daemon that cannot start costs the agent seconds, and the history an honest gap."""
    folder = Path(env["XDG_RUNTIME_DIR"]) / f"stepwell-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    (project / "a").write_text("a\n")
    run_hook(*claude.after("Bash", "", command="make"), env=env)
    spool = started.store / "spool"
    (spooled,) = spool.glob("[0-9]*")
    assert spooled.stat().st_mode & 0o777 == 0o600
    folder.chmod(0o700)
    run_hook(*claude.stop(), env=env)
    assert len(list(spool.glob("[0-9]*"))) == 2, "it was started again though it had just failed"
    os.utime(spool / hook.IN_VAIN, (0, 0))
    run_hook(*claude.end(), env=env)
    started.refresh()
    gap, late = reversed(started.steps(limit=2))
    assert gap.kind == "gap"
    assert (late.title, late.flags, late.changes.files) == ("$ make", ("late",), 1)
    assert not list(spool.iterdir())


def test_a_stopped_daemon_holds_no_agent_up(
    started: Workspace, project: Path, home: Path, claude: Claude, env: dict[str, str]
) -> None:
    """The event is spooled, and taken once, though the daemon finds it in its socket, too."""
    daemon = daemon_process(project, home)
    try:
        daemon.send_signal(signal.SIGSTOP)
        (project / "a").write_text("a\n")
        run_hook(*claude.after("Bash", "", command="make"), env=env)
        assert len(list((started.store / "spool").iterdir())) == 1
        daemon.send_signal(signal.SIGCONT)
        until(lambda: not list((started.store / "spool").iterdir()))
        started.refresh()
        assert [s.title for s in started.steps() if s.tool] == ["$ make"]
    finally:
        daemon.kill()
        daemon.wait()


def test_a_store_that_cannot_be_written_is_told_later(
    started: Workspace,
    project: Path,
    claude: Claude,
    env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The spool moves beside the socket; when the store is back, a gap shows."""
    (started.store / "spool").write_text("in the way, as a full disk would be")
    lock = started.store / "lock"
    lock.unlink()
    lock.mkdir()
    (project / "a").write_text("a\n")
    run_hook(*claude.after("Bash", "", command="make"), env=env)
    monkeypatch.setitem(hook.environ, b"XDG_RUNTIME_DIR", env["XDG_RUNTIME_DIR"].encode())
    beside = Path(hook.beside_socket(str(started.store)))
    assert len(list(beside.glob("[0-9]*"))) == 1
    lock.rmdir()
    os.utime(beside / hook.IN_VAIN, (0, 0))
    run_hook(*claude.stop(), env=env)
    started.refresh()
    assert [s.kind for s in started.steps(limit=2)] == ["tool", "gap"]


def test_a_full_disk_is_a_gap_when_there_is_room_again(
    started: Workspace, project: Path, home: Path, claude: Claude, env: dict[str, str]
) -> None:
    """The agent hears nothing of it; what it did meanwhile is in the next step."""
    daemon = daemon_process(project, home)
    try:
        run_hook(*claude.prompt("Go"), env=env)
        size = (started.store / "journal" / "00000001.segment").stat().st_size
        full, unlimited = (size, resource.RLIM_INFINITY), (resource.RLIM_INFINITY,) * 2
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, full)
        claude.before("Bash")
        (project / "a").write_text("a\n")
        run_hook(*claude.after("Bash", "", command="one"), env=env)
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, unlimited)
        claude.before("Bash")
        run_hook(*claude.after("Bash", "", command="two"), env=env)
        started.refresh()
        gap, call = reversed(started.steps(limit=2))
        assert gap.kind == "gap" and "File too large" in (gap.reason or "")
        assert (call.title, call.changes.files) == ("$ two", 1)
    finally:
        daemon.kill()
        daemon.wait()


def test_stdin_that_never_ends_is_not_waited_for(ws: Workspace, env: dict[str, str]) -> None:
    """An agent that forgets to close it is not held up."""
    code = (
        "import stepwell.store.agents.hookclient as h; h.READ_S = 0.1; h.main(['claude', 'Stop'])"
    )
    read, write = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", code], stdin=read, env=env, timeout=20)
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == 0


def test_the_spool_is_bounded(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the size of an event and in their number; nothing is left half written."""
    monkeypatch.setattr(hook, "SPOOLED_BYTES", 10)
    monkeypatch.setattr(hook, "SPOOLED_FILES", 3)
    for number in range(5):
        hook._spool(str(ws.store), "claude", f"E{number}", b"x" * 100)
    files = sorted((ws.store / "spool").iterdir())
    assert [f.read_bytes() for f in files] == [b"claude E%d\n" % n + b"x" * 10 for n in range(3)]


def test_it_agrees_with_the_rest_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says twice because it loads nothing: protocol, data folder."""
    assert hook.PROTOCOL == wire.PROTOCOL
    for name in ("STEPWELL_HOME", "XDG_DATA_HOME"):
        for value in ("/a/b", "~/c", ""):
            monkeypatch.setenv(name, value)
            monkeypatch.setitem(hook.environ, name.encode(), value.encode())
            assert hook._home() == str(default_home())
        monkeypatch.delenv(name)
        monkeypatch.delitem(hook.environ, name.encode(), raising=False)


def test_it_loads_nothing_that_costs(tmp_path: Path) -> None:
    """Only modules of C, and what every start of Python loads."""
    code = (
        f"import sys; before = set(sys.modules); exec(open({str(hook.__file__)!r}).read().replace("
        "'__main__', 'x')); print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() in ("['_signal', '_socket']", "['_socket']"), done


def test_a_payload_is_scanned_as_json_does() -> None:
    """The scanner of C, called directly."""
    assert hook._fields(b' {"a": [1, 2.5, null], "cwd": "/x\\u00e9"}') == {
        "a": [1, 2.5, None],
        "cwd": "/xé",
    }
    for bad in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        assert hook._fields(bad) == {}


def test_the_command_is_the_same_door(
    started: Workspace, project: Path, claude: Claude, env: dict[str, str]
) -> None:
    """`stepwell hook`, for those who cannot wait less."""
    stepwell = shutil.which("stepwell", path=str(Path(sys.executable).parent))
    assert stepwell is not None
    _, payload = claude.prompt("Go")
    done = subprocess.run([stepwell, "hook", "claude"], input=payload, capture_output=True, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    started.refresh()
    assert started.head().kind == "prompt"


def test_a_daemon_that_a_hook_starts_keeps_no_text_where_the_settings_say_so(
    started: Workspace, tmp_path: Path, claude: Claude, env: dict[str, str]
) -> None:
    """They are read anew at each event; where they cannot be read, no text is kept."""
    config = tmp_path / "config.toml"
    env["STEPWELL_CONFIG"] = str(config)
    titles = []
    for text in ("", "[capture]\nno_text = true\n", "[capture"):
        config.write_text(text)
        run_hook(*claude.prompt("Go"), env=env)
        started.refresh()
        titles.append((started.head().title, started.text(started.head().prompt)))
    assert titles == [("Go", "Go"), ("prompt", None), ("prompt", None)]


def test_what_a_full_disk_kept_from_being_recorded_is_told_when_there_is_room(
    started: Workspace, project: Path, home: Path, claude: Claude, env: dict[str, str]
) -> None:
    """By the daemon itself, although nothing more happens and it is about to end."""
    daemon = daemon_process(project, home)
    _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (0, hard))
    for number in range(2):
        (project / f"new-{number}").write_text("lost for now\n")
        run_hook(*claude.after("Bash", "", command="make"), env=env)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (hard, hard))
    link = started.link()
    assert link is not None and link.stop()
    daemon.wait(20)
    started.refresh()
    gap = started.head()
    assert gap.kind == "gap" and (gap.reason or "").startswith("2 steps, the first:")
