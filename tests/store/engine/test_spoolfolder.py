"""Spools of hooks: only a folder of this user alone counts, and in it only what hooks write."""

from __future__ import annotations

import os
import posix
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.store.agents import hookclient
from stepwell.store.agents.spool import Spooled, forget, read_spool, sweep_spool
from stepwell.store.engine.pruning.blot import Blotter
from stepwell.store.engine.pruning.spools import Spools
from stepwell.store.engine.spoolfolder import SpoolFolder, foreign_spools, open_spools
from stepwell.store.model.errors import FailedError

SECRET = b"a secret that is long enough to be looked for"
TEXT = b"claude PostToolUse\n" + SECRET
EVENT = f"{1:020d}-1"
DEAD = 2**22 + 1
REMAINS = (".in-vain", f".{EVENT}-{DEAD}", f"..in-vain-{DEAD}")
STRANGE = (
    ".bashrc",
    ".netrc-1",
    f".{EVENT}",
    f"{EVENT}.txt",
    f"{1:019d}-1",
    f"{1:020d}-x",
    f"{EVENT}\n",
    "notes",
)

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A spool beside a socket, in which lies what a hook writes, and what it never would."""
    folder = tmp_path / "stepwell" / "id.spool"
    for one in (folder.parent, folder):
        one.mkdir(mode=0o700)
    for name in (EVENT, *REMAINS, *STRANGE):
        (folder / name).write_bytes(TEXT)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Returns what lies in a folder, read through links."""
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def names(*folders: Path) -> list[str]:
    """Returns the events that are seen."""
    return [name for one in open_spools(folders) for name in one.events()]


def everything(folder: Path) -> None:
    """Does all that anybody does with a spool: a daemon's start, its look, a purge."""
    sweep_spool([folder])
    forget([*read_spool([folder]), Spooled(folder / EVENT, "claude", "Stop", b"")])
    Spools((folder,), b"/w").purge(Blotter([SECRET]), lambda path: False)


def _linked(folder: Path) -> None:
    folder.rename(folder.with_name("victim"))
    folder.symlink_to("victim")


def _link_above(folder: Path) -> None:
    folder.parent.rename(folder.parent.with_name("victim"))
    folder.parent.symlink_to("victim")


def _given(folder: Path) -> None:
    os.chown(folder, 12_345, -1)


def _given_above(folder: Path) -> None:
    os.chown(folder.parent, 12_345, -1)


def _with_mode(mode: int) -> Callable[[Path], None]:
    return lambda folder: folder.chmod(mode)


def _with_mode_above(mode: int) -> Callable[[Path], None]:
    return lambda folder: folder.parent.chmod(mode)


@pytest.mark.parametrize(
    "spoil",
    [
        _linked,
        _link_above,
        pytest.param(_given, marks=root_only),
        pytest.param(_given_above, marks=root_only),
        _with_mode(0o770),
        _with_mode(0o720),
        _with_mode(0o707),
        _with_mode(0o740),
        _with_mode_above(0o770),
        _with_mode_above(0o777),
    ],
)
def test_a_folder_that_is_not_ours_alone_is_left_alone(
    spool: Path, spoil: Callable[[Path], None]
) -> None:
    """Somebody else may have made it, and made it lead to what is ours; it is named, and no hook uses it."""
    before = contents(spool)
    spoil(spool)
    everything(spool)
    assert contents(spool) == before
    assert (names(spool), read_spool([spool])) == ([], [])
    assert foreign_spools([spool]) == [spool]
    assert not hookclient._is_ours(str(spool))
    with pytest.raises(OSError):
        hookclient._write(str(spool), f"{2:020d}-1", TEXT)
    assert contents(spool) == before


def test_what_others_may_only_read_above_is_no_hindrance(spool: Path) -> None:
    """A store may be readable: what lies in it cannot be exchanged."""
    spool.parent.chmod(0o755)
    assert names(spool) == [EVENT] and hookclient._is_ours(str(spool))


def test_only_what_hooks_write_is_touched(spool: Path) -> None:
    """Other names stay as they are, above all those of dotfiles."""
    live = f".{EVENT}-{os.getppid()}"
    (spool / live).write_bytes(TEXT)
    Spools((spool,), b"/w").purge(Blotter([SECRET]), lambda path: False)
    purged = contents(spool)
    assert SECRET not in purged.pop(EVENT) and purged == dict.fromkeys((*STRANGE, live), TEXT)
    sweep_spool([spool])
    forget(read_spool([spool]))
    assert contents(spool) == dict.fromkeys(STRANGE, TEXT)


def test_a_purged_event_is_as_private_as_before(spool: Path) -> None:
    """It is a new file."""
    Spools((spool,), b"/w").purge(Blotter([SECRET]), lambda path: False)
    assert stat.S_IMODE((spool / EVENT).stat().st_mode) == 0o600


@pytest.mark.timeout(30)
def test_what_is_no_file_is_left_alone(spool: Path, tmp_path: Path) -> None:
    """Not followed, not waited for, not removed, whatever it is called."""
    (tmp_path / "mine").write_bytes(TEXT)
    for number, name in enumerate((f"{2:020d}-{{}}", f".{EVENT}-{DEAD}{{}}")):
        os.mkfifo(spool / name.format(1))
        (spool / name.format(2)).mkdir()
        (spool / name.format(2) / EVENT).write_bytes(TEXT)
        (spool / name.format(3)).symlink_to(tmp_path / "mine")
        (spool / name.format(4)).symlink_to(f"nowhere{number}")
    before = set(os.listdir(spool))
    assert [one.path.name for one in read_spool([spool])] == [EVENT]
    with SpoolFolder.open(spool) as folder:
        assert folder is not None
        assert [folder.read(f"{2:020d}-{number}") for number in range(1, 6)] == [None] * 5
    everything(spool)
    assert set(os.listdir(spool)) == before - {EVENT, *REMAINS}
    assert (tmp_path / "mine").read_bytes() == TEXT
    assert (spool / f"{2:020d}-2" / EVENT).read_bytes() == TEXT


def test_a_folder_that_is_not_there_is_no_event_and_nobody_elses(tmp_path: Path) -> None:
    """Neither it nor the one above."""
    for path in (tmp_path / "spool", tmp_path / "a" / "spool"):
        assert (names(path), read_spool([path]), foreign_spools([path])) == ([], [], [])


def test_what_the_system_refuses_is_told_as_such(spool: Path) -> None:
    """With what failed, on what; nothing half written stays."""
    with SpoolFolder.open(spool) as folder:
        assert folder is not None
        (spool / f"{2:020d}-1").mkdir()
        with pytest.raises(FailedError, match=f"writing {spool}/{2:020d}-1 failed"):
            folder.replace(f"{2:020d}-1", b"")
        with pytest.raises(FailedError, match=f"removing {spool}/{2:020d}-1 failed"):
            folder.remove(f"{2:020d}-1")
        assert not (spool / f".{2:020d}-1-{os.getpid()}").exists()


def test_names_are_those_that_the_hook_client_gives(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it writes, and what it leaves when it is killed over that."""
    store = spool.parent
    hookclient._spool_file(str(store), hookclient.IN_VAIN, b"")
    hookclient._spool(str(store), "claude", "Stop", b"{}")
    with monkeypatch.context() as patched:
        patched.setattr(posix, "rename", lambda *_: None)
        hookclient._spool_file(str(store), hookclient.IN_VAIN, b"")
        hookclient._spool(str(store), "claude", "Stop", b"{}")
    written = store / "spool"
    with SpoolFolder.open(written) as folder:
        assert folder is not None
        found = [*folder.events(), *(name for name, _ in folder.remains())]
        assert sorted(found) == sorted(os.listdir(written)) and len(found) == 4
        assert {who for _, who in folder.remains()} == {None, os.getpid()}
