"""The daemon's care for the process that looks at rules: it runs while there is a rule that may."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stepwell.store.model.errors import StepwellError
from stepwell.store.rules.reading import effective_rules
from stepwell.store.rules.trusting import NAME, TRUSTED
from stepwell.store.service.log import Log

_AGAIN_S = 30.0
"""After so long a process that ended by itself is started again."""
_GRACE_S = 3.0

_Stamp = tuple[int, int, int] | None


class Guard:
    """Starts and ends the process. Nothing of it is a reason for the daemon to fail, or to wait."""

    def __init__(
        self,
        root: bytes,
        store: Path,
        home: Path,
        config: Path | None,
        log: Log,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._store = store
        self._home = home
        self._config = config
        self._log = log
        self._now = now
        self._stamps: tuple[_Stamp, ...] | None = None
        self._wanted = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started = -_AGAIN_S

    def keep(self) -> None:
        """Looks whether rules came or went, and whether the process is as it should be."""
        stamps = tuple(map(_stamp, self._files()))
        if stamps != self._stamps:
            self._stamps, self._wanted = stamps, self._are_there_rules()
        running = self._process is not None and self._process.poll() is None
        if self._wanted and not running and self._now() - self._started >= _AGAIN_S:
            self._start()
        elif running and not self._wanted:
            self._ask_to_end()
            self._started = -_AGAIN_S

    def turn_ended(self) -> None:
        """Tells the process that an agent ended its turn."""
        pipe = self._process.stdin if self._process is not None else None
        if pipe is not None and not pipe.closed:
            # It may have ended this moment; a pipe that is full has turns enough in it.
            with suppress(OSError):
                os.write(pipe.fileno(), b"turn\n")

    def close(self) -> None:
        """Ends the process and all that it runs, and waits for that; nothing when there is none."""
        self._ask_to_end()
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            # What it leaves is swept by the next writer.
            process.kill()
            process.wait()

    def _ask_to_end(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _files(self) -> tuple[str | bytes | Path, ...]:
        files: tuple[str | bytes | Path, ...] = (
            os.path.join(self._root, NAME),
            self._store / TRUSTED,
        )
        return files if self._config is None else (*files, self._config)

    def _are_there_rules(self) -> bool:
        try:
            rules = effective_rules(self._root, self._store, self._config)
        except StepwellError as error:
            self._log.write("error", {"code": error.code, "message": error.message})
            return False
        return bool(rules.rules) and rules.mode != "off"

    def _start(self) -> None:
        self._started = self._now()
        work = "stepwell.store.service.rulework"
        home, root = os.fspath(self._home), os.fsdecode(self._root)
        command = [sys.executable, "-I", "-m", work, home, root]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            self._log.write("error", {"message": f"rules cannot be looked at: {error.strerror}"})
            return
        assert self._process.stdin is not None, "it was started with a pipe"
        os.set_blocking(self._process.stdin.fileno(), False)


def _stamp(path: str | bytes | Path) -> _Stamp:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
