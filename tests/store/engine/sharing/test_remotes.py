"""The folder of remotes: no link is followed, no rest is left, one process at a time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from stepwell.store import BusyError, IntegrityError, NotFoundError, RefusedError
from stepwell.store.engine.sharing.remotes import (
    add_remote,
    find_remote,
    locked,
    remotes,
    remove_mirrors,
    remove_remote,
)

_MIRROR = f"{'ab' * 8}.git"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with the remote `origin`, which has a mirror."""
    path = tmp_path / "store"
    path.mkdir()
    _add(path, "origin")
    _fill(path / "remotes" / "origin" / _MIRROR)
    return path


def _add(store: Path, name: str) -> None:
    above = store.parent
    where = {"folder": above, "home": above / "home"}
    add_remote(store, name, "https://example.org/app", workspace=os.fsencode(above / "ws"), **where)


def _fill(folder: Path) -> Path:
    (folder / "objects").mkdir(parents=True)
    (folder / "objects" / "precious").write_text("precious\n")
    return folder


@pytest.mark.parametrize("level", ["", "origin", f"origin/{_MIRROR}"])
def test_links_are_refused_at_every_level(store: Path, tmp_path: Path, level: str) -> None:
    """What they lead to stays whole."""
    place = store / "remotes" / level
    moved = tmp_path / "elsewhere"
    shutil.move(place, moved)
    place.symlink_to(moved)
    before = sorted(moved.rglob("*"))
    with pytest.raises(IntegrityError, match="is a link"):
        remove_mirrors(store)
    if not level.endswith(".git"):
        for act in (find_remote, remove_remote):
            with pytest.raises(IntegrityError, match="is a link"):
                act(store, "origin")
        with pytest.raises(IntegrityError, match="is a link"):
            remotes(store)
    assert sorted(moved.rglob("*")) == before


def test_removing_takes_links_in_a_mirror_and_not_what_they_lead_to(
    store: Path, tmp_path: Path
) -> None:
    """Also when the mirror itself is one."""
    precious = _fill(tmp_path / "precious")
    place = store / "remotes" / "origin"
    (place / _MIRROR / "refs").symlink_to(precious)
    (place / f"{'cd' * 8}.git").symlink_to(precious)
    remove_remote(store, "origin")
    assert remotes(store) == [] and not place.exists()
    assert (precious / "objects" / "precious").read_text() == "precious\n"


def test_only_mirrors_are_removed(store: Path) -> None:
    """By their names; what else lies there is somebody's."""
    place = store / "remotes" / "origin"
    for other in (place / "mine.git", place / "ABABABABABABABAB.git", store / "remotes" / ".x"):
        _fill(other)
    _fill(store / "remotes" / ".x" / _MIRROR)
    remove_mirrors(store)
    assert not (place / _MIRROR).exists()
    for other in (place / "mine.git", place / "ABABABABABABABAB.git", store / "remotes" / ".x"):
        assert (other / "objects" / "precious").exists()


def test_what_a_killed_removal_left_can_be_removed(store: Path) -> None:
    """By its name, by the removal of another, or by adding it again."""
    place = store / "remotes" / "origin"
    (place / "remote.json").unlink()
    assert remotes(store) == []
    remove_remote(store, "origin")
    assert not place.exists()
    with pytest.raises(NotFoundError):
        remove_remote(store, "origin")
    _add(store, "other")
    _fill(place / _MIRROR)
    remove_remote(store, "other")
    assert list((store / "remotes").iterdir()) == []
    _fill(place / _MIRROR)
    _add(store, "origin")
    assert [path.name for path in place.iterdir()] == ["remote.json"]
    with pytest.raises(RefusedError, match="already"):
        _add(store, "origin")


def test_one_process_at_a_time(store: Path) -> None:
    """The others are told so, and change nothing."""
    with locked(store, "origin"):
        with pytest.raises(BusyError, match="the remote origin"):
            remove_remote(store, "origin")
        with pytest.raises(BusyError, match="the remote origin"):
            remove_mirrors(store)
    assert (store / "remotes" / "origin" / _MIRROR).exists()
    remove_mirrors(store)
    assert find_remote(store, "origin").name == "origin"
