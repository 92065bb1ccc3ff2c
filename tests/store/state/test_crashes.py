"""Kills, full disks and damage: what was acknowledged stays, what cannot be used is named."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.limits import files_up_to

from stepwell.store.model.errors import (
    BusyError,
    FormatError,
    IntegrityError,
    NoSpaceError,
    StepwellError,
)
from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import StateQuery

Make = Callable[..., StateSnapshots]

VICTIM = Path(__file__).resolve().parents[2] / "support" / "state_victim.py"


def test_a_killed_writer_leaves_every_acknowledged_snapshot(make: Make, tmp_path: Path) -> None:
    """Retention, rebasing and events included; the next writer goes on unaided."""
    chance = random.Random(11)
    for _ in range(6):
        acknowledged = _run_and_kill(tmp_path / "state", chance.randrange(1, 25))
        snapshots = make("disk")
        found = snapshots.search(StateQuery(session="s"), direction="asc")
        states = {one.id: snapshots.reconstruct_state(one) for one in found}
        identity, number = acknowledged[-1]
        assert states[identity]["n"] == number
        numbers = [state["n"] for state in states.values()]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)) and number in numbers
        assert len(numbers) <= 8
        assert snapshots.statistics().damaged == ()
        assert snapshots.events("s")[-1].data["seen"] >= number
        snapshots.create("t", 1)
        left = {p.suffix for p in (tmp_path / "state" / "snapshots").iterdir()}
        assert ".snapshot" in left <= {".snapshot", ".base"}


def _run_and_kill(folder: Path, lines: int) -> list[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, VICTIM, folder], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    read = [process.stdout.readline() for _ in range(lines)]
    os.killpg(process.pid, signal.SIGKILL)
    read += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    whole = [line.split() for line in read if line.endswith("\n")]
    assert whole
    return [(identity, int(number)) for identity, number in whole]


def test_a_full_disk_refuses_and_changes_nothing(make: Make, tmp_path: Path) -> None:
    """Each writing verb, at every size at which it can fail; afterwards all of them work."""
    noise = random.Random(3).randbytes(3000).hex()
    snapshots = make("disk")
    a = snapshots.create("s", {"noise": noise, "n": 1})
    b = snapshots.create("s", {"noise": noise, "n": 2})
    snapshots.record_event("s", "merge", {"n": 3})
    export = snapshots.export_snapshots()
    verbs: list[Callable[[], Any]] = [
        lambda: snapshots.create("s", {"noise": noise[::-1]}),
        lambda: snapshots.tag(a, add=["y" * 50]),
        lambda: snapshots.delete(a),
        lambda: snapshots.record_event("s", "merge", {"noise": noise}),
        lambda: snapshots.import_snapshots(export, overwrite_existing=True),
    ]

    def everything() -> Any:
        fresh = make("disk")
        states = [fresh.reconstruct_state(one) for one in fresh.search()]
        return fresh.search(), states, list(fresh.events("s"))

    before = everything()
    for verb in verbs:
        for size in (0, 100, 400, 800):
            with files_up_to(size), pytest.raises(NoSpaceError):
                verb()
            assert everything() == before
            assert [p for p in tmp_path.rglob("*") if "tmp" in p.suffix] == []
    for verb in verbs:
        verb()
    assert make("disk").reconstruct_state(b.id) == {"noise": noise, "n": 2}


def test_damage_is_named_never_given_out_and_leaves_the_rest(make: Make, tmp_path: Path) -> None:
    """A changed byte or a cut anywhere in a file; the nearest whole one is used instead."""
    make("disk").create_all("s", [{"n": n, "text": "x" * 300} for n in range(4)])
    first = make("disk").search(direction="asc")
    victim = first[2]
    path = tmp_path / "state" / "snapshots" / f"{victim.id}.snapshot"
    whole = path.read_bytes()
    chance = random.Random(5)
    for trial in range(120):
        bad = bytearray(whole)
        place = chance.randrange(len(bad))
        if trial % 4 == 0:
            del bad[place:]
        else:
            bad[place] ^= 1 << chance.randrange(8)
        path.write_bytes(bad)
        snapshots = make("disk")
        told: list[Any] = []
        snapshots.subscribe("error", told.append)
        with pytest.raises(IntegrityError) as refused:
            snapshots.reconstruct_state(victim)
        assert victim.id in refused.value.message
        assert snapshots.reconstruct_state(first[1]) == {"n": 1, "text": "x" * 300}
        assert snapshots.reconstruct_at("s", victim.time_ns) == {"n": 1, "text": "x" * 300}
        later = snapshots.create("later", {"n": 9})
        assert snapshots.reconstruct_state(later) == {"n": 9}
        snapshots.delete(later)
    path.write_bytes(whole)
    assert make("disk").reconstruct_state(victim)["n"] == 2


def test_a_damaged_snapshot_is_listed_replaced_as_a_base_and_can_be_deleted(
    make: Make, tmp_path: Path
) -> None:
    """With the reason; what built on it says so."""
    snapshots = make("disk")
    a, b = snapshots.create_all("s", [{"n": n, "text": "x" * 300} for n in range(2)])
    path = tmp_path / "state" / "snapshots" / f"{a.id}.snapshot"
    path.write_bytes(b"rubbish")
    (broken,) = snapshots.statistics().damaged
    assert broken.id == a.id and "does not begin as a state snapshot does" in broken.reason
    with pytest.raises(IntegrityError):
        snapshots.get(a.id)
    with pytest.raises(IntegrityError, match="on which it builds, is not there"):
        snapshots.reconstruct_state(b)
    assert snapshots.nearest("s", a.time_ns) == b
    c = snapshots.create("s", {"n": 2, "text": "x" * 300})
    assert (c.type, snapshots.reconstruct_state(c)["n"]) == ("full", 2)
    assert snapshots.delete(a.id) and snapshots.delete(b)
    assert not path.exists() and snapshots.search() == [c]


def test_what_a_newer_version_made_is_refused_and_left_alone(make: Make, tmp_path: Path) -> None:
    """By its format number."""
    snapshots = make("disk")
    a = snapshots.create("s", 1)
    path = tmp_path / "state" / "snapshots" / f"{a.id}.snapshot"
    newer = path.read_bytes().replace(b"stepwell-state 1", b"stepwell-state 2")
    path.write_bytes(newer)
    with pytest.raises(FormatError, match="has format 2"):
        make("disk").reconstruct_state(a)
    with pytest.raises(FormatError, match="has format 2"):
        snapshots.get(a.id)
    snapshots.create("s", 2)
    assert path.read_bytes() == newer


def test_without_validation_only_unreadable_content_is_refused(make: Make, tmp_path: Path) -> None:
    """The option trades certainty for time, and says so."""
    snapshots = make("disk", checksum_validation=False)
    a = snapshots.create("s", {"n": 1})
    path = tmp_path / "state" / "snapshots" / f"{a.id}.snapshot"
    path.write_bytes(path.read_bytes().replace(b'{"n":1}', b'{"n":7}'))
    assert snapshots.reconstruct_state(a) == {"n": 7}
    path.write_bytes(path.read_bytes().replace(b'{"n":7}', b'{"n":7['))
    with pytest.raises(IntegrityError):
        snapshots.reconstruct_state(a)
    with pytest.raises(IntegrityError):
        make("disk").reconstruct_state(a)


def test_odd_things_in_the_folder_stop_nothing(make: Make, tmp_path: Path) -> None:
    """Folders, links, pipes and foreign files with our suffix are named as damaged."""
    snapshots = make("disk")
    a = snapshots.create("s", 1)
    files = tmp_path / "state" / "snapshots"
    (files / "folder.snapshot").mkdir()
    (files / "link.snapshot").symlink_to(files / f"{a.id}.snapshot")
    os.mkfifo(files / "pipe.snapshot")
    (files / "copy.snapshot").write_bytes((files / f"{a.id}.snapshot").read_bytes())
    (files / "note.txt").write_text("mine")
    again = make("disk")
    assert again.search() == [a]
    assert [one.id for one in again.statistics().damaged] == ["copy", "folder", "link", "pipe"]
    again.create("s", 2)
    assert (files / "note.txt").exists()


def test_two_writers_take_turns_and_a_stuck_one_is_named(
    make: Make, tmp_path: Path, clock: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is the kernel's, so that it dies with its holder."""
    snapshots = make("disk")
    monkeypatch.setattr(snapshots._storage, "_wait_s", 0.0)
    from stepwell.store.engine.lock import WriterLock

    with WriterLock.acquire(tmp_path / "state", wait_s=0, clock=clock):
        with pytest.raises(BusyError):
            snapshots.create("s", 1)
        assert snapshots.search() == []
    assert snapshots.create("s", 1)


def test_folders_and_files_are_private(make: Make, tmp_path: Path) -> None:
    """Whatever the umask."""
    old = os.umask(0)
    try:
        snapshots = make("disk")
        snapshots.create("s", 1)
        snapshots.record_event("s", "merge", {})
    finally:
        os.umask(old)
    modes = {oct(p.stat().st_mode & 0o777) for p in tmp_path.rglob("*") if p.is_file()}
    folders = {oct(p.stat().st_mode & 0o777) for p in tmp_path.rglob("*") if p.is_dir()}
    assert (modes, folders) == ({"0o600"}, {"0o700"})


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    """Not one of Python's."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StepwellError):
        StateSnapshots(tmp_path / "file" / "state")
    with pytest.raises(StepwellError):
        StateSnapshots(tmp_path / "file")
