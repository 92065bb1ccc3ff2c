"""Every failure is one sentence with a hint, the right exit code, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.engine.journal import JournalWriter

Run = Callable[..., Any]


def _told(ran: Any) -> None:
    first, _, second = ran.err.partition("\n")
    assert first.startswith("stepwell: ")
    assert second.startswith("hint: ")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nope"], 2),
        (["lgo"], 2),
        (["--nope"], 2),
        (["log", "--nope"], 2),
        (["log", "-n", "many"], 2),
        (["log", "-n", "-1"], 2),
        (["log", '"open'], 2),
        (["show"], 2),
        (["show", "@", "@"], 2),
        (["cat", "--json", "@:x"], 2),
        (["-C"], 2),
        (["--yes", "log"], 2),
        (["operations", "-n", "-3"], 2),
        (["capture", "--session", " "], 2),
        (["capture", "--tag", ""], 2),
        (["show", "nope"], 3),
        (["show", "#99"], 3),
        (["cat", "@:nope"], 3),
        (["diff", "@~99"], 3),
        (["rollback", "nope", "--yes"], 3),
        (["undo", "--yes"], 3),
        (["undo", "9" * 5_000, "--yes"], 3),
        (["redo", "--yes"], 3),
        (["-C", "/nonexistent/folder", "log"], 3),
        (["-C", "/", "status"], 3),
        (["help", "nope"], 2),
        (["log", "foo:bar"], 2),
        (["log", "--branch", "nope"], 3),
        (["search", ""], 2),
        (["blame", "."], 3),
        (["blame", "../x"], 2),
        (["mark", "@", "--label", "a b"], 2),
        (["mark", "@", "--note", "x", "--at", "README:999"], 2),
        (["rollback", "@", "--path", "../x", "--yes"], 2),
        (["switch", "nope", "--yes"], 3),
        (["switch", "nope"], 3),
        (["rollback", "nope"], 3),
        (["undo"], 3),
        (["merge", "nope"], 3),
        (["rollback", "@"], 2),
        (["merge", "nope", "--yes"], 3),
        (["merge", "--continue"], 3),
        (["branch", "frob"], 2),
        (["branch", "create", "main"], 4),
        (["branch", "delete", "main"], 4),
        (["experiment", "show", "nope"], 3),
        (["experiment", "run", "x"], 2),
        (["check"], 2),
        (["trust"], 3),
        (["bisect", "--good", "@"], 2),
        (["bisect", "--good", "nope", "true"], 3),
        (["metrics", "nope"], 3),
        (["session", "show", "x", "nope"], 3),
        (["report", "nope"], 3),
        (["state", "put", "nope"], 3),
        (["state", "nearest", "frob"], 2),
        (["capture", "--state", "x=nope"], 3),
        (["export", "."], 4),
        (["import", "nope"], 3),
        (["verify", "--from", "x"], 2),
        (["verify", "--sample", "0"], 2),
        (["verify", "--sample", "x"], 2),
        (["purge", "nope", "--yes"], 3),
        (["keys", "--preset", "nope"], 2),
        (["install", "nope"], 2),
        (["watch", "--quiet", "x"], 2),
        (["watch", "--interval", "x"], 2),
        (["daemon"], 2),
        (["transcripts", "import"], 2),
        (["serve", "--port", "99999"], 2),
        (["demo", "--no-open", "README"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_done_is_told_in_a_sentence_with_a_hint(
    folder: Path, run: Run, arguments: list[str], code: int
) -> None:
    """On stderr, nothing on stdout; with --json also as a document on stdout."""
    told = run(*arguments)
    assert told.code == code
    _told(told)
    assert bool(told.out) == ("--json" in arguments)
    if arguments[-1] == "-C" or arguments[0] == "cat":
        return
    error = run(*arguments, "--json").json["error"]
    assert {"code", "message", "hint"} <= error.keys()
    assert error["exit_code"] == code


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("rolback", "stepwell rollback?"),
        ("checkpoint", "stepwell mark?"),
        ("grep", "stepwell search?"),
        ("ls", "stepwell log?"),
        ("tui", "stepwell, without a command?"),
    ],
)
def test_another_word_is_answered_with_the_right_command(run: Run, word: str, meant: str) -> None:
    """The nearest name, or what means the same."""
    assert f"did you mean {meant}" in run(word).err


def test_an_ambiguous_reference_lists_its_candidates(folder: Path, run: Run) -> None:
    """Exit code 3; steps are made until two ids share four digits... by their labels' rule."""
    ids: dict[str, str] = {}
    for number in range(2):
        (folder / "f").write_text(str(number))
        step = run("capture", "--json").json["id"]
        ids[step] = step[:4]
    told = run("show", next(iter(ids.values()))[:3])
    assert told.code == 3
    assert "at least 4" in told.err or "no step" in told.err


def test_a_folder_that_is_no_workspace_says_what_to_do(tmp_path: Path, run: Run) -> None:
    """Exit code 3."""
    for command in (["log"], ["undo"], ["rollback", "@"], ["purge", "x"]):
        told = run("-C", tmp_path, *command, "--json")
        assert (told.code, told.json["error"]["code"]) == (3, "not_a_workspace")
        assert "stepwell init" in told.json["error"]["hint"]


def test_a_newer_format_is_refused_untouched(folder: Path, run: Run) -> None:
    """Exit code 5, both numbers among the facts."""
    store = Path(run("status", "--json").json["store"])
    document = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**document, "format": 99}))
    told = run("log", "--json")
    assert (told.code, told.json["error"]["code"], told.json["error"]["format"]) == (
        5,
        "format",
        99,
    )


@pytest.mark.parametrize(
    "command",
    [
        *(["status"], ["log"], ["log", "--all"], ["show", "@"], ["show", "#1"], ["diff"]),
        *(["operations"], ["branch"], ["cat", "@:README"], ["capture"], ["rebuild"], ["stats"]),
        *(["rollback", "@", "--yes"], ["undo", "--yes"], ["verify"], ["init"]),
    ],
    ids=" ".join,
)
def test_a_store_that_lost_its_whole_journal_is_damaged(
    folder: Path, run: Run, command: list[str]
) -> None:
    """Exit code 5 everywhere, never an empty list, and nothing begins anew."""
    store = Path(run("status", "--json").json["store"])
    for segment in (store / "journal").iterdir():
        segment.unlink()
    told = run(*command)
    assert told.code == 5
    if command != ["verify"]:
        _told(told)
        assert told.out == b""
    assert list((store / "journal").iterdir()) == []


def test_a_step_whose_parent_was_lost_is_damaged_and_the_rest_goes_on(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 5 for what needs the lost part, and for nothing else."""
    store = Path(run("status", "--json").json["store"])
    monkeypatch.setitem(JournalWriter.open_writer.__func__.__kwdefaults__, "segment_bytes", 1)
    for text in ("changed\n", "again\n"):
        (folder / "README").write_text(text)
        assert run("capture").code == 0
    segments = sorted((store / "journal").glob("*.segment"))
    assert len(segments) == 3
    segments[1].unlink()
    for command in (["show", "@"], ["rollback", "@", "--before", "--yes"]):
        told = run(*command)
        assert told.code == 5
        _told(told)
    for command in (["status"], ["log"], ["cat", "@:README"], ["capture"]):
        assert run(*command).code == 0


def test_an_unreadable_store_is_told(ordinary: Path, run: Run) -> None:
    """Exit code 1, with a hint."""
    run("-C", ordinary, "init")
    store = Path(run("-C", ordinary, "status", "--json").json["store"])
    store.chmod(0)
    told = run("-C", ordinary, "log")
    assert told.code == 1
    _told(told)


def test_a_store_that_is_open_to_others_is_not_trusted(folder: Path, run: Run) -> None:
    """Exit code 1: anyone could have changed what a rollback would write."""
    Path(run("status", "--json").json["store"]).chmod(0o777)
    told = run("log", "--json")
    assert (told.code, told.json["error"]["code"]) == (1, "store_unreadable")


def test_a_full_disk_loses_nothing_that_was_acknowledged(folder: Path, run: Run) -> None:
    """A file size limit stands for it: exit code 1, and the next command works unaided."""
    (folder / "big").write_bytes(os.urandom(300_000))
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY));"
        "from stepwell.store.cli.main import main; raise SystemExit(main(['capture', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "no_space"
    assert run("verify", "--full").code == 0
    assert run("capture", "-m", "big", "--json").json["changes"]["files"] == 1


def test_a_second_writer_is_refused_and_named(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 6 while another process holds the lock; readers go on."""
    store = Path(run("status", "--json").json["store"])
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(store / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        (folder / "f").write_text("x")
        monkeypatch.setattr("stepwell.store.cli.command.WAIT_S", 0.05)
        told = run("capture", "--json")
        assert (told.code, told.json["error"]["code"]) == (6, "busy")
        assert run("log").code == 0
    finally:
        holder.communicate(b"")
    assert run("capture").code == 0


_HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_defect_is_told_in_one_sentence_and_in_full_on_demand(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1; the traceback only with STEPWELL_DEBUG."""

    def broken(*_arguments: object) -> object:
        raise RuntimeError("odd \x1b[31m")

    monkeypatch.setattr("stepwell.store.cli.command.Call.open", broken)
    told = run("log")
    assert told.code == 1
    _told(told)
    assert "RuntimeError" in told.err and "\x1b" not in told.err
    monkeypatch.setenv("STEPWELL_DEBUG", "1")
    assert "Traceback" in run("log").err


def test_an_interruption_ends_quietly_with_130(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shell expects of a command that was stopped."""

    def interrupted(*_arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("stepwell.store.cli.command.Call.open", interrupted)
    told = run("log")
    assert (told.code, told.out, told.err) == (130, b"", "")


def test_a_rollback_that_is_interrupted_says_how_it_stands(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may leave files of both sides; undo finishes first and takes back."""
    (folder / "README").write_text("changed\n")
    (folder / "src" / "app.py").write_text("changed\n")
    assert run("capture").code == 0

    def stop_at_the_second(_self: object, _what: str, done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("stepwell.store.cli.output.Output.progress", stop_at_the_second)
        told = run("rollback", "@~1", "--yes")
    assert told.code == 130
    assert "stopped in the middle" in told.err and "stepwell undo" in told.err
    assert run("undo", "--yes").code == 0
    assert (folder / "README").read_text() == "changed\n"
    assert (folder / "src" / "app.py").read_text() == "changed\n"


def _process(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "from stepwell.store.cli.main import main; raise SystemExit(main())",
    ]
    return subprocess.Popen([*command, *arguments], cwd=folder, **options)


def test_a_reader_that_goes_away_is_no_error(folder: Path, run: Run) -> None:
    """`stepwell log | head` leaves nothing on stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    process = _process(folder, "log", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


def test_a_full_disk_under_the_output_is_told(folder: Path, run: Run) -> None:
    """A result that nobody gets is no success."""
    with open("/dev/full", "wb") as full:
        process = _process(folder, "log", stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith(b"stepwell: the output cannot be written")
    assert err.count(b"\n") == 1


def test_closed_streams_are_no_error(folder: Path, run: Run) -> None:
    """As cron and some supervisors start programs."""
    script = "from stepwell.store.cli.main import main; raise SystemExit(main(['log']))"
    shell = f'"{sys.executable}" -c "{script}" >&- 2>&- <&-'
    assert subprocess.run(["sh", "-c", shell], cwd=folder, check=False).returncode == 0


_KILLED = """
import os, signal
from stepwell.store.engine.rollback import swaps
replaced, real = [], swaps.put
def put(*arguments):
    done = real(*arguments)
    replaced.append(arguments)
    if len(replaced) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
swaps.put = put
from stepwell.store.cli.main import main
main(["rollback", "@~1", "--yes"])
"""


@pytest.mark.parametrize("command", [["rollback", "#1", "--yes"], ["undo", "--yes"], ["capture"]])
def test_the_next_command_settles_a_killed_rollback_and_says_so(
    folder: Path, run: Run, command: list[str]
) -> None:
    """Killed after the second of four files: status reports it, a writing command finishes it."""
    for name in "abcd":
        (folder / name).write_text("old\n")
    run("capture")
    for name in "abcd":
        (folder / name).write_text("new\n")
    run("capture")
    killed = subprocess.run([sys.executable, "-c", _KILLED], cwd=folder, check=False, timeout=60)
    assert killed.returncode == -9
    assert len({(folder / name).read_text() for name in "abcd"}) == 2
    assert run("status", "--json").json["pending_recovery"]["kind"] == "rollback"
    assert "an interrupted rollback is pending" in run("status").text
    settled = run(*command)
    assert settled.code == 0
    assert "an interrupted rollback was finished first" in settled.err
    assert run("status", "--json").json["pending_recovery"] is None
    contents = {(folder / name).read_text() for name in "abcd" if (folder / name).exists()}
    assert contents == {"rollback": set(), "undo": {"new\n"}, "capture": {"old\n"}}[command[0]]


def test_nothing_is_settled_for_who_cannot_be_asked(folder: Path, run: Run) -> None:
    """Finishing an interrupted rollback writes the folder, too."""
    for text in ("old", "new"):
        for name in "abcd":
            (folder / name).write_text(text)
        run("capture")
    subprocess.run([sys.executable, "-c", _KILLED], cwd=folder, check=False, timeout=60)
    before = {name: (folder / name).read_text() for name in "abcd"}
    assert run("rollback", "#1").code == 2
    assert {name: (folder / name).read_text() for name in "abcd"} == before
    assert run("status", "--json").json["pending_recovery"]["kind"] == "rollback"


def test_a_sentence_names_things_once_and_as_people_do(folder: Path, run: Run) -> None:
    """Neither the program twice, nor how its source calls a kind of value."""
    assert run("log", "-n", "many").err.startswith("stepwell: log: argument -n: no whole number")
    assert run("blame", ".").err.startswith("stepwell: the folder itself is no file")


def test_files_are_named_relative_to_the_folder(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of states: `-C` is as if started there."""
    (folder / "plan.json").write_text('{"todo": 1}')
    monkeypatch.chdir(tmp_path)
    there = ("-C", str(folder))
    assert run(*there, "state", "put", "plan.json").code == 0
    assert run(*there, "state", "export", "all.json").code == 0
    assert (folder / "all.json").is_file()
    done = run(*there, "capture", "--session", "me:1", "--state", "plan=plan.json")
    assert done.code == 0, done.err


@pytest.fixture
def loaded(folder: Path, run: Run) -> None:
    """All modules are loaded: another user may not be able to read them."""
    for command in (("rebuild",), ("log",), ("transcripts", "list"), ("show", "nope")):
        run(*command)


def test_what_the_system_refuses_is_told_with_the_place(
    loaded: None, ordinary: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as another process's work, nor as something unforeseen; what reads goes on."""
    assert run("-C", ordinary, "init").code == 0
    store = Path(run("-C", ordinary, "status", "--json").json["store"])
    assert run("-C", ordinary, "rebuild").code == 0
    (store / "catalogue" / "lock").chmod(0o400)
    told = run("-C", ordinary, "rebuild")
    assert told.code == 1 and f"permissions of {store / 'catalogue'}" in told.err
    assert run("-C", ordinary, "log").code == 0

    agent = ordinary.parent / "agent"
    agent.mkdir()
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(agent))
    (agent / "projects").mkdir(0)
    listed = run("-C", ordinary, "transcripts", "list")
    _told(listed)
    assert "unforeseen" not in listed.err and "Permission denied" in listed.err
