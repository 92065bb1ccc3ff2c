"""Changed files flat or as a tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.filetree import DEEPEST, FileRow, flat_rows, tree_rows

NAMES = st.sampled_from([b"a", b"b", b"c"])
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map(b"/".join), unique=True, max_size=8)


def without_clashes(paths: list[bytes]) -> list[bytes]:
    """Drops paths that would be a file and a folder at once."""
    return [p for p in paths if not any(o.startswith(p + b"/") for o in paths)]


def test_flat_rows_are_the_paths() -> None:
    """In their order."""
    assert flat_rows([b"b/x", b"a"]) == [FileRow(0, b"b/x"), FileRow(1, b"a")]


def test_folders_come_first_and_chains_are_one_row() -> None:
    """`src/app/` instead of two rows; a folder stands for the files below it."""
    rows = tree_rows([b"README", b"src/app/a.py", b"src/app/b.py", b"src/app/deep/c.py"])
    assert rows == [
        FileRow(3, b"src/app/", 0, (3, 1, 2)),
        FileRow(3, b"deep/", 1, (3,)),
        FileRow(3, b"c.py", 2),
        FileRow(1, b"a.py", 1),
        FileRow(2, b"b.py", 1),
        FileRow(0, b"README"),
    ]


@given(PATHS)
def test_every_file_stands_once(paths: list[bytes]) -> None:
    """Whatever the folders."""
    kept = without_clashes(paths)
    files = [row.change for row in tree_rows(kept) if not row.below]
    assert sorted(files) == list(range(len(kept)))


def test_folders_deeper_than_anybody_looks_stay_in_the_name() -> None:
    """However deep a tree is, and with a file in each of its folders."""
    paths = [b"a/" * depth + b"f" for depth in range(1, 2_000)]
    rows = tree_rows(paths)
    assert sorted(row.change for row in rows if not row.below) == list(range(len(paths)))
    assert max(row.depth for row in rows) == DEEPEST
