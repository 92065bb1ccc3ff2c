"""Measures only the memory of a daemon, over the captures and rollbacks that `make bench` asks of it.

    python bench/memory.py                          a generated tree of 7,000 files
    python bench/memory.py --tree 100k --rounds 2   the trees of `make bench`, fewer rounds

A quick look while something is made smaller; `make bench` measures beside other tools.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import Counter
from pathlib import Path

import trees
from contest import Contest
from machine import peak_mb, resident_mb
from ours import Served
from table import Results

_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$")


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="stepwell-memory-", dir=options.scratch) as scratch:
        source, root = Path(scratch, "source"), Path(scratch, "root")
        trees.make(options.tree, source)
        trees.copy(source, root)
        who = Served(root, Path(scratch, "store"))
        try:
            _measure(who, options.tree, options.rounds)
        finally:
            who.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures the memory of a daemon.")
    parser.add_argument(
        "--tree", default="7000", help="1k, 7k, 100k, or how many files to generate"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="where to work")
    return parser.parse_args()


def _measure(who: Served, tree: str, rounds: int) -> None:
    contest = Contest(Results(), tree, [who])
    contest.first(1)
    pid = who.daemon.pid
    _tell("first capture", pid)
    contest.warm_up()
    for count in (1, 10, 100):
        contest.captures(count, rounds)
        _tell(f"captures of {count}", pid)
    contest.unchanged(rounds)
    for count in (1, 10, 200, 1000):
        contest.restores(count, rounds, everything=False)
        _tell(f"restores of {count}", pid)


def _tell(after: str, pid: int) -> None:
    kinds = "  ".join(f"{kind} {kb * 1024 / 1e6:5.1f}" for kind, kb in _by_kind(pid).items())
    print(f"{after:18} {resident_mb(pid):6.1f} MB, peak {peak_mb(pid):6.1f}:  {kinds}", flush=True)


def _by_kind(pid: int) -> Counter[str]:
    """Returns the resident kB of a process by what they belong to."""
    found: Counter[str] = Counter({"heap": 0, "anonymous": 0, "libraries": 0, "store": 0})
    kind = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if mapping := _MAPPING.match(line):
            kind = _kind(mapping[1])
        elif line.startswith("Rss:"):
            found[kind] += int(line.split()[1])
    return found


def _kind(name: str) -> str:
    if name == "[heap]":
        return "heap"
    if not name or name.startswith("["):
        return "anonymous"
    is_code = ".so" in name or "/bin/" in name
    return "libraries" if is_code or name.startswith("/usr/") else "store"


if __name__ == "__main__":
    main()
