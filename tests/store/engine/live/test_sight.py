"""Following a workspace: the answer of a scan whatever happened, and never a blind trust in events."""

from __future__ import annotations

import mmap
import os
import random
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.mutation import Mutator, meddle
from support.sights import Keeper

from stepwell.store.engine.capture import capture_tree
from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.objects import MemoryObjects, ObjectSink
from stepwell.store.engine.reference import ReferenceEngine
from stepwell.store.engine.scan import CaptureConfig, Scanner, stamping_clock
from stepwell.store.engine.sight import load_table
from stepwell.store.engine.snapshots import differing
from stepwell.store.engine.treebuild import git_mode
from stepwell.store.model.errors import FailedError
from stepwell.store.model.ids import Oid

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")

Make = Callable[..., LiveSight]


def later() -> int:
    """A clock for which no file is so fresh that it is looked at again in any case."""
    return stamping_clock() + 5_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns a small workspace."""
    made = tmp_path / "work"
    for path in ("a/b/one", "a/two", "c/three", "four"):
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(path + "\n")
    return made


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Returns the folder of a store."""
    made = tmp_path / "store"
    made.mkdir()
    return made


@pytest.fixture
def make(root: Path, store: Path) -> Iterator[Make]:
    """Yields a maker of sights, which are closed at the end."""
    made: list[LiveSight] = []

    def sight(**options: object) -> LiveSight:
        options = {"config": CaptureConfig(), "clock": later, **options}
        made.append(LiveSight(os.fsencode(root), store, **options))  # type: ignore[arg-type]
        return made[-1]

    yield sight
    for one in made:
        one.close()


@pytest.fixture
def keeper(make: Make) -> Keeper:
    """Returns a store whose first captures are kept, so that the workspace is followed."""
    sight = make()
    made = followed(sight)
    assert sight.follows
    return made


def followed(sight: LiveSight) -> Keeper:
    """Captures twice: a scan that had no table could not watch what it did not know yet."""
    keeper = Keeper(sight)
    for _ in range(2):
        keeper.capture()
    return keeper


def follows(keeper: Keeper) -> bool:
    assert isinstance(keeper.sight, LiveSight)
    return keeper.sight.follows


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("clock", [later, stamping_clock])
def test_random_changes_give_what_a_scan_gives(
    seed: int, clock: Callable[[], int], root: Path, make: Make, tmp_path: Path
) -> None:
    """Content, modes, links, renamed folders; kept or not; and nothing needs what was not kept."""
    chance, mutator = random.Random(seed), Mutator(root, seed, tmp_path / "out")
    mutator.run(40)
    keeper = Keeper(make(clock=clock))
    keeper.capture()
    for _ in range(25):
        mutator.run(chance.randrange(5))
        keeper.take()
        keeper.check(root)
        assert follows(keeper)
        if chance.random() < 0.6:
            keeper.keep()


def test_what_differs_from_earlier_captures_is_remembered(root: Path, keeper: Keeper) -> None:
    """There and back, with files that come and go; forgotten where folders did."""
    for text in ("1", "2", "1", "3"):
        (root / "four").write_text(text)
        (root / f"new{text}").write_text(text)
        (root / "c" / "three").write_text(text + text)
        keeper.capture()
        (root / f"new{text}").unlink()
        keeper.capture()
    assert keeper.remembered >= 40
    known, newest = keeper.remembered, keeper.parent
    assert newest is not None
    (root / "folder").mkdir()
    keeper.capture()
    assert keeper.remembered == known
    assert keeper.parent is not None
    assert keeper.sight.between(newest, keeper.parent) is None


def test_going_back_is_one_more_change_and_forgets_none(root: Path, keeper: Keeper) -> None:
    """As a rollback does it: compared with where it went, and kept more than once."""
    found = []
    for text in ("A", "B", "C"):
        (root / "four").write_text(text)
        keeper.capture()
        assert keeper.parent is not None
        found.append(keeper.parent)
    (root / "four").write_text("A")
    keeper.parent = found[0]
    keeper.take()
    keeper.keep()
    keeper.keep()
    for other in found[1:]:
        assert keeper.sight.between(found[0], other) == differing(keeper.store, found[0], other)


@pytest.mark.parametrize("seed", range(4))
def test_changing_rules_and_wishes_give_what_a_scan_gives(
    seed: int, root: Path, make: Make
) -> None:
    """Ignore files that come and go, names that git refuses, and paths that are asked for."""
    chance = random.Random(seed)
    keeper = Keeper(make())
    keeper.capture()
    for _ in range(25):
        for _ in range(chance.randrange(6)):
            meddle(chance, root)
        wished = [b"a", b"b/a", b"a/b/c.o", b"c.o"][: chance.randrange(9)] * (chance.random() < 0.4)
        keeper.take(wished)
        keeper.check(root)
        assert follows(keeper)
        if chance.random() < 0.6:
            keeper.keep()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 140))
def test_thousands_of_changes_give_what_a_scan_gives(
    seed: int, root: Path, make: Make, tmp_path: Path
) -> None:
    """As above, for hours of work."""
    chance, mutator = random.Random(seed), Mutator(root, seed, tmp_path / "out")
    mutator.run(300)
    keeper = Keeper(make(clock=chance.choice((later, stamping_clock))))
    for _ in range(200):
        mutator.run(chance.randrange(12))
        if chance.random() < 0.3:
            meddle(chance, root)
        keeper.take()
        keeper.check(root)
        if chance.random() < 0.6:
            keeper.keep()


@pytest.mark.compat
def test_the_tree_is_the_one_that_git_builds(root: Path, make: Make, tmp_path: Path) -> None:
    """Id for id, edit after edit, and fsck accepts it."""
    mutator = Mutator(root, 11, tmp_path / "out")
    keeper = Keeper(make())
    with ReferenceEngine(tmp_path / "scratch") as engine:
        for _ in range(12):
            mutator.run(6)
            for rules in root.rglob(".gitignore"):
                rules.unlink()
            done = keeper.capture()
            assert done.snapshot.tree == engine.tree_of(_plainly(root))


def _plainly(root: Path) -> list[tuple[bytes, int, bytes]]:
    found = []
    for folder, _, _ in os.walk(os.fsencode(root)):
        for entry in os.scandir(folder):
            path = os.path.relpath(entry.path, os.fsencode(root))
            mode = entry.stat(follow_symlinks=False).st_mode
            if entry.is_symlink():
                found.append((path, 0o120000, os.readlink(entry.path)))
            elif stat.S_ISREG(mode):
                found.append((path, git_mode(mode), Path(os.fsdecode(entry.path)).read_bytes()))
    return found


def test_lost_events_make_the_next_look_a_scan(root: Path, keeper: Keeper) -> None:
    """More changes than the queue holds: nothing is missed, and then it is followed again."""
    two, four = root / "a/two", root / "four"
    for _ in range(int(QUEUE.read_text()) // 2 + 100):
        os.utime(two)
        os.utime(four)
    four.write_text("after the flood\n")
    (root / "c/new").write_text("new\n")
    keeper.take()
    keeper.check(root)
    assert not follows(keeper)
    keeper.keep()
    assert follows(keeper)
    (root / "c/new").write_text("newer\n")
    keeper.capture()
    keeper.check(root)
    assert follows(keeper)


def test_without_enough_watches_every_look_is_a_scan(
    root: Path, make: Make, tmp_path: Path
) -> None:
    """Ten watches for more folders: slow, and right."""
    mutator = Mutator(root, 3, tmp_path / "out")
    for n in range(12):
        (root / f"more{n}").mkdir()
    keeper = Keeper(make(most_watches=10))
    keeper.capture()
    for _ in range(8):
        mutator.run(4)
        keeper.capture()
        keeper.check(root)
        assert not follows(keeper)


def test_a_limit_that_is_reached_later_makes_it_scan(root: Path, make: Make) -> None:
    """Folders that come after the last watch was granted are captured all the same."""
    keeper = followed(make(most_watches=6))
    assert follows(keeper)
    for n in range(5):
        (root / f"deep{n}/er").mkdir(parents=True)
        (root / f"deep{n}/er/file").write_text("x")
    keeper.capture()
    keeper.check(root)
    assert not follows(keeper)


def test_clocks_that_jump_change_nothing(root: Path, make: Make, tmp_path: Path) -> None:
    """Back to 1970, ten years on, and back again between two looks."""
    jumps = random.Random(5)
    keeper = Keeper(make(clock=lambda: stamping_clock() + jumps.randrange(-(10**18), 10**18)))
    mutator = Mutator(root, 5, tmp_path / "out")
    for _ in range(20):
        mutator.run(3)
        keeper.capture()
        keeper.check(root)


def test_an_edit_of_equal_size_with_its_time_put_back_is_seen(root: Path, keeper: Keeper) -> None:
    """Whatever the stat says, the write made an event."""
    path = root / "a/two"
    before = path.stat()
    path.write_text("A/TWO\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    keeper.capture()
    assert keeper.content()[b"a/two"] == b"A/TWO\n"


def test_an_edit_through_a_linked_folder_is_seen(
    root: Path, keeper: Keeper, tmp_path: Path
) -> None:
    """The link is not followed; the folder that it leads to is watched itself."""
    (root / "inside").symlink_to("a/b")
    (tmp_path / "outside").symlink_to(root / "a")
    keeper.capture()
    (root / "inside/one").write_text("by the link inside\n")
    (tmp_path / "outside/two").write_text("by the link outside\n")
    keeper.capture()
    keeper.check(root)
    assert keeper.content()[b"a/b/one"] == b"by the link inside\n"
    assert keeper.content()[b"a/two"] == b"by the link outside\n"
    assert keeper.content()[b"inside"] == b"a/b"


def test_an_edit_through_another_name_is_seen(root: Path, keeper: Keeper, tmp_path: Path) -> None:
    """A hard link inside or outside: that write makes no event at the name that is captured."""
    os.link(root / "four", root / "c/same")
    (root / "a/two").unlink()
    (tmp_path / "outside").write_text("outside\n")
    os.link(tmp_path / "outside", root / "a/two")
    keeper.capture()
    (root / "c/same").write_text("by the other name\n")
    (tmp_path / "outside").write_text("by the name outside\n")
    keeper.capture()
    assert keeper.content()[b"four"] == b"by the other name\n"
    assert keeper.content()[b"a/two"] == b"by the name outside\n"


def test_other_names_are_known_from_a_scan(root: Path, make: Make, tmp_path: Path) -> None:
    """Also of files that the saved table knew already."""
    os.link(root / "four", tmp_path / "outside")
    make().close()
    first = make()
    Keeper(first).capture()
    first.close()
    keeper = Keeper(make())
    keeper.capture()
    (tmp_path / "outside").write_text("by the name outside\n")
    keeper.capture()
    assert keeper.content()[b"four"] == b"by the name outside\n"


def test_a_sweep_finds_writes_through_memory(root: Path, keeper: Keeper) -> None:
    """They make no event; an idle moment's look at the stat tells, and the next capture has them."""
    path = root / "four"
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        keeper.capture()
        memory[:4] = b"FOUR"
        memory.flush()
        assert isinstance(keeper.sight, LiveSight)
        assert sum(keeper.sight.sweep(2) for _ in range(3)) == 1
        assert keeper.sight.sweep_all() == 0
    keeper.capture()
    keeper.check(root)
    assert keeper.content()[b"four"] == b"FOUR\n"


def test_a_sweep_of_what_was_followed_finds_nothing(
    root: Path, keeper: Keeper, tmp_path: Path
) -> None:
    """Events told everything, so nothing drifted."""
    mutator = Mutator(root, 8, tmp_path / "out")
    assert isinstance(keeper.sight, LiveSight)
    for _ in range(10):
        mutator.run(5)
        keeper.capture()
        assert keeper.sight.sweep_all() == 0


def test_the_repositorys_index_and_excludes_are_noticed(root: Path, make: Make) -> None:
    """Nobody watches `.git`; what counts of it is looked at each time."""
    (root / ".git/info").mkdir(parents=True)
    (root / ".gitignore").write_text("*.log\n")
    (root / "a.log").write_text("log\n")
    keeper = Keeper(make())
    keeper.capture()
    assert b"a.log" not in keeper.content()
    (root / ".git/index").write_bytes(_index(b"a.log"))
    keeper.capture()
    keeper.check(root)
    assert b"a.log" in keeper.content()
    (root / ".git/index").unlink()
    keeper.capture()
    keeper.check(root)
    (root / ".git/info/exclude").write_text("c\n")
    keeper.capture()
    keeper.check(root)
    assert b"c/three" not in keeper.content()


def _index(path: bytes) -> bytes:
    entry = b"\0" * 24 + (0o100644).to_bytes(4, "big") + b"\0" * 32 + len(path).to_bytes(2, "big")
    entry += path + b"\0" * (8 - (len(entry) + len(path)) % 8)
    return b"DIRC" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + entry + b"\0" * 20


def test_another_folder_in_the_workspaces_place_is_scanned(
    root: Path, keeper: Keeper, tmp_path: Path
) -> None:
    """Moving the root away makes no event at its own path."""
    root.rename(tmp_path / "moved")
    root.mkdir()
    (root / "other").write_text("other\n")
    keeper.capture()
    keeper.check(root)
    assert set(keeper.content()) == {b"other"}


def test_a_missing_workspace_fails_and_is_found_again(root: Path, keeper: Keeper) -> None:
    """No snapshot of nothing is made."""
    away = root.with_name("away")
    root.rename(away)
    with pytest.raises(FailedError):
        keeper.take()
    away.rename(root)
    (root / "four").write_text("back\n")
    keeper.capture()
    keeper.check(root)


def test_a_workspace_named_by_a_link_is_followed(root: Path, store: Path, tmp_path: Path) -> None:
    """The folder that the link leads to is watched; another one in its place is noticed."""
    link = tmp_path / "link"
    link.symlink_to(root)
    sight = LiveSight(os.fsencode(link), store, CaptureConfig(), clock=later)
    keeper = followed(sight)
    (root / "four").write_text("edited\n")
    keeper.capture()
    keeper.check(root)
    assert sight.follows
    other = tmp_path / "other"
    other.mkdir()
    link.unlink()
    link.symlink_to(other)
    keeper.capture()
    assert keeper.content() == {}
    sight.close()


def test_a_file_system_that_others_change_is_scanned(
    root: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No watcher hears what a file server's other clients do."""
    monkeypatch.setattr("stepwell.store.engine.live.watcher.hears_all", lambda _: False)
    sight = make()
    keeper = followed(sight)
    (root / "four").write_text("edited\n")
    keeper.capture()
    keeper.check(root)
    assert not sight.follows
    assert "file system" in sight.doubt


class Failing(MemoryObjects):
    """Refuses the object after so many."""

    def __init__(self, below: ObjectSink, left: int) -> None:
        super().__init__()
        self._below = below
        self._left = left

    def read(self, oid: Oid) -> tuple[str, bytes]:
        return super().read(oid) if super().has(oid) else self._below.read(oid)

    def has(self, oid: Oid) -> bool:
        return super().has(oid) or self._below.has(oid)

    def add(self, kind: str, data: bytes) -> Oid:
        self._left -= 1
        if self._left < 0:
            raise FailedError("the disk is full")
        return super().add(kind, data)


@pytest.mark.parametrize("left", range(9))
def test_a_look_that_was_broken_off_misses_nothing(left: int, root: Path, keeper: Keeper) -> None:
    """Wherever the store refuses: the next look finds everything, and offers it again."""
    (root / "a").rename(root / "z")
    (root / "z/b/new").write_text("new\n")
    (root / "c/.gitignore").write_text("three\n")
    (root / "four").write_text("edited\n")
    with pytest.raises(FailedError):
        keeper.sight.take(Failing(keeper.store, left), keeper.parent)
    keeper.capture()
    keeper.check(root)


def test_an_older_capture_cannot_be_kept(root: Path, keeper: Keeper) -> None:
    """Only what the last look found is what the sight remembers."""
    (root / "four").write_text("second\n")
    first = keeper.take()
    (root / "four").write_text("third\n")
    keeper.take()
    keeper.sight.keep(first)
    keeper.take()
    keeper.check(root)


class Counting(MemoryObjects):
    """Counts what is offered."""

    def __init__(self, below: MemoryObjects) -> None:
        super().__init__()
        self._objects = below._objects
        self.offered: list[str] = []

    def add(self, kind: str, data: bytes) -> Oid:
        self.offered.append(kind)
        return super().add(kind, data)


def offered(keeper: Keeper) -> list[str]:
    """Returns what one more capture offers."""
    sink = Counting(keeper.store)
    done = keeper.sight.take(sink, keeper.parent)
    keeper.parent = done.snapshot
    keeper.sight.keep(done)
    return sorted(sink.offered)


def test_only_what_changed_is_read_and_built(root: Path, keeper: Keeper) -> None:
    """Nothing for nothing; one blob and the trees above it for an edit."""
    assert offered(keeper) == []
    (root / "a/b/one").write_text("edited\n")
    assert offered(keeper) == ["blob", "tree", "tree", "tree"]
    assert offered(keeper) == []


def test_a_renamed_folder_is_not_read_again(root: Path, keeper: Keeper) -> None:
    """Its files are the same inodes; only trees are built."""
    (root / "a").rename(root / "renamed")
    assert offered(keeper) == ["tree", "tree", "tree"]
    keeper.take()
    keeper.check(root)


def test_a_wide_folder_is_spliced(root: Path, keeper: Keeper) -> None:
    """Names that come, go and turn into folders stay in git's order."""
    chance = random.Random(2)
    for n in range(300):
        (root / f"c/{n:03}").write_text(f"{n}\n")
    keeper.capture()
    for _ in range(40):
        name = root / f"c/{chance.choice(('', '.', '-'))}{chance.randrange(300):03}"
        if name.is_dir():
            name.rmdir()
        elif name.exists():
            name.unlink()
        elif chance.random() < 0.5:
            name.mkdir()
            (name / "in").write_text("x")
            (name / "in").unlink()
        else:
            name.write_text("x")
        keeper.capture()
        keeper.check(root)


def test_the_saved_table_is_right_for_a_scan(root: Path, store: Path, make: Make) -> None:
    """Whoever scans next misses nothing, however it ended."""
    chance = random.Random(4)
    sight = make(clock=stamping_clock)
    keeper = Keeper(sight)
    keeper.capture()
    for _ in range(30):
        for _ in range(chance.randrange(5)):
            meddle(chance, root)
        keeper.take()
        if chance.random() < 0.5:
            keeper.keep()
        sight.save()
        for _ in range(chance.randrange(3)):
            meddle(chance, root)
        table = load_table(store)
        assert table is not None
        scan = capture_tree(Scanner(root, table), keeper.store, keeper.parent)
        fresh = capture_tree(Scanner(root, None), MemoryObjects(), keeper.parent)
        assert (scan.snapshot, scan.covered) == (fresh.snapshot, fresh.covered)


def test_nothing_is_left_in_the_workspace(root: Path, keeper: Keeper) -> None:
    """The cookie of the barrier lies in the store."""
    before = sorted(root.rglob("*"))
    for _ in range(3):
        keeper.capture()
    assert sorted(root.rglob("*")) == before
