"""Three-way merges, beside git's own, and hunks taken one by one."""

from __future__ import annotations

import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.engine.lines import Side, compare, with_hunks
from stepwell.store.engine.objects import BLOB
from stepwell.store.engine.threeway import Clash, merge_states, merge_texts
from stepwell.store.model.ids import Oid, object_id
from stepwell.store.model.plans import PathState

LINES = st.sampled_from([b"a", b"b", b"c", b"\r", b"", b"longer line"])
FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Few different lines, so that many are equal; now and then no line feed at the end."""
    lines = draw(st.lists(LINES, max_size=12))
    return b"\n".join(lines) + (b"\n" if lines and draw(st.booleans()) else b"")


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A text of distinct lines and two versions of it, each with a few lines replaced."""
    base = [b"line %d\n" % number for number in range(draw(st.integers(0, 12)))]
    sides = []
    for _ in range(2):
        side = list(base)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(side)))
            gone = draw(st.integers(0, 2))
            side[at : at + gone] = draw(st.lists(LINES.map(lambda li: li + b"\n"), max_size=2))
        sides.append(b"".join(side).removesuffix(b"\n" if draw(st.booleans()) else b"\0"))
    return b"".join(base), sides[0], sides[1]


def gits(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Returns what `git merge-file` makes of it; None when it finds a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(text)
        run = subprocess.run(["git", "merge-file", "-p", "-q", *paths], capture_output=True)
    assert run.returncode < 128, run.stderr
    return None if run.returncode else run.stdout


def merged(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    try:
        return merge_texts(base, ours, theirs)
    except Clash as clash:
        assert clash.kind == "content"
        return None


@pytest.mark.compat
@settings(max_examples=150, deadline=None)
@given(edits())
def test_texts_are_merged_as_git_merges_them(sides: tuple[bytes, bytes, bytes]) -> None:
    """The same bytes, and a conflict where git has one."""
    assert merged(*sides) == gits(*sides)


@settings(max_examples=200, deadline=None)
@given(edits())
def test_a_merge_is_the_same_from_both_sides(sides: tuple[bytes, bytes, bytes]) -> None:
    """Who is ours and who is theirs does not matter to the result."""
    base, ours, theirs = sides
    assert merged(base, ours, theirs) == merged(base, theirs, ours)
    assert merged(base, ours, base) == ours
    assert merged(base, base, theirs) == theirs


@settings(max_examples=200, deadline=None)
@given(texts(), texts(), st.data())
def test_chosen_hunks_are_put_in_byte_for_byte(old: bytes, new: bytes, data: st.DataObject) -> None:
    """All give the new text, none the old one, and the rest completes what some began."""
    sides = Side(object_id(BLOB, old), old), Side(object_id(BLOB, new), new)
    hunks = compare(b"f", *sides, hunks=True, context=data.draw(st.integers(0, 3))).hunks
    assert with_hunks(old, new, hunks) == new
    assert with_hunks(old, new, ()) == old
    some = [hunk for hunk in hunks if data.draw(st.booleans())]
    wanted = b""
    at = 0
    lines = old.split(b"\n")
    ends = [line + b"\n" for line in lines[:-1]] + lines[-1:]
    for hunk in some:
        start = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        wanted += b"".join(ends[at:start])
        wanted += b"".join(line[1:] for line in hunk.lines if line[:1] in (b" ", b"+"))
        at = start + hunk.old_lines
    assert with_hunks(old, new, some) == wanted + b"".join(ends[at:])


def test_what_cannot_be_compared_by_line_is_a_conflict() -> None:
    """Binary content that both changed."""
    with pytest.raises(Clash) as caught:
        merge_texts(b"a\0", b"b\0", b"c\0")
    assert caught.value.kind == "binary"


def oid(text: bytes) -> Oid:
    return object_id(BLOB, text)


A, B, C = (PathState(FILE, oid(text)) for text in (b"a", b"b", b"c"))
EXEC_A = PathState(stat.S_IFREG | 0o755, oid(b"a"))
FOLDER_STATE = PathState(FOLDER)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        (A, A, B, B),
        (A, B, A, B),
        (A, B, B, B),
        (A, None, None, None),
        (A, A, None, None),
        (None, None, A, A),
        (A, EXEC_A, B, PathState(EXEC_A.mode, B.blob)),
        (A, B, EXEC_A, PathState(EXEC_A.mode, B.blob)),
        (A, B, C, PathState(FILE, oid(b"merged"))),
        (None, FOLDER_STATE, PathState(stat.S_IFDIR | 0o700), FOLDER_STATE),
        (FOLDER_STATE, PathState(stat.S_IFDIR | 0o700), None, PathState(stat.S_IFDIR | 0o700)),
        (A, B, None, "modify/delete"),
        (A, None, B, "modify/delete"),
        (None, A, B, "add/add"),
        (A, FOLDER_STATE, B, "file/directory"),
        (FOLDER_STATE, A, None, "file/directory"),
        (A, EXEC_A, PathState(stat.S_IFREG | 0o600, oid(b"b")), "mode"),
        (A, PathState(LINK, oid(b"b")), B, "content"),
    ],
)
def test_states_of_a_path_merge_or_clash(
    base: PathState | None, ours: PathState | None, theirs: PathState | None, wanted: object
) -> None:
    """Each kind of conflict, and what goes together."""

    def merge_blobs(*_: Oid) -> Oid:
        return oid(b"merged")

    try:
        found: object = merge_states(base, ours, theirs, merge_blobs)
    except Clash as clash:
        found = clash.kind
    assert found == wanted
