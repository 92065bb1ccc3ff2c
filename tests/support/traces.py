"""Looking for content anywhere in a store, as whoever steals its disk would."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from support.journals import reading

from stepwell.store.engine.journal import frames

_STREAM = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
"""How a zlib or gzip stream begins, wherever in a file it does."""


def everywhere(home: Path, *needles: bytes) -> set[str]:
    """Returns where in a data folder the needles are, as paths in it; compressed parts count, too."""
    found = {
        str(path.relative_to(home))
        for path, content in _contents(home)
        if any(needle in content for needle in needles)
    }
    for store in (home / "workspaces").iterdir():
        packed = [*_packed(store / "repo.git"), *_frames(store)]
        for mirror in store.glob("remotes/*/*.git"):
            packed += _packed(mirror)
        found |= {name for name, content in packed if any(needle in content for needle in needles)}
    return found


def _contents(home: Path) -> Iterator[tuple[Path, bytes]]:
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield path, content
            for start in _STREAM.finditer(content):
                with suppress(zlib.error):
                    yield path, zlib.decompressobj(wbits=47).decompress(content[start.start() :])


def traces(store: Path, *needles: bytes) -> list[str]:
    """Returns where in a store the needles are: in files as they lie, packs, and frames."""
    places = [*_files(store), *_packed(store / "repo.git"), *_frames(store)]
    return [name for name, content in places if any(needle in content for needle in needles)]


def _files(store: Path) -> Iterator[tuple[str, bytes]]:
    for path in store.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield str(path), content
            for unpack in (zlib.decompress, gzip.decompress):
                try:
                    yield f"{path} unpacked", unpack(content)
                except (OSError, EOFError, zlib.error):
                    continue


def _packed(repository: Path) -> Iterator[tuple[str, bytes]]:
    """Every object that git finds, in packs that count or not."""
    if repository.exists():
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        git = ["git", "--git-dir", str(repository), "cat-file", "--batch-all-objects", "--batch"]
        yield "repo.git", subprocess.run(git, capture_output=True, env=clean, check=True).stdout


def _frames(store: Path) -> Iterator[tuple[str, bytes]]:
    with reading(store) as journal:
        for segment in journal.segments():
            for item in segment.walk():
                if isinstance(item, frames.Frame):
                    yield f"frame {segment.number}:{item.offset}", _unpacked(item)


def _unpacked(frame: frames.Frame) -> bytes:
    if frame.kind == frames.OPERATION:
        return frames.unpack_commit(frame.payload).document
    if frame.kind == frames.OBJECT:
        found = frames.unpack_object(frame.payload)
        return frames.inflate(found.data, found.size) or b""
    return zlib.decompress(frame.payload) if frame.kind == frames.CHUNK else frame.payload
