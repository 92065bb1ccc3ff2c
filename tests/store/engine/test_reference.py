"""The fast engine against git itself: same tree ids, and trees that fsck accepts."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.store.engine.capture import Captured, capture_tree
from stepwell.store.engine.objects import MemoryObjects, ObjectReader, decode_tree
from stepwell.store.engine.reference import ReferenceEngine
from stepwell.store.engine.scan import Scanner, StatTable
from stepwell.store.engine.treebuild import git_mode
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid

NAMES = (b"a", b"a.b", b"a-", b"ab", b"B", b"\xff\xfe", b"new\nline", b"-rf", b"e\xcc\x81", b" ")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ReferenceEngine]:
    """Yields an engine with a scratch folder of its own."""
    with ReferenceEngine(tmp_path / "scratch") as made:
        yield made


def _walk(root: bytes) -> list[tuple[bytes, int, bytes]]:
    """Returns what git should store, read by the plainest means."""
    found = []
    for folder, _, _ in os.walk(root):
        for entry in os.scandir(folder):
            path = os.path.relpath(entry.path, root)
            if entry.is_symlink():
                found.append((path, 0o120000, os.readlink(entry.path)))
            elif entry.is_file(follow_symlinks=False):
                mode = entry.stat(follow_symlinks=False).st_mode
                found.append((path, git_mode(mode), Path(os.fsdecode(entry.path)).read_bytes()))
    return found


def _edit(rng: random.Random, root: bytes) -> None:
    """Does one thing to the tree that people and programs do."""
    paths = [os.path.join(f, n) for f, _, names in os.walk(root) for n in names]
    folders = [f for f, _, _ in os.walk(root)]
    target = os.path.join(rng.choice(folders), rng.choice(NAMES))
    match rng.randrange(7):
        case 0 | 1 if not os.path.isdir(target) or os.path.islink(target):
            _replace(target, lambda: _write(target, rng.randbytes(rng.randrange(40))))
        case 2 if paths:
            os.unlink(rng.choice(paths))
        case 3 if paths:
            chosen = rng.choice(paths)
            if not os.path.islink(chosen):
                os.chmod(chosen, rng.choice((0o644, 0o755, 0o600, 0o700)))
        case 4 if not os.path.lexists(target):
            os.mkdir(target)
        case 5 if not os.path.isdir(target) or os.path.islink(target):
            _replace(target, lambda: os.symlink(rng.choice((b"a", b"../x", b"/\xff")), target))
        case 6 if len(folders) > 1 and not os.path.lexists(target):
            chosen = rng.choice(folders[1:])
            if not target.startswith(chosen + b"/"):
                os.rename(chosen, target)


def _replace(target: bytes, make: object) -> None:
    if os.path.lexists(target):
        os.unlink(target)
    make()  # type: ignore[operator]


def _write(path: bytes, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _capture(root: bytes, sink: MemoryObjects, last: Captured | None) -> Captured:
    table = StatTable.loads(last.table.dumps()) if last else None
    return capture_tree(Scanner(root, table), sink, last.snapshot if last else None)


def _copy_tree(reader: ObjectReader, engine: ReferenceEngine, tree: Oid) -> None:
    kind, content = reader.read(tree)
    assert engine.add(kind, content) == tree
    for entry in decode_tree(content):
        if stat.S_IFMT(entry.mode) == stat.S_IFDIR:
            _copy_tree(reader, engine, entry.oid)
        else:
            assert engine.add(*reader.read(entry.oid)) == entry.oid


@pytest.mark.compat
@pytest.mark.parametrize("seed", range(4))
def test_tree_ids_equal_gits_after_random_edits(
    seed: int, tmp_path: Path, engine: ReferenceEngine
) -> None:
    """Scans with a saved table, edit after edit, give the tree that git builds from the files."""
    rng = random.Random(seed)
    root = os.fsencode(tmp_path / "work")
    os.mkdir(root)
    sink, last = MemoryObjects(), None
    for _ in range(12):
        for _ in range(rng.randrange(1, 8)):
            _edit(rng, root)
        last = _capture(root, sink, last)
        assert last.snapshot.tree == engine.tree_of(_walk(root))
        assert last.snapshot == _capture(root, MemoryObjects(), None).snapshot
    assert last is not None
    _copy_tree(sink, engine, last.snapshot.tree)
    engine.check(last.snapshot.tree)


@pytest.mark.compat
def test_names_that_git_refuses_leave_a_tree_that_fsck_accepts(
    tmp_path: Path, engine: ReferenceEngine
) -> None:
    """`.GIT`, `git~1`, a linked `.gitmodules` and overlong attributes stay out of the tree."""
    root = tmp_path / "work"
    for name in (".GIT/config", "sub/git~1", ".g\u200cit/x", "GIT~1/hooks/x", ".gitmodules/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("mine\n")
    (root / "l").mkdir()
    (root / "l/.gitmodules").symlink_to("elsewhere")
    (root / "l/.gitattributes").write_text("x" * 3000)
    (root / "plain").write_text("plain\n")
    sink = MemoryObjects()
    captured = _capture(os.fsencode(root), sink, None)
    names = [e.name for e in decode_tree(sink.read(captured.snapshot.tree)[1])]
    assert names == [b"plain"]
    _copy_tree(sink, engine, captured.snapshot.tree)
    engine.check(captured.snapshot.tree)


@pytest.mark.compat
def test_the_check_refuses_what_fsck_refuses(engine: ReferenceEngine) -> None:
    """The oracle can fail: a tree with an entry called `.git` is reported."""
    blob = engine.add("blob", b"x")
    tree = engine.add("tree", b"100644 .git\0" + blob)
    with pytest.raises(FailedError, match="fsck"):
        engine.check(tree)


@pytest.mark.compat
def test_inherited_git_variables_do_not_reach_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects go to the scratch repository whatever the surroundings name."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(elsewhere))
    monkeypatch.setenv("GIT_DIR", str(elsewhere))
    with ReferenceEngine(tmp_path / "scratch") as engine:
        engine.tree_of([(b"a", 0o100644, b"content")])
    assert list(elsewhere.iterdir()) == []
