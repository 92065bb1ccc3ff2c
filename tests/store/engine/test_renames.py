"""Files are followed through renames, exact ones and those with an edit, over several snapshots."""

from __future__ import annotations

from stepwell.store.engine.extras import Extras, encode
from stepwell.store.engine.objects import (
    BLOB,
    MODE_FILE,
    TREE,
    MemoryObjects,
    TreeEntry,
    encode_tree,
)
from stepwell.store.engine.renames import followed, renames
from stepwell.store.model.steps import Snapshot


def text(*changed: int, lines: int = 20) -> bytes:
    """Returns lines of which some are changed."""
    return b"".join(b"%s %d\n" % (b"new" if n in changed else b"line", n) for n in range(lines))


def snapshots(objects: MemoryObjects, *states: dict[bytes, bytes]) -> list[Snapshot]:
    extras = objects.add(BLOB, encode(Extras()))
    found = []
    for files in states:
        entries = [TreeEntry(n, MODE_FILE, objects.add(BLOB, c)) for n, c in files.items()]
        found.append(Snapshot(objects.add(TREE, encode_tree(entries)), extras))
    return found


def test_names_are_followed_over_several_renames_and_edits() -> None:
    """From the first name to the last."""
    objects = MemoryObjects()
    line = snapshots(
        objects,
        {b"a": text(), b"other": b"x\n"},
        {b"b": text(), b"other": b"x\n"},
        {b"b": text(1, 2, 3)},
        {b"c": text(1, 2, 3, 4)},
    )
    assert followed(objects, line) == {b"a": b"c"}
    assert followed(objects, line[:1]) == {}


def test_a_name_that_is_used_again_means_the_first_file() -> None:
    """What was there first is what is asked for."""
    objects = MemoryObjects()
    line = snapshots(
        objects,
        {b"a": text()},
        {b"b": text()},
        {b"b": text(), b"a": b"another\n"},
        {b"b": text(), b"c": b"another\n"},
    )
    assert followed(objects, line) == {b"a": b"b"}


def test_a_rename_there_and_back_is_none() -> None:
    """The file has the name that it had."""
    objects = MemoryObjects()
    line = snapshots(objects, {b"a": text()}, {b"b": text()}, {b"a": text()})
    assert followed(objects, line) == {}


def test_files_that_are_merely_similar_are_no_rename() -> None:
    """Half of the lines is not enough; binary and empty files need to be equal."""
    objects = MemoryObjects()
    before, half, most, binary, empty = snapshots(
        objects,
        {b"a": text(), b"x": b"\0" * 50 + b"1", b"e": b""},
        {b"b": text(*range(10))},
        {b"b": text(*range(4))},
        {b"y": b"\0" * 50 + b"2"},
        {b"f": b""},
    )
    assert renames(objects, before, most) == {b"a": b"b"}
    for after in (half, binary, empty):
        assert renames(objects, before, after) == {}


def test_each_file_is_paired_with_the_most_similar_one() -> None:
    """And with one only."""
    objects = MemoryObjects()
    before, after = snapshots(
        objects,
        {b"a": text(), b"b": text(1, 2, 3)},
        {b"c": text(1, 2), b"d": text(19)},
    )
    assert renames(objects, before, after) == {b"a": b"d", b"b": b"c"}
