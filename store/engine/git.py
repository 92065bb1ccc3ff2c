"""Running git, through GitPython, on one repository of our own and on no other.

Every run has its repository pinned and the rest of the environment's `GIT_*` taken away, so that
git neither looks for a repository in the current folder nor obeys one; it reads no configuration
but that repository's own and runs no hooks. No argument is ever text from outside: what a user or
an agent chose goes in by standard input; the address of a remote alone is checked, and given last.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from stepwell.store.model.errors import FailedError, NoSpaceError

_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_OF_A_SERVER = re.compile(r"(\s*stderr: ')?remote: ")
"""GitPython puts a word before the first line."""
_NOT_FOUND = 127
_MISUSED = 129
"""The status of a git that does not know an option."""
_IDENTITY = "stepwell"
_IMPERSONAL = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_PERSONAL = {
    *_IMPERSONAL,
    *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_PROXY_COMMAND"),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY"),
}
_UNASKING = {"SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
"""Keeps ssh and a credential manager from opening a dialogue."""
_ASKING = ("SSH_ASKPASS",)
_SSH = ("GIT_SSH_COMMAND", "GIT_SSH")


class Git:
    """A runner for one repository; close it, or use it as a context manager.

    `scratch` is an existing folder of the caller's: git starts in it and its input is spooled there.
    With `personal` git also reads what the user has configured for all repositories: to reach a
    server it needs their way of signing in. It then runs in a session of its own, in which nothing
    finds a terminal to ask on, and which no ctrl+c reaches: a caller who is stopped ends it by
    `scratch.end_processes`.
    """

    def __init__(
        self,
        repository: Path,
        scratch: Path,
        *,
        also: Mapping[str, str] | None = None,
        personal: bool = False,
    ) -> None:
        try:
            import git
        except ImportError as error:
            # GitPython looks for the program when it is loaded.
            raise _failed("", _NOT_FOUND, str(error)) from error

        self._error = (git.GitCommandError, git.GitCommandNotFound)
        self._scratch = scratch
        self._git = git.Git(str(scratch))
        pinned = {**_pinned(repository, personal), **(also or {})}
        self._git.update_environment(**pinned)
        left = pinned.keys() | (_PERSONAL if personal else set())
        inherited = [n for n in os.environ if n.startswith("GIT_") and n not in left]
        inherited += [n for n in _ASKING if personal and n in os.environ]
        self._apart = personal
        # GitPython passes the whole environment on, and git takes an empty variable as given.
        self._clean = ["env", *(part for name in inherited for part in ("-u", name))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what processes GitPython keeps; the folders stay."""
        self._git.clear_cache()

    def run(self, *arguments: str, feed: bytes = b"", niceness: int = 0) -> str:
        """Runs `git ARGUMENTS` with `feed` as its input; returns what it printed.

        Raises:
            NoSpaceError: git found no room.
            FailedError: git is not installed, or ended with another status than 0.
        """
        nice = ["nice", "-n", str(niceness)] if niceness else []
        with tempfile.TemporaryFile(dir=self._scratch) as source:
            source.write(feed)
            source.seek(0)
            try:
                done = self._git.execute(
                    [*self._clean, *nice, "git", *arguments],
                    istream=source,
                    start_new_session=self._apart,
                )
            except self._error as error:
                raise _failed(arguments[0], error.status, str(error.stderr)) from error
        return str(done)

    def ask(self, *arguments: str) -> tuple[bool, bytes]:
        """Runs a command that answers by its status, too; returns whether that is 0, and the bytes.

        Raises:
            NoSpaceError, FailedError: as `run`; a status of 1 is an answer.
        """
        try:
            status, out, said = self._git.execute(
                [*self._clean, "git", *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                start_new_session=self._apart,
            )
        except self._error as error:
            raise _failed(arguments[0], error.status, str(error.stderr)) from error
        if status not in (0, 1):
            raise _failed(arguments[0], status, str(said))
        return status == 0, bytes(out)

    def reach_by(self, ssh: str) -> None:
        """Has git run the shell command `ssh` for ssh, unless the user has said what it is to run.

        Raises:
            FailedError: their configuration cannot be read.
        """
        if any(name in os.environ for name in _SSH):
            return
        if not self.ask("config", "--get", "core.sshCommand")[0]:
            self._git.update_environment(GIT_SSH_COMMAND=ssh)


def _failed(verb: str, status: object, said: str) -> FailedError:
    message = f"git {verb} failed with status {status}: {said.strip()}"
    if status == -signal.SIGXFSZ or _is_full(said):
        return NoSpaceError(
            message,
            hint="free some space and try again; what was recorded before is safe",
            status=status,
        )
    hint = "install git, 2.38 or newer" if status in (_NOT_FOUND, _MISUSED) else ""
    return FailedError(message, hint=hint, status=status)


def _is_full(said: str) -> bool:
    """Tells whether it was this machine that had no room, not a server that says so of itself."""
    ours = (line for line in said.splitlines() if not _OF_A_SERVER.match(line))
    return any(reason in line for line in ours for reason in _FULL)


def _pinned(repository: Path, personal: bool) -> dict[str, str]:
    return {
        "GIT_DIR": str(repository),
        **(_UNASKING if personal else _IMPERSONAL),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": _IDENTITY,
        "GIT_AUTHOR_EMAIL": f"{_IDENTITY}@localhost",
        "GIT_COMMITTER_NAME": _IDENTITY,
        "GIT_COMMITTER_EMAIL": f"{_IDENTITY}@localhost",
    }
