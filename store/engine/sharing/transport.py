"""Pushing to a remote and fetching from it, by git.

Refs of a workspace stand on the remote below `refs/stepwell/WORKSPACE/`; nothing else there is
read or written. git runs no hook here, and speaks only the protocols of `remotes.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from stepwell.store.engine.atomic import (
    fsync_folder,
    make_private_folder,
    remove_leftovers,
    system_error,
    write_atomic,
)
from stepwell.store.engine.git import Git
from stepwell.store.engine.scratch import end_processes, marked, scratch_folder
from stepwell.store.engine.sealing.layout import (
    CONFIG,
    HEADS,
    OPERATIONS,
    STEPS,
    pack_folder,
    repository_of,
)
from stepwell.store.engine.sharing.known import UnsoundError
from stepwell.store.engine.sharing.remotes import (
    NAME,
    Remote,
    find_remote,
    is_folder,
    locked,
    remove_mirror,
    write_remote,
)
from stepwell.store.engine.sharing.stalls import LOOKS, PACE_S, Watch, watched
from stepwell.store.model.errors import (
    FailedError,
    IntegrityError,
    NoSpaceError,
    RefusedError,
    StepwellError,
)
from stepwell.store.model.ids import RandomBytes

_THERE = "refs/stepwell/"
_OPERATIONS = "operations"
_HISTORY = re.compile(f"{_THERE}([0-9a-f]{{16}})/{_OPERATIONS}")
_MOST_TIMELINES = 1_000
_MOST_REFS = 200_000
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
_REPACK_AT = 30
_STALE = (".lock", ".keep")

_SSH = (
    "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=20 -o ServerAliveCountMax=3"
)
"""It asks nothing, and gives up when the server says nothing for a minute."""

_NEWER = "stale info"
"""What git says of a ref that is not where it was left."""

_CUT = ("early EOF", "unexpected disconnect", "hung up unexpectedly")
"""What git says when the other side ends in the middle of what it sends."""

_REJECTED = "fsck error"
"""What git says of objects that its own check refuses."""

_Read = TypeVar("_Read")


class _Remote:
    """Runs git, which may wait for a server, but not for ever."""

    def __init__(self, git: Git, watch: Watch) -> None:
        self._git = git
        self._watch = watch

    def run(self, *arguments: str) -> str:
        """Runs git as `Git.run`.

        Raises:
            _BrokenOffError: it came to a standstill, or the server left in the middle.
            NoSpaceError, FailedError: as there.
        """
        try:
            return self._git.run(*arguments)
        except FailedError as error:
            if self._watch.stalled:
                why = f"git {arguments[0]} was ended: nothing had moved for {LOOKS * PACE_S:g} seconds"
                raise _BrokenOffError(why) from error
            if any(sign in error.message for sign in _CUT):
                raise _BrokenOffError(error.message) from error
            raise


class _BrokenOffError(FailedError):
    """The remote fell silent, or left before everything was said."""


@contextmanager
def _git(store: Path, repository: Path, randomness: RandomBytes) -> Iterator[_Remote]:
    also = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, "GIT_CONFIG_COUNT": str(len(_SETTINGS))}
    for number, (name, value) in enumerate(_SETTINGS.items()):
        also |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    with scratch_folder(store, "sharing", randomness) as scratch:
        with Git(repository, scratch, also={**also, **marked(scratch)}, personal=True) as git:
            try:
                git.reach_by(_SSH)
                with watched(scratch) as watch:
                    yield _Remote(git, watch)
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
    with _git(store, repository_of(store), randomness) as git:
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
    is about to be sent is recorded first: killed at any point, the next push knows it for its own.

    Returns:
        Whether the remote did not have just that before.

    Raises:
        NotFoundError: there is no such remote.
        RefusedError: it holds what was not pushed from here, and `force` is not given.
        BusyError: another process pushes to it, fetches from it or removes it.
        FailedError: it cannot be reached, or does not take it.
    """
    there = f"{_THERE}{workspace}/"
    find_remote(store, name)
    with locked(store, name), _git(store, repository_of(store), randomness) as git:
        remote = find_remote(store, name)
        before = _advertised(git, remote, f"{there}*")
        at = before.get(f"{there}{_OPERATIONS}")
        if at in (remote.pushed, remote.pushing):
            remote = replace(remote, pushed=at)
        elif at not in (None, operations) and not force:
            raise _not_ours(remote)
        remote = replace(remote, pushing=operations)
        write_remote(store, remote)
        _send(git, remote, there, at)
        after = _advertised(git, remote, f"{there}*")
        if after.get(f"{there}{_OPERATIONS}") != operations:
            raise FailedError(f"the remote {name} did not keep what was pushed to it")
        write_remote(store, replace(remote, pushed=operations, pushing=None))
    return before != after


def _send(git: _Remote, remote: Remote, there: str, at: str | None) -> None:
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
        raise _unreachable(remote, error) from error


def timelines(store: Path, remote: Remote, randomness: RandomBytes) -> dict[str, str]:
    """Returns the workspaces whose history the remote holds, in order, each with where it ends.

    That is the id of its commit of operations.

    Raises:
        IntegrityError: it says that it holds more than anybody shares.
        FailedError: the remote cannot be reached.
    """
    with _git(store, repository_of(store), randomness) as git:
        refs = _advertised(git, remote, f"{_THERE}*")
    found = ((_HISTORY.fullmatch(name), end) for name, end in refs.items())
    ends = {match[1]: end for match, end in sorted(found, key=str) if match is not None}
    if len(ends) > _MOST_TIMELINES or len(refs) > _MOST_REFS:
        raise IntegrityError(
            f"nothing was fetched: {remote.name} says that it holds {len(ends):,} timelines"
            f" with {len(refs):,} ends",
            hint=f"not more than {_MOST_TIMELINES:,} with {_MOST_REFS:,} are looked at",
        )
    return ends


def fetch_and_read(
    store: Path,
    remote: Remote,
    workspace: str,
    read: Callable[[Path], _Read],
    randomness: RandomBytes,
) -> _Read:
    """Brings a workspace's history into its mirror, and returns what `read` makes of that.

    The caller has the remote's lock. A mirror from an earlier fetch that git cannot use, that has a
    link in it, or of which `read` raises IntegrityError, is removed and fetched once anew.

    Raises:
        UnsoundError: git itself refused what came.
        IntegrityError: the mirror is a link.
        NoSpaceError, FailedError: the remote cannot be reached, or the mirror not be written.
        What `read` raises of a mirror that is new.
    """
    mirror = store / NAME / remote.name / f"{workspace}.git"
    if is_folder(mirror):
        try:
            _fetch(store, mirror, remote, workspace, randomness)
            return read(mirror)
        except _RejectedError:
            raise
        except (_DamagedError, IntegrityError):
            remove_mirror(mirror)
    try:
        _fetch(store, mirror, remote, workspace, randomness)
    except _DamagedError as error:
        raise _unreachable(remote, error) from error
    return read(mirror)


class _DamagedError(FailedError):
    """git failed with a mirror though the remote can be reached."""


class _RejectedError(UnsoundError):
    """git found something in what came that no repository may hold."""


def _fetch(
    store: Path, mirror: Path, remote: Remote, workspace: str, randomness: RandomBytes
) -> None:
    make_private_folder(mirror)
    _clear(mirror)
    write_atomic(mirror / "config", CONFIG)
    there = f"{_THERE}{workspace}/"
    refs = [f"+{there}{_OPERATIONS}:{OPERATIONS}"]
    refs += [f"+{there}heads/*:{HEADS}*", f"+{there}steps/*:{STEPS}*"]
    try:
        with _git(store, mirror, randomness) as git:
            git.run("init", "--quiet", "--bare", "--template=", "--shared=0600")
            write_atomic(mirror / "config", CONFIG)
            git.run("fetch", "--quiet", "--no-tags", "--prune", "--", remote.url, *refs)
            if sum(1 for _ in pack_folder(mirror).glob("*.pack")) > _REPACK_AT:
                git.run("repack", "-a", "-d", "--quiet")
    except NoSpaceError:
        raise
    except _BrokenOffError as error:
        raise _unreachable(remote, error) from error
    except FailedError as error:
        if _REJECTED in error.message:
            why = _reason(error)
            raise _RejectedError(
                f"what was fetched was refused by git: {why}",
                hint="nothing of it was imported",
                reason=why,
            ) from error
        # If the remote cannot be reached, this says so, and the mirror may be sound.
        timelines(store, remote, randomness)
        raise _DamagedError(error.message) from error
    fsync_folder(mirror)


def _clear(mirror: Path) -> None:
    """Removes what a killed git left in a mirror; whoever has the lock is alone with it.

    Raises:
        IntegrityError: there is a link in it, through which git would write.
        FailedError: it cannot be read or changed.
    """
    try:
        for folder, folders, names in os.walk(mirror):
            remove_leftovers(Path(folder))
            for name in (*folders, *names):
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    raise IntegrityError(
                        f"{path} is a link, which stepwell did not put there",
                        hint="nothing was read or changed through it; move it away",
                        path=path,
                    )
                if name in names and (name.endswith(_STALE) or name.startswith("tmp_")):
                    os.unlink(path)
    except OSError as error:
        raise system_error(error, "clearing", mirror) from error


def _reason(error: FailedError) -> str:
    """Returns what git says of the first object that it refused."""
    found = re.search("error: (.+)", error.message)
    return found[1] if found is not None else _REJECTED


def _advertised(git: _Remote, remote: Remote, pattern: str) -> dict[str, str]:
    """Returns the ids of the remote's refs that match, by name."""
    try:
        lines = git.run("ls-remote", "--refs", "--", remote.url, pattern).splitlines()
    except FailedError as error:
        raise _unreachable(remote, error) from error
    pairs: Sequence[list[str]] = [line.split("\t", 1) for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _not_ours(remote: Remote) -> RefusedError:
    return RefusedError(
        f"nothing was pushed: {remote.name} holds a history of this workspace that was not pushed"
        " from here",
        hint=f"stepwell push {remote.name} --force replaces it there by what is here",
        remote=remote.name,
    )


def _unreachable(remote: Remote, error: FailedError) -> FailedError:
    return FailedError(
        f"the remote {remote.name} ({remote.url}) refused, or cannot be reached: {error.message}",
        hint="git signs in by ssh keys or a credential helper; it asks for no password here",
        remote=remote.name,
    )
