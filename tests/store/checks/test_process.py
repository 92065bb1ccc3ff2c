"""Running commands: bounded in time and output, and nothing of them stays."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.store.checks.process import (
    Child,
    Command,
    Ran,
    require_program,
    run,
    split_words,
    wait_for,
)
from stepwell.store.model.errors import NotFoundError, UsageError

ENVIRONMENT = {"PATH": os.environ["PATH"], "MARK": "mine"}


def command(folder: Path, *words: str, limit_s: float | None = 30, **more: float) -> Command:
    return Command(words, folder, ENVIRONMENT, limit_s, **more)  # type: ignore[arg-type]


def python(folder: Path, program: str, **more: float) -> Command:
    return command(folder, sys.executable, "-c", program, **more)


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, and fails when it does not come."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


def gone(pid: int) -> bool:
    """Tells whether a process is gone, or only waits to be reaped by init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_status_output_and_surroundings(tmp_path: Path) -> None:
    """Both streams in order; its own folder; nothing of our environment."""
    program = (
        "import os, sys\n"
        "print(os.getcwd(), os.environ['MARK'], 'HOME' in os.environ, flush=True)\n"
        "print('to stderr', file=sys.stderr); sys.exit(3)\n"
    )
    ran = run(python(tmp_path, program))
    assert (ran.ended, ran.exit_code, ran.ok) == ("exit", 3, False)
    assert ran.output.decode() == f"{tmp_path} mine False\nto stderr\n"


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    """What a shell would expand is an argument as it is."""
    ran = run(command(tmp_path, "echo", "$HOME; `id` *", ">x"))
    assert ran.ok and ran.output == b"$HOME; `id` * >x\n" and os.listdir(tmp_path) == []


def test_a_command_that_hangs_is_ended_at_its_limit(tmp_path: Path) -> None:
    """One that ends when asked, and one that does not listen."""
    ran = run(command(tmp_path, "sleep", "60", limit_s=0.2))
    assert ran.ended == "timeout" and ran.exit_code is None and ran.duration_ms < 20_000
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    ran = run(python(tmp_path, deaf, limit_s=0.2, grace_s=0.2))
    assert ran.ended == "timeout"


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    """Children that would stay, and hold its output open."""
    ran = run(command(tmp_path, "sh", "-c", "sleep 60 & echo $!; sleep 60 & echo $!"))
    pids = [int(word) for word in ran.output.split()]
    assert ran.ok and len(pids) == 2
    until(lambda: all(gone(pid) for pid in pids))


def test_output_is_bounded_at_both_ends(tmp_path: Path) -> None:
    """The beginning and the end are kept, and the gap is said."""
    program = "import sys\nfor n in range(300_000): print(n)\n"
    ran = run(python(tmp_path, program, output_limit=200_000))
    assert ran.ok and len(ran.output) < 201_000
    assert ran.output.startswith(b"0\n1\n") and ran.output.endswith(b"299999\n")
    assert b"bytes left out ..." in ran.output


def test_a_flood_without_end_meets_the_limit(tmp_path: Path) -> None:
    """Reading it leaves time to look at the clock."""
    ran = run(command(tmp_path, "yes", limit_s=0.3))
    assert ran.ended == "timeout" and len(ran.output) < 2 << 20


def test_an_interruption_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Ctrl-C."""
    started: list[Child] = []

    def interrupted(children: list[Child], _: float) -> None:
        started.extend(children)
        raise KeyboardInterrupt

    monkeypatch.setattr("stepwell.store.checks.process.wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(command(tmp_path, "sleep", "60"))
    ran = started[0].poll()
    assert ran is not None and ran.ended == "stopped"


def test_a_signal_is_told_by_name(tmp_path: Path) -> None:
    """Of a crash, too."""
    ran = run(command(tmp_path, "sh", "-c", "kill -SEGV $$"))
    assert (ran.ended, ran.reason, ran.ok) == ("signal", "SIGSEGV", False)


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    """No such program; a file that is none; a folder that went."""
    (tmp_path / "text").write_text("no program\n")
    (tmp_path / "text").chmod(0o755)
    for words in (["nope-nope"], ["./text"]):
        ran = run(command(tmp_path, *words))
        assert ran.ended == "not_started" and words[0] in ran.reason
    assert run(command(tmp_path / "gone", "true")).ended == "not_started"


def test_a_program_is_looked_for_before_anything_runs(tmp_path: Path) -> None:
    """On the PATH that it is given, or where its path says."""
    require_program(command(tmp_path, "sh"))
    (tmp_path / "check").write_text("#!/bin/sh\n")
    (tmp_path / "check").chmod(0o755)
    require_program(command(tmp_path, "./check"))
    for word in ("nope-nope", "./nope", "./"):
        with pytest.raises(NotFoundError, match="was not found"):
            require_program(command(tmp_path, word))


def test_words_are_split_as_a_shell_splits_them() -> None:
    """Quotes and escapes; nothing else."""
    assert split_words("""python -c 'print("a b")' x\\ y "$HOME" """) == (
        "python",
        "-c",
        'print("a b")',
        "x y",
        "$HOME",
    )
    for bad in ("", "  ", "echo 'open"):
        with pytest.raises(UsageError):
            split_words(bad)


def test_many_are_looked_after_at_once(tmp_path: Path) -> None:
    """Each comes to its own end."""
    children = [Child(command(tmp_path, "sh", "-c", f"exit {code}")) for code in range(4)]
    ends: dict[int, Ran] = {}
    while len(ends) < 4:
        wait_for([child for at, child in enumerate(children) if at not in ends], 0.05)
        ends.update((at, ran) for at, child in enumerate(children) if (ran := child.poll()))
    assert [ends[code].exit_code for code in range(4)] == [0, 1, 2, 3]
