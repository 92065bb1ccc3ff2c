"""The user's index, read without git: every version git writes, and whatever else lies there."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.engine.userindex import (
    GitFolders,
    Wanted,
    find_git_folders,
    index_mark,
    parse_index,
    tracked_paths,
)

GIT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}
PATHS = (
    b"a",
    b"a.b",
    b"dir/x",
    b"dir/" + b"long" * 60,
    b"n\nl",
    b"\xff",
    b"z/" + b"q" * 200 + b"/r",
)


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, env=GIT, check=True, capture_output=True)


def _repository(root: Path, *options: str) -> Path:
    root.mkdir()
    _git(root, "init", "-q", *options, ".")
    for path in PATHS:
        full = os.path.join(os.fsencode(root), path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        Path(os.fsdecode(full)).write_bytes(b"x")
    return root


@pytest.mark.compat
@pytest.mark.parametrize("options", [(), ("--object-format=sha256",)])
@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_all_versions_and_both_hashes_are_read(
    tmp_path: Path, version: str, options: tuple[str, ...]
) -> None:
    """The paths equal what was added, with extended flags (version 3) and compressed names (4)."""
    root = _repository(tmp_path / "r", *options)
    _git(root, "add", "a", "a.b", "dir", "z", "--", ":(glob)n*", ":(glob)\udcff")
    _git(root, "update-index", "--index-version", version)
    if version == "3":
        (root / "later").write_text("x")
        _git(root, "add", "--intent-to-add", "later")
    found = tracked_paths(find_git_folders(os.fsencode(root)))
    assert found.reason == ""
    later = {b"later"} if version == "3" else set()
    assert set(found.paths) == set(PATHS) | later
    assert list(found.paths) == sorted(found.paths)


@pytest.mark.compat
def test_a_linked_worktree_has_its_own_index(tmp_path: Path) -> None:
    """`.git` is a file there; the index is the worktree's, info/exclude the repository's."""
    root = _repository(tmp_path / "r")
    _git(root, "add", "a")
    _git(root, "commit", "-qm", "first")
    _git(root, "worktree", "add", "-q", str(tmp_path / "wt"))
    folders = find_git_folders(os.fsencode(tmp_path / "wt"))
    assert folders is not None
    assert folders.common == os.fsencode(root / ".git")
    assert tracked_paths(folders).paths == (b"a",)


@pytest.mark.compat
def test_a_split_index_is_refused_with_a_reason(tmp_path: Path) -> None:
    """Its paths lie in another file; none is better than some."""
    root = _repository(tmp_path / "r")
    _git(root, "add", "a")
    _git(root, "update-index", "--split-index")
    found = tracked_paths(find_git_folders(os.fsencode(root)))
    assert found.paths == ()
    assert "split" in found.reason


def _index(entries: int, body: bytes, version: int = 2) -> bytes:
    content = b"DIRC" + version.to_bytes(4, "big") + entries.to_bytes(4, "big") + body
    return content + hashlib.sha1(content).digest()


def test_a_sparse_index_is_refused_with_a_reason() -> None:
    """An entry that stands for a folder hides the paths below it."""
    entry = bytes(24) + (0o040000).to_bytes(4, "big") + bytes(32) + b"\x00\x01d" + bytes(7)
    assert "sparse" in parse_index(_index(1, entry)).reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"DIRC",
        b"JUNK" + bytes(40),
        _index(1, b""),
        _index(0xFFFFFFFF, bytes(70)),
        _index(1, bytes(70), version=9),
        _index(0, b"link\0\0\0\0"),
        _index(0, b"TREE\xff\xff\xff\xff"),
        _index(0, b"")[:-1] + b"!",
        _index(1, bytes(60) + b"\x0f\xff" + b"x" * 8),
        _index(1, bytes(62) + b"\xff" * 9 + b"\x7fa\0", version=4),
    ],
)
def test_a_damaged_index_gives_no_paths_and_a_reason(content: bytes) -> None:
    """Truncated, unknown, lying about sizes, wrong checksum: never an error, never a guess."""
    found = parse_index(content)
    assert found.paths == ()
    assert found.reason


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 5), st.sampled_from([2, 3, 4]))
def test_no_bytes_make_the_parser_fail(body: bytes, entries: int, version: int) -> None:
    """Whatever lies behind a right header and checksum, there is an answer."""
    found = parse_index(_index(entries, body, version))
    assert found.paths == () or found.reason == ""


def test_broken_git_entries_are_no_repository(tmp_path: Path) -> None:
    """Garbage, a link, a pointer to nowhere: there is nothing to read."""
    for name in ("garbage", "nowhere", "nul", "empty", "link", "fifo"):
        (tmp_path / name).mkdir()
    (tmp_path / "garbage/.git").write_bytes(b"\0\xff")
    (tmp_path / "nowhere/.git").write_bytes(b"gitdir: /nonexistent/../../x\n")
    (tmp_path / "nul/.git").write_bytes(b"gitdir: a\0b\n")
    (tmp_path / "empty/.git").write_bytes(b"gitdir: \n")
    (tmp_path / "link/.git").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "fifo/.git")
    for folder in tmp_path.iterdir():
        assert find_git_folders(os.fsencode(folder)) is None
    assert index_mark(None) == b""


def test_wanted_paths_are_found_by_path_and_by_folder(tmp_path: Path) -> None:
    """A folder is wanted when something below it is; a name that merely begins so is not."""
    wanted = Wanted(None, [b"a/b/c", b"ab"])
    assert wanted.covers(b"a", True)
    assert wanted.covers(b"a/b", True)
    assert wanted.covers(b"ab", False)
    assert not wanted.covers(b"a", False)
    assert not wanted.covers(b"a/b/c", True)
    assert not wanted.covers(b"b", True)


def test_the_mark_changes_when_the_index_is_written(tmp_path: Path) -> None:
    """Verdicts that rest on the index are made anew then."""
    index = tmp_path / "index"
    folders = GitFolders(os.fsencode(tmp_path), os.fsencode(tmp_path))
    before = Wanted(folders, ()).mark
    index.write_bytes(_index(0, b""))
    written = Wanted(folders, ()).mark
    assert len({before, written, Wanted(folders, [b"x"]).mark}) == 3
