"""What a hook costs an agent, beside what starting a process and starting Python cost at all.

    make bench-hooks                 measures and prints
    make bench-hooks ARGS=--page     also writes the table into docs/agents.md

Each recorded event of each agent is handed to the hook as installed, with a file changed before it,
while the daemon runs; in turn with it `true` and `python -I -S -c pass` are started in the same way.
Figures of one run, so ratios hold where milliseconds do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "agents.md"
PAYLOADS = ROOT / "tests/store/agents/payloads"
HOOK = ROOT / "store/agents/hook.py"
BEGIN, END = "<!-- pace: written by make bench-hooks -->\n", "<!-- end of pace -->\n"
FILES = 1_000
DOCUMENTED = {
    "cursor": {"hook_event_name": "postToolUse", "conversation_id": "c", "tool_name": "Write",
               "tool_input": {"file_path": "/work/repo/a"}, "workspace_roots": ["/work/repo"]},
    "goose": {"event": "PostToolUse", "session_id": "c", "tool_name": "developer__edit",
              "tool_input": {"path": "/work/repo/a"}, "working_dir": "/work/repo"},
}  # fmt: skip
"""Events of the agents that no client was there to record from."""


def events(agent: str, repo: Path) -> Iterator[tuple[str, bytes]]:
    """Yields event and payload, as told for a project at `repo`."""
    if agent in DOCUMENTED:
        form = DOCUMENTED[agent]
        name = str(form.get("hook_event_name", form.get("event")))
        lines = [json.dumps({"event": name, "payload": form})] * 20
    else:
        lines = (PAYLOADS / f"{agent}.jsonl").read_text().splitlines()
    for line in lines:
        told = json.loads(line.replace("/work/repo", str(repo)))
        yield told["event"], json.dumps(told["payload"]).encode()


def took_ms(command: Sequence[str], given: Path, env: Mapping[str, str]) -> float:
    """Starts a program with a file on its input; returns the wall time until it has ended."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, str(given), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    started = time.perf_counter_ns()
    pid = os.posix_spawn(command[0], command, env, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter_ns() - started
    if status:
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return took / 1e6


def measure(agent: str, repo: Path, env: Mapping[str, str], rounds: int) -> list[str]:
    """Returns an agent's row of the table."""
    python, given = [sys.executable, "-I", "-S"], repo.parent / "payload"
    found: dict[str, list[float]] = {"true": [], "python": [], "hook": []}
    for number in range(rounds):
        for event, payload in events(agent, repo):
            given.write_bytes(payload.replace(b'"c"', b'"c%d"' % number))
            (repo / "src/changed.txt").write_text(
                f"{agent} {number} {event} {len(found['hook'])}\n"
            )
            found["true"].append(took_ms(["/bin/true"], given, env))
            found["python"].append(took_ms([*python, "-c", "pass"], given, env))
            found["hook"].append(took_ms([*python, str(HOOK), agent, event], given, env))
    middle = {name: statistics.median(times) for name, times in found.items()}
    high = statistics.quantiles(found["hook"], n=20)[-1]
    figures = [f"{middle[name]:.1f}" for name in ("hook", "python", "true")]
    ratio = f"{middle['hook'] / middle['python']:.2f}"
    return [agent, str(len(found["hook"])), figures[0], f"{high:.1f}", *figures[1:], ratio]


COLUMNS = (
    "agent", "events", "hook, ms", "its 95th of 100", "`python -I -S -c pass`, ms", "`true`, ms", "hook : python",
)  # fmt: skip


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="measure what a hook costs")
    parser.add_argument("--page", action="store_true", help="write the table into docs/agents.md")
    parser.add_argument("--rounds", type=int, default=4, help="how often each event is told")
    given = parser.parse_args()
    agents = [*sorted(path.stem for path in PAYLOADS.glob("*.jsonl")), *DOCUMENTED]
    with tempfile.TemporaryDirectory(prefix="stepwell-pace-") as folder:
        repo, home = Path(folder) / "repo", Path(folder) / "home"
        for number in range(FILES):
            path = repo / "src" / f"{number % 20}" / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * 20)
        env = {**os.environ, "HOME": folder, "STEPWELL_HOME": str(home)}
        stepwell = str(Path(sys.executable).parent / "stepwell")
        for words in (("init",), ("daemon", "start")):
            subprocess.run([stepwell, *words], cwd=repo, env=env, check=True, stdout=sys.stderr)
        try:
            rows = [measure(agent, repo, env, given.rounds) for agent in agents]
        finally:
            subprocess.run([stepwell, "daemon", "stop"], cwd=repo, env=env, check=True)
    print(table(rows))
    if given.page:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + table(rows) + END + rest.partition(END)[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
