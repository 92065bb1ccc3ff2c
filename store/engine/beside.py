"""A process of its own that compares long texts, for whoever must not lose the interpreter meanwhile.

It is started with the first pair of texts and ends by itself when none came for a while.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import IO, TYPE_CHECKING, cast

from stepwell.store.engine.told import Texts, Told

if TYPE_CHECKING:
    import subprocess  # loaded with the first long texts

_WORK = "stepwell.store.engine.linework"
_PIPE = 1 << 20
"""Bytes of a text that are under way at once: with the usual 64 KiB both sides mostly wait."""


class LostError(Exception):
    """The process is not there, or speaks nonsense; whoever asked does without it."""


class Helper:
    """The process, one pair of texts at a time; any thread may ask."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = Lock()
        self._closed = False

    def tell(self, texts: Texts) -> Told:
        """Compares two texts as `lines.tell` does; the patch of the answer is deflated.

        Raises:
            LostError: no process can be asked.
        """
        with self._turn:
            try:
                return self._asked(texts)
            except LostError:
                self._end()  # it may have ended between two texts: once more with a new one
                return self._asked(texts)

    def start(self) -> None:
        """Starts the process, so that it is ready when it is asked; one that runs stays."""
        with self._turn, suppress(LostError):
            self._running()

    def close(self) -> None:
        """Ends the process, whatever it is doing, and waits for that; nothing starts it again."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._turn:
            self._end()

    def _asked(self, texts: Texts) -> Told:
        import pickle

        process = self._running()
        asked, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            pickle.dump(texts, asked, protocol=pickle.HIGHEST_PROTOCOL)
            asked.flush()
            return cast(Told, pickle.load(answers))
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise LostError from error

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        import subprocess

        self._end()
        if self._closed:
            raise LostError
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", _WORK],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                pipesize=_PIPE,
            )
        except OSError as error:
            raise LostError from error
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                cast(IO[bytes], pipe).close()
        process.wait()


_used: Helper | None = None


@contextmanager
def used() -> Iterator[None]:
    """Has long texts compared so, in the whole of this process, until it is left.

    Nothing else keeps the interpreter for long then, either: what is done in one call of a C
    library by other means is done in many, though it may take longer.
    """
    global _used
    _used = helper = Helper()
    try:
        yield
    finally:
        _used = None
        helper.close()


def current() -> Helper | None:
    """Returns the one that is used in this process; None: nobody minds waiting."""
    return _used


def expect() -> None:
    """Long texts are to come: where such a process is used it is started, and nobody waits for it."""
    if _used is not None:
        _used.start()
