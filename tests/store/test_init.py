"""Finding a folder's store again, and never making a second one beside it."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stepwell.store import Workspace
from stepwell.store.engine.lock import WriterLock
from stepwell.store.model.errors import FormatError, NotAWorkspaceError, StoreUnreadableError


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


@pytest.mark.parametrize("umask", [0, 0o077])
def test_every_file_of_a_store_is_private_whatever_the_umask(
    project: Path, home: Path, umask: int
) -> None:
    """Files 0600 and folders 0700, derived ones and those on the way to the data folder too."""
    home = home / "not" / "yet"
    before = os.umask(umask)
    try:
        with Workspace.init(project, home=home) as workspace:
            (project / "README.md").write_text("changed\n")
            workspace.apply(workspace.plan_rollback("@"), force=True)
            workspace.steps()
            with Workspace.open(project, home=home):
                pass
    finally:
        os.umask(before)
    above = [home, *home.parents[:2]]
    modes = {(p.is_dir(), stat.S_IMODE(p.stat().st_mode)) for p in (*above, *home.rglob("*"))}
    assert modes == {(True, 0o700), (False, 0o600)}
    assert (workspace.store / "stats").exists()


def test_the_users_own_data_folder_is_taken_when_none_is_named(
    project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the commands do; a text is a path as well."""
    monkeypatch.setenv("STEPWELL_HOME", str(home))
    with Workspace.init(project) as first, Workspace.open(str(project), home=str(home)) as again:
        assert first.id == again.id
        assert first.store.is_relative_to(home)


@pytest.mark.parametrize("mode", [0o702, 0o720, 0o777])
@pytest.mark.parametrize("place", ["itself", "the folder above"])
def test_a_data_folder_that_others_may_write_is_refused(
    project: Path, tmp_path: Path, mode: int, place: str
) -> None:
    """By every verb, with what to do about it, until it is done."""
    home = tmp_path / "above" / "home"
    Workspace.init(project, home=home).close()
    folder = home if place == "itself" else home.parent
    if mode == 0o720 and folder != home:
        os.chown(folder, -1, _another_group())
    folder.chmod(mode)
    for verb in (Workspace.open, Workspace.init):
        with pytest.raises(StoreUnreadableError, match="open for writing") as told:
            verb(project, home=home)
        assert "chmod" in told.value.hint
    folder.chmod(0o700)
    Workspace.open(project, home=home).close()


def _another_group() -> int:
    other = next((g for g in os.getgroups() if g != os.getegid()), None)
    if other is None and os.geteuid() != 0:
        pytest.skip("the user is in one group only")
    return other or 12345


def test_a_link_to_a_data_folder_that_others_may_write_is_refused(
    project: Path, tmp_path: Path
) -> None:
    """It is the folder itself that counts."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "home").mkdir(0o700)
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open" / "home")
    with pytest.raises(StoreUnreadableError):
        Workspace.init(project, home=tmp_path / "link")
    (tmp_path / "open").chmod(0o1777)
    Workspace.init(project, home=tmp_path / "link").close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("place", ["itself", "the folder above", "the store"])
def test_a_data_folder_of_another_user_is_refused(
    project: Path, tmp_path: Path, place: str
) -> None:
    """Its owner could write it at any time."""
    home = tmp_path / "above" / "home"
    with Workspace.init(project, home=home) as workspace:
        folder = {"itself": home, "the folder above": home.parent}.get(place, workspace.store)
    os.chown(folder, 12345, -1)
    with pytest.raises(StoreUnreadableError, match="is owned by"):
        Workspace.open(project, home=home)


_KILLED = """
import os, signal, sys
from stepwell.store import Workspace
from stepwell.store.engine import atomic
left = [int(sys.argv[3])]
def dying(call):
    def one(*arguments, **named):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return one
os.write, os.replace, os.mkdir = dying(os.write), dying(os.replace), dying(os.mkdir)
Workspace.init(sys.argv[1], home=sys.argv[2])
"""


def test_what_a_killed_init_left_is_swept_by_the_next(project: Path, home: Path) -> None:
    """Killed at every third write, rename or new folder: one store in the end, and no leftovers."""
    code, point = -signal.SIGKILL, 0
    while code == -signal.SIGKILL:
        point += 3
        command = [sys.executable, "-c", _KILLED, str(project), str(home), str(point)]
        code = subprocess.run(command, check=False, timeout=60).returncode
    assert code == 0
    assert point > 12
    with Workspace.open(project, home=home) as workspace:
        assert workspace.verify(full=True).ok
        assert [store.name for store in (home / "workspaces").iterdir()] == [workspace.id]
    assert [path.suffix for path in (home / "roots").iterdir()] == [".json"]


def _unfinished(home: Path, project: Path, count: int) -> Path:
    """Returns a store with that many steps, as if its own file had never been written."""
    with Workspace.init(project, home=home) as workspace:
        for number in range(1, count):
            (project / "README.md").write_text(f"{number}\n")
            workspace.capture()
    (workspace.store / "store.json").unlink()
    for file in (home / "roots").iterdir():
        file.unlink()
    for path in (workspace.store / "catalogue").iterdir():
        path.unlink()
    return workspace.store


@pytest.mark.parametrize(
    "case", ["held", "a history", "sealed", "a catalogue", "named by a file", "a damaged file"]
)
def test_only_what_was_never_finished_is_swept(
    project: Path, home: Path, tmp_path: Path, case: str
) -> None:
    """Stores that somebody writes, that were ever used, or that may be named, stay."""
    store = _unfinished(home, project, 2 if case == "a history" else 1)
    other = tmp_path / "other"
    other.mkdir()
    if case == "sealed":
        (store / "repo.git").mkdir()
    elif case == "a catalogue":
        (store / "catalogue" / "steps").write_bytes(b"")
    if case == "held":
        with WriterLock.acquire(store, wait_s=0, clock=lambda: 0):
            Workspace.init(other, home=home).close()
    else:
        file = home / "roots" / f"{0:016x}.json"
        if case == "a damaged file":
            file.write_text("{")
        elif case == "named by a file":
            file.write_text(
                f'{{"format": 1, "root": "/gone", "dev": 0, "ino": 0, "workspace": "{store.name}"}}'
            )
        Workspace.init(other, home=home).close()
        file.unlink(missing_ok=True)
    assert (store / "journal" / "00000001.segment").exists()
    if case in ("held", "named by a file", "a damaged file"):
        (tmp_path / "third").mkdir()
        Workspace.init(tmp_path / "third", home=home).close()
        assert not store.exists()
