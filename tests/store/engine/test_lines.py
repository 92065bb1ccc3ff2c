"""Lines of hunks over one text are those that libgit2 tells one by one."""

from __future__ import annotations

import random
from itertools import product, takewhile

import pygit2
from hypothesis import given
from hypothesis import strategies as st
from pygit2.enums import DiffOption

from stepwell.store.engine.lines import Side, common_end, common_start, compare, with_hunks
from stepwell.store.model.deflated import DeflatedText
from stepwell.store.model.ids import Oid
from stepwell.store.model.patchlines import NO_NEWLINE, PatchLines, deflated, signs_before, signs_of

LINE = st.sampled_from(
    [b"a", b"b", b"", b"@@ -1,2 +3 @@", b"\\ No", b"-x", b"+y\r", b" z", b"\x00"]
)
TEXT = st.builds(
    lambda lines, end: b"\n".join(lines) + (b"\n" if end and lines else b""),
    st.lists(LINE, max_size=30),
    st.booleans(),
)


def told(old: bytes, new: bytes, context: int) -> list[tuple[bytes, ...]]:
    patch = pygit2.Patch.create_from(
        old, new, flag=DiffOption.FORCE_TEXT, context_lines=context, interhunk_lines=0
    )
    return [
        tuple(
            line.origin.encode() + line.raw_content if line.origin in " +-" else NO_NEWLINE
            for line in hunk.lines
        )
        for hunk in patch.hunks
    ]


@given(TEXT, TEXT, st.integers(0, 3))
def test_lines_of_a_patch_are_those_that_were_compared(
    old: bytes, new: bytes, context: int
) -> None:
    """Whatever a line holds, and whether the last one ends in a line feed."""
    sides = Side(Oid(b"o" * 20), old), Side(Oid(b"n" * 20), new)
    found = compare(b"path", *sides, hunks=True, context=context)
    assert [hunk.lines for hunk in found.hunks] == told(old, new, context)
    for hunk in found.hunks:
        whole = tuple(hunk.lines)
        assert len(hunk.lines) == len(whole)
        assert tuple(hunk.lines[at] for at in range(len(whole))) == whole
        assert hunk.lines[1:-1] == whole[1:-1] and hunk.lines[-1] == whole[-1]
        assert signs_of(hunk.lines) == signs_of(whole)
        for at in range(len(whole)):
            assert signs_before(hunk.lines, at) == signs_before(whole, at)
            assert signs_of(hunk.lines, at, at + 3) == signs_of(whole, at, at + 3)
        assert hash(hunk.lines) == hash(whole)
        (same,) = deflated([hunk.lines])
        assert same == hunk.lines and signs_of(same) == signs_of(whole)
        assert [same[at] for at in range(len(same))] == list(same) == list(whole)


EDITS = st.lists(
    st.tuples(st.integers(0, 399), st.integers(0, 4), st.lists(LINE, max_size=4)), max_size=4
)


def edited(lines: list[bytes], edits: list[tuple[int, int, list[bytes]]]) -> bytes:
    """Puts lines in the place of others, of four hundred."""
    new = list(lines)
    for at, gone, come in edits:
        new[at : at + gone] = come
    return b"\n".join(new)


@given(EDITS, st.integers(0, 30), st.booleans(), st.sampled_from([0, 50, 90, 200]))
def test_a_small_change_of_a_long_text_is_told_as_of_the_whole(
    edits: list[tuple[int, int, list[bytes]]], context: int, end: bool, width: int
) -> None:
    """Most of what is alike is not compared: that changes neither lines nor numbers."""
    lines = [b"line %d of many" % number + b"." * width for number in range(400)] + [b""] * end
    old, new = b"\n".join(lines), edited(lines, edits)
    sides = Side(Oid(b"o" * 20), old), Side(Oid(b"n" * 20), new)
    found = compare(b"path", *sides, hunks=True, context=context)
    whole = pygit2.Patch.create_from(
        old, new, flag=DiffOption.FORCE_TEXT, context_lines=context, interhunk_lines=0
    )
    assert [hunk.lines for hunk in found.hunks] == told(old, new, context)
    ranges = [(h.old_start, h.old_lines, h.new_start, h.new_lines) for h in whole.hunks]
    assert ranges == [(h.old_start, h.old_lines, h.new_start, h.new_lines) for h in found.hunks]
    assert (found.added, found.deleted) == whole.line_stats[1:]
    assert compare(b"path", *sides, hunks=False, context=context)[:2] == found[:2]


@given(st.binary(max_size=300), st.binary(max_size=60), st.binary(max_size=60), st.integers(1, 99))
def test_what_two_texts_have_alike_is_found_as_nearly_as_asked_for(
    alike: bytes, one: bytes, other: bytes, near: int
) -> None:
    """Never more than they have, at their beginnings and at their ends."""
    pairs = zip(one, other, strict=False)
    exact = len(alike) + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    assert exact - near < common_start(alike + one, alike + other, near) <= exact
    a, b = one[::-1] + alike, other[::-1] + alike
    assert exact - near < common_end(a, b, min(len(a), len(b)), near) <= exact


@given(EDITS, st.sampled_from([b"a", b"ab", b"long " * 300]))
def test_hunks_of_a_text_of_equal_lines_lead_to_the_other_text(
    edits: list[tuple[int, int, list[bytes]]], line: bytes
) -> None:
    """Where a change lies among equal lines is open; that it is the change is not."""
    lines = [line] * 400
    old, new = b"\n".join(lines), edited(lines, edits)
    found = compare(b"path", Side(None, old), Side(None, new), hunks=True, context=3)
    assert with_hunks(old, new, found.hunks) == new


def test_equal_lines_of_different_patches_are_equal() -> None:
    """So that a diff read again is known to be the same."""
    assert PatchLines(b"+a\n+b\n") == PatchLines(b"@@\n+a\n+b\n-c\n", 3, 9)
    assert PatchLines(b"+a\n") != PatchLines(b"+b\n")
    assert PatchLines(b"+a\n") != "+a"


def test_a_deflated_text_is_sliced_as_any_other() -> None:
    """Within its pieces, across their borders, and beyond its ends."""
    text = random.Random(1).randbytes(200_000)
    kept = DeflatedText(text)
    edges = [0, 1, 65_535, 65_536, 65_537, 131_072, 199_999, 200_000, 300_000]
    assert len(kept) == len(text)
    for start, end in product(edges, edges):
        assert kept[start:end] == text[start:end]


def test_hunks_of_one_text_share_its_deflated_form() -> None:
    """So a diff of many hunks takes less than its text."""
    patch = b"".join(b"+value_%d = compute()\n" % number for number in range(20_000))
    half = patch.index(b"+value_10000 ")
    lines = deflated([PatchLines(patch, 0, half), PatchLines(patch, half), (b"+as it is\n",)])
    assert lines[0][9_999] == b"+value_9999 = compute()\n" == lines[0][-1]
    assert lines[1][0] == b"+value_10000 = compute()\n"
    assert lines[2] == (b"+as it is\n",)
    assert [len(one) for one in lines] == [10_000, 10_000, 1]


def test_far_lines_of_a_large_hunk_are_found() -> None:
    """From any place, deflated or not, whatever stands before it."""
    chance = random.Random(2)
    texts = [b"+x\n", b"-\n", b" " + b"y" * 99 + b"\r\n", b"-z\n\\ No newline at end of file\n"]
    patch = b"@@\n" + b"".join(chance.choices(texts, k=9_000)) + b"@@\n"
    lines = PatchLines(patch, 3, len(patch) - 3)
    whole = tuple(lines)
    (same,) = deflated([lines])
    for own in (lines, same):
        assert signs_of(own) == signs_of(whole) and len(own) == len(whole)
        assert signs_before(own, len(own)) == signs_before(whole, len(whole))
        for at in [0, 1, 63, 64, 65, len(whole) - 1, *chance.choices(range(len(whole)), k=200)]:
            assert own[at] == whole[at]
            assert signs_before(own, at) == signs_before(whole, at)
            assert signs_of(own, at, at + 200) == signs_of(whole, at, at + 200)
    assert lines.returns == sum(line.endswith(b"\r\n") for line in whole)
