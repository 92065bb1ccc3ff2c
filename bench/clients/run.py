"""Drives real coding agents through a script, offline, and checks what Stepwell recorded.

    make test-agents                        all the clients, from the npm registry (Node 20 or newer)
    make test-agents ARGS='claude codex'    these
    make test-agents ARGS=--page            also writes the table into docs/agents.md

The clients are kept in a cache folder (--cache). They run with dummy keys and a home folder of their
own; where the system allows it, in a network that has nothing but loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from known import CLIENTS, Client
from play import EXPECTED, FIRST, LEFT, RIGHT, SECOND, Play, make_template, run_checked

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "agents.md"
PAYLOADS = ROOT / "tests/store/agents/payloads"
BEGIN, END = "<!-- clients: written by make test-agents -->\n", "<!-- end of clients -->\n"
YES, UNTRIED = "yes", "-"


def one_step_a_call(play: Play) -> str:
    """Each changing call has a step with exactly its files, in the right turn."""
    calls = [step for step in play.steps() if step["kind"] == "tool"]
    found = [(step["turn"], " ".join(sorted(_files(step)))) for step in calls]
    if not play.client.tells_prompts:
        # Then no turn is told, either.
        return (
            YES if [files for _, files in found] == [files for _, files in EXPECTED] else f"{found}"
        )
    if play.client.joint:
        # Two calls at once: which of the two steps has the file is not told.
        return YES if sorted(found) == sorted(EXPECTED) else f"{found}"
    return YES if found == list(EXPECTED) else f"{found}"


def _files(step: dict[str, list[dict[str, str]]]) -> set[str]:
    return {change["path"] for change in step["diff"]}


def texts_attached(play: Play) -> str:
    """Prompts are there word for word, and each call has its input and its result."""
    steps = play.steps()
    prompts = [step["prompt"] for step in steps if step["kind"] == "prompt"]
    bare = [
        step["title"]
        for step in steps
        if step["kind"] == "tool" and (not step["input"] or step["result_text"] is None)
    ]
    if prompts != ([FIRST, SECOND] if play.client.tells_prompts else []):
        return f"prompts: {prompts}"
    return YES if not bare else f"without texts: {bare}"


def one_session(play: Play) -> str:
    """Both turns are of one session, and nothing was recorded as done by somebody else."""
    if not play.client.resumes:
        return UNTRIED
    steps = play.steps()[1:]
    sessions = {step["session"] for step in steps if step["kind"] != "capture"}
    odd = [step["title"] for step in steps if step["flags"] and step["flags"] != ["joint"]]
    return YES if len(sessions) == 1 and not odd else f"{len(sessions)} sessions, odd: {odd}"


def finishes_without_stepwell(play: Play) -> str:
    play.install()
    play.forget_stepwell()
    play.turn(FIRST)
    return YES


def finishes_with_a_store_that_is_read_only(play: Play) -> str:
    play.install()
    play.stepwell("daemon", "stop")
    data = str(play.data)
    run_checked("mount", "--bind", data, data)
    run_checked("mount", "-o", "remount,ro,bind", data)
    try:
        play.turn(FIRST)
    finally:
        run_checked("umount", "--lazy", data)
    return YES


def finishes_on_a_full_disk(play: Play) -> str:
    """And when there is room again, what came meanwhile is recorded, and said to be late."""
    play.on_a_small_disk()
    play.install()
    filler = play.fill_the_disk()
    play.turn(FIRST)
    filler.unlink()
    play.stepwell("daemon", "stop")
    play.turn(SECOND, resume=True)
    return _recovered(play)


def _recovered(play: Play) -> str:
    steps = play.steps()
    if not any(step["kind"] == "gap" or "late" in step["flags"] for step in steps):
        return "nothing tells that steps are missing"
    kept = play.stepwell("cat", "@:greet.py")
    if kept != (play.repo / "greet.py").read_text():
        return "the newest step is not what is on disk"
    play.stepwell("verify", "--full")
    return YES


def finishes_with_a_daemon_that_hangs(play: Play) -> str:
    play.install()
    pid = play.freeze_the_daemon()
    try:
        play.turn(FIRST)
    finally:
        os.kill(pid, signal.SIGCONT)
    return YES


def two_at_once(play: Play) -> str:
    """Both finish, both are sessions of their own, and the newest step has what both wrote."""
    play.install()
    raised: list[BaseException] = []

    def one(prompt: str) -> None:
        try:
            play.turn(prompt)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=one, args=(prompt,)) for prompt in (LEFT, RIGHT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        return str(raised[0])
    steps = play.steps()
    sessions = {step["session"] for step in steps if step["session"]}
    texts = [play.stepwell("cat", f"@:{side}.txt") for side in ("left", "right")]
    if len(sessions) != 2:
        return f"{len(sessions)} sessions"
    return YES if texts == ["left\nmore\n", "right\nmore\n"] else f"{texts}"


def hook_ms(play: Play) -> str:
    """The wall time of the installed hook, over the events of a recorded session."""
    took = []
    for line in (PAYLOADS / f"{play.client.name}.jsonl").read_text().splitlines():
        form = json.loads(line.replace("/work/repo", str(play.repo)))
        command = [sys.executable, "-I", "-S", str(ROOT / "store/agents/hook.py")]
        started = time.monotonic()
        subprocess.run(
            [*command, play.client.name, form["event"]],
            input=json.dumps(form["payload"]).encode(),
            env=play.environment(),
            cwd=play.repo,
            check=True,
        )
        took.append((time.monotonic() - started) * 1000)
    return f"{statistics.median(took):.0f} ({len(took)} events, slowest {max(took):.0f})"


COLUMNS = (
    "client", "version", "a step a call", "texts", "resumed: one session", "repository as without",
    "finishes without Stepwell", "read-only store", "full disk", "daemon hangs", "two at once", "hook, ms",
    "both turns, s: without, with",
)  # fmt: skip


def examine(client: Client, program: Path, folder: Path, isolated: bool) -> list[str]:
    """Plays everything with one client; returns its row of the table."""
    make_template(folder / "template")
    bare, plain = _bare_run(Play(folder / "bare", client, program))
    with Play(folder / "main", client, program) as play:
        play.install()
        took = play.turn(FIRST)
        # The daemon was stopped: the next hook starts another.
        play.stepwell("daemon", "stop")
        took += play.turn(SECOND, resume=True)
        same = YES if play.digest() == plain else _difference(play.digest(), plain)
        row = [client.name, play.version(), one_step_a_call(play), texts_attached(play)]
        row += [one_session(play), same]
        pace = hook_ms(play)
    for name, check in (
        ("gone", finishes_without_stepwell),
        ("read-only", finishes_with_a_store_that_is_read_only if isolated else _untried),
        ("full", finishes_on_a_full_disk if isolated else _untried),
        ("frozen", finishes_with_a_daemon_that_hangs),
        ("pair", two_at_once),
    ):
        row.append(_checked(check, Play(folder / name, client, program)))
    return [*row, pace, f"{bare:.0f}, {took:.0f}"]


def _bare_run(play: Play) -> tuple[float, dict[str, str]]:
    with play:
        return play.turn(FIRST) + play.turn(SECOND, resume=True), play.digest()


def _difference(one: dict[str, str], other: dict[str, str]) -> str:
    return "differs: " + ", ".join(sorted(name for name, _ in one.items() ^ other.items()))


def _untried(play: Play) -> str:
    return UNTRIED


def _checked(check: Callable[[Play], str], play: Play) -> str:
    try:
        with play:
            return check(play)
    except (RuntimeError, subprocess.SubprocessError) as error:
        return str(error)


def fetch(client: Client, cache: Path) -> Path:
    """Installs a client unless it is there; returns its program."""
    folder = cache / client.name
    program = folder / "node_modules" / ".bin" / client.name
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder))
        subprocess.run([*words, client.package], check=True)
    return program


def isolate() -> None:
    """Starts this script again in a network of its own, where that is possible."""
    allowed = subprocess.run(["unshare", "-rmn", "ip", "link", "set", "lo", "up"], check=False)
    if allowed.returncode == 0:
        script = 'ip link set lo up && exec "$@"'
        again = [sys.executable, *sys.argv, "--isolated"]
        os.execvp("unshare", ["unshare", "-rmn", "sh", "-c", script, "sh", *again])
    print("no network of its own: the clients could reach others", file=sys.stderr)


def table(rows: list[list[str]]) -> str:
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows]
    return "".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |\n" for line in lines)


def write_page(text: str) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + text + END + after)


def main() -> int:
    parser = argparse.ArgumentParser(description="drive real coding agents, offline")
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/stepwell-clients")
    parser.add_argument("--page", action="store_true", help="write the table into docs/agents.md")
    parser.add_argument("--keep", action="store_true", help="leave the folders of the runs")
    parser.add_argument("--isolated", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    clients = [CLIENTS[name] for name in given.clients or CLIENTS]
    programs = [fetch(client, given.cache) for client in clients]
    if not given.isolated:
        isolate()
    rows = []
    for client, program in zip(clients, programs, strict=True):
        folder = Path(tempfile.mkdtemp(prefix=f"stepwell-{client.name}-"))
        try:
            rows.append(examine(client, program, folder, given.isolated))
        except (RuntimeError, subprocess.SubprocessError) as error:
            rows.append([client.name, str(error), *(UNTRIED for _ in COLUMNS[2:])])
        finally:
            if not given.keep:
                shutil.rmtree(folder, ignore_errors=True)
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    print(table(rows))
    if given.page:
        write_page(table(rows))
    return 0 if all(_is_fine(row) for row in rows) else 1


def _is_fine(row: list[str]) -> bool:
    return all(cell in (YES, UNTRIED) for cell in row[2:11]) and row[2] == YES


if __name__ == "__main__":
    sys.exit(main())
