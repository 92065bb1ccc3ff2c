"""Patches, checked by the real `git apply`."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.bench import FAST, build_snapshot

from stepwell.store.engine.diff import changes
from stepwell.store.engine.objects import MemoryObjects
from stepwell.store.engine.patch import as_patch, quoted

FILE, EXEC = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
LINK, FOLDER = stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

Tree = dict[bytes, tuple[int, bytes | None]]

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CEILING_DIRECTORIES": "/",
}


def written(folder: Path, tree: Tree) -> None:
    """Writes files and links; folders come with them."""
    root = os.fsencode(folder)
    for path, (mode, content) in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        assert content is not None
        if stat.S_ISLNK(mode):
            os.symlink(content, full)
        else:
            with open(full, "wb") as file:
                file.write(content)
            os.chmod(full, stat.S_IMODE(mode))


def found(folder: Path) -> Tree:
    """Reads files and links back, with git's modes."""
    root = os.fsencode(folder)
    tree: Tree = {}
    for at, folders, files in os.walk(root):
        for name in folders + files:
            full = os.path.join(at, name)
            mode = os.lstat(full).st_mode
            relative = os.path.relpath(full, root)
            if stat.S_ISLNK(mode):
                tree[relative] = (LINK, os.readlink(full))
            elif stat.S_ISREG(mode):
                with open(full, "rb") as file:
                    tree[relative] = (EXEC if mode & 0o100 else FILE, file.read())
    return tree


def apply(folder: Path, patch: bytes) -> None:
    """Runs `git apply` outside any repository."""
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=patch,
        env=_ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stderr.decode("utf-8", "replace"), patch)


def check(a: Tree, b: Tree, *, hunks: bool = True) -> bytes:
    """Asserts that the patch from a to b turns a into b, and returns it."""
    sink = MemoryObjects()
    found_changes = changes(sink, build_snapshot(sink, a), build_snapshot(sink, b), hunks=hunks)
    patch = as_patch(found_changes, sink)
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        folder = Path(name)
        written(folder, a)
        if patch:
            apply(folder, patch)
        assert found(folder) == b
    return patch


CASES: dict[str, tuple[Tree, Tree]] = {
    "text": ({b"a": (FILE, b"1\n2\n3\n")}, {b"a": (FILE, b"1\nTWO\n3\n")}),
    "no final newline": ({b"a": (FILE, b"1\n2")}, {b"a": (FILE, b"1\n2\n")}),
    "newline lost": ({b"a": (FILE, b"1\n2\n")}, {b"a": (FILE, b"1\n2")}),
    "neither has it": ({b"a": (FILE, b"1\nx")}, {b"a": (FILE, b"0\nx")}),
    "carriage returns": ({b"a": (FILE, b"1\r\n2\r\n")}, {b"a": (FILE, b"1\r\n2\r3\r\n")}),
    "binary": ({b"a": (FILE, b"\0\1\2" * 99)}, {b"a": (FILE, bytes(range(256)))}),
    "binary to empty": ({b"a": (FILE, b"\0")}, {b"a": (FILE, b"")}),
    "nul after the sniffed part": (
        {b"a": (FILE, b"x\n" * 5000)},
        {b"a": (FILE, b"x\n" * 5000 + b"\0\n")},
    ),
    "mode": ({b"a": (FILE, b"x\n")}, {b"a": (EXEC, b"x\n")}),
    "mode and text": ({b"a": (FILE, b"x\n")}, {b"a": (EXEC, b"y\n")}),
    "link target": ({b"a": (LINK, b"x")}, {b"a": (LINK, b"y/z")}),
    "file to link": ({b"a": (FILE, b"x\n")}, {b"a": (LINK, b"x")}),
    "link to file": ({b"a": (LINK, b"x")}, {b"a": (EXEC, b"x")}),
    "file to folder": ({b"a": (FILE, b"x\n")}, {b"a/b": (FILE, b"y\n")}),
    "folder to file": ({b"a/b": (FILE, b"y\n")}, {b"a": (FILE, b"x\n")}),
    "renamed into its own name": ({b"a": (FILE, b"x\n")}, {b"a/a": (FILE, b"x\n")}),
    "renamed": ({b"a": (FILE, b"x\n")}, {b"d/b c": (EXEC, b"x\n")}),
    "created and deleted empty": ({b"a": (FILE, b"")}, {b"b": (EXEC, b"")}),
    "odd names": (
        {b'q"\\': (FILE, b"x\n"), b"tab\tnl\n": (FILE, b"x\n"), b"\xff\xfe": (FILE, b"x\n")},
        {b'q"\\': (FILE, b"y\n"), b"tab\tnl\n": (EXEC, b"x\n"), "ü \x7f".encode(): (FILE, b"q")},
    ),
    "spaces": ({b" a b ": (FILE, b"x\n")}, {b" a b ": (FILE, b"y\n"), b"c d": (FILE, b"z")}),
    "looks like a patch": (
        {b"a": (FILE, b"--- a/x\n+++ b/x\n")},
        {b"a": (FILE, b"-- a/x\n@@ -1 +1 @@\n\\ No newline at end of file\n")},
    ),
    "too large to compare": (
        {b"a": (FILE, b"line\n" * 1_000_001)},
        {b"a": (FILE, b"line\n" * 1_000_001 + b"x")},
    ),
}


@pytest.mark.compat
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hunks", [True, False])
def test_git_applies_each_kind_of_change(case: str, hunks: bool) -> None:
    """Every kind of change, both ways, with and without hunks computed before."""
    a, b = CASES[case]
    check(a, b, hunks=hunks)
    check(b, a, hunks=hunks)


NAMES = st.sampled_from(
    [
        b"a",
        b"b",
        b"c d",
        b"d/e",
        b"d/f/g",
        b"d",
        b'"q',
        b"\xc3\xa9",
        b"\xff",
        b"n\nl",
        b"-x",
        b"d/e/h",
    ]
)
CONTENTS = st.one_of(
    st.sampled_from([b"", b"\n", b"same\n", b"x\r\ny\r\n", b"\0bin", b"no newline"]),
    st.lists(
        st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\\ d\n", b"-\n", b"\n"]), max_size=30
    ).map(b"".join),
    st.binary(max_size=80),
)


def _possible(tree: Tree) -> Tree:
    """Drops what lies below a file."""
    taken = {p for p in tree if not any(q != p and q.startswith(p + b"/") for q in tree)}
    return {p: e for p, e in tree.items() if p in taken}


FILES = st.tuples(st.sampled_from([FILE, EXEC]), CONTENTS)
# Targets that no path of a tree has: git apply itself gives up on links that lead in a circle.
LINKS = st.tuples(st.just(LINK), st.sampled_from([b"away", b"no/where", b"../x", b"n\nl\xff"]))
TREES = st.dictionaries(NAMES, st.one_of(FILES, LINKS), max_size=6).map(_possible)


@pytest.mark.compat
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(a=TREES, b=TREES)
def test_git_apply_turns_any_tree_into_any_other(a: Tree, b: Tree) -> None:
    """The patch from a to b, applied on a, gives b exactly."""
    check(a, b)


def test_what_git_cannot_hold_is_left_out() -> None:
    """Empty folders, exact permissions and refused names are no part of a patch."""
    sink = MemoryObjects()
    a = build_snapshot(sink, {b"m": (stat.S_IFREG | 0o600, b"x")})
    b = build_snapshot(
        sink,
        {
            b"m": (FILE, b"x"),
            b"empty": (FOLDER, None),
            b".GIT": (FOLDER, None),
            b".GIT/x": (FILE, b"x"),
        },
    )
    found_changes = changes(sink, a, b, hunks=True)
    assert {c.path for c in found_changes} == {b"m", b"empty", b".GIT/x"}
    assert as_patch(found_changes, sink) == b""


def test_a_rename_is_said_as_one() -> None:
    """The patch of a move carries no content."""
    content = b"line\n" * 100
    patch = check({b"old": (FILE, content)}, {b"new": (FILE, content)})
    assert b"rename from old\nrename to new\n" in patch
    assert b"line" not in patch


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"a b", b"a b"),
        (b"\x07\x1b", b'"\\a\\033"'),
        (b"\xc3\xa9", b'"\\303\\251"'),
        (b'"', b'"\\""'),
    ],
)
def test_paths_are_quoted_as_git_quotes_them(path: bytes, text: bytes) -> None:
    """C escapes and octal bytes in double quotes, only where needed."""
    assert quoted(path) == text
