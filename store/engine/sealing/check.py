"""Checking sealed history: packs, indexes, refs, HEAD and configuration, each by its checksum.

git's own check misses damage that still makes sense: a flipped bit in a ref's name or in the
configuration. The manifest has a checksum over the refs, and the configuration has one fixed text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.manifest import Manifest
from stepwell.store.engine.sealing.layout import CONFIG, repository_of
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.engine.sealing.refs import refs_digest

_REFS = "a ref or HEAD is not as it was written; `stepwell gc` writes them anew"
_CONFIG = "it is not the text that stepwell writes; `stepwell gc` writes it anew"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at."""

    kind: str
    """pack, refs or config."""
    name: str
    wrong: str
    """Why it is not as it was written; empty when it is."""
    index: PackIndex | None = None
    """Of a pack, when it can be read."""


def check_sealed(store: Path, manifest: Manifest, packs: Packs, full: bool) -> Iterator[Found]:
    """Yields what sealed history consists of, and what is wrong with it.

    Every flipped bit of indexes, refs and configuration is told; of packs with `full`.
    """
    if not manifest.packs:
        return
    known = {index.name: index for index in packs.indexes}
    for name in manifest.packs:
        index = known.get(name)
        yield Found("pack", name, _wrong_with_pack(index, full), index)
    repository = repository_of(store)
    same = refs_digest(repository) == manifest.refs
    yield Found("refs", "refs", "" if same else _REFS)
    for name, text in (("config", CONFIG), ("info/attributes", b"")):
        same = _content(repository / name) == text
        yield Found("config", name, "" if same else _CONFIG)


def _wrong_with_pack(index: PackIndex | None, full: bool) -> str:
    if index is None:
        return "its index is missing, or is none"
    if not index.is_sound():
        return "its index is damaged"
    if not index.pack_is_there():
        return "the pack is missing or cut, or its index is another's"
    if full and not index.pack_is_sound():
        return "bytes of the pack are damaged"
    return ""


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
