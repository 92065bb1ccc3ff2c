"""Reaching a remote by git: asking it what it has, and pushing to it.

Refs of a workspace stand on the remote below `refs/stepwell/WORKSPACE/`; nothing else there is
read or written. git runs no hook here, and speaks only the protocols of `remotes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.git import Git
from stepwell.store.engine.scratch import end_processes, marked, scratch_folder
from stepwell.store.engine.sealing.layout import (
    HEADS,
    OPERATIONS,
    STEPS,
    repository_of,
)
from stepwell.store.engine.sharing.remotes import (
    Remote,
    find_remote,
    locked,
    write_remote,
)
from stepwell.store.engine.sharing.stalls import LOOKS, PACE_S, Watch, watched
from stepwell.store.model.errors import (
    FailedError,
    IntegrityError,
    RefusedError,
    StepwellError,
)
from stepwell.store.model.ids import RandomBytes

THERE = "refs/stepwell/"
_OPERATIONS = "operations"
_HISTORY = re.compile(f"{THERE}([0-9a-f]{{16}})/{_OPERATIONS}")
_MOST_TIMELINES = 1_000
_MOST_REFS = 200_000
_MOST_PUSHING = 20
_SETTINGS = {
    "core.askPass": "",
    "core.hooksPath": "/dev/null",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.negotiate": "false",
    "push.recurseSubmodules": "no",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
}
"""What the user's configuration may not change."""
_PROTOCOLS = "file:git:http:https:ssh"

_SSH = (
    "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=20 -o ServerAliveCountMax=3"
)
"""It asks nothing, and gives up when the server says nothing for a minute."""

_NEWER = "stale info"
"""What git says of a ref that is not where it was left."""

_CUT = ("early EOF", "unexpected disconnect", "hung up unexpectedly")
"""What git says when the other side ends in the middle of what it sends."""


class Reached:
    """Runs git, which may wait for a server, but not for ever."""

    def __init__(self, git: Git, watch: Watch) -> None:
        self._git = git
        self._watch = watch

    def run(self, *arguments: str) -> str:
        """Runs git as `Git.run`.

        Raises:
            BrokenOffError: it came to a standstill, or the server left in the middle.
            FloodedError: more came than anything is taken of.
            NoSpaceError, FailedError: as there.
        """
        try:
            return self._git.run(*arguments)
        except FailedError as error:
            if self._watch.flooded:
                raise FloodedError("git was ended: more came than is taken") from error
            if self._watch.stalled:
                why = f"git {arguments[0]} was ended: nothing had moved for {LOOKS * PACE_S:g} seconds"
                raise BrokenOffError(why) from error
            if any(sign in error.message for sign in _CUT):
                raise BrokenOffError(error.message) from error
            raise


class BrokenOffError(FailedError):
    """The remote fell silent, or left before everything was said."""


class FloodedError(FailedError):
    """The remote sent on and on."""


def _never() -> bool:
    return False


@contextmanager
def reached(
    store: Path,
    repository: Path,
    randomness: RandomBytes,
    is_too_much: Callable[[], bool] = _never,
) -> Iterator[Reached]:
    """Gives what runs git on a repository to reach a remote; it ends with the caller.

    It is ended when nothing moves for long, or what it has made `is_too_much`.
    """
    also = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, "GIT_CONFIG_COUNT": str(len(_SETTINGS))}
    for number, (name, value) in enumerate(_SETTINGS.items()):
        also |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    with scratch_folder(store, "sharing", randomness) as scratch:
        with Git(repository, scratch, also={**also, **marked(scratch)}, personal=True) as git:
            try:
                git.reach_by(_SSH)
                with watched(scratch, is_too_much) as watch:
                    yield Reached(git, watch)
            except StepwellError:
                raise
            except BaseException:
                # Nobody else ends it: it runs in a session of its own.
                end_processes(scratch, gently=True)
                raise


def address_of(store: Path, remote: Remote, randomness: RandomBytes) -> str:
    """Returns where git goes for the remote, by the user's `insteadOf` rules; asks no server.

    Raises:
        FailedError: git cannot tell.
    """
    with reached(store, repository_of(store), randomness) as git:
        return git.run("ls-remote", "--get-url", "--", remote.url)


def push(
    store: Path,
    name: str,
    workspace: str,
    operations: str,
    *,
    force: bool,
    randomness: RandomBytes,
) -> bool:
    """Makes the workspace's refs on the remote what they are here: all of them, or none.

    `operations` is the commit that the refs here have for them. The caller keeps sealing out. What
    is about to be sent is recorded first: killed at any point, every push until one succeeds knows
    it for its own, as the server may still be at work on it.

    Returns:
        Whether the remote did not have just that before.

    Raises:
        NotFoundError: there is no such remote.
        RefusedError: it holds what was not pushed from here, and `force` is not given.
        BusyError: another process pushes to it, fetches from it or removes it.
        FailedError: it cannot be reached, or does not take it.
    """
    there = f"{THERE}{workspace}/"
    find_remote(store, name)
    with locked(store, name), reached(store, repository_of(store), randomness) as git:
        remote = find_remote(store, name)
        before = advertised(git, remote, f"{there}*")
        at = before.get(f"{there}{_OPERATIONS}")
        if at in (remote.pushed, *remote.pushing):
            remote = replace(remote, pushed=at)
        elif at not in (None, operations) and not force:
            raise _not_ours(remote)
        underway = dict.fromkeys((*remote.pushing, operations))
        remote = replace(remote, pushing=tuple(underway)[-_MOST_PUSHING:])
        write_remote(store, remote)
        _send(git, remote, there, at)
        after = advertised(git, remote, f"{there}*")
        if after.get(f"{there}{_OPERATIONS}") != operations:
            raise FailedError(f"the remote {name} did not keep what was pushed to it")
        write_remote(store, replace(remote, pushed=operations, pushing=()))
    return before != after


def _send(git: Reached, remote: Remote, there: str, at: str | None) -> None:
    """Pushes, provided that the commit of operations there is still `at`."""
    expected = f"--force-with-lease={there}{_OPERATIONS}:{at or ''}"
    refs = [f"{OPERATIONS}:{there}{_OPERATIONS}"]
    refs += [f"+{HEADS}*:{there}heads/*", f"+{STEPS}*:{there}steps/*"]
    how = ("push", "--quiet", "--atomic", "--prune", expected)
    try:
        git.run(*how, "--", remote.url, *refs)
    except FailedError as error:
        if _NEWER in error.message:
            raise _not_ours(remote) from error
        raise unreachable(remote, error) from error


def timelines(store: Path, remote: Remote, randomness: RandomBytes) -> dict[str, str]:
    """Returns the workspaces whose history the remote holds, in order, each with where it ends.

    That is the id of its commit of operations.

    Raises:
        IntegrityError: it says that it holds more than anybody shares.
        FailedError: the remote cannot be reached.
    """
    with reached(store, repository_of(store), randomness) as git:
        refs = advertised(git, remote, f"{THERE}*")
    found = ((_HISTORY.fullmatch(name), end) for name, end in refs.items())
    ends = {match[1]: end for match, end in sorted(found, key=str) if match is not None}
    if len(ends) > _MOST_TIMELINES or len(refs) > _MOST_REFS:
        raise IntegrityError(
            f"nothing was fetched: {remote.name} says that it holds {len(ends):,} timelines"
            f" with {len(refs):,} ends",
            hint=f"not more than {_MOST_TIMELINES:,} with {_MOST_REFS:,} are looked at",
        )
    return ends


def advertised(git: Reached, remote: Remote, pattern: str) -> dict[str, str]:
    """Returns the ids of the remote's refs that match, by name."""
    try:
        lines = git.run("ls-remote", "--refs", "--", remote.url, pattern).splitlines()
    except FailedError as error:
        raise unreachable(remote, error) from error
    pairs: Sequence[list[str]] = [line.split("\t", 1) for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _not_ours(remote: Remote) -> RefusedError:
    return RefusedError(
        f"nothing was pushed: {remote.name} holds a history of this workspace that was not pushed"
        " from here",
        hint=f"stepwell push {remote.name} --force replaces it there by what is here",
        remote=remote.name,
    )


def unreachable(remote: Remote, error: FailedError) -> FailedError:
    """Returns the error that names the remote and what git said."""
    return FailedError(
        f"the remote {remote.name} ({remote.url}) refused, or cannot be reached: {error.message}",
        hint="git signs in by ssh keys or a credential helper; it asks for no password here",
        remote=remote.name,
    )
