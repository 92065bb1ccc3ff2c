"""Scanning with a saved stat table: nothing that changed is missed, nothing else is looked at."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mutation import meddle

from stepwell.store.engine.capture import Captured, capture_tree
from stepwell.store.engine.objects import MemoryObjects
from stepwell.store.engine.scan import CaptureConfig, Scanner, StatTable
from stepwell.store.engine.snapshots import entries, lookup
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid
from stepwell.store.model.steps import Snapshot


class Counting(MemoryObjects):
    """Counts what is offered, so that a test sees what was read and rebuilt."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: list[str] = []

    def add(self, kind: str, data: bytes) -> Oid:
        self.offered.append(kind)
        return super().add(kind, data)


class Workspace:
    """A folder, a store in memory, and the table and snapshot of the last capture."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sink = Counting()
        self.saved = b""
        self.parent: Snapshot | None = None
        self.config = CaptureConfig()

    def capture(self, *, later_ms: int = 0, also: tuple[bytes, ...] = ()) -> Captured:
        """Captures; `later_ms` pretends that time has passed, so that nothing is fresh."""
        self.sink.offered.clear()
        scanner = Scanner(
            self.root,
            StatTable.loads(self.saved),
            config=self.config,
            clock=lambda: time.time_ns() + later_ms * 1_000_000,
        )
        done = capture_tree(scanner, self.sink, self.parent, also)
        self.saved, self.parent = done.table.dumps(), done.snapshot
        return done

    def fresh(self) -> Snapshot:
        """Returns what a capture without a table finds."""
        return capture_tree(Scanner(self.root, None, config=self.config), self.sink, None).snapshot

    def content(self, path: bytes) -> bytes | None:
        """Returns what the last capture holds at a path."""
        assert self.parent is not None
        entry = lookup(self.sink, self.parent, path)
        return None if entry is None or entry.oid is None else self.sink.read(entry.oid)[1]


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """Yields a small workspace with three levels."""
    root = tmp_path / "work"
    for path in ("a/b/one", "a/two", "c/three", "four"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path + "\n")
    yield Workspace(root)


def test_an_unchanged_workspace_reads_and_builds_nothing(space: Workspace) -> None:
    """The second capture offers the store only the coverage and rules, of which there are none."""
    first = space.capture(later_ms=5000)
    second = space.capture(later_ms=5000)
    assert space.sink.offered == []
    assert second.snapshot == first.snapshot
    assert not second.table_changed
    assert second.counts.stored == 4


def test_paths_that_are_stored_anyway_may_be_asked_for_without_a_walk(space: Workspace) -> None:
    """A rollback asks for all that it writes; where rules leave something out it is looked at."""
    space.capture(later_ms=5000)
    assert not space.capture(later_ms=5000, also=(b"a/two",)).table_changed
    (space.root / ".gitignore").write_text("four\n")
    space.capture(later_ms=5000)
    assert space.content(b"four") is None
    space.capture(later_ms=5000, also=(b"four",))
    assert space.content(b"four") == b"four\n"
    space.capture(later_ms=5000)
    assert space.content(b"four") is None


def test_one_edit_reads_one_file_and_builds_the_trees_above_it(space: Workspace) -> None:
    """One blob, its three trees, and the extras."""
    space.capture(later_ms=5000)
    (space.root / "a/b/one").write_text("edited\n")
    space.capture(later_ms=5000)
    assert sorted(space.sink.offered) == ["blob", "blob", "tree", "tree", "tree"]
    assert space.content(b"a/b/one") == b"edited\n"


def test_an_edit_of_equal_size_with_its_time_put_back_is_seen(space: Workspace) -> None:
    """The ctime cannot be put back."""
    space.capture(later_ms=5000)
    path = space.root / "a/two"
    before = path.stat()
    path.write_text("A/TWO\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    space.capture(later_ms=5000)
    assert space.content(b"a/two") == b"A/TWO\n"


def test_edits_within_one_tick_of_the_clock_are_seen(space: Workspace) -> None:
    """Whatever the stamps say, a file that was fresh when it was read is read again."""
    path = space.root / "four"
    for n in range(200):
        path.write_text(f"{n:04}\n")
        space.capture()
        assert space.content(b"four") == f"{n:04}\n".encode()


def test_a_stamp_that_repeats_is_seen_while_the_file_was_fresh(space: Workspace) -> None:
    """A table that remembers the stamps of the new content does not believe a fresh file."""
    space.capture()
    table = StatTable.loads(space.saved)
    assert table is not None
    at = table.files.paths.index(b"four")
    assert table.files.ctime[at] == -1
    space.capture(later_ms=5000)
    settled = StatTable.loads(space.saved)
    assert settled is not None
    assert settled.files.ctime[at] == (space.root / "four").stat().st_ctime_ns


def test_a_rule_file_rewritten_within_one_tick_of_the_clock_is_read_again(
    space: Workspace,
) -> None:
    """Same size, same time, same inode: only its being fresh tells that it may be another text."""
    rules = space.root / ".gitignore"
    rules.write_text("four\n")
    time_ns = rules.stat().st_mtime_ns
    space.capture(later_ms=-5000)
    assert space.content(b"four") is None
    rules.write_text("five\n")
    os.utime(rules, ns=(time_ns, time_ns))
    space.capture(later_ms=-5000)
    assert space.content(b"four") == b"four\n"


def test_a_name_added_within_the_tick_of_the_listing_is_seen(space: Workspace) -> None:
    """A fresh folder is listed again."""
    for n in range(100):
        (space.root / f"c/new{n}").touch()
        assert space.capture().counts.stored == 5 + n


def test_replacements_of_every_kind_are_seen(space: Workspace) -> None:
    """File, folder and link take each other's place; renames and mode changes count."""
    space.capture(later_ms=5000)
    root = space.root
    (root / "four").unlink()
    (root / "four").mkdir()
    (root / "four/inside").write_text("x")
    (root / "a/two").unlink()
    (root / "a/two").symlink_to("b")
    (root / "c").rename(root / "d")
    (root / "a/b/one").chmod(0o755)
    done = space.capture(later_ms=5000)
    assert done.snapshot == space.fresh()
    assert [e.path for e in entries(space.sink, done.snapshot)] == [
        b"a/b/one", b"a/two", b"d/three", b"four/inside",
    ]  # fmt: skip


def test_a_table_of_another_folder_is_not_used(space: Workspace, tmp_path: Path) -> None:
    """The root's device and inode tell."""
    space.capture(later_ms=5000)
    other = Workspace(tmp_path / "other")
    other.root.mkdir()
    other.sink, other.saved = space.sink, space.saved
    assert other.capture().counts.stored == 0


def test_a_table_whose_snapshot_the_store_does_not_hold_is_not_used(space: Workspace) -> None:
    """After a crash before the commit, or with an older store, content is offered again."""
    first = space.capture(later_ms=5000)
    space.sink = Counting()
    assert space.capture(later_ms=5000).snapshot == first.snapshot
    assert space.sink.offered.count("blob") == 5
    assert space.content(b"four") == b"four\n"


def test_an_older_table_is_still_right(space: Workspace) -> None:
    """A crash between commit and saving leaves the table of the capture before."""
    space.capture(later_ms=5000)
    older = space.saved
    (space.root / "four").write_text("second\n")
    space.capture(later_ms=5000)
    (space.root / "a/two").write_text("third\n")
    space.saved = older
    assert space.capture(later_ms=5000).snapshot == space.fresh()


def test_another_cap_makes_a_saved_table_void(space: Workspace) -> None:
    """Its verdicts were made under other settings."""
    space.capture(later_ms=5000)
    space.config = replace(space.config, cap_bytes=1)
    assert space.capture(later_ms=5000).table_changed


def test_no_damage_to_a_saved_table_goes_unnoticed(space: Workspace) -> None:
    """Any changed, missing or added byte: no table, a full scan, the same snapshot."""
    first = space.capture(later_ms=5000)
    good = space.saved
    rng = random.Random(1)
    for _ in range(300):
        at = rng.randrange(len(good))
        damaged = rng.choice(
            (good[:at], good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
        )
        assert StatTable.loads(damaged) is None
    assert StatTable.loads(good + b"x") is None
    space.saved = good[: len(good) // 2]
    assert space.capture().snapshot == first.snapshot


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_none(data: bytes) -> None:
    """Loading never raises."""
    assert StatTable.loads(data) is None


def test_a_missing_workspace_fails_loudly(space: Workspace, tmp_path: Path) -> None:
    """No snapshot of nothing is made."""
    with pytest.raises(FailedError):
        capture_tree(Scanner(tmp_path / "gone", None), space.sink, None)


@pytest.mark.parametrize("seed", range(6))
def test_a_saved_table_never_changes_the_answer(seed: int, tmp_path: Path) -> None:
    """Random edits of content, modes, rules, links and folders: as if scanned for the first time."""
    rng = random.Random(seed)
    space = Workspace(tmp_path / "work")
    space.root.mkdir()
    for _ in range(25):
        for _ in range(rng.randrange(4)):
            meddle(rng, space.root)
        done = space.capture(later_ms=rng.choice((0, 5000)))
        again = capture_tree(Scanner(space.root, None), MemoryObjects(), space.parent)
        assert done.snapshot == again.snapshot
        assert done.covered == again.covered
        assert done.counts == again.counts
        assert (done.rules_blob, done.coverage_blob) == (again.rules_blob, again.coverage_blob)
