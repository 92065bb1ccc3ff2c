"""Differences between snapshots: statuses, renames, lines, what is left out."""

from __future__ import annotations

import difflib
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bench import Tree, build_snapshot

from stepwell.store.engine import diff
from stepwell.store.engine.diff import changes, counts
from stepwell.store.engine.objects import MemoryObjects
from stepwell.store.model.changes import Change
from stepwell.store.model.errors import ObjectMissingError
from stepwell.store.model.ids import object_id
from stepwell.store.model.steps import ChangeCounts

FILE, EXEC = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
LINK, FOLDER = stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755


def between(a: Tree, b: Tree, *, hunks: bool = True, paths: tuple[bytes, ...] = ()) -> list[Change]:
    """Returns the changes from a to b."""
    sink = MemoryObjects()
    old, new = build_snapshot(sink, a), build_snapshot(sink, b)
    return list(changes(sink, old, new, hunks=hunks, paths=paths))


def said(found: list[Change]) -> list[tuple[str, bytes]]:
    return [(c.status, c.path) for c in found]


def test_every_status_in_path_order() -> None:
    """Added, modified, deleted, another type; a mode alone has equal blobs."""
    found = between(
        {b"m": (FILE, b"1\n"), b"d": (FILE, b"gone\n"), b"t": (FILE, b"x"), b"x": (FILE, b"same")},
        {b"m": (FILE, b"2\n"), b"a": (FILE, b"new\n"), b"t": (LINK, b"x"), b"x": (EXEC, b"same")},
    )
    assert said(found) == [("A", b"a"), ("D", b"d"), ("M", b"m"), ("T", b"t"), ("M", b"x")]
    assert found[4].old_blob == found[4].new_blob
    assert (found[4].old_mode, found[4].new_mode) == (FILE, EXEC)
    assert (found[0].old_mode, found[0].old_blob, found[1].new_mode) == (None, None, None)
    assert counts(found) == ChangeCounts(5, 2, 2)


def test_white_space_alone_can_be_left_out() -> None:
    """Such a change stays listed, without lines; what else differs is counted and shown alone."""
    sink = MemoryObjects()
    old = build_snapshot(sink, {b"a": (FILE, b"if x:\n"), b"b": (FILE, b"one\ntwo\n")})
    new = build_snapshot(sink, {b"a": (FILE, b"if  x:\t\n"), b"b": (FILE, b" one\n2\n")})
    found = changes(sink, old, new, hunks=True, ignore_space=True)
    assert [(c.path, c.added, c.deleted) for c in found] == [(b"a", 0, 0), (b"b", 1, 1)]
    assert found[0].hunks == ()
    assert [line for line in found[1].hunks[0].lines if line[:1] != b" "] == [b"-two\n", b"+2\n"]


def test_nothing_differs() -> None:
    """Equal snapshots have no changes."""
    tree: Tree = {b"a": (FILE, b"x"), b"d": (FOLDER, None)}
    assert between(tree, tree) == []


def test_a_first_snapshot_adds_everything() -> None:
    """None stands for nothing."""
    sink = MemoryObjects()
    tree = build_snapshot(sink, {b"a": (FILE, b"1\n2"), b"d/b": (FILE, b""), b"e": (FOLDER, None)})
    found = list(changes(sink, None, tree, hunks=False))
    assert said(found) == [("A", b"a"), ("A", b"d/b"), ("A", b"e")]
    assert counts(found) == ChangeCounts(2, 2, 0)
    assert said(list(changes(sink, tree, None, hunks=False))) == [
        ("D", b"a"),
        ("D", b"d/b"),
        ("D", b"e"),
    ]


def test_folders_speak_only_when_their_content_does_not() -> None:
    """Empty ones and their modes are listed, the ones that files imply are not."""
    found = between(
        {b"old": (FOLDER, None), b"old/a": (FILE, b"1"), b"mode": (FOLDER, None)},
        {
            b"new": (FOLDER, None),
            b"new/b": (FILE, b"2"),
            b"empty": (FOLDER, None),
            b"empty/er": (FOLDER, None),
            b"mode": (stat.S_IFDIR | 0o700, None),
        },
    )
    assert said(found) == [("A", b"empty/er"), ("M", b"mode"), ("A", b"new/b"), ("D", b"old/a")]
    assert counts(found).files == 2


def test_a_file_that_becomes_a_folder() -> None:
    """A change of type, and what the folder holds."""
    found = between({b"p": (FILE, b"x")}, {b"p": (FOLDER, None), b"p/q": (FILE, b"y")})
    assert said(found) == [("T", b"p"), ("A", b"p/q")]


def test_a_move_is_one_rename() -> None:
    """Same content under another name; the mode may differ."""
    (found,) = between({b"a/f": (FILE, b"x\n")}, {b"b/g": (EXEC, b"x\n")})
    assert (found.status, found.old_path, found.path) == ("R", b"a/f", b"b/g")
    assert (found.old_mode, found.new_mode, found.added, found.deleted) == (FILE, EXEC, 0, 0)


def test_renames_prefer_the_same_file_name() -> None:
    """Of several with the same content the same name is taken first, then path order."""
    found = between(
        {b"a/one": (FILE, b"x"), b"a/two": (FILE, b"x"), b"a/zzz": (FILE, b"x")},
        {b"b/two": (FILE, b"x"), b"b/new": (FILE, b"x")},
    )
    assert [(c.status, c.old_path, c.path) for c in found] == [
        ("D", None, b"a/zzz"),
        ("R", b"a/one", b"b/new"),
        ("R", b"a/two", b"b/two"),
    ]


def test_empty_files_and_other_types_are_no_renames() -> None:
    """Empty content says nothing, and a link is no file."""
    found = between(
        {b"a": (FILE, b""), b"l": (LINK, b"t")}, {b"b": (FILE, b""), b"m": (FILE, b"t")}
    )
    assert {c.status for c in found} == {"A", "D"}


def test_a_copy_is_no_rename() -> None:
    """Its source is still there."""
    tree: Tree = {b"a": (FILE, b"x")}
    assert said(between(tree, {**tree, b"b": (FILE, b"x")})) == [("A", b"b")]


def test_paths_limit_what_is_listed_before_renames() -> None:
    """A move out of the named folder is a deletion there."""
    a: Tree = {b"in/f": (FILE, b"x"), b"in-g": (FILE, b"1")}
    b: Tree = {b"out/f": (FILE, b"x"), b"in-g": (FILE, b"2")}
    assert said(between(a, b, paths=(b"in",))) == [("D", b"in/f")]
    assert said(between(a, b, paths=(b"in", b"out"))) == [("R", b"out/f")]


@pytest.mark.parametrize(
    ("old", "new", "binary"),
    [
        (b"a\0", b"b", True),
        (b"a", b"x" * 7999 + b"\0", True),
        (b"a", b"x" * 8000 + b"\0", False),
        (b"\xff\xfe", b"\x80", False),
    ],
)
def test_a_nul_among_the_first_bytes_makes_it_binary(old: bytes, new: bytes, binary: bool) -> None:
    """As git decides it; a binary change has no lines."""
    (found,) = between({b"f": (FILE, old)}, {b"f": (FILE, new)})
    assert found.binary is binary
    assert bool(found.hunks) is not binary


def test_huge_texts_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are marked instead."""
    monkeypatch.setattr(diff, "TOO_LARGE", 10)
    found = between(
        {b"f": (FILE, b"x" * 11), b"g": (FILE, b"x" * 10)}, {b"f": (FILE, b""), b"g": (FILE, b"")}
    )
    assert [c.too_large for c in found] == [True, False]
    assert (found[0].hunks, found[0].deleted) == ((), 0)


def test_hunks_carry_ranges_and_exact_lines() -> None:
    """Line ends as in the file, and the note about a missing one."""
    (found,) = between({b"f": (FILE, b"a\r\nb")}, {b"f": (FILE, b"a\r\nc\n")})
    (hunk,) = found.hunks
    assert hunk.lines == (b" a\r\n", b"-b", b"\\ No newline at end of file", b"+c\n")
    assert (hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines) == (1, 2, 1, 2)
    assert (found.added, found.deleted) == (1, 1)


def test_a_new_file_starts_at_zero() -> None:
    """An empty side has start 0."""
    (found,) = between({}, {b"f": (FILE, b"a\n")})
    (hunk,) = found.hunks
    assert (hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines) == (0, 0, 1, 1)


def test_links_are_compared_by_their_targets() -> None:
    """As text."""
    (found,) = between({b"l": (LINK, b"here")}, {b"l": (LINK, b"there")})
    assert [line[:6] for line in found.hunks[0].lines if line[:1] in b"+-"] == [b"-here", b"+there"]


def test_hunk_ids_are_stable_and_distinct() -> None:
    """The same diff gives the same ids, two hunks differ."""
    old = b"".join(b"%d\n" % n for n in range(100))
    new = old.replace(b"5\n", b"five\n", 1).replace(b"90\n", b"ninety\n")
    first, second = (between({b"f": (FILE, old)}, {b"f": (FILE, new)})[0] for _ in range(2))
    assert first == second
    assert len({h.id for h in first.hunks}) == len(first.hunks) == 2


def test_without_hunks_lines_are_still_counted() -> None:
    """Only the hunks are left out."""
    trees: tuple[Tree, Tree] = {b"f": (FILE, b"a\nb\nc\n")}, {b"f": (FILE, b"a\nX\nY\nc\n")}
    (short,), (full,) = between(*trees, hunks=False), between(*trees)
    assert short.hunks == ()
    assert (short.added, short.deleted) == (full.added, full.deleted) == (2, 1)


def test_a_missing_object_is_an_error() -> None:
    """Never an empty side."""
    sink = MemoryObjects()
    a, b = (build_snapshot(sink, {b"f": (FILE, text)}) for text in (b"1\n", b"2\n"))
    sink._objects.pop(object_id("blob", b"2\n"))
    with pytest.raises(ObjectMissingError):
        changes(sink, a, b, hunks=False)


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"-\n"]), max_size=40)


@settings(max_examples=150, deadline=None)
@given(old=LINES, new=LINES, context=st.integers(0, 4), cut=st.booleans())
def test_hunks_turn_the_old_text_into_the_new(
    old: list[bytes], new: list[bytes], context: int, cut: bool
) -> None:
    """Applied by hand, for any context, they give the other side; and no line is wasted."""
    before, after = b"".join(old), b"".join(new)
    after = after[:-1] if cut else after
    sink = MemoryObjects()
    a, b = (build_snapshot(sink, {b"f": (FILE, text)}) for text in (before, after))
    found = changes(sink, a, b, hunks=True, context=context)
    if not found:
        assert before == after
        return
    assert _applied(found[0], before) == after
    same = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    assert found[0].deleted <= len(old) - sum(m.size for m in same) + cut


def _applied(change: Change, text: bytes) -> bytes:
    lines = text.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    result: list[bytes] = []
    at = 0
    for hunk in change.hunks:
        start = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        result += lines[at:start]
        kept = [line for line in hunk.lines if not line.startswith(b"\\")]
        assert [line[1:] for line in kept if line[:1] in b" -"] == lines[
            start : start + hunk.old_lines
        ]
        result += [line[1:] for line in kept if line[:1] in b" +"]
        at = start + hunk.old_lines
    return b"".join(result + lines[at:])
