"""Finding a folder's store again, and never making a second one beside it."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stepwell.store import Workspace
from stepwell.store.model.errors import FormatError, NotAWorkspaceError


class _Watched(tuple[Path, ...]):
    """Guarded folders that tell when they are looked at, which is right before the lock."""

    def __new__(cls, seen: threading.Event) -> _Watched:
        made = super().__new__(cls)
        made.seen = seen
        return made

    seen: threading.Event

    def __iter__(self) -> Iterator[Path]:
        self.seen.set()
        return super().__iter__()


def test_two_that_begin_at_once_get_one_store(project: Path, home: Path) -> None:
    """The second waits for the first and opens its store, so no history is left behind."""
    found, ids, seen = random.Random(3), [], threading.Event()

    def second() -> None:
        with Workspace.init(project, home=home, guarded=_Watched(seen)) as workspace:
            ids.append(workspace.id)

    other = threading.Thread(target=second)

    def randomness(size: int) -> bytes:
        if other.ident is None:
            other.start()
            assert seen.wait(10)
        return found.randbytes(size)

    with Workspace.init(project, home=home, randomness=randomness) as workspace:
        pass
    other.join(10)
    assert ids == [workspace.id]
    assert [store.name for store in (home / "workspaces").iterdir()] == ids


def _lose_root_file(home: Path, _store: Path) -> None:
    for file in (home / "roots").iterdir():
        file.unlink()


def _lose_store_file(_home: Path, store: Path) -> None:
    (store / "store.json").unlink()


@pytest.mark.parametrize("lose", [_lose_root_file, _lose_store_file])
def test_init_finds_a_store_whose_files_were_lost(
    ws: Workspace, project: Path, home: Path, lose: Callable[[Path, Path], None]
) -> None:
    """Its history goes on."""
    lose(home, ws.store)
    with pytest.raises(NotAWorkspaceError):
        Workspace.open(project, home=home)
    with Workspace.init(project, home=home) as again:
        assert (again.id, again.head()) == (ws.id, ws.head())
    with Workspace.open(project, home=home) as opened:
        assert opened.id == ws.id


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"workspace"', b'"workspbce"'),
        (b'"format": 1', b'"format": 2'),
        (b'"root": "/', b'"root": "x'),
    ],
)
def test_a_damaged_root_file_is_told_and_stops_only_its_own_folder(
    ws: Workspace, project: Path, home: Path, tmp_path: Path, old: bytes, new: bytes
) -> None:
    """Nothing is guessed from it and no new store is made."""
    (file,) = (home / "roots").iterdir()
    file.write_bytes(file.read_bytes().replace(old, new))
    for verb in (Workspace.open, Workspace.init):
        with pytest.raises(FormatError):
            verb(project, home=home)
    (tmp_path / "other").mkdir()
    with Workspace.init(tmp_path / "other", home=home) as other:
        assert other.id != ws.id
    assert len(list((home / "workspaces").iterdir())) == 2


def test_a_new_folder_with_the_inode_of_a_deleted_one_inherits_nothing(
    ws: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """File systems give inode numbers again."""
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "README.md").write_text("# another project\n")
    (file,) = (home / "roots").iterdir()
    own = b'"ino": %d,' % os.stat(project).st_ino
    assert own in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(own, b'"ino": %d,' % os.stat(fresh).st_ino))
    project.rename(tmp_path / "elsewhere")
    with Workspace.init(fresh, home=home) as other:
        assert other.id != ws.id


def test_every_file_of_a_store_is_private_whatever_the_umask(project: Path, home: Path) -> None:
    """Derived ones too."""
    before = os.umask(0)
    try:
        with Workspace.init(project, home=home) as workspace:
            (project / "README.md").write_text("changed\n")
            workspace.apply(workspace.plan_rollback("@"), force=True)
            workspace.steps()
    finally:
        os.umask(before)
    loose = [path for path in home.rglob("*") if path.stat().st_mode & 0o077]
    assert not loose
    assert (workspace.store / "stats").exists()


def test_the_users_own_data_folder_is_taken_when_none_is_named(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the commands do; a text is a path as well."""
    monkeypatch.setenv("STEPWELL_HOME", str(home))
    with Workspace.init(project) as first, Workspace.open(str(project), home=str(home)) as again:
        assert first.id == again.id
        assert first.store.is_relative_to(home)
