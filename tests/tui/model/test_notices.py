"""What is said about a change besides its lines."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.tui.model.notices import notices, size_text
from stepwell.tui.values import Change, Oid, TrackedPath

OLD, NEW = Oid(b"o" * 20), Oid(b"n" * 20)


def change(**fields: Any) -> Change:
    settled = {"path": TrackedPath(b"x"), "status": "M", "old_mode": 0o100644,
               "new_mode": 0o100644, "old_blob": OLD, "new_blob": NEW, "added": 1}  # fmt: skip
    return Change(**{**settled, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ()),
        ({"new_mode": 0o100755}, ("mode 0644 -> 0755",)),
        ({"binary": True}, ("binary, 12 kB -> 13 kB",)),
        ({"binary": True, "old_blob": None}, ("binary, 13 kB",)),
        ({"too_large": True, "added": 0}, ("too large to compare line by line, 12 kB -> 13 kB",)),
        ({"status": "R", "old_path": TrackedPath(b"o\x1b")}, ("renamed from o\\x1b",)),
        ({"status": "T", "new_mode": 0o120777}, ("file -> symbolic link",)),
        ({"status": "A", "old_mode": None, "old_blob": None, "added": 0}, ("empty file",)),
        ({"status": "A", "old_mode": None, "new_mode": 0o100755}, ("new, mode 0755",)),
        (
            {"status": "A", "old_mode": None, "old_blob": None, "new_mode": 0o40755,
             "new_blob": None, "added": 0},
            ("folder, new",),
        ),
        ({"status": "D", "new_mode": None, "old_mode": 0o120777}, ("symbolic link, removed",)),
    ],
)  # fmt: skip
def test_a_change_says_what_lines_cannot(fields: dict[str, Any], said: tuple[str, ...]) -> None:
    """Modes, types, renames, binaries and empty files each have their words."""
    assert notices(change(**fields), {OLD: "12 kB", NEW: "13 kB"}) == said


def test_sizes_read_as_a_person_says_them() -> None:
    """Powers of a thousand, a decimal only below ten."""
    sizes = [0, 999, 1_000, 1_440, 12_300, 999_600, 50_000_000]
    texts = ["0 B", "999 B", "1.0 kB", "1.4 kB", "12 kB", "1.0 MB", "50 MB"]
    assert [size_text(size) for size in sizes] == texts
