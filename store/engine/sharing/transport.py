"""Pushing to a remote and fetching from it, by git.

Refs of a workspace stand on the remote below `refs/stepwell/WORKSPACE/`; nothing else there is
read or written. git runs no hook here, and speaks only the protocols of `remotes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stepwell.store.engine.atomic import fsync_folder, make_private_folder, write_atomic
from stepwell.store.engine.git import Git
from stepwell.store.engine.scratch import marked, scratch_folder
from stepwell.store.engine.sealing.layout import CONFIG, HEADS, OPERATIONS, STEPS, repository_of
from stepwell.store.engine.sharing.remotes import NAME, Remote
from stepwell.store.model.errors import FailedError, NoSpaceError, RefusedError
from stepwell.store.model.ids import RandomBytes

_THERE = "refs/stepwell/"
_WORKSPACE = re.compile("[0-9a-f]{16}")
_OPERATIONS = "operations"
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
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

_NEWER = "stale info"
"""What git says of a ref that is not where it was left."""


@contextmanager
def _git(store: Path, repository: Path, randomness: RandomBytes) -> Iterator[Git]:
    also = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, "GIT_CONFIG_COUNT": str(len(_SETTINGS))}
    for number, (name, value) in enumerate(_SETTINGS.items()):
        also |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    with scratch_folder(store, "sharing", randomness) as scratch:
        with Git(repository, scratch, also={**also, **marked(scratch)}, personal=True) as git:
            yield git


def push(
    store: Path,
    remote: Remote,
    workspace: str,
    operations: str,
    *,
    force: bool,
    randomness: RandomBytes,
) -> None:
    """Makes the workspace's refs on the remote what they are here: all of them, or none.

    `operations` is the commit that the refs here have for them. The caller keeps sealing out.

    Raises:
        RefusedError: the remote holds what was not pushed from here, and `force` is not given.
        FailedError: the remote cannot be reached, or does not take it.
    """
    there = f"{_THERE}{workspace}/"
    expected = f"--force-with-lease={there}{_OPERATIONS}:{remote.pushed or ''}"
    how = ("push", "--quiet", "--atomic", "--prune", *(() if force else (expected,)))
    refs = [f"{'+' if force else ''}{OPERATIONS}:{there}{_OPERATIONS}"]
    refs += [f"+{HEADS}*:{there}heads/*", f"+{STEPS}*:{there}steps/*"]
    with _git(store, repository_of(store), randomness) as git:
        try:
            git.run(*how, "--", remote.url, *refs)
        except FailedError as error:
            if _NEWER in error.message:
                raise _not_ours(remote) from error
            raise _unreachable(remote, error) from error
        kept = _advertised(git, remote).get(f"{there}{_OPERATIONS}")
    if kept != operations:
        raise FailedError(f"the remote {remote.name} did not keep what was pushed to it")


def timelines(store: Path, remote: Remote, randomness: RandomBytes) -> list[str]:
    """Returns the ids of the workspaces whose history the remote holds, in order.

    Raises:
        FailedError: the remote cannot be reached.
    """
    with _git(store, repository_of(store), randomness) as git:
        refs = _advertised(git, remote)
    found = (name.removeprefix(_THERE).partition("/") for name in refs)
    return sorted(w for w, _, rest in found if rest == _OPERATIONS and _WORKSPACE.fullmatch(w))


def fetch(store: Path, remote: Remote, workspace: str, randomness: RandomBytes) -> Path:
    """Brings a workspace's history into its mirror, and returns that; not checked beyond git's checks.

    Raises:
        NoSpaceError, FailedError: the remote cannot be reached, or the mirror not be written.
    """
    mirror = store / NAME / remote.name / f"{workspace}.git"
    make_private_folder(mirror)
    write_atomic(mirror / "config", CONFIG)
    there = f"{_THERE}{workspace}/"
    refs = [f"+{there}{_OPERATIONS}:{OPERATIONS}"]
    refs += [f"+{there}heads/*:{HEADS}*", f"+{there}steps/*:{STEPS}*"]
    with _git(store, mirror, randomness) as git:
        git.run("init", "--quiet", "--bare", "--template=", "--shared=0600")
        write_atomic(mirror / "config", CONFIG)
        try:
            git.run("fetch", "--quiet", "--no-tags", "--prune", "--", remote.url, *refs)
        except FailedError as error:
            raise _unreachable(remote, error) from error
        if sum(1 for _ in (mirror / "objects" / "pack").glob("*.pack")) > _REPACK_AT:
            git.run("repack", "-a", "-d", "--quiet")
    fsync_folder(mirror)
    return mirror


def _advertised(git: Git, remote: Remote) -> dict[str, str]:
    """Returns the ids of the remote's refs of ours, by name."""
    try:
        lines = git.run("ls-remote", "--refs", "--", remote.url, f"{_THERE}*").splitlines()
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
    if isinstance(error, NoSpaceError):
        return error
    return FailedError(
        f"the remote {remote.name} ({remote.url}) refused, or cannot be reached: {error.message}",
        hint="git signs in by ssh keys or a credential helper; it asks for no password here",
        remote=remote.name,
    )
