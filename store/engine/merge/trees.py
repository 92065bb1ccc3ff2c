"""Merging git trees: `git merge-tree --write-tree` in a scratch repository, and its answer as values.

The repository gets only what differs: commits that stand for the steps, the trees on the way to a
difference, and contents that git may have to compare. Subtrees that agree on all sides are named
and not given; git never opens them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stepwell.store.engine.git import Git
from stepwell.store.engine.merge.joining import join_trees
from stepwell.store.engine.merge.pack import write_pack
from stepwell.store.engine.merge.workbench import prepare, written
from stepwell.store.engine.objects import (
    EMPTY_TREE,
    MODE_TREE,
    LayeredObjects,
    ObjectReader,
    TreeEntry,
    decode_tree,
    raw_entries,
)
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.ids import Oid, StepId, object_id, oid_from_hex
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Step

_WHO = b"stepwell <stepwell@localhost> 0 +0000"


class Staged(NamedTuple):
    """One side of a conflicted path, as git's index has it."""

    mode: int
    oid: Oid


class Note(NamedTuple):
    """What git says of some paths; `kind` is one of its stable words, `CONFLICT (contents)`."""

    paths: tuple[TrackedPath, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class TreeMerge:
    """What git made of the trees."""

    tree: Oid
    """With conflict markers, and with names of git's making, where there are conflicts."""
    stages: Mapping[TrackedPath, Mapping[int, Staged]]
    """Conflicted path -> its sides: 1 base, 2 ours, 3 theirs."""
    notes: tuple[Note, ...]
    contents: tuple[bytes, ...]
    """Blobs that git wrote; they are in the reader, too, as are the trees."""


@dataclass(frozen=True, slots=True)
class Tips:
    """The two sides: names for conflict markers, steps for the history, and the trees to merge."""

    ours_name: str
    ours: Step
    ours_tree: Oid
    """May be another than the step's: what is on disk."""
    theirs_name: str
    theirs: Step
    bases: Mapping[StepId, Sequence[Step]]
    """Each step -> the bases that it descends from (ancestry.lineage)."""


def joined(reader: LayeredObjects, tips: Tips) -> TreeMerge | None:
    """Returns the merge of two tips where it is known without git; None: it is not."""
    bases = tips.bases[tips.theirs.id]
    if len(bases) != 1:
        return None
    base, theirs = bases[0].snapshot.tree, tips.theirs.snapshot.tree
    tree = join_trees(reader, base, tips.ours_tree, theirs)
    return None if tree is None else TreeMerge(tree, {}, (), ())


def merge_trees(reader: LayeredObjects, tips: Tips, folder: Path) -> TreeMerge:
    """Merges the trees of two tips; `folder` is for git to work in (workbench.py).

    Raises:
        FailedError: git is not there, too old, or failed.
        IntegrityError: an object that is needed is missing or damaged.
    """
    commits = _Commits(tips)
    heads = {tips.ours_name: commits.of(tips.ours), tips.theirs_name: commits.of(tips.theirs)}
    trees = commits.trees()
    given = ((oid, *reader.read(oid)) for oid in sorted(set(_needed(reader, trees))))
    write_pack(prepare(folder, heads), [*commits.objects(), *given])
    with Git(folder, folder / "refs") as git:
        _, out = git.ask("merge-tree", "--write-tree", "-z", tips.ours_name, tips.theirs_name)
    contents = tuple(_take_in(reader, folder))
    return _parsed(out, contents)


@dataclass(slots=True)
class _Commits:
    """Commits that stand for steps; only their trees and ancestry matter."""

    tips: Tips
    _made: dict[StepId, tuple[Oid, bytes]] = field(default_factory=dict)
    _trees: dict[StepId, Oid] = field(default_factory=dict)

    def of(self, step: Step) -> Oid:
        """Returns the step's commit, made with those above it."""
        if step.id not in self._made:
            tree = self.tips.ours_tree if step.id == self.tips.ours.id else step.snapshot.tree
            parents = [self.of(base) for base in self.tips.bases[step.id]]
            lines = [
                b"tree " + tree.hex().encode(),
                *(b"parent " + p.hex().encode() for p in parents),
            ]
            # The step's id keeps two steps with one tree apart.
            lines += [b"author " + _WHO, b"committer " + _WHO, b"", step.id.encode(), b""]
            content = b"\n".join(lines)
            self._made[step.id] = (object_id("commit", content), content)
            self._trees[step.id] = tree
        return self._made[step.id][0]

    def objects(self) -> list[tuple[Oid, str, bytes]]:
        """Returns the commits as objects."""
        return [(oid, "commit", content) for oid, content in self._made.values()]

    def trees(self) -> list[Oid]:
        """Returns the trees: of ours, of theirs, of the bases."""
        tips = (self.tips.ours.id, self.tips.theirs.id)
        rest = [tree for step, tree in self._trees.items() if step not in tips]
        return [*(self._trees[tip] for tip in tips), *rest]


def _needed(reader: ObjectReader, trees: Sequence[Oid | None]) -> Iterator[Oid]:
    """Yields the objects below some trees that git reads to merge them (ours, theirs, bases)."""
    if len(set(trees)) == 1:
        # git opens the roots whatever they are.
        yield from (tree for tree in set(trees) if tree is not None and tree != EMPTY_TREE)
        return
    yield from (tree for tree in set(trees) if tree is not None and tree != EMPTY_TREE)
    rows = _differing(reader, trees)
    for name in sorted(set().union(*rows)):
        entries = [row.get(name) for row in rows]
        below = [e.oid if e is not None and e.mode == MODE_TREE else None for e in entries]
        if any(below):
            yield from _needed(reader, below)
        if not _is_settled(entries):
            yield from (e.oid for e in entries if e is not None and e.mode != MODE_TREE)


def _differing(reader: ObjectReader, trees: Sequence[Oid | None]) -> list[dict[bytes, TreeEntry]]:
    """Returns each tree's entries, by name, without those that are the same in all of them."""
    read = {tree: _raw(reader, tree) for tree in set(trees)}
    same = set.intersection(*read.values())
    left = {tree: decode_tree(b"".join(entries - same)) for tree, entries in read.items()}
    return [{entry.name: entry for entry in left[tree]} for tree in trees]


def _raw(reader: ObjectReader, tree: Oid | None) -> set[bytes]:
    return set() if tree is None or tree == EMPTY_TREE else raw_entries(reader.read(tree)[1])


def _is_settled(entries: Sequence[TreeEntry | None]) -> bool:
    """Tells whether a file is on all sides and only one changed it, so that no content matters."""
    if len(entries) != 3 or any(e is None or e.mode == MODE_TREE for e in entries):
        return False
    ours, theirs, base = entries
    return ours in (base, theirs) or theirs == base


def _take_in(reader: LayeredObjects, folder: Path) -> Iterator[bytes]:
    """Adds what git wrote to the reader and yields the blobs."""
    for path in written(folder):
        kind, content = _loose(path)
        oid = reader.add(kind, content)
        if oid.hex() != path.parent.name + path.name:
            raise IntegrityError(f"git wrote an object that does not hash to its id: {path.name}")
        if kind == "blob":
            yield content


def _loose(path: Path) -> tuple[str, bytes]:
    try:
        head, _, content = zlib.decompress(path.read_bytes()).partition(b"\0")
    except zlib.error as error:
        raise IntegrityError(f"git wrote an object that cannot be read: {path.name}") from error
    return head.partition(b" ")[0].decode("ascii"), content


def _parsed(out: bytes, contents: tuple[bytes, ...]) -> TreeMerge:
    """Reads the -z format of git-merge-tree(1)."""
    tree, *rest = out.split(b"\0")
    stages: dict[TrackedPath, dict[int, Staged]] = {}
    at = 0
    while at < len(rest) and rest[at]:
        facts, _, path = rest[at].partition(b"\t")
        mode, oid, stage = facts.decode("ascii").split(" ")
        sides = stages.setdefault(TrackedPath(path), {})
        sides[int(stage)] = Staged(int(mode, 8), oid_from_hex(oid))
        at += 1
    return TreeMerge(
        oid_from_hex(tree.decode("ascii")), stages, tuple(_notes(rest[at + 1 :])), contents
    )


def _notes(words: list[bytes]) -> Iterator[Note]:
    at = 0
    while at < len(words) and words[at]:
        count = int(words[at])
        paths = tuple(map(TrackedPath, words[at + 1 : at + 1 + count]))
        yield Note(paths, words[at + 1 + count].decode("ascii", "replace"))
        at += count + 3
