"""On a real pseudo-terminal: hostile content stays text, questions are asked, colours are honest."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

SCRIPT = "from stepwell.store.cli.main import main; raise SystemExit(main())"
ONE_AFTER_THE_OTHER = """
import json, sys
from stepwell.store.cli.main import main
for arguments in json.loads(sys.argv[1]):
    main(arguments)
    print("=====", flush=True)
"""
PRUNED_MEANWHILE = """
from stepwell.store.cli.main import main
from stepwell.store.upkeep import UpkeepVerbs
look = UpkeepVerbs.removable
def look_and_prune(self, **given):
    found = look(self, **given)
    main(["prune", "--yes"])
    return found
UpkeepVerbs.removable = look_and_prune
raise SystemExit(main())
"""
OWN = re.compile(rb"\r\x1b\[K|\x1b\[(?:0|1|2|3[0-7])m")
"""Colours, and the line of progress being wiped."""

HOSTILE_NAMES = (
    b"esc\x1b[2J\x1b[31m",
    b"clip\x1b]52;c;aGFja2Vk\x07",
    b"link\x1b]8;;http:evil\x1b\\x",
    b"line\nfeed\rreturn",
    b"c1\xc2\x9b31m",
    "bidi\u202etxt.exe".encode(),
    "zero\u200bwidth".encode(),
    b"bad\xff\xfeutf8",
    b"[@click=app.bell]markup[red]",
    b"tab\tback\x08del\x7f",
    b"-option",
    b" space ",
)
HOSTILE_TEXT = "t \x1b]0;title\x07 \x9b1m \u202e \x00 \r end"


def _terminal(
    folder: Path,
    arguments: Sequence[str],
    *,
    keys: bytes = b"",
    wait_for: bytes = b"",
    before: Callable[[], object] = lambda: None,
    script: str = SCRIPT,
) -> tuple[int, bytes]:
    """Runs a command on a pseudo-terminal of 100 columns; returns its code and all that it wrote.

    `keys` are typed when `wait_for` has been written, and `before` was done.
    """
    leader, follower = pty.openpty()

    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1"},
    )
    os.close(follower)
    written, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([leader], [], [], 1)
        if not ready:
            continue
        try:
            part = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        written += part
        if keys and wait_for in written:
            before()
            os.write(leader, keys)
            keys = b""
    os.close(leader)
    return process.wait(timeout=60), written.replace(b"\r\n", b"\n")


@pytest.fixture
def hostile(folder: Path, run: Run) -> Path:
    """A workspace with hostile names, contents, titles, notes and tags in two steps."""
    for name in HOSTILE_NAMES:
        (folder / os.fsdecode(name)).write_bytes(name + b"\x1b[5mcontent\x07\n")
    (folder / "broken").symlink_to(os.fsdecode(HOSTILE_NAMES[0]))
    assert (
        run("capture", "-m", HOSTILE_TEXT.replace("\0", ""), "--session", "a\x1b[1m:\u202e").code
        == 0
    )
    for name in HOSTILE_NAMES:
        (folder / os.fsdecode(name)).write_bytes(b"second\x1b[5m\x9b\n" + name)
    assert run("capture", "-m", "second").code == 0
    assert run("mark", "@", "--note", "n\x1b]0;x\x07\u202e\nline", "--tag", "t\x1b[7m").code == 0
    for name in HOSTILE_NAMES[:6]:
        (folder / os.fsdecode(name)).unlink()
    return folder


COMMANDS = [
    ["status"],
    ["log"],
    ["log", "--all"],
    ["log", "nothing\x1b[31m"],
    ["log", 'x\x1b[31m"'],
    ["show", "@"],
    ["show", "@~1"],
    ["diff"],
    ["diff", "--stat"],
    ["diff", "--patch"],
    ["diff", "@~1", "@"],
    ["diff", "@~2", "@", "--patch"],
    ["cat", "@:" + os.fsdecode(HOSTILE_NAMES[0])],
    ["cat", "@:nope\x1b[31m"],
    ["rollback", "@~1", "--dry-run"],
    ["rollback", "@~1", "--yes"],
    ["rollback", "@~1", "--yes", "--force"],
    ["rollback", "no\x1b]0;x\x07such"],
    ["rollback", "@~2", "--path", os.fsdecode(HOSTILE_NAMES[0]), "--dry-run"],
    ["rollback", "@~2", "--path", "no\x1b[31mwhere", "--dry-run"],
    ["rollback", "@~2", "--hunk", "\x1b[31m", "--dry-run"],
    ["rollback", "main~1", "--only", "--dry-run"],
    ["rollback", "@~2", "--files-only", "--yes", "--force"],
    ["branch"],
    ["branch", "create", "over\u202eride"],
    ["branch", "create", "bad\x1b[31m"],
    ["branch", "list", "--json"],
    ["switch", "over\u202eride", "--yes"],
    ["switch", "no\x1b[31msuch", "--yes"],
    ["branch", "rename", "over\u202eride", "zero\u200bwidth"],
    ["operations"],
    ["undo", "--dry-run"],
    ["mark", "@", "--label", "bad\x1b[31m"],
    ["mark", "@", "--note", "\x1b[31m"],
    ["mark", "@~1", "--note", "\x1b[31m", "--at", os.fsdecode(HOSTILE_NAMES[0]), "--by", "\x07"],
    ["unmark", "@", "--note", "\x1b[31m"],
    ["capture", "-m", "\x1b[31m"],
    ["unmark", "@", "--tag", "t\x1b[7m"],
    ["verify", "--full"],
    ["stats"],
    ["prune", "--all", "--dry-run"],
    ["gc"],
    ["rebuild"],
    ["init"],
    ["nope\x1b[31m"],
    ["log", "--\x1b[31m"],
    ["-C", "no\x1b[31m\nwhere", "log"],
    ["--help"],
    ["log", "--help"],
    ["show", "@", "--json"],
    ["diff", "@~2", "@", "--json"],
    ["status", "--json"],
    ["log", "--json"],
    ["rollback", "@~2", "--dry-run", "--json"],
    ["cat", "--json", "\x1b[31m"],
]


def test_no_command_lets_hostile_content_act_on_the_terminal(hostile: Path) -> None:
    """What is written holds the tool's own colour sequences, line feeds, and nothing else to act."""
    together = [json.dumps(COMMANDS)]
    code, seen = _terminal(hostile, together, script=ONE_AFTER_THE_OTHER)
    parts = seen.split(b"=====\n")
    assert (code, len(parts)) == (0, len(COMMANDS) + 1)
    for arguments, written in zip(COMMANDS, parts, strict=False):
        assert written, arguments
        left = OWN.sub(b"", written).decode()
        acting = {char for char in left if not (char.isprintable() or char in "\n\t")}
        assert not acting, (arguments, acting)
        assert "\t" not in left or arguments[0] in ("cat", "diff"), arguments
    assert rb"esc\x1b[2J\x1b[31m" in seen
    assert rb"bad\xff\xfeutf8" in seen


def test_json_of_hostile_content_is_ascii_and_says_it_exactly(hostile: Path, run: Run) -> None:
    """Escaped by JSON's own rules; the text is the original one."""
    for command in (["log"], ["show", "@"], ["diff", "@~2", "@"], ["status"]):
        out = run(*command, "--json").out
        assert all(32 <= byte < 127 for byte in out[:-1]) and out[-1:] == b"\n"
    paths = {c["path"] for c in run("diff", "@~2", "@", "--json").json["changes"]}
    assert "line\nfeed\rreturn" in paths
    assert r"bad\xff\xfeutf8" in paths


def test_colours_are_for_terminals_and_can_be_turned_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR takes every escape sequence away, and not one word."""
    (folder / "README").write_text("changed\n")
    _, coloured = _terminal(folder, ["diff"])
    monkeypatch.setenv("NO_COLOR", "1")
    _, plain = _terminal(folder, ["diff"])
    assert b"\x1b[" in coloured
    assert b"\x1b" not in plain
    assert OWN.sub(b"", coloured) == plain


def test_a_terminal_gets_the_newest_20_steps_within_its_width(folder: Path, run: Run) -> None:
    """And is told that there are more."""
    for number in range(22):
        run("mark", "@", "--note", "wide " * 30)
        run("capture", "-m", f"{number} 日本語 " * 12, "--tag", "t")
    _, written = _terminal(folder, ["log"])
    lines = OWN.sub(b"", written).decode().splitlines()
    assert len(lines) == 21
    assert "older steps" in lines[-1]
    assert max(map(len, lines)) <= 100
    _, written = _terminal(folder, ["log", "-n", "0"])
    assert len(written.splitlines()) == 23


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"\n", 1), (b"y\n", 0)])
def test_a_rollback_asks_after_its_preview(
    folder: Path, run: Run, answer: bytes, code: int
) -> None:
    """Anything but yes changes nothing."""
    (folder / "README").write_text("changed\n")
    run("capture")
    got, written = _terminal(folder, ["rollback", "@~1"], keys=answer, wait_for=b"[y/N] ")
    assert got == code
    assert written.index(b"README") < written.index(b"[y/N]")
    assert (folder / "README").read_text() == ("hello\n" if code == 0 else "changed\n")
    if code:
        assert b"nothing was changed" in written


def test_what_will_be_refused_is_not_asked_for_first(folder: Path, run: Run) -> None:
    """Drift ends in exit code 4 without a question."""
    (folder / "README").write_text("changed\n")
    run("capture")
    (folder / "README").write_text("unsaved\n")
    code, written = _terminal(folder, ["rollback", "@~1"])
    assert code == 4
    assert b"[y/N]" not in written


def test_a_row_without_room_loses_its_titles_end_first(folder: Path, run: Run) -> None:
    """What stands behind it is short, and what a person looks for."""
    (folder / "README").write_text("changed\n")
    run("capture", "-m", "a title " * 12, "--label", "before-the-refactoring")
    _, written = _terminal(folder, ["log"])
    row = OWN.sub(b"", written).decode().splitlines()[0].rstrip()
    assert "⚑before-the-refactoring" in row and row.endswith("↱ main")
    assert len(row) == 100 and "a title" in row and "…" in row


def test_the_bare_command_opens_the_timeline_on_a_terminal(folder: Path) -> None:
    """And `q` leaves it with exit code 0."""
    code, written = _terminal(folder, [], keys=b"q", wait_for=b"first capture")
    assert code == 0
    assert b"\x1b[?1049h" in written  # the other screen of the terminal


def test_who_leaves_the_demo_sees_how_to_open_it_again(folder: Path, tmp_path: Path) -> None:
    """It may be in a temporary folder, whose name nobody knows."""
    demo = tmp_path / "my hop"
    code, written = _terminal(folder, ["demo", str(demo)], keys=b"q", wait_for=b"rollback")
    assert code == 0
    assert b"open it again: stepwell -C '" + bytes(demo) + b"'" in OWN.sub(b"", written)


def test_an_experiment_shows_bars_that_are_gone_at_the_end(folder: Path) -> None:
    """One for each candidate, drawn in place; what stays is the result."""
    words = ["experiment", "run", "x", "--try", "slow=sleep 0.5", "--try", "fast=true"]
    code, written = _terminal(folder, words)
    assert code == 0
    seen, _, result = written.decode().rpartition("\x1b[2A\x1b[J")
    assert "░" in seen and "running" in seen and "waiting" in seen
    assert "░" not in result and "take the first over" in result


def test_a_purge_removes_only_what_was_shown(folder: Path, run: Run) -> None:
    """What is captured while the question stands is not gone when it is agreed to."""

    def captured() -> None:
        (folder / "README").write_text("newer\n")
        assert run("capture").code == 0

    code, written = _terminal(
        folder, ["purge", "README"], keys=b"y\n", wait_for=b"[y/N] ", before=captured
    )
    assert code == 4 and b"nothing was purged: more would go now than was shown" in written
    assert run("cat", "@:README").out == b"newer\n"
    assert _terminal(folder, ["purge", "README"], keys=b"y\n", wait_for=b"[y/N] ")[0] == 0
    assert run("cat", "@:README").code == 3


def test_an_interrupted_purge_is_finished_by_purging_again(
    folder: Path, run: Run, home: Path
) -> None:
    """Its contents are gone already; what waits is shown first, whatever path is named."""
    (folder / ".env").write_text("KEY=0123456789abcdef\n")
    run("capture")
    (store,) = (home / "workspaces").iterdir()
    in_the_way = store / "stats"
    in_the_way.unlink(missing_ok=True)
    in_the_way.mkdir()
    failed = run("purge", ".env", "--yes")
    assert failed.code == 1 and "removing" in failed.err
    in_the_way.rmdir()
    dry = run("purge", ".env", "--dry-run")
    assert dry.code == 0 and dry.text.startswith("would finish the interrupted purge of .env\n")
    both = run("purge", "README", "--dry-run", "--json").json
    assert (both["targets"], both["applied"]) == (["path:.env", "path:README"], False)
    code, written = _terminal(folder, ["purge", ".env"], keys=b"y\n", wait_for=b"[y/N] ")
    assert code == 0 and b"; there is no undo" in written
    assert run("purge", ".env", "--dry-run").code == 3


@pytest.fixture
def crowded(folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six steps, and settings that keep two."""
    settings = tmp_path / "config.toml"
    settings.write_text(
        "[retention]\nkeep_last = 2\nhourly = 0\ndaily = 0\nper_session = 1\nsafety_days = 0\n"
    )
    monkeypatch.setenv("STEPWELL_CONFIG", str(settings))
    for number in range(5):
        (folder / "README").write_text(f"{number}\n")
        run("capture")
    return folder


def count(run: Run) -> int:
    return len(run("log", "--all", "--json").json["steps"])


@pytest.mark.parametrize(
    ("answer", "code", "left"), [(b"n\n", 1, 6), (b"\n", 1, 6), (b"y\n", 0, 2)]
)
def test_prune_shows_what_would_go_and_asks(
    crowded: Path, run: Run, answer: bytes, code: int, left: int
) -> None:
    """Each step with its reason first; the undo that is named brings them back."""
    got, written = _terminal(crowded, ["prune"], keys=answer, wait_for=b"[y/N] ")
    assert (got, count(run)) == (code, left)
    assert written.index(b"older than the newest 2") < written.index(b"[y/N]")
    assert (b"nothing was dropped" in written) is bool(code)
    if not code:
        assert b"`stepwell undo " in written.rpartition(b"[y/N]")[2]


def test_prune_drops_only_what_was_shown(crowded: Path, run: Run) -> None:
    """A step that comes meanwhile makes another one old, which nobody was shown."""

    def captured() -> None:
        (crowded / "README").write_text("newer\n")
        assert run("capture").code == 0

    code, written = _terminal(crowded, ["prune"], keys=b"y\n", wait_for=b"[y/N] ", before=captured)
    assert code == 4 and b"nothing was dropped: more would go now than was shown" in written
    assert count(run) == 7


def test_gc_asks_only_where_steps_go_for_good(crowded: Path, run: Run) -> None:
    """Not for sealing, and not within the grace time; `no` leaves the dropped steps where they are."""
    code, written = _terminal(crowded, ["gc"])
    assert code == 0 and b"[y/N]" not in written
    assert _terminal(crowded, ["prune", "--yes"])[0] == 0
    code, written = _terminal(crowded, ["gc"])
    assert code == 0 and b"[y/N]" not in written
    code, written = _terminal(crowded, ["gc", "--now"], keys=b"n\n", wait_for=b"[y/N] ")
    assert code == 1 and b"4 steps that `stepwell prune` dropped" in written
    assert b"nothing was removed" in written
    assert run("undo", "--yes").code == 0
    assert count(run) == 6
    assert _terminal(crowded, ["prune", "--yes"])[0] == 0
    code, written = _terminal(crowded, ["gc", "--now"], keys=b"y\n", wait_for=b"[y/N] ")
    assert code == 0 and b"removed 4 dropped steps for good" in OWN.sub(b"", written)
    assert run("undo", "--yes").code == 3


def test_gc_removes_only_what_was_asked_about(crowded: Path, run: Run) -> None:
    """What is dropped while the question stands can be undone afterwards."""

    def dropped() -> None:
        (crowded / "README").write_text("newer\n")
        assert run("capture").code == run("prune").code == 0

    assert run("prune").code == 0
    code, written = _terminal(
        crowded, ["gc", "--now"], keys=b"y\n", wait_for=b"[y/N] ", before=dropped
    )
    assert code == 0 and b"removed 4 dropped steps for good" in OWN.sub(b"", written)
    assert (run("undo", "--yes").code, count(run)) == (0, 3)


def test_gc_that_asked_nothing_removes_nothing(crowded: Path, run: Run) -> None:
    """Although steps fall due between its look and its deed."""
    code, written = _terminal(crowded, ["gc", "--now"], script=PRUNED_MEANWHILE)
    assert code == 0 and b"[y/N]" not in written
    assert b"dropped  4 of 6 steps" in OWN.sub(b"", written)
    assert (run("undo", "--yes").code, count(run)) == (0, 6)


def test_scripts_are_not_asked(crowded: Path, run: Run) -> None:
    """Off a terminal, and with --yes: what prune drops comes back, what gc removes was dropped before."""
    assert run("prune").code == 0
    assert run("gc", "--now").code == 0
    assert count(run) == 2


PUT = ["state", "put", "state.json", "--session", "s"]


@pytest.fixture
def lasting(folder: Path, run: Run, tmp_path: Path) -> Path:
    """A workspace with a snapshot of state, and a remote that has its timeline."""
    (folder / "state.json").write_text("{}")
    assert run(*PUT).code == 0
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "server"], check=True)
    assert run("remote", "add", "origin", tmp_path / "server").code == 0
    assert run("push", "origin").code == 0
    return folder


@pytest.mark.parametrize(
    ("line", "shown", "declined", "done"),
    [
        (
            "state delete --session s",
            b"would delete 1 snapshot:",
            b"deleted",
            b"deleted 1 snapshot",
        ),
        ("push origin --force", b"would push 1 step on 1 branch", b"pushed", b"has it all already"),
        ("verify --repair", b"mend what is damaged", b"mended", b"whole: "),
    ],
)
def test_what_lasts_is_asked_for_first(
    lasting: Path, run: Run, line: str, shown: bytes, declined: bytes, done: bytes
) -> None:
    """What would go is told before; `no` leaves it, `yes` does it; --yes, and no terminal, ask nothing."""
    words = line.split()
    for answer, code, said in ((b"n\n", 1, b"nothing was " + declined), (b"y\n", 0, done)):
        got, written = _terminal(lasting, words, keys=answer, wait_for=b"[y/N] ")
        plain = OWN.sub(b"", written)
        before, _, after = plain.partition(b"[y/N]")
        assert (got, shown in before, said in after) == (code, True, True), plain
        assert (done in after) is not bool(code)
    if words[0] == "state":
        assert run(*PUT).code == 0
    got, written = _terminal(lasting, [*words, "--yes"])
    assert got == 0 and b"[y/N]" not in written and done in OWN.sub(b"", written)
    if words[0] == "state":
        assert run(*PUT).code == 0
    alone = run(*words)
    assert alone.code == 0 and done in alone.out
