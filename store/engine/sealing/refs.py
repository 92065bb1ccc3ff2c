"""The repository's refs as files: read without git, and their checksum, which git does not keep."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.sealing.layout import OPERATIONS, OWN
from stepwell.store.model.ids import Oid, oid_from_hex

_ID = rb"[0-9a-f]{40}"
_NAME = rb"refs(?:/(?!\.)(?:(?!\.\.|@\{|\.lock[/\n])[^\x00- \x7f~^:?*[\\/])+)+(?<!\.)"
"""What git takes for the name of a ref. Source: the git-check-ref-format manual page."""
_PACKED = re.compile(rb"(?m)^(%b) (%b)\n" % (_ID, _NAME))
_READABLE = re.compile(
    rb"(?:# pack-refs with:[ -~]*\n)?(?:%b %b\n(?:\^%b\n)?)*+" % (_ID, _NAME, _ID)
)
"""All of a file that git reads. Source: refs/packed-backend.c of git 2.39."""
_LOOSE = re.compile(rb"([0-9a-f]{40})\n?")


def read_refs(repository: Path) -> dict[bytes, Oid]:
    """Returns all refs by full name; what is malformed is left out. Runs no git.

    Raises:
        FailedError: a file is there and cannot be read.
    """
    packed = _PACKED.findall(_content(repository / "packed-refs"))
    found = {name: oid_from_hex(digits.decode("ascii")) for digits, name in packed}
    for name, path in _loose(repository):
        match = _LOOSE.fullmatch(_content(path))
        if match is not None:
            found[name] = oid_from_hex(match[1].decode("ascii"))
    return found


def readable_packed_refs(repository: Path) -> bytes:
    """Returns `packed-refs` as it is when git can read all of it, else its whole refs alone.

    A line that git cannot read makes it refuse every command that looks at refs, and in lines that
    are not in order it does not find them all.
    """
    content = _content(repository / "packed-refs")
    packed = [(name, digits) for digits, name in _PACKED.findall(content)]
    refs = dict(packed)
    if _READABLE.fullmatch(content) and packed == sorted(refs.items()):
        return content
    return b"".join(b"%b %b\n" % (digits, name) for name, digits in refs.items())


def _loose(repository: Path) -> Iterator[tuple[bytes, Path]]:
    top = os.fsencode(repository)
    for folder, _, names in os.walk(top + b"/refs"):
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith(b".lock"):
                yield path[len(top) + 1 :], Path(os.fsdecode(path))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise system_error(error, "reading", path) from error


def own_refs(refs: Mapping[bytes, Oid]) -> dict[bytes, Oid]:
    """Returns those refs that are derived from the journal."""
    own = tuple(prefix.encode() for prefix in OWN)
    return {name: oid for name, oid in refs.items() if name.startswith(own)}


def operations_commit(repository: Path) -> Oid | None:
    """Returns the commit that holds the sealed operations; None when nothing was sealed."""
    return read_refs(repository).get(OPERATIONS.encode())


def refs_digest(repository: Path) -> str:
    """Returns a checksum over HEAD and the derived refs."""
    refs = own_refs(read_refs(repository))
    lines = [b"%s %s\n" % (oid.hex().encode(), name) for name, oid in sorted(refs.items())]
    head = _content(repository / "HEAD")
    return hashlib.sha256(head + b"\0" + b"".join(lines)).hexdigest()
