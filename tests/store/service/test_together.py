"""Captures that wait at the same time: one sync for all, and what becomes of them when it fails."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from support.claude import Claude
from support.daemons import daemon_thread

from stepwell.store import Workspace
from stepwell.store.engine.journal import appender
from stepwell.store.link import values, wire
from stepwell.store.link.address import LINK, identity
from stepwell.store.link.turn import write_turn
from stepwell.store.service.held import HeldWorkspace

_EIGHT = 8


@pytest.fixture
def served(
    ws: Workspace, project: Path, home: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A workspace whose daemon takes syncs to be so slow that all who wait share one."""
    monkeypatch.setattr(HeldWorkspace, "sync_s", 60.0)
    with daemon_thread(project, home, runtime):
        yield ws


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The syncs of journals, which still happen."""
    made: list[int] = []
    sync = os.fdatasync

    def counted(fd: int) -> None:
        made.append(fd)
        sync(fd)

    monkeypatch.setattr(appender, "sync_content", counted)
    return made


def _handed_in(ws: Workspace, kind: str, words: tuple[str, ...], body: bytes) -> BinaryIO:
    """Hands in a request; returns what the daemon says, as soon as it says that it has it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(os.readlink(ws.store / LINK))
        head = wire.Head(kind, len(body), words).line()
        greeting = wire.Greeting(wire.PROTOCOL, wire.ANY_VERSION, identity(ws.store)).line()
        sock.sendall(greeting + head + body)
        said = sock.makefile("rb")
    assert wire.parse_greeting(said.readline()) is not None
    assert said.readline() == wire.Head("working").line()
    return said


def _answer(said: BinaryIO) -> str:
    """Returns of which kind the answer is."""
    with said:
        while (head := wire.parse_head(said.readline())) is not None and head.kind == "working":
            pass
    return head.kind if head else "none"


def _call(ws: Workspace, project: Path, number: int) -> BinaryIO:
    """Hands in what session `number` tells of a call that ended."""
    claude = Claude(project, f"s-{number}")
    claude.before("Bash", command="make")
    event, payload = claude.after("Bash", "", command="make")
    return _handed_in(ws, "hook", ("claude", event), payload)


def _eight_at_once(ws: Workspace, project: Path, between: Callable[[], object]) -> list[str]:
    """Has eight sessions tell of a call while the lock is lent; returns what each is answered."""
    with write_turn(ws._context, ws.link):
        said = [_call(ws, project, number) for number in range(_EIGHT)]
        between()
    return [_answer(one) for one in said]


def test_captures_that_wait_share_one_sync_in_their_order(
    served: Workspace, project: Path, syncs: list[int]
) -> None:
    """Each is a step of its own; the first has what changed."""
    (project / "a").write_text("a\n")
    assert _eight_at_once(served, project, syncs.clear) == ["done"] * _EIGHT
    assert len(syncs) == 1
    served.refresh()
    steps = served.steps(limit=_EIGHT)[::-1]
    assert [step.session for step in steps] == [f"claude:s-{n}" for n in range(_EIGHT)]
    assert [step.changes.files for step in steps] == [1] + [0] * (_EIGHT - 1)
    assert served.verify(full=True).ok


def test_a_capture_that_nobody_waits_beside_has_its_sync_at_once(
    served: Workspace, project: Path, syncs: list[int]
) -> None:
    """Where syncs are slow, too: an answer never waits for company."""
    for number in range(3):
        (project / "a").write_text(f"{number}\n")
        served.record(f"capture {number}")
        assert len(syncs) == number + 1


def test_a_sync_that_fails_fails_all_that_shared_it(
    served: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is as it was; what changed is in the next capture, the events may come again."""
    segment = served.store / "journal" / "00000001.segment"
    before = segment.read_bytes()
    refused = iter([OSError(errno.EIO, os.strerror(errno.EIO))])

    def refuse_once(fd: int) -> None:
        for error in refused:
            raise error
        os.fdatasync(fd)

    (project / "a").write_text("in vain\n")
    with monkeypatch.context() as patch:
        patch.setattr(appender, "sync_content", refuse_once)
        assert _eight_at_once(served, project, lambda: None) == ["failed"] * _EIGHT
        assert segment.read_bytes().startswith(before)
    assert _eight_at_once(served, project, lambda: None) == ["done"] * _EIGHT
    served.refresh()
    *steps, gap, _ = served.steps()
    assert len(steps) == _EIGHT
    assert gap.kind == "gap" and "syncing" in (gap.reason or "")
    assert [step.session for step in steps[::-1]] == [f"claude:s-{n}" for n in range(_EIGHT)]
    assert served.read_file(steps[-1], b"a") == b"in vain\n"
    assert served.verify(full=True).ok


def test_what_fails_by_itself_takes_nobody_along(
    served: Workspace, project: Path, syncs: list[int]
) -> None:
    """A capture whose label is taken, between two that are recorded."""
    served.mark(served.head(), label="taken")
    asked = {
        "verb": "record",
        "arguments": (),
        "keywords": {"label": "taken"},
        "capture": served._context.capture,
        "wait_s": 20.0,
        "progress": False,
    }
    with write_turn(served._context, served.link):
        said = [
            _call(served, project, 1),
            _handed_in(served, "call", (), values.dumps(asked)),
            _call(served, project, 2),
        ]
        syncs.clear()
    assert [_answer(one) for one in said] == ["done", "failed", "done"]
    assert len(syncs) == 2
    served.refresh()
    assert [s.session for s in served.steps(limit=2)] == ["claude:s-2", "claude:s-1"]
    assert served.verify(full=True).ok
