"""The program in a real pseudo-terminal: keys go in, what a person would see comes out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte

STEPWELL = "import sys; from stepwell.store.cli.main import main; sys.exit(main())"
NAMED = {
    "enter": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f", "up": "\x1b[A",
    "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "pgdn": "\x1b[6~", "ctrl+d": "\x04",
    "ctrl+s": "\x13", "ctrl+u": "\x15", "ctrl+z": "\x1a", "ctrl+right": "\x1b[1;5C",
}  # fmt: skip


class Terminal:
    """A program and the screen that it draws."""

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], size: tuple[int, int]
    ) -> None:
        """`size` is columns and lines."""
        columns, lines = size
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        """All that the program wrote."""
        self._fd, inner = pty.openpty()
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        surroundings = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        # Whoever runs the tests may tell the size of another terminal there.
        inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**inherited, **surroundings, **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inner)

    def read(self, patience_s: float = 0.02) -> bool:
        """Takes what was written meanwhile; tells whether there was anything."""
        ready, _, _ = select.select([self._fd], [], [], patience_s)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        return [line.rstrip() for line in self._screen.display]

    def line_with(self, text: str) -> int:
        """Returns the number of the first line that holds a text."""
        return next(number for number, line in enumerate(self.lines) if text in line)

    def reversed_line(self, number: int) -> bool:
        """Tells whether ground and text are swapped where a line begins, behind its first sign."""
        return bool(self._screen.buffer[number][2].reverse)

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def until(self, condition: str | Callable[[], object], deadline_s: float = 60.0) -> None:
        """Waits until a text is on the screen, or a condition holds; fails with the screen."""
        end = time.monotonic() + deadline_s
        while not (condition in self.text if isinstance(condition, str) else condition()):
            assert time.monotonic() < end, f"{condition!r} did not come about:\n{self.text}"
            self.read()

    def press(self, *keys: str) -> None:
        """Presses keys one after the other: by name, or as what they write."""
        for key in keys:
            os.write(self._fd, NAMED.get(key, key).encode())
            self.read()

    def type(self, text: str) -> None:
        """Types a text."""
        os.write(self._fd, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Gives the terminal another size."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def leave(self, *keys: str) -> int:
        """Presses keys and returns the exit status of the program, which they end."""
        self.press(*keys)
        end = time.monotonic() + 20
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end:\n{self.text}"
            self.read()
        while self.read():
            pass
        return self.process.returncode

    def close(self) -> None:
        """Ends the program, whatever it does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._fd)


def written_by(
    command: Sequence[str], folder: Path, environment: dict[str, str], size: tuple[int, int]
) -> bytes:
    """Runs a program that reads nothing on a pseudo-terminal to its end; returns all that it wrote."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    settings = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", **environment}
    ends = {"stdin": follower, "stdout": follower, "stderr": follower}
    process = subprocess.Popen(command, cwd=folder, env=settings, **ends)
    os.close(follower)
    pieces = []
    with suppress(OSError):  # how Linux says that the other side is closed
        while piece := os.read(leader, 1 << 16):
            pieces.append(piece)
    os.close(leader)
    assert process.wait() == 0
    return b"".join(pieces)


@contextmanager
def timeline(
    root: Path, home: Path, size: tuple[int, int] = (120, 36), **environment: str
) -> Iterator[Terminal]:
    """Opens the timeline of a workspace, as `stepwell` does, for as long as the block."""
    command = [sys.executable, "-c", STEPWELL, "-C", str(root)]
    settings = {"STEPWELL_HOME": str(home), "STEPWELL_CONFIG": str(home / "none.toml")}
    terminal = Terminal(command, {**settings, **environment}, size)
    try:
        terminal.until(lambda: "Timeline" in terminal.text and "reading" not in terminal.text)
        yield terminal
    finally:
        terminal.close()
