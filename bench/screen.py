"""Measures the screen over a history of 100,000 steps, in a real terminal (a pseudo one).

    python bench/screen.py [--steps N] [--store FOLDER] [--keys N]

Reported are the time from process start to the first frame and to the first frame with steps, and
from a key to the bytes that answer it (median, 95th percentile), while scrolling and after jumps.
Then, with a diff of more than 50 MB on the screen: until its first lines and all of it are there,
keys in it, memory.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import synthetic
from machine import resident_mb

WIDTH, HEIGHT = 120, 36
PROGRAM = (
    "import sys; from pathlib import Path; from stepwell.tui.start import run;"
    "sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))"
)

Tell = Callable[[str, list[float]], None]
"""Takes the name of what was measured, and the milliseconds."""


class Terminal:
    """The program in a pseudo terminal, and what it wrote."""

    def __init__(self, root: Path, home: Path) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(root), str(home)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.seen = b""

    def read(self, patience_s: float) -> bytes:
        """Returns what is written next, b"" when nothing comes in time or the program ends."""
        ready, _, _ = select.select([self.fd], [], [], patience_s)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return b""
        self.seen += data
        return data

    def until(self, text: bytes, patience_s: float = 20.0) -> float:
        """Returns the seconds from the start until `text` was written."""
        end = time.perf_counter() + patience_s
        while text not in self.seen:
            if time.perf_counter() > end:
                raise SystemExit(f"{text!r} was not drawn; last: {self.seen[-400:]!r}")
            self.read(0.05)
        return time.perf_counter() - self.started

    def quiet(self, rest_s: float = 0.25) -> None:
        """Waits until nothing is written any more."""
        while self.read(rest_s):
            pass

    def key(self, key: bytes) -> float:
        """Sends a key and returns the milliseconds until the first bytes of the answer."""
        sent = time.perf_counter()
        os.write(self.fd, key)
        while not self.read(1.0):
            if time.perf_counter() - sent > 5:
                raise SystemExit(f"nothing was drawn after {key!r}")
        return (time.perf_counter() - sent) * 1000

    def close(self) -> None:
        """Quits as a person does; kills what does not leave."""
        os.write(self.fd, b"q")
        end = time.perf_counter() + 5
        while time.perf_counter() < end:
            self.read(0.02)
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@contextmanager
def terminal(root: Path, home: Path) -> Iterator[Terminal]:
    """Runs the program as long as the block, opened at the newest step and not where one left it."""
    shutil.rmtree(home / "screen", ignore_errors=True)
    opened = Terminal(root, home)
    try:
        yield opened
    finally:
        opened.close()
        os.close(opened.fd)


def measure_start(root: Path, home: Path, rounds: int, tell: Tell) -> None:
    """Tells how long it takes until there is something to see."""
    frames, steps = [], []
    for _ in range(rounds):
        with terminal(root, home) as screen:
            frames.append(screen.until(b"Timeline") * 1000)
            steps.append(screen.until(b"orchard/") * 1000)
            screen.quiet()
    tell("first frame", frames)
    tell("first frame with steps", steps)


def measure_keys(root: Path, home: Path, keys: int, tell: Tell) -> None:
    """Tells how long a key takes until the answer begins, one by one, without waiting between."""
    with terminal(root, home) as screen:
        screen.until(b"orchard/")
        screen.quiet(0.8)
        for name, sent in (("j", b"j"), ("k", b"k"), ("ctrl+d", b"\x04"), ("ctrl+u", b"\x15")):
            tell(f"key {name}", keyed(screen, sent, keys))
        jumps = []
        for sent in (b"G", b"g") * max(1, keys // 6):
            jumps.append(screen.key(sent))
            screen.quiet(0.15)
        tell("G and g", jumps)


def measure_diff(root: Path, home: Path, keys: int, rounds: int, tell: Tell) -> float:
    """Tells how a diff of 50 MB opens, and how it scrolls once all of it is there.

    Returns the memory that the screen has then, in MB.
    """
    lines, everything = [], []
    for _ in range(rounds):
        with terminal(root, home) as screen:
            opened = open_large(screen)
            lines.append((time.perf_counter() - opened) * 1000)
            until_last_file(screen)
            everything.append((time.perf_counter() - opened) * 1000)
    tell("50 MB: key to its lines", lines)
    tell("50 MB: key to all of it", everything)
    with terminal(root, home) as screen:
        open_large(screen)
        until_last_file(screen)
        for sent in (b"z", b"g"):
            os.write(screen.fd, sent)
            screen.quiet(0.8)
        for name, sent in (("j", b"j"), ("ctrl+d", b"\x04"), ("]", b"]"), ("ctrl+u", b"\x15")):
            tell(f"50 MB: key {name}", keyed(screen, sent, keys))
        jumps = []
        for sent in (b"G", b"g") * 10:
            jumps.append(screen.key(sent))
            screen.quiet(0.3)
        tell("50 MB: G and g", jumps)
        return resident_mb(screen.pid)


def open_large(screen: Terminal) -> float:
    """Goes down to the step with the large diff; returns when, once its first lines are there."""
    screen.until(b"not the first to be seen")
    screen.quiet(0.3)
    pressed = time.perf_counter()
    os.write(screen.fd, b"j")
    screen.until(b"other_0")
    return pressed


def until_last_file(screen: Terminal) -> None:
    """Goes to the last file, which says that it is being read, if it still is, and has its lines."""
    os.write(screen.fd, b"3")
    screen.quiet(0.05)
    screen.seen = b""
    os.write(screen.fd, b"G")
    screen.until(b"other_")


def keyed(screen: Terminal, sent: bytes, times: int) -> list[float]:
    """Sends a key again and again; returns the milliseconds that each answer took."""
    found = []
    for _ in range(times):
        found.append(screen.key(sent))
        screen.quiet(0.03)
    return found


def report(name: str, times: list[float]) -> None:
    """Prints one line."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(
        f"{name:24} median {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms   n {len(times)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the screen over many steps.")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="folder made by synthetic.py; else one is made")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stepwell-screen-") as scratch:
        if options.store:
            root, home = options.store / "orchard", options.store / "home"
        else:
            root, home = synthetic.make(Path(scratch) / "made", options.steps)
        measure_start(root, home, options.rounds, report)
        measure_keys(root, home, options.keys, report)
        large = synthetic.make_large(Path(scratch) / "large")
        resident = measure_diff(*large, options.keys, options.rounds, report)
        print(f"{'50 MB: resident':24} {resident:.0f} MB")


if __name__ == "__main__":
    main()
