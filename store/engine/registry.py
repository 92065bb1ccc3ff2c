"""Which folders are workspaces, and where each one's store lies.

A workspace is known by its path and the identity (device, inode) of its root. Below the data folder
`roots/` holds one small file a root, `workspaces/` one store a workspace. A moved workspace is
found again by the identity of its root and of what it holds; a copied one has another identity and
gets a store of its own. `store.json` is written last, so a store without it was never finished and is not used.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.atomic import make_private_folder, write_atomic
from stepwell.store.engine.codec import canonical_json
from stepwell.store.engine.datafolder import check_home
from stepwell.store.engine.moved import any_as_remembered
from stepwell.store.engine.sealing.layout import REPOSITORY
from stepwell.store.engine.stattable import StatTable
from stepwell.store.model.errors import (
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

_WORKSPACE_ID = re.compile("[0-9a-f]{16}")

_UNCHECKED = {"format", "workspace", "root", "created", "dev", "ino"}

_LINK_AGAIN = "delete that file, then run `stepwell init` in the folder: it finds its store again"


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
        StoreUnreadableError: the data folder is not the user's alone.
    """
    check_home(home)
    folder = os.path.realpath(folder)
    if not os.path.isdir(folder):
        raise NotFoundError(f"{escape(folder)} is not a folder", hint="give -C an existing folder")
    at = folder
    while True:
        record = _read_root(root_file(home, at))
        if record is not None:
            if record.root != at:
                raise _damaged_root(root_file(home, at), f"it names {escape(record.root)}")
            return _opened(home, at, record.workspace)
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
        raise _unknown_format(store / "store.json", document.get("format"))
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
    write_atomic(root_file(home, registered.root), _json(document))


def moved_from(root: bytes, home: Path) -> Registered | None:
    """Returns the workspace whose root this folder was before it was moved here, if any."""
    try:
        identity = os.stat(root)
        files = sorted((home / "roots").glob("*.json"))
    except OSError:
        return None
    for record in _readable(files):
        same = (record.device, record.inode) == (identity.st_dev, identity.st_ino)
        if same and record.root != root and not os.path.isdir(record.root):
            store = home / "workspaces" / record.workspace
            if _holds_its_content(root, store):
                return Registered(record.workspace, record.root, store)
    return None


def _holds_its_content(root: bytes, store: Path) -> bool:
    """Tells whether a folder may be the store's root; only a saved stat table can speak against."""
    try:
        table = StatTable.loads((store / "stats").read_bytes())
    except OSError:
        return True
    return table is None or any_as_remembered(root, table)


def unlinked(root: bytes, home: Path) -> Registered | None:
    """Returns the finished store that was made for this root and that no root's file names."""
    linked = linked_workspaces(home)[0]
    for store in sorted((home / "workspaces").glob("*")):
        if store.name in linked:
            continue
        with suppress(FormatError, StoreUnreadableError):
            document = read_store_file(store)
            if document is not None and document.get("root") == escape(root):
                return Registered(store.name, root, store)
    return None


def linked_workspaces(home: Path) -> tuple[frozenset[str], bool]:
    """Returns the ids that roots' files name, and whether all of those could be read."""
    files = sorted((home / "roots").glob("*.json"))
    records = list(_readable(files))
    return frozenset(record.workspace for record in records), len(records) == len(files)


def linked_again(root: bytes, home: Path, created: str) -> bool:
    """Links the root to the store that it has already; False when it has none.

    That is one that another process made meanwhile, one whose own file was lost, one whose root was
    moved here, or one that lost the root's file.
    """
    record = _read_root(root_file(home, root))
    if record is not None:
        store = home / "workspaces" / record.workspace
        # The root's file is written last, so a store that it names was finished once.
        if read_store_file(store) is None and _has_history(store):
            finish(Registered(record.workspace, root, store), home, created)
        return read_store_file(store) is not None
    moved = moved_from(root, home)
    found = moved or unlinked(root, home)
    if found is None:
        return False
    point(Registered(found.id, root, found.store), home)
    if moved is not None:
        root_file(home, moved.root).unlink(missing_ok=True)
    return True


def _has_history(store: Path) -> bool:
    return (store / "manifest").exists() or (store / REPOSITORY / "HEAD").exists()


def _moved_hint(home: Path, folder: bytes) -> str:
    old = moved_from(folder, home)
    if old is None:
        return ""
    return f"it was {escape(old.root)} before it was moved: run `stepwell init` to keep its history"


def root_file(home: Path, root: bytes) -> Path:
    """Returns where the data folder says which workspace a root is; its name stands for the root."""
    return home / "roots" / f"{hashlib.sha256(root).hexdigest()[:16]}.json"


@dataclass(frozen=True, slots=True)
class _Root:
    """What the file of one root says."""

    root: bytes
    device: int
    inode: int
    workspace: str


def _read_root(path: Path) -> _Root | None:
    record = _read_json(path)
    if record is None:
        return None
    if record.get("format") != FORMAT:
        raise _unknown_format(path, record.get("format"))
    try:
        root, workspace = unescape(record["root"]), record["workspace"]
        device, inode = int(record["dev"]), int(record["ino"])
        if not _WORKSPACE_ID.fullmatch(workspace):
            raise ValueError("no workspace id")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged_root(path, "a value is missing or malformed") from error
    return _Root(root, device, inode, workspace)


def _readable(files: Iterable[Path]) -> Iterator[_Root]:
    """Yields what can be read: another root's damaged file is not this one's concern."""
    for file in files:
        with suppress(FormatError, StoreUnreadableError):
            record = _read_root(file)
            if record is not None:
                yield record


def _damaged_root(path: Path, why: str) -> FormatError:
    return FormatError(f"{path} cannot be read: {why}", hint=_LINK_AGAIN, path=str(path))


def _unknown_format(path: Path, found: object) -> FormatError:
    return FormatError(
        f"{path} has format {found}, this version knows {FORMAT}",
        hint="upgrade stepwell; nothing was read or changed",
        format=found,
        known=FORMAT,
    )


def _json(document: dict[str, Any]) -> bytes:
    checked = document | {"check": _check(document)}
    return json.dumps(checked, indent=1, sort_keys=True).encode("ascii") + b"\n"


def _check(document: dict[str, Any]) -> str:
    return f"{zlib.crc32(canonical_json(document)):08x}"


def _is_as_written(content: bytes, document: dict[str, Any]) -> bool:
    """Takes the checksum out; a file without one was written before there were any."""
    if document.pop("check", None) is None:
        return document.keys() <= _UNCHECKED
    return content == _json(document)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
        document = json.loads(content)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise FormatError(
            f"{path} cannot be read: it is not JSON", hint="restore the file from a backup"
        ) from error
    except NotADirectoryError as error:
        raise StoreUnreadableError(
            f"{path} is not reachable: {error.strerror}",
            hint="something on the way to it is no folder; check STEPWELL_HOME",
            path=str(path),
        ) from error
    except OSError as error:
        raise StoreUnreadableError(
            f"{path} cannot be read: {error.strerror}",
            hint="check its owner and permissions",
            path=str(path),
        ) from error
    if not isinstance(document, dict):
        raise FormatError(f"{path} cannot be read: it is no JSON object")
    if not _is_as_written(content, document) and document.get("format") == FORMAT:
        raise FormatError(
            f"{path} cannot be read: its checksum is wrong", hint=_LINK_AGAIN, path=str(path)
        )
    return document
