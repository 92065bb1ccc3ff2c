"""A process of its own that compares long texts, for whoever must not lose the interpreter meanwhile.

It is started with the first pair of texts and ends by itself when none came for a while.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import IO, TYPE_CHECKING, cast

from stepwell.store.engine.told import Texts, Told
from stepwell.store.model.errors import FailedError

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
        self._answers = 0
        """How many the process that runs gave."""
        self._turn = Lock()
        self._closed = False
        self._useless = False
        """One that was new gave no answer, or none could be started: so would the next one."""

    def tell(self, texts: Texts) -> Told:
        """Compares two texts as `lines.tell` does; the patch of the answer is deflated.

        Raises:
            LostError: no process can be asked.
            FailedError: it was closed; nobody waits for the answer any more.
        """
        with self._turn:
            if self._process is not None:
                with suppress(LostError):  # it may have ended between two texts
                    return self._asked(texts)
            try:
                return self._asked(texts)
            except LostError:
                self._useless = True
                raise

    def start(self) -> None:
        """Starts the process, so that it is ready when it is asked; one that runs stays.

        Nobody waits for that, nor for one that compares.
        """
        if self._turn.acquire(blocking=False):
            try:
                with suppress(LostError, FailedError):
                    self._running()
            finally:
                self._turn.release()

    def close(self) -> None:
        """Ends the process, whatever it is doing, and waits for that; nothing starts it again."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._turn:
            self._end()

    def _asked(self, texts: Texts) -> Told:
        process = self._running()
        try:
            told = _exchanged(process, self._answers, texts)
        except BaseException as error:
            # An answer that was not read to its end would be taken for one to the next texts.
            self._end()
            self._check_open()
            if isinstance(error, Exception) and not isinstance(error, MemoryError):
                raise LostError from error
            raise
        self._answers += 1
        return told

    def _check_open(self) -> None:
        if self._closed:
            raise FailedError("two texts are not compared: whoever wanted to know has left")

    def _running(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and process.poll() is None:
            return process
        if process is not None and process.returncode and not self._answers:
            self._useless = True
        self._end()
        self._check_open()
        return self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        if self._useless:
            raise LostError
        try:
            process = _started()
        except OSError as error:
            self._useless = True
            raise LostError from error
        self._process, self._answers = process, 0
        if self._closed:
            process.kill()  # `close` may have looked before it was there
        self._check_open()
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                cast(IO[bytes], pipe).close()
        process.wait()


def _exchanged(process: subprocess.Popen[bytes], number: int, texts: Texts) -> Told:
    """Sends two texts with a number, and returns the answer, which repeats it."""
    import pickle

    asked, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    pickle.dump((number, texts), asked, protocol=pickle.HIGHEST_PROTOCOL)
    asked.flush()
    repeated, told = cast(tuple[int, Told], pickle.load(answers))
    if repeated != number:
        raise LostError
    return told


def _started() -> subprocess.Popen[bytes]:
    import subprocess

    process = subprocess.Popen(
        [sys.executable, "-I", "-m", _WORK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # the system may allow less, which is only slower
            fcntl.fcntl(cast(IO[bytes], pipe), fcntl.F_SETPIPE_SZ, _PIPE)
    return process


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
        helper.close()
        _used = None


def current() -> Helper | None:
    """Returns the one that is used in this process; None: nobody minds waiting."""
    return _used


def expect() -> None:
    """Long texts are to come: where such a process is used it is started, and nobody waits for it."""
    if _used is not None:
        _used.start()
