"""What a caller put in place is believed unread, until its stat or an event speaks against it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.sights import Keeper

from stepwell.store.engine.files import Placed
from stepwell.store.engine.live import LiveSight
from stepwell.store.engine.objects import BLOB
from stepwell.store.engine.scan import CaptureConfig

REAL, SAID = b"what is there", b"what was said"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Returns a workspace with a file in a folder."""
    made = tmp_path / "work"
    (made / "a").mkdir(parents=True)
    (made / "a" / "one").write_text("old")
    return made


@pytest.fixture
def keeper(root: Path, tmp_path: Path) -> Iterator[Keeper]:
    """Yields a store that follows the workspace, and knows a content that is nowhere in it."""
    (tmp_path / "store").mkdir()
    sight = LiveSight(os.fsencode(root), tmp_path / "store", CaptureConfig())
    made = Keeper(sight)
    made.store.add(BLOB, SAID)
    for _ in range(2):
        made.capture()
    assert sight.follows
    yield made
    sight.close()


def put(root: Path, keeper: Keeper) -> dict[bytes, Placed]:
    """Puts a file in place as a rollback does, and says that it holds something else.

    Where that is believed, the file was not read.
    """
    draft, place = root / "a" / ".draft", root / "a" / "one"
    draft.write_bytes(REAL)
    os.rename(draft, place)
    return {b"a/one": Placed(keeper.store.add(BLOB, SAID), os.lstat(place))}


def test_it_is_not_read_again(root: Path, keeper: Keeper) -> None:
    """The events of coming into place say nothing against it; later ones do."""
    keeper.take(placed=put(root, keeper))
    assert keeper.content() == {b"a/one": SAID}
    keeper.keep()
    (root / "a" / "one").write_bytes(b"later")
    keeper.capture()
    assert keeper.content() == {b"a/one": b"later"}


def write_in_secret(place: Path) -> None:
    """Another content of the same size, and times put back: even the ctime may be the same."""
    was = os.stat(place)
    with place.open("r+b") as file:
        file.write(REAL.upper())
    os.utime(place, ns=(was.st_atime_ns, was.st_mtime_ns))


def replaced(place: Path) -> None:
    """Another file at the name."""
    other = place.with_name("other")
    other.write_bytes(REAL.upper())
    os.rename(other, place)


def linked(place: Path) -> None:
    """Another name, through which it may be written unheard."""
    os.link(place, place.parent.parent.parent / "outside")


@pytest.mark.parametrize("meddle", [write_in_secret, replaced, linked])
def test_it_is_read_when_anything_speaks_against_it(
    meddle: Callable[[Path], None], root: Path, keeper: Keeper
) -> None:
    """Written, replaced or linked after it came into place."""
    placed = put(root, keeper)
    meddle(root / "a" / "one")
    keeper.take(placed=placed)
    assert keeper.content() == {b"a/one": (root / "a" / "one").read_bytes()}


def test_an_event_of_writing_is_enough(root: Path, keeper: Keeper) -> None:
    """Whatever the stat says: it is taken after the write here."""
    placed = put(root, keeper)
    write_in_secret(root / "a" / "one")
    now = Placed(placed[b"a/one"].oid, os.lstat(root / "a" / "one"))
    keeper.take(placed={b"a/one": now})
    assert keeper.content() == {b"a/one": REAL.upper()}


def test_a_content_that_the_store_lacks_is_read(root: Path, keeper: Keeper) -> None:
    """It could not be restored from the step."""
    placed = put(root, keeper)
    keeper.store = type(keeper.store)()
    for oid in (keeper.parent.tree, keeper.parent.extras) if keeper.parent else ():
        keeper.store.add(*keeper.sink.read(oid))
    keeper.take(placed=placed)
    assert keeper.content() == {b"a/one": REAL}


@pytest.mark.parametrize("name", ["one", "git~1"])
def test_one_that_takes_a_folders_place_is_told_as_a_scan_tells_it(
    name: str, root: Path, keeper: Keeper
) -> None:
    """With a mode of its own, and where git refuses the name."""
    place, draft = root / name, root / ".draft"
    (place / "below").mkdir(parents=True)
    keeper.capture()
    draft.write_bytes(SAID)
    draft.chmod(0o600)
    (place / "below").rmdir()
    place.rmdir()
    os.rename(draft, place)
    said = Placed(keeper.store.add(BLOB, SAID), os.lstat(place))
    keeper.take(placed={os.fsencode(name): said})
    keeper.check(root)
