"""Files of a rollback are made in the store, where that does as well, and exchanged into their places."""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

import pytest
from support.bench import FAST, PLAN_ID, Bench, Tree

from stepwell.store import Workspace
from stepwell.store.engine import settle
from stepwell.store.engine.files import Seen
from stepwell.store.engine.leftovers import clear_leftovers
from stepwell.store.engine.rollback import apply, renaming, staging, swaps
from stepwell.store.engine.rollback.apply import CHANGED
from stepwell.store.engine.rollback.together import Together
from stepwell.store.model.errors import ObjectDamagedError

FILE, FOLDER = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755
OLD: Tree = {b"d": (FOLDER, None)} | {b"d/f%02d" % n: (FILE, b"old\n") for n in range(20)}
NEW: Tree = {b"d": (FOLDER, None)} | {b"d/f%02d" % n: (FILE, b"new %d\n" % n) for n in range(20)}
MINE = (FILE, b"mine\n")


@pytest.fixture
def staged(tmp_path: Path) -> Bench:
    """Returns a workspace with the old tree and a store beside it."""
    root = tmp_path / "workspace"
    root.mkdir()
    store = tmp_path / "store"
    store.mkdir()
    bench = Bench(os.fsencode(root), store=store)
    bench.write(OLD)
    return bench


def batch_of(bench: Bench, state: str) -> Path:
    """Makes a batch of a killed run of the plan."""
    assert bench.store is not None
    path = bench.store / staging.NAME / PLAN_ID / f"{state}-0"
    path.mkdir(parents=True)
    return path


def exchanges_here(bench: Bench) -> bool:
    """Tells whether files can be made in the store at all."""
    assert bench.store is not None
    fd = os.open(bench.root, os.O_RDONLY)
    try:
        found = staging.Staging(bench.store, "probe", fd)
        found.begin()
        begun = found.batch is not None
        found.close()
        return begun and Together(fd).covers(fd)
    finally:
        os.close(fd)


def test_nothing_temporary_is_seen_in_the_workspace(
    staged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks finds the files' own names, with the old content or the new, or some deleted."""
    if not exchanges_here(staged):
        pytest.skip("files cannot be made in the store on this file system")
    seen: list[set[bytes]] = []
    for name in ("exchange", "move_to_free"):
        real = getattr(renaming, name)

        def noted(*names: int | bytes, real: object = real, **at: int) -> bool:
            done: bool = real(*names, **at)  # type: ignore[operator]
            if at:  # else it is the trial whether names can be exchanged
                seen.append(set(os.listdir(staged.path(b"d"))))
            return done

        monkeypatch.setattr(renaming, name, noted)
    monkeypatch.setattr(apply, "_TOGETHER", 17)
    target = {path: state for path, state in NEW.items() if path not in (b"d/f18", b"d/f19")}
    target[b"d/new"] = MINE
    assert staged.apply(staged.plan(target)).kept == ()
    assert staged.walk() == target
    assert len(seen) == 21
    assert all(
        names <= {path[2:] for path in OLD.keys() | target if path != b"d"} for names in seen
    )
    assert staged.staged() == []


@pytest.mark.skipif(FAST is None, reason="there is no other file system to write to")
def test_a_store_on_another_file_system_is_not_used(staged: Bench, tmp_path: Path) -> None:
    """Each file is made beside its place then."""
    store = Path(str(FAST)) / f"stepwell-{os.getpid()}-{tmp_path.name}"
    if os.stat(str(FAST)).st_dev == os.stat(staged.root).st_dev:
        pytest.skip("both are one file system")
    store.mkdir()
    staged.store = store
    try:
        assert staged.apply(staged.plan(NEW)).kept == ()
        assert staged.walk() == NEW
        assert staged.staged() == []
    finally:
        for path in (store / staging.NAME, store):
            path.rmdir()


def test_a_folder_that_hands_down_rules_of_access_gets_files_of_its_own(staged: Bench) -> None:
    """What is made in it has them, as if an editor had made it."""
    entries = ((0x01, 7, 0), (0x02, 6, 12345), (0x04, 5, 0), (0x10, 7, 0), (0x20, 5, 0))
    undefined = 0xFFFFFFFF
    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, bits, who or undefined) for tag, bits, who in entries
    )
    try:
        os.setxattr(staged.path(b"d"), "system.posix_acl_default", acl)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("the file system has no such rules")
    assert staged.apply(staged.plan(NEW)).kept == ()
    assert staged.walk() == NEW
    for path in OLD:
        if path != b"d":
            assert "system.posix_acl_access" in os.listxattr(staged.path(path))


def test_what_was_saved_and_can_go_nowhere_else_stays_in_the_store(
    staged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saves twice in the moment of the change, and nothing can be put beside the place."""
    if not exchanges_here(staged):
        pytest.skip("files cannot be made in the store on this file system")
    plan, place, real = staged.plan(NEW), staged.path(b"d/f07"), renaming.exchange
    status = os.lstat(place)
    seen = {b"d/f07": Seen(status.st_size, status.st_mtime_ns, status.st_ino)}

    def save_before_and_after(one: int, name: bytes, other: bytes, **at: int) -> bool:
        mine = other == b"f07" and not saved
        if mine:
            Path(os.fsdecode(place)).write_bytes(b"mine\n")
        done = real(one, name, other, **at)
        if mine:
            saved.append(Path(os.fsdecode(place)).write_bytes(b"newer\n"))
        return done

    def refused(*_names: int | bytes, **_at: int) -> bool:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    saved: list[int] = []
    monkeypatch.setattr(renaming, "exchange", save_before_and_after)
    monkeypatch.setattr(renaming, "move_to_free", refused)
    (kept,) = staged.apply(plan, seen=seen).kept
    assert staged.walk() == NEW | {b"d/f07": (FILE, b"newer\n")}
    assert (kept.path, kept.reason.startswith(CHANGED)) == (b"d/f07", True)
    where = Path(kept.reason.rpartition(" is in ")[2])
    assert where.read_bytes() == b"mine\n"
    assert staged.store is not None
    clear_leftovers(staged.store)
    assert where.read_bytes() == b"mine\n"


def test_an_interruption_in_the_moment_of_a_change_loses_nothing(
    staged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken out and not judged stays where recovery finds it."""
    plan, real, judge = staged.plan(NEW), renaming.exchange, swaps._judge

    def saved_and_interrupted(*_arguments: object) -> None:
        monkeypatch.setattr(swaps, "_judge", judge)
        raise KeyboardInterrupt

    def save_first(one: int, name: bytes, other: bytes, **at: int) -> bool:
        if other != b"f00":
            return real(one, name, other, **at)
        monkeypatch.setattr(renaming, "exchange", real)
        Path(os.fsdecode(staged.path(b"d/" + other))).write_bytes(b"mine\n")
        return real(one, name, other, **at)

    monkeypatch.setattr(renaming, "exchange", save_first)
    monkeypatch.setattr(swaps, "_judge", saved_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        staged.apply(plan)
    assert [kept.path for kept in staged.recover(plan).kept] == [b"d/f00"]
    assert staged.walk() == NEW | {b"d/f00": MINE}
    assert staged.staged() == []


def test_what_cannot_be_put_back_is_left_in_the_store_and_told(staged: Bench) -> None:
    """The folder that it came from is gone; of what a step holds nothing is left or told."""
    plan = staged.plan(NEW)
    whole = batch_of(staged, "whole")
    numbers = {item.path: number for number, item in enumerate(plan.items)}
    (whole / str(numbers[b"d/f03"])).write_bytes(b"mine\n")
    (whole / str(numbers[b"d/f04"])).write_bytes(b"old\n")
    (whole / str(numbers[b"d/f05"])).write_bytes(b"new 5\n")
    (whole / "999").write_bytes(b"of no item\n")
    os.rename(staged.path(b"d"), staged.path(b"e"))
    kept = {k.path: k.reason for k in staged.recover(plan).kept}
    assert str(whole / str(numbers[b"d/f03"])) in kept[b"d/f03"]
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == {
        str(numbers[b"d/f03"]): b"mine\n",
        "999": b"of no item\n",
    }


def test_a_batch_that_cannot_be_read_is_told_and_stops_nothing(staged: Bench) -> None:
    """Something else lies in its place: the plan is finished all the same, and the next one begins."""
    plan = staged.plan(NEW)
    whole = batch_of(staged, "whole")
    whole.rmdir()
    whole.symlink_to("/nowhere")
    (kept,) = staged.recover(plan).kept
    assert str(whole) in kept.reason
    assert staged.walk() == NEW


def test_of_a_plan_that_nobody_can_read_what_the_store_lacks_is_told(
    ws: Workspace, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its intent is given up; drafts, and what a step holds, are removed."""
    for text in ("old", "new"):
        for n in range(20):
            (project / f"f{n}").write_text(f"{text} {n}\n")
        ws.capture(text)
    with monkeypatch.context() as patched:
        patched.setattr(Together, "end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ws.apply(ws.plan_rollback("@~1"))
    whole = ws.store / staging.NAME / PLAN_ID / "whole-0"
    whole.mkdir(parents=True)
    for name, content in (("0", "old 0\n"), ("1", "new 1\n"), ("2", "mine\n")):
        (whole / name).write_text(content)
    monkeypatch.setattr(settle, "decode_plan", unreadable)
    with Workspace.open(project, home=home) as other:
        recovered = other.settle()
    assert recovered is not None
    assert [str(whole / "2") in kept.reason for kept in recovered.kept] == [False, True]
    assert [path.name for path in whole.iterdir()] == ["2"]


def interrupted(_self: Together) -> bool:
    """Cuts a rollback off when all is changed and not yet durable."""
    raise KeyboardInterrupt


def unreadable(*_arguments: object) -> object:
    """Reads a damaged plan."""
    raise ObjectDamagedError("damaged")


def test_the_next_writer_removes_what_nobody_needs(staged: Bench) -> None:
    """Drafts, and what was judged; never what may be somebody's."""
    for state in ("drafts", "whole", "done"):
        (batch_of(staged, state) / "0").write_bytes(b"x\n")
    assert staged.store is not None
    clear_leftovers(staged.store)
    assert staged.staged() == [PLAN_ID, f"{PLAN_ID}/whole-0", f"{PLAN_ID}/whole-0/0"]
