"""Measures capture, rollback, log and open beside git's own two commands, on one tree.

    make bench                     over a generated tree of 7,000 small files
    make bench ARGS=FOLDER         over a copy of FOLDER
    make bench ARGS="--rounds 9"   with fewer rounds

Every round edits the same file, times git (`git add -A`, `git write-tree`) and then times Stepwell,
so that both see the same disk in the same state. Times are medians and 95th percentiles in
milliseconds; the ratio is git's median to ours. Nothing outside a temporary folder is written.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stepwell.store import Workspace
from stepwell.store.model.text import plural

Times = dict[str, list[float]]


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="stepwell-bench-") as scratch:
        tree = Path(scratch, "tree")
        if options.folder:
            shutil.copytree(
                options.folder, tree, symlinks=True, ignore=shutil.ignore_patterns(".git")
            )
        else:
            generate(tree, options.files)
        times: Times = {}
        measure_first(times, tree, Path(scratch))
        measure_rounds(times, tree, Path(scratch), options.rounds)
        measure_processes(times, tree, Path(scratch), min(options.rounds, 11))
        count = sum(len(files) for _, _, files in os.walk(tree))
        report(times, f"{count:,} files, {options.rounds} rounds, {os.cpu_count()} cores")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures Stepwell beside git on one tree.")
    parser.add_argument("folder", nargs="?", type=Path, help="tree to copy; else one is generated")
    parser.add_argument("--files", type=int, default=7000, help="size of the generated tree")
    parser.add_argument("--rounds", type=int, default=25)
    return parser.parse_args()


def generate(folder: Path, files: int, seed: int = 1) -> None:
    """Writes a tree with the shape of a code base: folders of ~25 files, mostly 1 to 8 KB."""
    chance = random.Random(seed)
    words = [f"word{n}" for n in range(400)]
    for number in range(files):
        place = folder / f"package{number % 17}" / f"module{number // 25}"
        place.mkdir(parents=True, exist_ok=True)
        lines = int(chance.lognormvariate(4, 0.8))
        text = "\n".join(" ".join(chance.choices(words, k=6)) for _ in range(lines))
        (place / f"file{number}.py").write_text(text + "\n")


class Git:
    """git with a repository of its own beside the tree, and no configuration but its defaults."""

    def __init__(self, tree: Path, repository: Path) -> None:
        scrubbed = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        self._environment = scrubbed | {
            "GIT_DIR": str(repository),
            "GIT_WORK_TREE": str(tree),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self._run("init", "--quiet")

    def snapshot(self) -> None:
        """Stores the tree, as several agents do it."""
        self._run("add", "-A")
        self._run("write-tree")

    def log(self) -> None:
        self._run("log", "-n", "50")

    def _run(self, *words: str) -> None:
        subprocess.run(["git", *words], env=self._environment, check=True, stdout=subprocess.PIPE)


@contextmanager
def timed(times: Times, name: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    times.setdefault(name, []).append((time.perf_counter() - begin) * 1000)


def measure_first(times: Times, tree: Path, scratch: Path) -> None:
    git = Git(tree, scratch / "first.git")
    with timed(times, "first capture / git"):
        git.snapshot()
    with timed(times, "first capture"):
        Workspace.init(tree, home=scratch / "home").close()


def measure_rounds(times: Times, tree: Path, scratch: Path, rounds: int) -> None:
    git = Git(tree, scratch / "rounds.git")
    git.snapshot()
    files = sorted(p for p in tree.rglob("*") if p.is_file() and not p.is_symlink())
    with Workspace.open(tree, home=scratch / "home") as workspace:
        for number in range(rounds):
            _round(times, git, workspace, files, number)
        for width in (1, 10, 200):
            _rollbacks(times, workspace, files[:width], rounds)
        for _ in range(rounds):
            with timed(times, "log of 50 steps"):
                workspace.steps(limit=50)


def _round(times: Times, git: Git, workspace: Workspace, files: list[Path], number: int) -> None:
    edit(files[number % len(files)], number)
    with timed(times, "capture of one edit / git"):
        git.snapshot()
    with timed(times, "capture of one edit"):
        workspace.capture()
    with timed(times, "capture, nothing new / git"):
        git.snapshot()
    with timed(times, "capture, nothing new"):
        workspace.capture()


def _rollbacks(times: Times, workspace: Workspace, files: list[Path], rounds: int) -> None:
    """Goes back over a step that changed the files, and takes that back, a few times."""
    for number in range(max(3, rounds // 5)):
        before = workspace.head()
        for path in files:
            edit(path, number)
        workspace.capture()
        with timed(times, f"rollback of {plural(len(files), 'file')}"):
            workspace.apply(workspace.plan_rollback(before))
        with timed(times, f"undo of it, {plural(len(files), 'file')}"):
            workspace.undo()


def measure_processes(times: Times, tree: Path, scratch: Path, rounds: int) -> None:
    """Whole processes, interpreter start and all."""
    home = scratch / "home"
    environment = os.environ | {"STEPWELL_HOME": str(home)}
    program = [
        sys.executable,
        "-c",
        "import sys; from stepwell.store.cli.main import main; sys.exit(main())",
    ]
    for _ in range(rounds):
        with timed(times, "open"):
            Workspace.open(tree, home=home).close()
        with timed(times, "process: stepwell log -n 50"):
            words = [*program, "-C", str(tree), "log", "-n", "50"]
            subprocess.run(words, env=environment, check=True, stdout=subprocess.PIPE)


def edit(path: Path, number: int) -> None:
    with path.open("a") as file:
        file.write(f"\n# edit {number} at {time.time_ns()}\n")


def report(times: Times, heading: str) -> None:
    print(heading)
    print(f"{'':34}{'median':>10}{'p95':>10}{'git':>10}{'git / ours':>12}")
    for name, values in times.items():
        if name.endswith("/ git"):
            continue
        line = f"{name:34}{_median(values):10.1f}{_p95(values):10.1f}"
        if rival := times.get(f"{name} / git"):
            line += f"{_median(rival):10.1f}{_median(rival) / _median(values):11.1f}x"
        print(line)


_median: Callable[[list[float]], float] = statistics.median


def _p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


if __name__ == "__main__":
    main()
