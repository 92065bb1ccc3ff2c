"""Which folders are workspaces, and where each one's store lies.

A workspace is known by its path and the identity (device, inode) of its root. Below the data folder
`roots/` holds one small file a root, `workspaces/` one store a workspace. A moved workspace is
found again by the identity of its root; a copied one has another identity and gets a store of its
own. `store.json` is written last, so a store without it was never finished and is not used.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.atomic import make_private_folder, system_error, write_atomic
from stepwell.store.model.errors import (
    FailedError,
    FormatError,
    NotAWorkspaceError,
    NotFoundError,
    RefusedError,
    StoreUnreadableError,
)
from stepwell.store.model.ids import RandomBytes
from stepwell.store.model.paths import escape, is_under, unescape

FORMAT = 1
"""Of everything below the data folder; a higher number is refused."""

ENTRY_BUDGET = 300_000
"""A folder with more entries than this is taken for a home or root folder."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A workspace on record."""

    id: str
    root: bytes
    """Absolute."""
    store: Path


def locate(folder: bytes, home: Path) -> Registered:
    """Returns the workspace that holds `folder`: the nearest registered root, itself included.

    Raises:
        NotAWorkspaceError: none does; the hint names a moved workspace when there is one.
        FormatError: its store was made by a newer version.
    """
    folder = os.path.realpath(folder)
    if not os.path.isdir(folder):
        raise NotFoundError(f"{escape(folder)} is not a folder", hint="give -C an existing folder")
    at = folder
    while True:
        record = _read_json(_root_file(home, at))
        if record is not None and record.get("root") == escape(at):
            return _opened(home, at, str(record["workspace"]))
        if at == b"/":
            break
        at = os.path.dirname(at)
    raise NotAWorkspaceError(
        f"{escape(folder)} is not in a workspace",
        hint=_moved_hint(home, folder) or "run `stepwell init` in the folder to be captured",
        path=escape(folder),
    )


def _opened(home: Path, root: bytes, workspace: str) -> Registered:
    store = home / "workspaces" / workspace
    found = read_store_file(store)
    if found is None:
        raise NotAWorkspaceError(
            f"the store of {escape(root)} was never finished or is gone",
            hint="run `stepwell init` again",
            path=escape(root),
        )
    return Registered(workspace, root, store)


def read_store_file(store: Path) -> dict[str, Any] | None:
    """Returns the content of `store.json`, None when there is none.

    Raises:
        FormatError: malformed, or of a format that this version does not know.
    """
    document = _read_json(store / "store.json")
    if document is None:
        return None
    if document.get("format") != FORMAT:
        raise FormatError(
            f"the store {store} has format {document.get('format')}, this version knows {FORMAT}",
            hint="upgrade stepwell; nothing was read or changed",
            format=document.get("format"),
            known=FORMAT,
        )
    return document


def root_for(folder: bytes) -> bytes:
    """Returns the folder that `init` would register: the git root around `folder`, else itself."""
    folder = os.path.realpath(folder)
    at = folder
    while at != b"/":
        if os.path.lexists(os.path.join(at, b".git")):
            return at
        at = os.path.dirname(at)
    return folder


def refuse_unsafe_root(root: bytes, home: Path, guarded: Collection[bytes]) -> None:
    """Raises RefusedError for a root that nobody means: `/`, a home folder, one full of projects.

    `guarded` are folders, such as the user's home, that must not lie inside the root.
    """
    store = os.path.realpath(os.fsencode(home))
    if is_under(store[1:], root[1:]) or is_under(root[1:], store[1:]):
        raise RefusedError(
            f"{escape(root)} holds, or lies in, Stepwell's own data folder",
            hint="choose another folder, or set STEPWELL_HOME",
            path=escape(root),
        )
    held = next((g for g in guarded if is_under(os.path.realpath(g)[1:], root[1:])), None)
    if root == b"/" or held is not None or not _within_budget(root):
        raise RefusedError(
            f"{escape(root)} is too large a folder to capture: it holds much more than one project",
            hint="run it in a project, or give --force",
            path=escape(root),
        )


def _within_budget(root: bytes) -> bool:
    seen = 0
    for _, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in (b".git", b"node_modules")]
        seen += len(folders) + len(files)
        if seen > ENTRY_BUDGET:
            return False
    return True


def make_home(home: Path) -> None:
    """Makes the data folder and what it holds, closed to other users."""
    try:
        os.makedirs(home.parent, exist_ok=True)
    except OSError as error:
        raise system_error(error, "making the folder", home.parent) from error
    for folder in (home, home / "roots", home / "workspaces"):
        make_private_folder(folder)


def register(root: bytes, home: Path, randomness: RandomBytes) -> Registered:
    """Makes the folders of a new store in a data folder that exists; `finish` makes it count."""
    workspace = randomness(8).hex()
    store = home / "workspaces" / workspace
    for folder in (store, store / "journal", store / "catalogue", store / "tmp"):
        make_private_folder(folder)
    return Registered(workspace, root, store)


def finish(registered: Registered, home: Path, created: str) -> None:
    """Writes the store's own file and then the root's, after which `locate` finds it."""
    document = {
        "format": FORMAT,
        "workspace": registered.id,
        "root": escape(registered.root),
        "created": created,
    }
    write_atomic(registered.store / "store.json", _json(document))
    point(registered, home)


def point(registered: Registered, home: Path) -> None:
    """Records that the workspace lies at `registered.root` now."""
    identity = os.stat(registered.root)
    document = {
        "format": FORMAT,
        "root": escape(registered.root),
        "dev": identity.st_dev,
        "ino": identity.st_ino,
        "workspace": registered.id,
    }
    write_atomic(_root_file(home, registered.root), _json(document))


def moved_from(root: bytes, home: Path) -> Registered | None:
    """Returns the workspace whose root this folder was before it was moved here, if any."""
    try:
        identity = os.stat(root)
        files = sorted((home / "roots").glob("*.json"))
    except OSError:
        return None
    for file in files:
        record = _read_json(file)
        if not record or (record.get("dev"), record.get("ino")) != (
            identity.st_dev,
            identity.st_ino,
        ):
            continue
        old = unescape(str(record["root"]))
        if old != root and not os.path.isdir(old):
            return Registered(record["workspace"], old, home / "workspaces" / record["workspace"])
    return None


def adopt(old: Registered, root: bytes, home: Path) -> Registered:
    """Records that a moved workspace lies at `root` now and forgets the old place."""
    moved = Registered(old.id, root, old.store)
    point(moved, home)
    _root_file(home, old.root).unlink(missing_ok=True)
    return moved


def _moved_hint(home: Path, folder: bytes) -> str:
    old = moved_from(folder, home)
    if old is None:
        return ""
    return f"it was {escape(old.root)} before it was moved: run `stepwell init` to keep its history"


def _root_file(home: Path, root: bytes) -> Path:
    return home / "roots" / f"{hashlib.sha256(root).hexdigest()[:16]}.json"


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise FormatError(
            f"{path} cannot be read: it is not JSON", hint="restore the file from a backup"
        ) from error
    except NotADirectoryError as error:
        raise StoreUnreadableError(f"{path} is not reachable: {error.strerror}") from error
    except OSError as error:
        raise StoreUnreadableError(
            f"{path} cannot be read: {error.strerror}",
            hint="check its owner and permissions",
            path=str(path),
        ) from error
    if not isinstance(document, dict):
        raise FormatError(f"{path} cannot be read: it is no JSON object")
    return document


def check_store_access(store: Path) -> None:
    """Raises when the store cannot be trusted: not ours, or open to others (reliability T16)."""
    try:
        state = os.stat(store)
    except OSError as error:
        raise FailedError(f"{store} cannot be read: {error.strerror}") from error
    if state.st_uid not in (os.geteuid(), 0) or state.st_mode & 0o022:
        raise StoreUnreadableError(
            f"{store} is owned by, or open for writing to, another user",
            hint="make it yours alone: chmod 700",
            path=str(store),
        )
