"""Captures that wait at the same time: one sync for all, and what becomes of them when it fails."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest
from support.claude import Claude
from support.daemons import daemon_thread

from stepwell.store import Workspace
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.engine.context import Context
from stepwell.store.engine.journal import JournalWriter, appender
from stepwell.store.engine.settle import recover
from stepwell.store.engine.tiers import key_of
from stepwell.store.link import values, wire
from stepwell.store.link.address import LINK, identity
from stepwell.store.link.turn import write_turn
from stepwell.store.model.errors import FailedError, StepwellError
from stepwell.store.service import desk
from stepwell.store.service.held import HeldWorkspace
from stepwell.store.service.together import Waiting, run_together

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


def test_what_is_not_foreseen_leaves_nobody_waiting(
    served: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that are queued are refused, and the daemon goes on."""
    unforeseen = iter([RuntimeError("a defect")])

    def broken_once(*arguments: object) -> None:
        for error in unforeseen:
            raise error
        run_together(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "run_together", broken_once)
    assert _eight_at_once(served, project, lambda: None) == ["failed"] * _EIGHT
    assert _eight_at_once(served, project, lambda: None) == ["done"] * _EIGHT


@pytest.fixture
def held(
    ws: Workspace, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HeldWorkspace]:
    """The workspace as a daemon has it, where all who wait share one sync."""
    monkeypatch.setattr(HeldWorkspace, "sync_s", 60.0)
    with HeldWorkspace.open(project, home=home) as held:
        held.hold(5.0)
        yield held


def _together(
    held: HeldWorkspace,
    *works: Callable[[], object],
    lost: Callable[[Exception], None] = lambda _: None,
) -> list[BaseException | None]:
    """Runs captures that wait at the same time; returns what each failed with."""
    loop = asyncio.new_event_loop()

    def waiting(work: Callable[[], object]) -> Waiting[object]:
        def run() -> Callable[[], object]:
            work()
            return lambda: None

        return Waiting(run, loop.create_future())

    queued, begun = deque(waiting(work) for work in works), list[Waiting[object]]()
    while queued:
        company = list[Waiting[object]]()
        run_together(held, queued, company, lost)
        begun += company
    for one in begun:
        one.answer()
    loop.close()
    return [one.answered.exception() for one in begun]


def _syncs_refused(monkeypatch: pytest.MonkeyPatch, *refused: int) -> None:
    """Has those syncs of journals fail, counted from 1 on."""
    made = 0

    def sync(fd: int) -> None:
        nonlocal made
        made += 1
        if made in refused:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(fd)

    monkeypatch.setattr(appender, "sync_content", sync)


def _titles(ws: Workspace) -> list[str]:
    """Returns the titles of all steps as a process sees them that opens the store now."""
    with Workspace.open(os.fsdecode(ws.root), home=ws.home) as fresh:
        assert fresh.verify(full=True).ok
        return [step.title for step in fresh.steps()[::-1]]


def _changed(held: HeldWorkspace, project: Path, title: str, label: str | None = None) -> None:
    (project / "a").write_text(f"{title}\n")
    held.record(title, label=label)


def _changed_after_trouble(held: HeldWorkspace, project: Path, title: str) -> None:
    """Does what an event does: something fails that its agent is not told of, then it records."""
    with pytest.raises(StepwellError):
        held.record("in vain", label="taken")
    _changed(held, project, title)


@pytest.mark.parametrize(
    ("refused", "done"),
    [
        pytest.param((), ["A", "C"], id="none"),
        pytest.param((1,), ["C"], id="when what was before the trouble is synced"),
        pytest.param((2,), ["A"], id="after the trouble"),
    ],
)
def test_only_what_depended_on_the_sync_that_failed_is_refused(
    held: HeldWorkspace,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[int, ...],
    done: list[str],
) -> None:
    """One that fails by itself has what was before it synced at once, and answered so."""
    before = _titles(held)
    held.mark(held.head(), label="taken")
    _syncs_refused(monkeypatch, *refused)
    change = partial(_changed, held, project)
    failed = _together(
        held, partial(change, "A"), partial(change, "B", "taken"), partial(change, "C")
    )
    assert [title for title, why in zip("ABC", failed, strict=True) if why is None] == done
    assert _titles(held) == before + done


@pytest.mark.parametrize(
    ("refused", "done"), [((), ["A", "B"]), ((1,), []), ((2,), ["A"])], ids=["none", "1", "2"]
)
def test_trouble_within_a_capture_that_goes_on_ends_the_company_too(
    held: HeldWorkspace,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[int, ...],
    done: list[str],
) -> None:
    """It goes on with syncs of its own, and not at all when what was before it is lost."""
    before = _titles(held)
    held.mark(held.head(), label="taken")
    _syncs_refused(monkeypatch, *refused)
    failed = _together(
        held,
        partial(_changed, held, project, "A"),
        partial(_changed_after_trouble, held, project, "B"),
    )
    assert [title for title, why in zip("AB", failed, strict=True) if why is None] == done
    assert _titles(held) == before + done
    _changed(held, project, "goes on")
    assert _titles(held) == [*before, *done, "goes on"]


@pytest.mark.parametrize("cuts", [True, False], ids=["cut", "not cut"])
def test_a_sync_that_fails_where_nobody_is_told_fails_what_waited_for_it(
    held: HeldWorkspace, project: Path, monkeypatch: pytest.MonkeyPatch, cuts: bool
) -> None:
    """A capture runs out of room; the gap that it leaves would have begun a new segment."""
    before, cut, write = _titles(held), os.ftruncate, os.write

    def without_room() -> None:
        (project / "large").write_bytes(os.urandom(6_000_000))
        pieces = iter([700])

        def short(fd: int, data: memoryview) -> int:
            for piece in pieces:
                return write(fd, data[:piece])
            if len(data) > 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(fd, data)

        cuts_refused = iter([OSError(errno.EIO, os.strerror(errno.EIO))] * (1 if cuts else 9))

        def refuse(fd: int, length: int) -> None:
            for error in cuts_refused:
                raise error
            cut(fd, length)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", short)
            patch.setattr(os, "ftruncate", refuse)
            _syncs_refused(patch, 1)
            held.record("B")

    failed = _together(held, partial(_changed, held, project, "A"), without_room)
    assert [isinstance(why, FailedError) for why in failed] == [True, True]
    assert _titles(held) == before
    _changed(held, project, "C")
    assert _titles(held) == [*before, "C"]
    assert (held.store / "journal" / "00000002.segment").exists()


def test_what_could_not_be_settled_is_tried_again(
    held: HeldWorkspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where recovery fails the workspace does not count as open."""
    tried = list[bool]()

    def refused_once(writer: JournalWriter, context: Context) -> object:
        tried.append(True)
        if len(tried) == 1:
            raise FailedError("the disk is full")
        return recover(writer, context)

    monkeypatch.setattr(f"{HeldWorkspace.__module__}.recover", refused_once)
    with pytest.raises(FailedError):
        held.renew()
    _changed(held, project, "A")
    assert len(tried) == 2


def test_a_recorder_knows_what_it_knew_before_events_that_are_lost(
    held: HeldWorkspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that was under way still is, and an event that comes again is not known."""
    recorder, claude = AgentRecorder(held), Claude(project, "s-1")
    recorder.take("claude", *claude.before("Bash", command="make"))
    after = claude.after("Bash", "", command="make")
    recorder.begin()
    (project / "a").write_text("a\n")
    _syncs_refused(monkeypatch, 1)

    def lost(why: Exception) -> None:
        recorder.lost(str(why))

    (why,) = _together(held, partial(recorder.take, "claude", *after), lost=lost)
    assert why is not None and recorder.owes
    recorder.take("claude", *claude.stop())
    gap, call = held.steps(limit=2)[::-1]
    assert gap.kind == "gap" and "syncing" in (gap.reason or "")
    assert call.flags == ("unanswered",) and call.title == "$ make" and call.changes.files == 1


def test_memory_does_not_wait_for_steps_that_are_lost(
    held: HeldWorkspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made ready is read from the store, where they are not."""
    _syncs_refused(monkeypatch, 1)
    _together(held, partial(_changed, held, project, "A"))
    head, tiers = held.head(), held._context.tiers
    while tiers.make_next(held._journal):
        pass
    assert [one.key for ring in tiers.recent.rings() for one in ring] == [key_of(head)]
