"""Pushing and fetching over kills, lost answers, emptied servers and damaged mirrors."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.sharing import Make, git

from stepwell.store import (
    BusyError,
    FailedError,
    IntegrityError,
    RefusedError,
    Workspace,
)
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.journal.segment import FOLDER
from stepwell.store.engine.sealing.layout import repository_of
from stepwell.store.engine.sharing.fetched import read_mirror
from stepwell.store.engine.sharing.fetching import fetch_and_read
from stepwell.store.engine.sharing.here import Here
from stepwell.store.engine.sharing.remotes import locked
from stepwell.store.model.errors import NoSpaceError


def _hook(server: Path, name: str, script: str) -> Path:
    path = server / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def _write(ws: Workspace, text: str) -> None:
    Path(os.fsdecode(ws.root), "a").write_text(text)
    assert ws.capture("write") is not None


def _refs(server: Path) -> str:
    return git("-C", server, "for-each-ref")


_PUSH = """\
import sys
from stepwell.store import Workspace
with Workspace.open(sys.argv[1], home=sys.argv[2]) as ws:
    ws.push("origin")
"""


def _push_killed(tmp_path: Path) -> None:
    """Has ann's process push, which a hook of the server has to kill."""
    start = f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    killed = subprocess.run(
        [sys.executable, "-c", start + _PUSH, tmp_path / "ann", tmp_path / "home of ann"],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def test_a_push_that_was_killed_after_the_server_took_it_is_ours(
    make: Make, server: Path, tmp_path: Path
) -> None:
    """The next one goes on from there, with more steps or without."""
    ann = make("ann")
    hook = _hook(server, "post-receive", f"kill -9 $(cat {tmp_path}/pid)")
    for text in ("one\n", "two\n"):
        _write(ann, text)
        _push_killed(tmp_path)
        assert f"refs/stepwell/{ann.id}/operations" in _refs(server)
    assert ann.remotes()[0].pushing
    hook.unlink()
    _write(ann, "three\n")
    assert ann.push("origin").changed
    assert not ann.remotes()[0].pushing
    assert not ann.push("origin").changed


def test_a_push_that_the_server_takes_late_is_ours(
    make: Make, server: Path, tmp_path: Path
) -> None:
    """Though another one was begun since, and killed as well."""
    ann = make("ann")
    hook = _hook(server, "pre-receive", f"kill -9 $(cat {tmp_path}/pid); exit 1")
    for text in ("one\n", "two\n"):
        _write(ann, text)
        _push_killed(tmp_path)
    hook.unlink()
    first, _ = ann.remotes()[0].pushing
    late = f"{first}:refs/stepwell/{ann.id}/operations"
    git("-C", repository_of(ann.store), "push", "--quiet", server, late)
    assert ann.push("origin").changed
    assert not ann.remotes()[0].pushing


def test_an_emptied_server_is_pushed_anew(make: Make, server: Path) -> None:
    """And that is a change, though the same was pushed before."""
    ann = make("ann")
    ann.push("origin")
    before = _refs(server)
    shutil.rmtree(server)
    git("init", "--quiet", "--bare", server)
    assert ann.push("origin").changed
    assert _refs(server) == before


def test_a_branch_that_is_gone_there_is_sent_again(make: Make, server: Path) -> None:
    """Something is sent, so something changed."""
    ann = make("ann")
    ann.push("origin")
    before = _refs(server)
    git("-C", server, "update-ref", "-d", f"refs/stepwell/{ann.id}/heads/main")
    assert ann.push("origin").changed
    assert _refs(server) == before
    assert not ann.push("origin").changed


def test_what_another_store_pushed_meanwhile_is_not_ours(make: Make, server: Path) -> None:
    """Neither by what was pushed nor by what was about to be."""
    ann = make("ann")
    ann.push("origin")
    tree = git("-C", server, "hash-object", "-t", "tree", "-w", os.devnull)
    person = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    other = git("-C", server, *person, "commit-tree", tree, "-m", "x")
    git("-C", server, "update-ref", f"refs/stepwell/{ann.id}/operations", other)
    _write(ann, "more\n")
    with pytest.raises(RefusedError, match="not pushed"):
        ann.push("origin")
    assert other in _refs(server)
    assert ann.push("origin", force=True).changed


def test_a_full_disk_of_the_server_is_not_ours(make: Make, server: Path) -> None:
    """The hint must not have anybody look for room here."""
    ann = make("ann")
    _hook(server, "pre-receive", "echo No space left on device >&2; exit 1")
    with pytest.raises(FailedError, match="No space left") as raised:
        ann.push("origin")
    assert not isinstance(raised.value, NoSpaceError)


def test_a_remote_at_work_is_left_alone(make: Make) -> None:
    """Pushing to it, fetching from it and removing it wait for nobody."""
    ann, ben = make("ann"), make("ben")
    ben.push("origin")
    with locked(ann.store, "origin"):
        for act in (ann.push, ann.pull, ann.remove_remote):
            with pytest.raises(BusyError, match="the remote origin"):
                act("origin")
    assert ann.pull("origin").imported == 1


@pytest.mark.parametrize("hurt", ["HEAD", "refs", "packed-refs", "link"])
def test_a_damaged_mirror_is_fetched_anew(
    make: Make, tmp_path: Path, server: Path, hurt: str
) -> None:
    """Whatever is wrong with it, and what a killed fetch left does not matter."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    mirror = next((ben.store / "remotes" / "origin").glob("*.git"))
    if hurt == "link":
        shutil.move(mirror / "objects", tmp_path / "objects")
        (mirror / "objects").symlink_to(tmp_path / "objects")
    elif hurt == "refs":
        shutil.rmtree(mirror / "refs")
        (mirror / "refs").write_text("x")
    else:
        (mirror / hurt).write_text("no such thing\n")
    (mirror / "config.lock").touch()
    (mirror / "objects" / "pack" / "tmp_pack_x").touch()
    _write(ann, "newer\n")
    ann.push("origin")
    assert ben.pull("origin").imported == 1
    assert git("--git-dir", mirror, "fsck", "--no-dangling") == ""
    assert not (mirror / "config.lock").exists()
    assert not list((mirror / "objects" / "pack").glob("tmp_*"))


def test_a_mirror_that_cannot_be_read_is_fetched_anew(make: Make) -> None:
    """Once: what is wrong on the server stays wrong."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    where = (ben.store, ben.remotes()[0], ann.id)
    mirror = fetch_and_read(*where, lambda path: path, os.urandom)
    for pack in (mirror / "objects" / "pack").glob("*.pack"):
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 0xFF
        pack.chmod(0o600)
        pack.write_bytes(content)
    with Journal.open(ben.store) as journal:
        ours = Here(journal)
        told = fetch_and_read(*where, lambda path: read_mirror(path, ours, None), os.urandom)
    assert len(told.contents.steps) == 1
    seen: list[Path] = []

    def refuse(path: Path) -> None:
        seen.append(path)
        raise IntegrityError("it is damaged")

    with pytest.raises(IntegrityError, match="it is damaged"):
        fetch_and_read(*where, refuse, os.urandom)
    assert seen == [mirror, mirror]


def test_what_fails_here_is_not_told_of_the_mirror(make: Make, tmp_path: Path) -> None:
    """It would be refused for good, though nothing is wrong with it."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    where = (ben.store, ben.remotes()[0], ann.id)
    mirror = fetch_and_read(*where, lambda path: path, os.urandom)
    with Journal.open(ben.store) as journal:
        journal.close()  # it opens its files again when they are needed
        (segment,) = (ben.store / FOLDER).glob("*.segment")
        away = segment.rename(tmp_path / "away")
        segment.symlink_to(away)
        with pytest.raises(FailedError, match="opening"):
            read_mirror(mirror, Here(journal), None)
        segment.unlink()
        away.rename(segment)
    assert ben.pull("origin").imported == 1


def test_a_mirror_that_outgrew_the_limit_is_fetched_anew(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken out of the history there still fills it."""
    ann, ben = make("ann"), make("ben")
    for number in range(4):
        _write(ann, random.Random(number).randbytes(100_000).hex())
    ann.push("origin")
    ben.pull("origin")
    ann.purge(paths=[b"a"])
    _write(ann, "newer\n")
    ann.push("origin")
    monkeypatch.setattr("stepwell.store.engine.sharing.fetching.MOST_BYTES", 300_000)
    assert ben.pull("origin").imported == 1


def test_a_mirror_stays_when_the_server_is_gone(make: Make, server: Path) -> None:
    """What was fetched is not thrown away for want of an answer."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    mirror = next((ben.store / "remotes" / "origin").glob("*.git"))
    before = git("--git-dir", mirror, "for-each-ref")
    server.rename(server.with_suffix(".away"))
    with pytest.raises(FailedError, match="the remote origin"):
        fetch_and_read(ben.store, ben.remotes()[0], ann.id, lambda path: path, os.urandom)
    assert git("--git-dir", mirror, "for-each-ref") == before
