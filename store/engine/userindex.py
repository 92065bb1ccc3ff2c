"""The user's own repository, read as plain files: where it is, and which paths its index tracks.

git itself is never asked, since it would run what the repository's configuration names. Whatever
the files hold, the answer is a value: an index that is not understood gives no paths and a reason.
"""

from __future__ import annotations

import hashlib
import os
import struct
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from stepwell.store.engine.files import read_small

_LARGEST_INDEX = 512 << 20
_LARGEST_POINTER = 8 << 10
_FIXED = 40
_EXTENDED = 0x4000
_NAME_MASK = 0x0FFF
_FOLDER_TYPE = 0o040000
_TYPE_MASK = 0o170000

_DigestSize = int


@dataclass(frozen=True, slots=True)
class GitFolders:
    """Where a workspace's repository keeps its data; both differ in a linked worktree."""

    own: bytes
    """Holds HEAD and the index."""
    common: bytes
    """Holds info/exclude and the objects."""


@dataclass(frozen=True, slots=True)
class TrackedPaths:
    """Paths that an index lists, sorted, or why they are not known."""

    paths: tuple[bytes, ...] = ()
    reason: str = ""
    """Empty when the index was understood, or when there is none."""


class _UnknownIndexError(Exception):
    """The bytes are no index that this parser reads; the message says why."""


def find_git_folders(root: bytes) -> GitFolders | None:
    """Returns the folders of the repository at `root`; None when there is none to be read.

    `root/.git` may be a folder, or a worktree's file that names one; a link is not followed.
    """
    dot_git = os.path.join(root, b".git")
    if os.path.islink(dot_git):
        return None
    own = dot_git if os.path.isdir(dot_git) else pointed(dot_git, b"gitdir: ", root)
    if own is None or not os.path.isdir(own):
        return None
    common = pointed(os.path.join(own, b"commondir"), b"", own)
    return GitFolders(own, common or own)


def pointed(path: bytes, prefix: bytes, relative_to: bytes) -> bytes | None:
    """Returns the absolute path that a file of git's names behind `prefix`; None when it names none."""
    text = read_path(path, _LARGEST_POINTER)
    if text is None or not text.startswith(prefix) or b"\0" in text:
        return None
    target = text[len(prefix) :].rstrip(b"\r\n")
    return os.path.normpath(os.path.join(relative_to, target)) if target else None


def read_path(path: bytes, limit: int, *, follow: bool = False) -> bytes | None:
    """Returns a regular file's bytes by absolute path; None as `files.read_small`."""
    try:
        folder_fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        return read_small(folder_fd, os.path.basename(path), limit, follow=follow)
    finally:
        os.close(folder_fd)


def index_mark(folders: GitFolders | None) -> bytes:
    """Returns bytes that change whenever the index is written; empty when there is none."""
    if folders is None:
        return b""
    try:
        found = os.lstat(os.path.join(folders.own, b"index"))
    except OSError:
        return b""
    numbers = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    return repr(numbers).encode("ascii")


def tracked_paths(folders: GitFolders | None) -> TrackedPaths:
    """Returns the paths in the repository's index."""
    if folders is None:
        return TrackedPaths()
    content = read_path(os.path.join(folders.own, b"index"), _LARGEST_INDEX)
    return TrackedPaths() if content is None else parse_index(content)


def parse_index(content: bytes) -> TrackedPaths:
    """Returns the paths of an index file (versions 2 to 4, SHA-1 or SHA-256)."""
    try:
        return TrackedPaths(_sorted_paths(content))
    except _UnknownIndexError as error:
        return TrackedPaths(reason=str(error))
    except (struct.error, ValueError, IndexError):
        return TrackedPaths(reason="the index is cut short or malformed")


def _sorted_paths(content: bytes) -> tuple[bytes, ...]:
    signature, version, count = struct.unpack_from(">4sII", content)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise _UnknownIndexError(f"index version {version} is not known")
    last: _UnknownIndexError | None = None
    for size in _digest_sizes(content):
        try:
            paths, end = _entries(content, version, count, size)
            _check_extensions(content, end, size)
            return tuple(sorted(set(paths)))
        except (struct.error, ValueError, IndexError):
            last = _UnknownIndexError("the index is cut short or malformed")
    raise last or _UnknownIndexError("the checksum of the index does not match")


def _digest_sizes(content: bytes) -> list[_DigestSize]:
    """Returns the object id sizes that the checksum allows; both when git left it out."""
    if not any(content[-32:]):
        return [20, 32]
    if not any(content[-20:]):
        return [20]
    view = memoryview(content)
    if hashlib.sha1(view[:-20], usedforsecurity=False).digest() == content[-20:]:
        return [20]
    return [32] if hashlib.sha256(view[:-32]).digest() == content[-32:] else []


def _entries(content: bytes, version: int, count: int, digest_size: int) -> tuple[list[bytes], int]:
    """Returns the paths as listed and where they end."""
    if count > len(content) // (_FIXED + digest_size):
        raise _UnknownIndexError("the index promises more entries than it holds")
    flags_at = _FIXED + digest_size
    header = struct.Struct(f">24xI{12 + digest_size}xH")
    limit = len(content) - digest_size
    paths: list[bytes] = []
    at, previous = 12, b""
    for _ in range(count):
        mode, flags = header.unpack_from(content, at)
        if mode & _TYPE_MASK == _FOLDER_TYPE:
            raise _UnknownIndexError("the index is sparse")
        name_at = at + flags_at + (4 if flags & _EXTENDED and version > 2 else 2)
        if version == 4:
            previous, at = _compressed(content, name_at, previous)
        else:
            previous, at = _padded(content, at, name_at, flags & _NAME_MASK)
        if at > limit:
            raise ValueError("an entry runs into the checksum")
        paths.append(previous)
    return paths, at


def _padded(content: bytes, start: int, name_at: int, length: int) -> tuple[bytes, int]:
    end = name_at + length if length < _NAME_MASK else content.index(b"\0", name_at)
    if content[end] != 0:
        raise ValueError("a name is not ended")
    return content[name_at:end], start + ((end - start + 8) & ~7)


def _compressed(content: bytes, at: int, previous: bytes) -> tuple[bytes, int]:
    byte = content[at]
    strip = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = content[at]
        strip = ((strip + 1) << 7) | (byte & 0x7F)
        if strip > len(previous):
            raise ValueError("a name takes back more than there is")
    if strip > len(previous):
        raise ValueError("a name takes back more than there is")
    end = content.index(b"\0", at + 1)
    return previous[: len(previous) - strip] + content[at + 1 : end], end + 1


def _check_extensions(content: bytes, at: int, digest_size: int) -> None:
    limit = len(content) - digest_size
    while at < limit:
        name, size = struct.unpack_from(">4sI", content, at)
        if name == b"link":
            raise _UnknownIndexError("the index is split")
        if name == b"sdir":
            raise _UnknownIndexError("the index is sparse")
        at += 8 + size
    if at != limit:
        raise ValueError("an extension runs into the checksum")


class Wanted:
    """Paths that are captured whatever the ignore rules say: tracked ones, and those asked for.

    The index is read when the first ignored path is met.
    """

    def __init__(self, folders: GitFolders | None, also: Iterable[bytes]) -> None:
        self._folders = folders
        self._also = frozenset(also)
        self._mark = index_mark(folders)
        self._sorted: list[bytes] | None = None

    @property
    def mark(self) -> bytes:
        """Bytes that are equal when the answers are."""
        return hashlib.sha256(repr((self._mark, sorted(self._also))).encode()).digest()

    def asked_for(self, path: bytes) -> bool:
        """Tells whether the path was given explicitly."""
        return path in self._also

    def covers(self, path: bytes, is_folder: bool) -> bool:
        """Tells whether the path is wanted, or for a folder, whether a path below it is."""
        paths = self._paths()
        sought = path + b"/" if is_folder else path
        at = bisect_left(paths, sought)
        if at == len(paths):
            return False
        return paths[at].startswith(sought) if is_folder else paths[at] == sought

    def _paths(self) -> list[bytes]:
        if self._sorted is None:
            self._sorted = sorted({*tracked_paths(self._folders).paths, *self._also})
        return self._sorted
