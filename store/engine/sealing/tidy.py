"""Fewer packs: merging them, and removing those of which nothing would be missed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.manifest import Manifest, read_manifest
from stepwell.store.engine.objects import EMPTY_BLOB, EMPTY_TREE, MODE_TREE, decode_tree
from stepwell.store.engine.sealing.commits import step_of_commit
from stepwell.store.engine.sealing.history import chunks_of, tree_of_commit
from stepwell.store.engine.sealing.layout import pack_folder, repository_of
from stepwell.store.engine.sealing.packindex import PackIndex
from stepwell.store.engine.sealing.packs import Packs
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, oid_from_hex

_ID = re.compile("[0-9a-f]{40}")
_SUMMARIES = ("info/commit-graph", "info/commit-graphs/*", "pack/multi-pack-index*")
"""Below `objects`: made by other programs of all packs there were, void ones too."""


def remove_redundant(store: Path) -> int:
    """Removes the packs that the manifest does not list, if it would miss nothing of them.

    They are left by a sealing that was killed, or were merged. Returns how many went.

    Raises:
        FailedError: the system refuses.
    """
    manifest = read_manifest(store)
    packs = Packs(repository_of(store))
    if manifest is None:
        return 0
    listed = [index for index in packs.indexes if index.name in manifest.packs]
    others = [index for index in packs.indexes if index.name not in manifest.packs]
    if {index.name for index in listed} != set(manifest.packs):
        return 0
    gone = [index for index in others if not missed(packs, index, listed, manifest)]
    for index in gone:
        _remove(index)
    _remove_without_index(pack_folder(repository_of(store)), manifest)
    return len(gone)


def _remove_without_index(folder: Path, manifest: Manifest) -> None:
    """Removes packs that a kill left before they had an index, or after they lost it on leaving."""
    for path in folder.glob("pack-*.pack"):
        if path.stem not in manifest.packs and not path.with_suffix(".idx").exists():
            _unlink(path)


def remove_void(store: Path) -> None:
    """Removes the files of packs that the manifest calls void; again does nothing.

    What of them no pack that counts holds goes first where another program left it loose, so that
    after a kill it is still known; so do files in which git keeps what it knows of commits and packs.

    Raises:
        FailedError: the system refuses.
    """
    manifest = read_manifest(store)
    if manifest is None or not manifest.void:
        return
    repository = repository_of(store)
    indexes = Packs(repository).indexes
    listed = [index for index in indexes if index.name in manifest.packs]
    void = [i for i in indexes if i.name in manifest.void and i.name not in manifest.packs]
    if void:
        for path, oid in _loose(repository):
            if _in_any(void, oid) and not _in_any(listed, oid):
                _unlink(path)
        for name in _SUMMARIES:
            for path in (repository / "objects").glob(name):
                _unlink(path)
    for index in void:
        _remove(index)
    for name in set(manifest.void) - set(manifest.packs):
        # Of one whose index went before a kill.
        _unlink(pack_folder(repository) / f"{name}.pack")


def _loose(repository: Path) -> Iterator[tuple[Path, Oid]]:
    """Yields the objects that lie in files of their own; no sealing makes such."""
    for path in (repository / "objects").glob("[0-9a-f][0-9a-f]/*"):
        name = path.parent.name + path.name
        if _ID.fullmatch(name):
            yield path, oid_from_hex(name)


def _in_any(indexes: Iterable[PackIndex], oid: Oid) -> bool:
    return any(oid in index for index in indexes)


def copied_packs(
    packs: Packs, unlisted: Iterable[PackIndex], manifest: Manifest, ours: Set[Oid]
) -> tuple[list[PackIndex], list[PackIndex]]:
    """Parts packs that another program made: copies of our own history, and those with more in them.

    `ours` is what steps need; what was derived from that, now or earlier, is ours, too.
    """
    copies, others = list[PackIndex](), list[PackIndex]()
    for index in unlisted:
        unknown = set(index.ids()) - ours - {EMPTY_TREE, EMPTY_BLOB}
        # As if no operations counted: those that do are derived, too.
        strange = unknown - _out_of_use(packs, unknown, replace(manifest, operations=""))
        (others if strange else copies).append(index)
    return copies, others


def missed(
    packs: Packs, index: PackIndex, kept: Iterable[PackIndex], manifest: Manifest
) -> set[Oid]:
    """Returns what of a pack is neither in those that are kept, nor derived and out of use."""
    unknown = {oid for oid in index.ids() if not any(oid in other for other in kept)}
    return unknown - _out_of_use(packs, unknown, manifest) if unknown else unknown


def _out_of_use(packs: Packs, unknown: set[Oid], manifest: Manifest) -> set[Oid]:
    """Returns those of the objects that an earlier sealing derived and this history does not use."""
    current = manifest.operations
    commits = {oid for oid in unknown if packs.kind(oid) == "commit" and oid.hex() != current}
    derived = set(commits)
    for oid in commits:
        content = packs.read(oid)[1]
        if step_of_commit(content) is None:
            derived |= _history_objects(packs, tree_of_commit(content), manifest.sealed)
    return derived


def _history_objects(packs: Packs, top: Oid, sealed: int) -> set[Oid]:
    """Returns the trees and chunks that hold operations up to `sealed`, without what they list."""
    entries = decode_tree(packs.read(top)[1])
    found = {top, *(chunk.blob for chunk in chunks_of(entries) if chunk.last <= sealed)}
    folders = [entry.oid for entry in entries if entry.mode == MODE_TREE]
    for _ in range(3):
        found.update(folders)
        below = (decode_tree(packs.read(folder)[1]) for folder in folders)
        folders = [e.oid for entries in below for e in entries if e.mode == MODE_TREE]
    return found


def check_nothing_missed(packs: Packs, merged: PackIndex, manifest: Manifest) -> None:
    """Raises IntegrityError when a merged pack lacks something of the packs before it."""
    for index in packs.indexes:
        lost = missed(packs, index, [merged], manifest)
        if lost:
            raise IntegrityError(
                f"merging packs stopped: {len(lost)} objects of {index.name} would be missed",
                hint="nothing was removed; run `stepwell verify --full`",
                object=min(lost).hex(),
            )


def _remove(index: PackIndex) -> None:
    # Without its index git does not see a pack; the other way round it would complain.
    for suffix in (".idx", ".pack", ".rev", ".bitmap", ".mtimes"):
        _unlink(index.path.with_suffix(suffix))


def _unlink(path: Path) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise system_error(error, "removing", path) from error
