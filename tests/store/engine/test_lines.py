"""Lines of hunks over one text are those that libgit2 tells one by one."""

from __future__ import annotations

import pygit2
from hypothesis import given
from hypothesis import strategies as st
from pygit2.enums import DiffOption

from stepwell.store.engine.lines import Side, compare
from stepwell.store.model.ids import Oid
from stepwell.store.model.patchlines import NO_NEWLINE, PatchLines, signs_of

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
        assert hash(hunk.lines) == hash(whole)


def test_equal_lines_of_different_patches_are_equal() -> None:
    """So that a diff read again is known to be the same."""
    assert PatchLines(b"+a\n+b\n") == PatchLines(b"@@\n+a\n+b\n-c\n", 3, 9)
    assert PatchLines(b"+a\n") != PatchLines(b"+b\n")
    assert PatchLines(b"+a\n") != "+a"
