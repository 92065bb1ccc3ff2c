"""Single changed lines of hunks: what is taken, what stays, beside `git apply` of an edited patch."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.engine.lines import Side, changed_lines, compare, with_hunks
from stepwell.store.model.changes import Hunk
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.hunknames import (
    Lines,
    hunk_name,
    hunks_in_words,
    lines_of,
    read_hunk_names,
    without_whole,
)

LINES = st.sampled_from([b"a", b"b", b"c", b"\r", b"d\r", b"", b"longer line"])
NUMBERS = st.lists(st.integers(1, 40), min_size=1)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Few different lines, some of them ending in CR LF; now and then no line feed at the end."""
    lines = draw(st.lists(LINES, max_size=14))
    return b"\n".join(lines) + (b"\n" if lines and draw(st.booleans()) else b"")


def hunks_of(old: bytes, new: bytes, context: int = 3) -> tuple[Hunk, ...]:
    return compare(b"f", Side(None, old), Side(None, new), hunks=True, context=context).hunks


@st.composite
def choices(draw: st.DrawFn) -> tuple[bytes, bytes, dict[str, Lines]]:
    """Two texts, and some of the changed lines between them, by hunk."""
    old, new = draw(texts()), draw(texts())
    chosen = {}
    for hunk in hunks_of(old, new, draw(st.integers(0, 3))):
        numbers = range(1, changed_lines(hunk) + 1)
        chosen[hunk.id] = lines_of(number for number in numbers if draw(st.booleans()))
    return old, new, chosen


def edited(hunk: Hunk, taken: Lines) -> bytes:
    """A hunk as a person edits it: a removal not taken becomes context, an addition goes."""
    kept, number = [], 0
    for line in hunk.lines:
        number += line[:1] in (b"-", b"+")
        is_taken = any(number in one for one in taken)
        whole = line if line.endswith(b"\n") else line + b"\n"
        if line[:1] == b" " or (line[:1] in (b"-", b"+") and is_taken):
            kept.append(whole)
        elif line[:1] == b"-":
            kept.append(b" " + whole[1:])
    olds = sum(line[:1] in b" -" for line in kept)
    news = sum(line[:1] in b" +" for line in kept)
    return b"@@ -%d,%d +%d,%d @@\n%s" % (hunk.old_start, olds, hunk.old_start, news, b"".join(kept))


def by_git(old: bytes, hunks: list[bytes]) -> bytes:
    """Returns what `git apply` makes of a text and hunks that are as exact as ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(old)
        patch = b"--- a/f\n+++ b/f\n" + b"".join(hunks)
        command = ["git", "apply", "--unidiff-zero", "--recount", "--whitespace=nowarn", "-"]
        subprocess.run(command, input=patch, cwd=folder, check=True, capture_output=True)
        return path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(choices())
def test_any_lines_are_what_git_makes_of_the_edited_patch(
    found: tuple[bytes, bytes, dict[str, Lines]],
) -> None:
    """Git is given each line with a line feed: whether the last has one is the line's own matter."""
    old, new, chosen = found
    hunks = [hunk for hunk in hunks_of(old, new) if chosen.get(hunk.id)]
    some = with_hunks(old, new, hunks, chosen)
    if not hunks:
        assert some == old
        return
    is_whole = old.endswith(b"\n") or not old
    edits = [edited(hunk, chosen[hunk.id]) for hunk in hunks]
    expected = by_git(old if is_whole else old + b"\n", edits)
    either = [expected, expected.removesuffix(b"\n")]
    if not is_whole:  # the feed that was lent may have become a CR and a feed, as below it
        some, *either = (text.replace(b"\r\n", b"\n") for text in (some, *either))
    assert some in either


@settings(max_examples=200, deadline=None)
@given(texts(), texts())
def test_all_lines_are_the_other_text_and_none_are_no_change(old: bytes, new: bytes) -> None:
    """Byte for byte, line ends and all."""
    hunks = hunks_of(old, new)
    every = {hunk.id: lines_of(range(1, changed_lines(hunk) + 1)) for hunk in hunks}
    assert with_hunks(old, new, hunks, every) == new
    assert with_hunks(old, new, hunks, {hunk.id: () for hunk in hunks}) == old


@pytest.mark.parametrize(
    ("old", "new", "taken", "wanted"),
    [
        (b"a\nb\n", b"a\nB\n", [1], b"a\n"),
        (b"a\nb\n", b"a\nB\n", [2], b"a\nb\nB\n"),
        (b"a\nb", b"a\nb\nc\n", [3], b"a\nb\nc\n"),
        (b"a\nb", b"a\nb\nc", [3], b"a\nb\nc"),
        (b"a\r\nb", b"a\r\nb\r\nc\r\n", [3], b"a\r\nb\r\nc\r\n"),
        (b"a\r\nb", b"a\r\nb\r\nc", [3], b"a\r\nb\r\nc"),
        (b"a\r\nb", b"a\r\nb\nc\n", [3], b"a\r\nb\nc\n"),
        (b"a\r", b"a\nb\r\n", [3], b"a\r\nb\r\n"),
        (b"a\r\nb\r\n", b"a\nb\n", [1, 3], b"b\r\na\n"),
        (b"a\nb\n", b"a\nb", [1, 2], b"a\nb"),
        (b"a\nb\n", b"a\nb", [1], b"a\n"),
        (b"", b"x\ny", [2], b"y"),
        (b"x\ny", b"", [1], b"y"),
    ],
)
def test_line_ends_are_those_of_the_lines(
    old: bytes, new: bytes, taken: list[int], wanted: bytes
) -> None:
    """A last line without a line feed gets that of what comes below it, else of what is above."""
    (hunk,) = hunks_of(old, new)
    assert with_hunks(old, new, [hunk], {hunk.id: lines_of(taken)}) == wanted


@given(NUMBERS, NUMBERS)
def test_names_are_read_as_they_are_written(some: list[int], others: list[int]) -> None:
    """Whatever is named twice counts once, and the whole hunk counts for all of it."""
    names = [hunk_name("ab12", lines_of(some)), hunk_name("ab12", lines_of(others))]
    assert read_hunk_names(names) == {"ab12": lines_of([*some, *others])}
    assert read_hunk_names([*names, "ab12", "cd34"]) == {"ab12": None, "cd34": None}
    assert hunks_in_words(names) == [f"{(n := len({*some, *others}))} line{'s' * (n > 1)}"]


@pytest.mark.parametrize("lines", ["", "0", "x", "3-1", "1,", "1-", "1;2", "1" * 10, "²", "-1"])
def test_what_is_no_list_of_lines_is_refused(lines: str) -> None:
    """It says how it is written."""
    with pytest.raises(UsageError, match="names no lines"):
        read_hunk_names([f"ab12:{lines}"])


def test_lines_that_a_hunk_has_not_are_refused() -> None:
    """However many are asked for; all of them are the hunk."""
    named = read_hunk_names(["ab12:1-3"])
    assert without_whole(named, "ab12", 4) == (range(1, 4),)
    assert without_whole(named, "ab12", 3) is None
    with pytest.raises(NotFoundError, match="there is no 3"):
        without_whole(named, "ab12", 2)
    with pytest.raises(NotFoundError):
        without_whole(read_hunk_names(["ab12:1-999999999"]), "ab12", 2)
