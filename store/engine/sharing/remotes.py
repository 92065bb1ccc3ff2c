"""The remotes of a store: a folder each, with what is known of it and the mirrors of what it holds.

remotes/NAME/remote.json     where it is, and what was pushed there last
remotes/NAME/WORKSPACE.git   a bare repository: what another workspace had pushed there
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.atomic import (
    fsync_folder,
    make_private_folder,
    system_error,
    write_atomic,
)
from stepwell.store.engine.codec import canonical_json
from stepwell.store.model.errors import FormatError, NotFoundError, RefusedError, UsageError

NAME = "remotes"

_RECORD = "remote.json"
_FORMAT = 1
_USABLE = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_TAKEN = frozenset({"import"})
"""Folders of branches that come from elsewhere."""
_LONGEST = 2_000
_SCHEME = re.compile("([A-Za-z][A-Za-z0-9+.-]*)://")
_SCHEMES = frozenset({"file", "git", "http", "https", "ssh"})
_HELPER = re.compile("[A-Za-z0-9]+::")
_SCP = re.compile("[^/:]+:")
_PASSWORD = re.compile("[A-Za-z][A-Za-z0-9+.-]*://[^/@]*:[^/@]*@")


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that timelines are shared through."""

    name: str
    url: str
    pushed: str | None = None
    """The id of the commit of operations that was pushed there last; None: nothing was."""


def add_remote(store: Path, name: str, url: str, *, folder: Path, workspace: Path) -> Remote:
    """Records a remote. A path is taken from `folder`; it is not looked whether anything is there.

    Raises:
        UsageError: the name or the address is none that can be used.
        RefusedError: there is such a remote, or the address is the workspace itself.
        NoSpaceError, FailedError: it cannot be written.
    """
    if not _USABLE.fullmatch(name) or name in _TAKEN:
        raise UsageError(
            f"{name!r} cannot be the name of a remote",
            hint="letters, digits, - and _, up to 50; not import",
            name=name,
        )
    remote = Remote(name, _checked_url(url, folder, workspace))
    place = store / NAME / name
    if (place / _RECORD).exists():
        raise RefusedError(
            f"there is a remote {name} already",
            hint=f"stepwell remote remove {name} forgets it",
            name=name,
        )
    make_private_folder(store / NAME)
    make_private_folder(place)
    write_remote(store, remote)
    return remote


def write_remote(store: Path, remote: Remote) -> None:
    """Replaces what is known of a remote.

    Raises:
        NoSpaceError, FailedError: it cannot be written; it is as it was.
    """
    form = {"format": _FORMAT, "url": remote.url, "pushed": remote.pushed}
    write_atomic(store / NAME / remote.name / _RECORD, canonical_json(form))


def remotes(store: Path) -> list[Remote]:
    """Returns all remotes by name.

    Raises:
        FormatError: what is known of one cannot be read.
    """
    found = sorted((store / NAME).glob(f"*/{_RECORD}"))
    return [_read(path) for path in found if _USABLE.fullmatch(path.parent.name)]


def find_remote(store: Path, name: str) -> Remote:
    """Returns the remote of that name.

    Raises:
        NotFoundError: there is none.
        FormatError: what is known of it cannot be read.
    """
    path = store / NAME / name / _RECORD
    if not _USABLE.fullmatch(name) or not path.exists():
        raise NotFoundError(
            f"there is no remote {name}", hint="`stepwell remote add NAME URL` adds one", name=name
        )
    return _read(path)


def remove_remote(store: Path, name: str) -> None:
    """Forgets a remote with its mirrors; steps that were pulled stay, and so does what it holds.

    Raises:
        NotFoundError: there is none.
        FailedError: it cannot be removed.
    """
    if not (store / NAME / name / _RECORD).exists() or not _USABLE.fullmatch(name):
        find_remote(store, name)
    place = store / NAME / name
    try:
        os.unlink(place / _RECORD)
        fsync_folder(place)
        shutil.rmtree(place)
    except OSError as error:
        raise system_error(error, "removing the remote", place) from error


def remove_mirrors(store: Path) -> None:
    """Removes what was fetched from all remotes; the next pull fetches it again.

    Raises:
        FailedError: some of it cannot be removed.
    """
    for mirror in (store / NAME).glob("*/*.git"):
        try:
            shutil.rmtree(mirror)
        except OSError as error:
            raise system_error(error, "removing", mirror) from error


def _read(path: Path) -> Remote:
    try:
        form = json.loads(path.read_bytes())
        url, pushed = form["url"], form["pushed"]
        if form["format"] == _FORMAT and isinstance(url, str):
            return Remote(path.parent.name, url, pushed)
    except OSError as error:
        raise system_error(error, "reading", path) from error
    except (ValueError, KeyError, TypeError):
        pass
    raise FormatError(
        f"what is known of the remote {path.parent.name} cannot be read",
        hint=f"stepwell remote remove {path.parent.name}, and add it again",
        path=str(path),
    )


def _checked_url(url: str, folder: Path, workspace: Path) -> str:
    problem = _problem(url)
    if problem:
        raise UsageError(f"the address of a remote cannot be used: {problem}", hint=_HINT)
    if _is_elsewhere(url):
        return url
    path = Path(os.path.realpath(folder / url.removeprefix("file://")))
    with suppress(ValueError):
        path.relative_to(os.path.realpath(workspace))
        raise RefusedError(
            f"{path} is in the workspace itself, where stepwell writes no history",
            hint="name a repository elsewhere; an empty one will do: git init --bare DIR",
            path=str(path),
        )
    return str(path)


_HINT = "for example git@example.org:team/app.git, https://example.org/app.git, or a folder"


def _problem(url: str) -> str:
    if not url or len(url) > _LONGEST:
        return "it is empty or too long"
    if not url.isprintable() or url != url.strip() or not _is_utf8(url):
        return "it holds a control character or a space around it"
    if url.startswith("-") or _HELPER.match(url):
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
