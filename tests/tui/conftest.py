"""A history in memory that stands for a Workspace, and what drives the app over it."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from traceback import format_stack
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from stepwell.store.catalogue.graph import Graph
from stepwell.store.model.steps import CoverageCounts
from stepwell.store.model.tiering import Room
from stepwell.tui.app import Settings, StepwellApp
from stepwell.tui.gateway import Opened, open_workspace
from stepwell.tui.model.columns import columns_of
from stepwell.tui.values import (
    Branch,
    Change,
    ChangeCounts,
    Hunk,
    Oid,
    Snapshot,
    Step,
    StepId,
    View,
)

NOW = 1_783_087_339_000_000_000
SECOND = 1_000_000_000


def step_id(seq: int) -> StepId:
    return StepId(hashlib.md5(b"%d" % seq, usedforsecurity=False).hexdigest())


def make_step(seq: int, parents: Sequence[int] = (), **fields: Any) -> Step:
    """Returns a step whose other fields are of no interest."""
    oid = Oid(hashlib.sha1(b"%d" % seq, usedforsecurity=False).digest())
    settled: dict[str, Any] = {
        "branch": "main",
        "kind": "tool",
        "tool": "edit",
        "title": f"change {seq}",
        "time_ns": NOW - 60 * SECOND,
        "changes": ChangeCounts(1, seq % 90, seq % 7),
        "coverage": CoverageCounts(stored=12),
    }
    settled.update(fields)
    ids = tuple(step_id(parent) for parent in parents)
    return Step(step_id(seq), seq, parents=ids, snapshot=Snapshot(oid, oid), **settled)


def chain(count: int, **fields: Any) -> list[Step]:
    """Returns steps 1..count, each the child of the one before, a minute apart."""
    return [
        make_step(
            seq,
            (seq - 1,) if seq > 1 else (),
            time_ns=NOW - (count - seq) * 60 * SECOND - 5 * SECOND,
            **fields,
        )
        for seq in range(1, count + 1)
    ]


def make_change(path: bytes, text: bytes, seq: int) -> Change:
    lines = tuple(b"+" + line + b"\n" for line in text.splitlines())
    hunk = Hunk(f"{seq}-{path.hex()}", 0, 0, 1, len(lines), lines)
    blob = Oid(hashlib.sha1(path + text, usedforsecurity=False).digest())
    return Change(path, "A", new_mode=0o100644, new_blob=blob, added=len(lines), hunks=(hunk,))


class MemorySource:
    """A Workspace's reading half over a list of steps; `grow` plays another process."""

    root = b"/work/orchard"

    def __init__(self, steps: Sequence[Step], branches: Sequence[Branch] = ()) -> None:
        self.known = list(steps)
        self.waiting: list[Step] = []
        self.branches = {branch.name: branch for branch in branches}
        self.dirty: tuple[Change, ...] = ()
        self.left = Room(used=1, limit=None, free=10**11, total=10**12)
        self.reads: list[int] = []
        self.looks: list[tuple[bool, bool]] = []
        self.whole: dict[tuple[bytes, Oid | None], Change] = {}

    def grow(self, *steps: Step) -> None:
        self.waiting.extend(steps)

    def refresh(self) -> bool:
        new, self.waiting = self.waiting, []
        self.known.extend(new)
        return bool(new)

    def close(self) -> None:
        return None

    def view(self) -> View:
        main = [s for s in self.known if s.branch == "main"]
        own = {"main": Branch("main", main[-1].id)} if main else {}
        marks = {s.id: s.checkpoint for s in self.known if s.checkpoint is not None}
        return View(branches={**own, **self.branches}, marks=marks, step_count=len(self.known))

    def graph(self) -> Any:
        graph, sessions = Graph(), dict[str | None, int]({None: 0})
        for step in sorted(self.known, key=lambda step: step.seq):
            graph.add(step, sessions.setdefault(step.session, len(sessions)))
        return graph

    def merges(self) -> Any:
        return columns_of(self.known, complete=True).more

    def get_step(self, reference: str) -> Step:
        return next(step for step in self.known if step.id == reference)

    def steps(
        self, *, before_seq: int | None = None, limit: int = 50, all_branches: bool = False
    ) -> list[Step]:
        self.reads.append(limit)
        below = [s for s in reversed(self.known) if before_seq is None or s.seq < before_seq]
        return below[:limit]

    def find_steps(self, wanted: Any, *, newer_than: int = 0) -> Iterator[Any]:
        steps = [step for step in reversed(self.known) if step.seq > newer_than]
        for start in range(0, len(steps), 128):
            part = steps[start : start + 128]
            seqs = [s.seq for s in part if wanted.matches(s, lambda step: ())]
            yield SimpleNamespace(seqs=seqs, looked=len(part))

    def touching(self, path: bytes) -> list[int]:
        return [s.seq for s in self.known if path in {c.path for c in self.step_changes(s)}]

    def touched_paths(self) -> list[bytes]:
        return sorted({c.path for s in self.known for c in self.step_changes(s)})

    def room(self) -> Room:
        return self.left

    def status(self) -> Any:
        head = [s for s in self.known if s.branch == "main"][-1]
        return SimpleNamespace(head=head, dirty=self.dirty, pending=None, merging=None)

    def diff(self, a: Step, b: Step | None = None, **_: Any) -> tuple[Change, ...]:
        return self.dirty if b is None else self.step_changes(b)

    def step_changes(self, step: Step, **_: Any) -> tuple[Change, ...]:
        return (
            make_change(b"orchard/trees.py", b"def plant():\n    return 'tree'\n", step.seq),
            make_change(b"orchard/soil.py", b"DEPTH = %d\n" % step.seq, step.seq),
        )

    def changed_files(self, step: Step, *, since: Step | None = None) -> tuple[Change, ...]:
        found = self.step_changes(step)
        self.whole.update({(change.path, change.new_blob): change for change in found})
        return tuple(replace(change, added=0, hunks=()) for change in found)

    def with_lines(self, change: Change, **_: Any) -> Change:
        return self.whole[change.path, change.new_blob]

    def experiments(self) -> list[Any]:
        return []

    def note_look(self, at_hand: bool, ahead: bool) -> None:
        self.looks.append((at_hand, ahead))

    def blob(self, oid: Oid) -> bytes:
        return b"def plant():\n    return 'tree'\n"


async def until(
    condition: Callable[[], bool],
    deadline_s: float = 60.0,
    moved: Callable[[], object] = lambda: None,
    why: Callable[[], object] = lambda: "",
) -> None:
    """Waits until the condition holds; fails, with what is in the way, when it does not come to hold.

    The deadline begins anew whenever `moved` gives something else: a busy machine is only slow.
    """
    end, seen = time.monotonic() + deadline_s, moved()
    while not condition():
        if (now := moved()) != seen:
            end, seen = time.monotonic() + deadline_s, now
        assert time.monotonic() < end, f"the condition did not come to hold in time: {why()}"
        await asyncio.sleep(0.005)


async def take(app: StepwellApp, but: int = 0) -> None:
    """Waits until all keys but so many have found their turn, and, if all, what came of them is there."""
    waiting = app._keys._waiting

    def is_done() -> bool:
        return len(waiting) <= but if but else app.idle

    await until(is_done, moved=lambda: len(waiting), why=lambda: in_the_way(app))


async def settle(pilot: Pilot[int], app: StepwellApp) -> None:
    """Waits until each key has been taken, and everything that was asked for is there and drawn."""
    for _ in range(3):
        await pilot.pause()
        await take(app)
    await pilot.pause()


def in_the_way(app: StepwellApp) -> str:
    """Returns what the app is busy with, to be read when it does not end."""
    keys, gateway = app._keys, app.gateway
    running = [name for name, errands in gateway._errands.items() if not errands.idle]
    frames = sys._current_frames()
    stacks = {t.name: frames[t.ident] for t in _threads() if t.ident in frames}
    where = "".join(f"\n{name}:\n{''.join(format_stack(at))}" for name, at in stacks.items())
    return (
        f"{len(keys._waiting)} keys waiting, busy {keys._busy}, errands {running}, "
        f"command {gateway.commands.busy!r}, screens {app.screen_stack}{where}"
    )


def _threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("stepwell")]


def screen_text(app: StepwellApp) -> list[str]:
    """Returns the screen's lines as plain text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return ["".join(seg.text for seg in strip)[:width] for strip in strips][:height]


Play = Callable[[Pilot[int], StepwellApp], Awaitable[None]]


@pytest.fixture
def play() -> Callable[..., None]:
    """Runs the app over a source in a terminal of the given size, and plays a scene in it.

    `is_unread`: the scene begins with the first frame, whatever is read by then.
    """

    def run(
        source: Any,
        scene: Play,
        size: tuple[int, int] = (80, 24),
        *,
        is_unread: bool = False,
        **settings: Any,
    ) -> None:
        settled = {"clock": lambda: NOW, "zone": UTC, "poll_s": 0, "tick_s": 0, "rest_s": 0.001}
        chosen = replace(Settings(**settled), **settings)

        async def whole() -> None:
            opened = source if isinstance(source, Opened) else Opened(source.root, lambda: source)
            app = StepwellApp(opened, chosen)
            async with app.run_test(size=size) as pilot:
                if not is_unread:
                    await settle(pilot, app)
                await scene(pilot, app)

        asyncio.run(whole())

    return run


@pytest.fixture
def play_over(play: Callable[..., None]) -> Callable[..., None]:
    """Runs the app over the workspace in a folder (its store beside it), and plays a scene in it."""

    def run(root: Path, scene: Play, size: tuple[int, int] = (120, 36), **settings: Any) -> None:
        opened = open_workspace(root, root.parent / "home")
        play(opened, scene, size, **{"clock": time.time_ns, **settings})

    return run


@pytest.fixture(name="make_step")
def make_step_fixture() -> Callable[..., Step]:
    """Makes steps whose other fields are of no interest."""
    return make_step


@pytest.fixture(name="chain")
def chain_fixture() -> Callable[..., list[Step]]:
    """Makes steps 1..count, each the child of the one before."""
    return chain


@pytest.fixture(name="memory")
def memory_fixture() -> Callable[..., MemorySource]:
    """Makes a history in memory."""
    return MemorySource


@pytest.fixture(name="settle")
def settle_fixture() -> Callable[..., Awaitable[None]]:
    """Waits until everything that was asked for has arrived and is drawn."""
    return settle


@pytest.fixture(name="screen_text")
def screen_text_fixture() -> Callable[[StepwellApp], list[str]]:
    """Returns the screen's lines as plain text."""
    return screen_text


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Awaitable[None]]:
    """Waits until a condition holds."""
    return until


@pytest.fixture(name="take")
def take_fixture() -> Callable[..., Awaitable[None]]:
    """Waits until keys have found their turn."""
    return take
