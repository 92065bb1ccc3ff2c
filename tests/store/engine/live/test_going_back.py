"""Where all files are again as an older capture had them, its trees are put back, not built."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.sights import Keeper

from stepwell.store.engine.files import Placed
from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.objects import BLOB, TREE, MemoryObjects, ObjectSink
from stepwell.store.engine.scan import CaptureConfig, stamping_clock
from stepwell.store.model.ids import Oid, object_id
from stepwell.store.model.steps import Snapshot

WIDE = tuple(f"wide/{n:02}" for n in range(26))
NAMES = (
    "one",
    "a/two",
    "a/b/three",
    "a/b/c/four",
    "d/.gitmodules",
    "d/.gitattributes",
    "git~1/six",
    *WIDE,
)

LONG = 3000
"""So long a line makes git refuse a `.gitattributes`."""


class Offered(MemoryObjects):
    """Remembers which kinds of objects were offered."""

    def __init__(self, below: ObjectSink) -> None:
        super().__init__()
        self._below = below
        self.kinds: list[str] = []

    def read(self, oid: Oid) -> tuple[str, bytes]:
        return super().read(oid) if super().has(oid) else self._below.read(oid)

    def has(self, oid: Oid) -> bool:
        return super().has(oid) or self._below.has(oid)

    def add(self, kind: str, data: bytes) -> Oid:
        self.kinds.append(kind)
        return super().add(kind, data)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns a workspace with deep, wide and refused folders, and one that may become empty."""
    made = tmp_path / "work"
    for name in NAMES:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    return made


@pytest.fixture
def keeper(root: Path, tmp_path: Path) -> Iterator[Keeper]:
    """Yields a store that follows the workspace."""
    (tmp_path / "store").mkdir()
    config = CaptureConfig()
    sight = LiveSight(
        os.fsencode(root), tmp_path / "store", config, clock=lambda: stamping_clock() + 5 * 10**9
    )
    made = Keeper(sight)
    for _ in range(2):
        made.capture()
    assert sight.follows
    yield made
    sight.close()


def captured(keeper: Keeper) -> Snapshot:
    """Captures and returns the snapshot that was kept."""
    keeper.capture()
    assert keeper.parent is not None
    return keeper.parent


def offered(keeper: Keeper, parent: Snapshot) -> list[str]:
    """Returns what a look offers that is compared with `parent`, and kept if it is the same."""
    sink = Offered(keeper.store)
    keeper.sight.take(sink, parent)
    return sink.kinds


def edit(root: Path, text: str, *names: str) -> None:
    """Writes a text into files."""
    for name in names:
        (root / name).write_text(text)


def test_no_tree_is_built_on_the_way_back(root: Path, keeper: Keeper) -> None:
    """Over one capture or several, back and forth again; what was read is offered all the same."""
    edit(root, "zero", "one", "a/b/c/four", "wide/07")
    found = [captured(keeper)]
    for text, names in (("first", ("one", "a/b/c/four")), ("second", ("one", "wide/07"))):
        edit(root, text, *names)
        found.append(captured(keeper))
    edit(root, "zero", "one", "a/b/c/four", "wide/07")
    assert offered(keeper, found[0]) == [BLOB] * 3
    keeper.parent = found[0]
    assert captured(keeper) == found[0]
    keeper.check(root)
    edit(root, "first", "a/b/c/four")
    edit(root, "second", "one", "wide/07")
    assert offered(keeper, found[2]) == [BLOB] * 3
    keeper.take()
    keeper.check(root)


def test_a_store_that_lacks_the_old_root_is_offered_all_trees(root: Path, keeper: Keeper) -> None:
    """As after the step was removed: the next one must not name what is not there."""
    before = captured(keeper)
    edit(root, "new", "a/two")
    captured(keeper)
    edit(root, "a/two", "a/two")
    del keeper.store._objects[before.tree]
    assert offered(keeper, before) == [BLOB, TREE, TREE]


def one_too_much(root: Path) -> None:
    edit(root, "other", "wide/03")


def one_did_not_go_back(root: Path) -> None:
    edit(root, "other", "one")


def another_mode(root: Path) -> None:
    (root / "one").chmod(0o755)


def a_folder_came(root: Path) -> None:
    (root / "came").mkdir()
    edit(root, "came", "came/file")


@pytest.mark.parametrize("meddle", [one_too_much, one_did_not_go_back, another_mode, a_folder_came])
def test_whatever_else_changed_has_the_trees_built(
    meddle: Callable[[Path], None], root: Path, keeper: Keeper
) -> None:
    """Whether all are back otherwise or not."""
    before = captured(keeper)
    edit(root, "new", "a/two", "one")
    captured(keeper)
    edit(root, "a/two", "a/two")
    edit(root, "one", "one")
    meddle(root)
    assert TREE in offered(keeper, before)
    keeper.take()
    keeper.check(root)


@pytest.mark.parametrize("seed", range(8))
def test_ways_back_and_forth_give_what_a_scan_gives(seed: int, root: Path, keeper: Keeper) -> None:
    """Whole or in part, over steps, kept or not, told of or not, with more that happens meanwhile."""
    chance = random.Random(seed)
    kept = captured(keeper)
    states = {kept: contents(root)}
    back = 0
    for _ in range(60):
        onto = chance.choice(list(states)[-4:])
        placed = {}
        if chance.random() < 0.6:
            placed = put_back(chance, root, states[onto])
            keeper.parent = onto
        if chance.random() < 0.4:
            meddle(chance, root)
        if chance.random() < 0.3:
            back += TREE not in offered(keeper, onto) and bool(placed) and onto != kept
        keeper.take(placed=placed)
        keeper.check(root)
        if chance.random() < 0.7:
            kept = keeper.keep()
            states[kept] = contents(root)
    assert back


State = dict[str, tuple[bytes, int]]
"""Content and mode of each file."""


def contents(root: Path) -> State:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): (p.read_bytes(), p.stat().st_mode) for p in files}


def put_back(chance: random.Random, root: Path, state: State) -> dict[bytes, Placed]:
    """Makes the workspace what it was; one time in four all but a file. Tells of most of them."""
    now, placed = contents(root), {}
    differ = sorted(name for name in now.keys() | state.keys() if now.get(name) != state.get(name))
    if differ and chance.random() < 0.25:
        differ.remove(chance.choice(differ))
    for name in differ:
        path = root / name
        if name not in state:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(".draft")
        draft.write_bytes(state[name][0])
        draft.chmod(state[name][1])
        draft.rename(path)
        if chance.random() < 0.8:
            placed[os.fsencode(name)] = Placed(object_id(BLOB, state[name][0]), path.stat())
    return placed


def meddle(chance: random.Random, root: Path) -> None:
    """Edits, adds, removes, changes modes, links; now and then a folder comes or goes."""
    for name in chance.sample(NAMES, chance.randrange(1, 5)):
        path = root / name
        does = chance.random()
        if does < 0.08:
            (path.parent / "more").mkdir(parents=True, exist_ok=True)
            (path.parent / "more" / "file").write_text("more")
        elif does < 0.2 and path.exists():
            path.unlink()
        elif does < 0.3 and path.exists():
            path.chmod(chance.choice((0o600, 0o644, 0o755)))
        elif does < 0.35 and path.exists():
            path.with_name("same").unlink(missing_ok=True)
            os.link(path, path.with_name("same"))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(chance.randrange(3)) * chance.choice((1, LONG)))
