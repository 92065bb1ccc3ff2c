"""Merging beside `git merge`: the same tree, the same conflicted paths, over generated forks."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from support.forks import Files, Fork, edits, edits_of, fork
from support.repositories import Repository

from stepwell.store.engine import extras
from stepwell.store.engine.extras import Extras
from stepwell.store.engine.merge.conflicts import Side, edited_tree
from stepwell.store.engine.merge.joining import join_trees
from stepwell.store.engine.merge.snapshots import Merged, merge_snapshots
from stepwell.store.engine.merge.trees import Staged, Tips
from stepwell.store.engine.objects import BLOB, EMPTY_TREE, LayeredObjects, MemoryObjects
from stepwell.store.engine.snapshots import Entry, entries
from stepwell.store.engine.treebuild import git_mode
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot, Step

OURS, THEIRS = "main", "theirs"


class Oracle:
    """A repository in which each fork is three commits."""

    def __init__(self, folder: Path) -> None:
        self.git = Repository(folder)
        self.git("config", "user.name", "a")
        self.git("config", "user.email", "a@example.org")
        self.git("config", "gc.auto", "0")

    def merge(self, made: Fork, *options: str) -> tuple[Files, set[bytes]]:
        """Returns the files that git leaves on disk and the paths that it could not merge."""
        self._import(
            self._commit(b"base", (), made.base),
            self._commit(b"ours", (b"base",), made.ours),
            self._commit(b"theirs", (b"base",), made.theirs),
        )
        return self._merged(*options)

    def merge_crossed(self, left: Fork, right: Fork) -> tuple[Files, set[bytes]]:
        """Merges two tips that have the same two parents, which have one parent."""
        self._import(
            self._commit(b"base", (), left.base),
            self._commit(b"left", (b"base",), left.ours),
            self._commit(b"right", (b"base",), left.theirs),
            self._commit(b"ours", (b"left", b"right"), right.ours),
            self._commit(b"theirs", (b"left", b"right"), right.theirs),
        )
        return self._merged()

    def _import(self, *commits: bytes) -> None:
        self.git("fast-import", "--quiet", "--force", feed=b"".join(commits))

    def _merged(self, *options: str) -> tuple[Files, set[bytes]]:
        self.git("checkout", "--quiet", "--force", "--detach", "ours")
        self.git("clean", "-xdfq")
        try:
            self.git("merge", "--quiet", "--no-edit", *options, THEIRS)
            conflicted: set[bytes] = set()
        except AssertionError:
            rows = self.git("ls-files", "-u", "-z").split(b"\0")[:-1]
            conflicted = {row.partition(b"\t")[2] for row in rows}
            assert rows or (self.git.root / ".git" / "MERGE_HEAD").exists()
            self.git("add", "-A")
        found = {}
        for row in self.git("ls-files", "-s", "-z").split(b"\0")[:-1]:
            facts, _, path = row.partition(b"\t")
            mode, oid, _ = facts.decode().split(" ")
            found[path] = (int(mode, 8), bytes.fromhex(oid))
        self.git("reset", "--quiet", "--hard")
        return found, conflicted

    @staticmethod
    def _commit(name: bytes, parents: tuple[bytes, ...], files: Files) -> bytes:
        head = b"reset refs/heads/%s\n" % name
        head += b"commit refs/heads/%s\ncommitter a <a> 0 +0000\ndata 1\nx" % name
        head += b"\n"
        for word, parent in zip((b"from", b"merge"), parents, strict=False):
            head += b"%s refs/heads/%s\n" % (word, parent)
        body = b"".join(
            b"M %o inline %s\ndata %d\n%s\n" % (mode, path, len(content), content)
            for path, (mode, content) in files.items()
        )
        return head + b"deleteall\n" + body


def step_of(objects: LayeredObjects, name: str, files: Files) -> Step:
    staged = {
        TrackedPath(path): Staged(mode, objects.add(BLOB, content))
        for path, (mode, content) in files.items()
    }
    tree = edited_tree(objects, EMPTY_TREE, staged)
    snapshot = Snapshot(tree, objects.add(BLOB, extras.encode(Extras())))
    return Step(StepId(name), 1, "main", (), "capture", name, 0, snapshot)


def merged(
    made: Fork, scratch: Path, prefer: Side | None = None
) -> tuple[LayeredObjects, Step, Merged]:
    """Returns what our merge makes of a fork, with ours."""
    objects = LayeredObjects(MemoryObjects())
    base, ours, theirs = (
        step_of(objects, name, files)
        for name, files in (("b", made.base), ("o", made.ours), ("t", made.theirs))
    )
    lineage = {ours.id: [base], theirs.id: [base], base.id: []}
    tips = Tips(OURS, ours, ours.snapshot.tree, THEIRS, theirs, lineage)
    scratch.mkdir()
    done = merge_snapshots(
        objects, base.snapshot, ours.snapshot, tips, nullcontext(scratch), prefer
    )
    return objects, ours, done


def result(objects: LayeredObjects, ours: Step, done: Merged) -> dict[bytes, tuple[int, bytes]]:
    """Returns the files of the result, under the name that `git merge` has for our side."""
    files: dict[bytes, Entry] = {bytes(e.path): e for e in entries(objects, ours.snapshot)}
    for path, (_, now) in done.pairs.items():
        files.pop(bytes(path), None)
        if now is not None:
            files[bytes(path)] = now
    found = {}
    for path, entry in files.items():
        if entry.oid is not None:
            content = objects.read(entry.oid)[1].replace(b"<<<<<<< main", b"<<<<<<< HEAD")
            oid = objects.add(BLOB, content)
            found[path.replace(b"~main", b"~HEAD")] = (git_mode(entry.mode), bytes(Oid(oid)))
    return found


def compare(oracle: Oracle, folder: Path, seed: int) -> bool:
    """Compares one fork; tells whether it had conflicts."""
    files, conflicted = oracle.merge(fork(seed))
    objects, ours, done = merged(fork(seed), folder / str(seed))
    assert {one.path.replace(b"~main", b"~HEAD") for one in done.conflicts} == conflicted, seed
    assert result(objects, ours, done) == files, seed
    return bool(conflicted)


@pytest.mark.compat
@pytest.mark.parametrize("block", range(4))
def test_forks_merge_as_git_merges_them(tmp_path: Path, block: int) -> None:
    """The same files, markers and all, and the same conflicted paths."""
    oracle = Oracle(tmp_path / "oracle")
    conflicts = sum(compare(oracle, tmp_path, 1000 * block + at) for at in range(30))
    assert 5 < conflicts < 25


def test_forks_that_need_no_git_are_among_them() -> None:
    """The comparison speaks of both ways to merge, and of conflicts on the one that asks git."""
    ways = [joined_tree(fork(1000 * block + at)) for block in range(4) for at in range(30)]
    assert 15 < sum(tree is not None for tree in ways) < 90


def joined_tree(made: Fork) -> Oid | None:
    objects = LayeredObjects(MemoryObjects())
    sides = (("b", made.base), ("o", made.ours), ("t", made.theirs))
    trees = (step_of(objects, name, files).snapshot.tree for name, files in sides)
    return join_trees(objects, *trees)


@pytest.mark.compat
def test_lines_that_met_twice_merge_as_git_merges_them(tmp_path: Path) -> None:
    """Git makes one base of two, by the base of those, before it merges."""
    oracle = Oracle(tmp_path / "oracle")
    conflicts = 0
    for seed in range(20):
        first = edits(seed)
        second = replace(edits_of(first.ours, 1_000 + seed), base=first.base)
        files, conflicted = oracle.merge_crossed(first, second)
        objects, ours, done = crossed(first, second, tmp_path / str(seed))
        assert {bytes(one.path) for one in done.conflicts} == conflicted, seed
        assert result(objects, ours, done) == files, seed
        conflicts += bool(conflicted)
    assert conflicts > 0


def crossed(first: Fork, second: Fork, folder: Path) -> tuple[LayeredObjects, Step, Merged]:
    """Returns what our merge makes of two tips with the same two parents."""
    objects = LayeredObjects(MemoryObjects())
    sides = (first.base, first.ours, first.theirs, second.ours, second.theirs)
    root, left, right, ours, theirs = (
        step_of(objects, name, files) for name, files in zip("blrot", sides, strict=True)
    )
    bases = {
        ours.id: [right, left],
        theirs.id: [right, left],
        left.id: [root],
        right.id: [root],
        root.id: [],
    }
    tips = Tips(OURS, ours, ours.snapshot.tree, THEIRS, theirs, bases)
    folder.mkdir()
    return (
        objects,
        ours,
        merge_snapshots(objects, right.snapshot, ours.snapshot, tips, nullcontext(folder), None),
    )


@pytest.mark.compat
@pytest.mark.parametrize("prefer", ["ours", "theirs"])
def test_a_preferred_side_wins_as_it_does_in_git(tmp_path: Path, prefer: Side) -> None:
    """`git merge -X`: of texts only the clashing lines, of binary files the whole."""
    oracle = Oracle(tmp_path / "oracle")
    clashed = 0
    for seed in range(25):
        files, conflicted = oracle.merge(edits(seed), "-X", prefer)
        objects, ours, done = merged(edits(seed), tmp_path / str(seed), prefer)
        assert conflicted == set() and done.conflicts == ()
        assert result(objects, ours, done) == files, seed
        clashed += bool(merged(edits(seed), tmp_path / f"{seed} plain")[2].conflicts)
    assert clashed > 10


@pytest.mark.compat
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_forks_merge_as_git_merges_them(tmp_path: Path) -> None:
    """As above, over many more."""
    oracle = Oracle(tmp_path / "oracle")
    assert sum(compare(oracle, tmp_path, 10_000 + at) for at in range(1_000)) > 100
