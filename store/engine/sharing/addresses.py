"""Where a remote may be: what git takes for an address, and never where the user's own work lies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from stepwell.store.engine.userindex import pointed
from stepwell.store.model.errors import RefusedError, UsageError
from stepwell.store.model.paths import escape

_LONGEST = 2_000
_SCHEME = re.compile("([A-Za-z][A-Za-z0-9+.-]*)://")
_SCHEMES = frozenset({"file", "git", "http", "https", "ssh"})
_HELPER = re.compile("[A-Za-z0-9]+::")
_SCP = re.compile("[^/:]+:")
_OPTION = re.compile("([A-Za-z][A-Za-z0-9+.-]*://)?([^/@]*@)?-")
"""A host that ssh would take for an option."""
_PASSWORD = re.compile("[A-Za-z][A-Za-z0-9+.-]*://[^/@]*:[^/@]*@")
_HINT = "for example git@example.org:team/app.git, https://example.org/app.git, or a folder"
_SUFFIXES = (b"", b"/.git", b".git", b".git/.git")
"""What git tries to append to the path that it is given (enter_repo in git's path.c)."""


def checked_address(url: str, *, folder: Path, workspace: bytes, home: Path) -> str:
    """Returns an address to be recorded; a path is taken from `folder` and made absolute.

    Raises:
        UsageError: it is none that can be used.
        RefusedError: as `refuse_own`.
    """
    problem = _problem(url)
    if problem:
        raise UsageError(f"the address of a remote cannot be used: {problem}", hint=_HINT)
    if _is_elsewhere(url):
        return url
    path = os.path.realpath(folder / url.removeprefix("file://"))
    refuse_own(path, workspace=workspace, home=home)
    return path


def refuse_own(url: str, *, workspace: bytes, home: Path) -> None:
    """Raises RefusedError for an address that leads to the user's own work, or to the data folder.

    That is the workspace, a folder around it, and each repository that it lies in, under whatever
    name: also by a link, and also the repository that it is a linked worktree of. What is on the
    network is not looked at.
    """
    if _is_elsewhere(url):
        return
    data, root = os.path.realpath(os.fsencode(home)), os.path.realpath(workspace)
    given = unquote(url.removeprefix("file://")) if url.startswith("file://") else url
    # Where git would take a relative path from is a scratch folder in the data folder.
    path = os.path.realpath(os.path.join(data, os.fsencode(given)))
    own = list(_repositories_of(root))
    for place in (path, *(found for suffix in _SUFFIXES for found in _reached(path + suffix))):
        if _is_in(place, root) or any(_is_in(place, one) for one in own):
            raise _refused(
                path, "belongs to the workspace itself, where stepwell writes no history"
            )
        if _is_in(root, place):
            raise _refused(path, "holds the workspace")
        if _is_in(place, data):
            raise _refused(path, "lies in stepwell's own data folder")


def _refused(path: bytes, why: str) -> RefusedError:
    return RefusedError(
        f"{escape(path)} cannot be a remote: it {why}",
        hint="name a repository elsewhere; an empty one will do: git init --bare DIR",
        path=escape(path),
    )


def _repositories_of(root: bytes) -> Iterator[bytes]:
    """Yields the git folders of the repositories that a folder lies in, from the nearest on."""
    at = root
    while True:
        yield from _reached(os.path.join(at, b".git"))
        if at == os.path.dirname(at):
            return
        at = os.path.dirname(at)


def _reached(path: bytes) -> Iterator[bytes]:
    """Yields the folders that git would use for a repository at `path`: its own and the common one."""
    own: bytes | None = os.path.realpath(path)
    if own is not None and not os.path.isdir(own):
        own = pointed(own, b"gitdir: ", os.path.dirname(own))
    if own is None or not os.path.isdir(own):
        return
    own = os.path.realpath(own)
    yield own
    common = pointed(os.path.join(own, b"commondir"), b"", own)
    if common is not None:
        yield os.path.realpath(common)


def _is_in(place: bytes, top: bytes) -> bool:
    """Tells whether `place` is `top` or below it, by identity: a folder may have several names."""
    sought = _identity(top)
    while True:
        if place == top or (sought is not None and _identity(place) == sought):
            return True
        if place == os.path.dirname(place):
            return False
        place = os.path.dirname(place)


def _identity(path: bytes) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _problem(url: str) -> str:
    if not url or len(url) > _LONGEST:
        return "it is empty or too long"
    if not url.isprintable() or url != url.strip() or not _is_utf8(url):
        return "it holds a control character or a space around it"
    if _OPTION.match(url) or _HELPER.match(url):
        return "git would take it for something else than an address"
    scheme = _SCHEME.match(url)
    if scheme is not None and scheme[1].lower() not in _SCHEMES:
        return f"it begins with {scheme[0]}, and only {', '.join(sorted(_SCHEMES))} are spoken"
    if _PASSWORD.match(url):
        return "it holds a password, which git's credential helper keeps better"
    return ""


def _is_utf8(url: str) -> bool:
    try:
        url.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_elsewhere(url: str) -> bool:
    """Tells whether git takes it for an address on the network, not for a folder."""
    if url.startswith("file://"):
        return False
    return bool(_SCHEME.match(url) or _SCP.match(url))
