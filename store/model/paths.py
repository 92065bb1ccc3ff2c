"""Paths inside a workspace: bytes, relative, `/` between names, no leading or trailing slash.

Bytes because a name on disk is bytes; the printable form is reversible (INTERFACE: each byte that
is not UTF-8 as `\\xNN`, a backslash as `\\\\`). The root itself is `b""`.
"""

from __future__ import annotations

import base64
import os
import re
from typing import NewType

from stepwell.store.model.errors import PathOutsideError

TrackedPath = NewType("TrackedPath", bytes)

ROOT = TrackedPath(b"")


def join(folder: bytes, name: bytes) -> TrackedPath:
    """Returns `folder/name`, or `name` when the folder is the root."""
    return TrackedPath(folder + b"/" + name if folder else name)


def parent(path: bytes) -> TrackedPath:
    """Returns the folder that holds `path`; the root's parent is the root."""
    return TrackedPath(path.rpartition(b"/")[0])


def is_under(path: bytes, folder: bytes) -> bool:
    """Tells whether `path` is `folder` or lies below it."""
    return not folder or path == folder or path.startswith(folder + b"/")


def escape(path: bytes) -> str:
    """Returns the reversible text form of a path."""
    text = path.decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    if path.isascii():
        return text
    return re.sub("[\udc80-\udcff]", lambda m: f"\\x{ord(m[0]) - 0xDC00:02x}", text)


def unescape(text: str) -> TrackedPath:
    """Returns the path whose text form is `text`; a stray backslash stands for itself."""

    def one(match: re.Match[str]) -> str:
        token = match[0]
        return "\\" if token == "\\\\" else chr(0xDC00 + int(token[2:], 16))

    plain = re.sub(r"\\\\|\\x[89a-fA-F][0-9a-fA-F]", one, text)
    return TrackedPath(plain.encode("utf-8", "surrogateescape"))


def needs_bytes(path: bytes) -> bool:
    """Tells whether JSON carries `path_bytes` beside the text form."""
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def base64_of(path: bytes) -> str:
    """Returns the `path_bytes` form."""
    return base64.b64encode(path).decode("ascii")


def from_argument(argument: str, root: bytes, current: bytes) -> TrackedPath:
    """Returns the workspace path that a person named.

    `root` and `current` are absolute; `argument` may be absolute, or relative to `current`. Links
    are not followed, so that a path that no longer exists can be named.

    Raises:
        PathOutsideError: the path is not below `root`.
    """
    full = os.path.normpath(os.path.join(current, os.fsencode(argument)))
    if full == root:
        return ROOT
    if not full.startswith(root.rstrip(b"/") + b"/"):
        raise PathOutsideError(
            f"{argument} is outside the workspace {escape(root)}",
            hint="name a path inside the workspace",
            path=argument,
        )
    return TrackedPath(full[len(root.rstrip(b"/")) + 1 :])
