"""The daemon of one workspace, from taking the lock to letting it go.

It holds the writer lock for life (and lends it, see desk.py), listens on a socket, and ends when
nobody has asked for anything in a while, on SIGTERM, for a client of another version, or when the
workspace or its store is no longer where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import select
import signal
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell.store.agents.accounting import Accounting
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.agents.spool import sweep_spool
from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.lock import peak_memory
from stepwell.store.engine.meters import PEAK_MEMORY
from stepwell.store.engine.tiers import DEFAULT, Thresholds
from stepwell.store.link import address, wire
from stepwell.store.link.client import connect
from stepwell.store.model.errors import BusyError, StepwellError, UsageError
from stepwell.store.model.ids import Clock, RandomBytes
from stepwell.store.service import memory
from stepwell.store.service.desk import Desk
from stepwell.store.service.guard import Guard
from stepwell.store.service.held import HeldWorkspace
from stepwell.store.service.keepstext import KeepsText
from stepwell.store.service.log import Log
from stepwell.store.service.metrics import kept_metrics
from stepwell.store.service.sealer import Gathered, Sealer
from stepwell.store.service.server import Limits, Server
from stepwell.store.settings import daemon_idle_s
from stepwell.store.state.persistence import INTERVAL_MS

IDLE_S = 900.0
"""After so long without a request a daemon ends, unless it is told otherwise."""

_LOOK_S = 0.2
"""How often it looks whether the watcher's queue wants emptying."""
_UPKEEP_S = 1.0
"""How often it looks whether it is idle, whether its folders are still there, into the spool."""
_SWEPT = 32
"""Folders that are looked at each time when nobody asks for anything."""
_COLLECT_AFTER = 20_000
"""So many new objects bring the collector of garbage: a rollback of some hundred files makes as many."""
_REST_S = 30.0
_MUCH = 12 << 20
"""Bytes that it may grow by before it looks what can be given back, also while clients ask."""
_LOCK_WAIT_S = 10.0
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Settings:
    """What a daemon is started with."""

    root: Path
    home: Path
    runtime: Path
    version: str
    idle_s: float | None = None
    """After so long without a request it ends; None: as the person's settings say."""
    limits: Limits = field(default_factory=Limits)
    config: Path | None = None
    """The person's settings; None: there are none."""
    memory: Thresholds = DEFAULT
    """From which bytes on the tiers let go of what they hold ready in memory."""
    records: Mapping[str, Path] = field(default_factory=dict)
    """Where agents keep the records of their sessions, by agent."""
    clock: Clock = time.time_ns
    randomness: RandomBytes = os.urandom
    gathered: Gathered = field(default_factory=Gathered)
    metrics_ms: int = INTERVAL_MS
    """How often its metrics are saved; and at its end."""


def serve(settings: Settings) -> bool:
    """Runs the daemon until it ends; returns False at once when another one has the workspace.

    Raises:
        BusyError: another process, which is no daemon, holds the writer lock.
        StepwellError: the workspace cannot be opened, or its socket not be bound.
    """
    workspace = HeldWorkspace.open(
        settings.root, home=settings.home, clock=settings.clock, randomness=settings.randomness
    )
    workspace.limit_memory(settings.memory)
    # The log is closed last: events that are left are written when the workspace is closed.
    with contextlib.closing(Log(workspace.store, time.time_ns)) as log, workspace:
        try:
            return _serve(workspace, settings, log)
        except StepwellError as error:
            log.write("error", {"code": error.code, "message": error.message})
            raise


def _serve(workspace: HeldWorkspace, settings: Settings, log: Log) -> bool:
    if not _hold(workspace, settings.version):
        return False
    path = address.socket_path(workspace.store, settings.runtime)
    with _bound(path) as sock:
        address.set_link(workspace.store, path)
        try:
            asyncio.run(_Daemon(workspace, settings, log).run(sock))
        finally:
            # Without the lock the names may be another daemon's by now.
            if workspace.held:
                address.drop_link(workspace.store, path)
    return True


def _hold(workspace: HeldWorkspace, version: str) -> bool:
    """Takes the lock, for which an ending daemon or a command may have to be waited for."""
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            workspace.hold(0.05)
            return True
        except BusyError:
            if _another_serves(workspace.store, version):
                return False
            if time.monotonic() > deadline:
                raise


def _another_serves(store: Path, version: str) -> bool:
    try:
        connection = connect(store, version, wire.PATIENCE_S)
    except BusyError:
        # It runs, stopped or stuck as it may be.
        return True
    if connection is None:
        return False
    connection.close()
    return True


@contextlib.contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    sock = socket.socket(socket.AF_UNIX)
    try:
        # Whoever bound it before is gone: we have the lock.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        sock.bind(os.fspath(path))
        os.chmod(path, 0o600)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise system_error(error, "binding the socket", path) from error
    with sock:
        yield sock


class _Daemon:
    def __init__(self, workspace: HeldWorkspace, settings: Settings, log: Log) -> None:
        self._workspace = workspace
        self._settings = settings
        self._log = log
        self._end = asyncio.Event()
        self._why = ""
        self._idle_s = _idle_s(settings, log)
        self._doubt: str | None = None
        self._sealer = Sealer(log)
        self._settled: float | None = None
        self._given_back = time.monotonic()
        self._resident = memory.resident()
        self._place = _places(workspace)
        self._guard = Guard(workspace.root, workspace.store, workspace.home, settings.config, log)
        self._keeps_text = KeepsText(settings.config, log)
        self._accounting = Accounting(workspace, settings.records)
        self._reading: asyncio.Task[None] | None = None
        self._spools = address.spool_folders(workspace.store, settings.runtime)

    async def run(self, sock: socket.socket) -> None:
        agents = AgentRecorder(
            self._workspace,
            self._workspace.sweep_all,
            keeps_text=self._keeps_text,
            turn_ended=self._guard.turn_ended,
            accounting=self._accounting,
        )
        desk = Desk(self._workspace, agents, self._log, lambda: self._finish("asked to"))
        greeting = wire.Greeting(wire.PROTOCOL, self._settings.version, str(os.getpid()))
        server = Server(
            greeting,
            address.identity(self._workspace.store),
            desk.handle,
            lambda: self._finish("a client of another version came"),
            self._settings.limits,
        )
        self._mind_signals()
        asyncio.get_running_loop().set_exception_handler(self._note)
        await server.start(sock)
        self._log.write("daemon:started", {"pid": os.getpid()})
        self._workspace.subscribe("*", self._log.tell)
        sweep_spool(self._spools)
        await self._drain_spool(desk)
        async with kept_metrics(self._workspace, self._settings.metrics_ms, self._log):
            try:
                self._guard.keep()
                await self._until_the_end(desk)
            finally:
                self._note_memory()
                # In a thread: what they run may be waiting for an answer of ours.
                await asyncio.to_thread(self._guard.close)
                await asyncio.to_thread(self._sealer.close)
            await server.stop()
        await desk.pay()
        if self._reading is not None:
            await self._reading
        await self._account(desk)
        desk.close()
        self._log.write("shutdown:complete", {"why": self._why})

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Logs what the loop would print, such as a connection that could not be accepted."""
        error = context.get("exception")
        self._log.write("error", {"message": f"{context['message']}: {error}"})

    def _mind_signals(self) -> None:
        """Makes the usual signals end the daemon; as a thread of a program it leaves them alone."""
        if _is_own_process():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.add_signal_handler(number, self._finish, f"received {number.name}")

    async def _drain_spool(self, desk: Desk) -> None:
        """Records what hooks left; what cannot be recorded now stays for another time."""
        with contextlib.suppress(StepwellError):
            await desk.drain(self._spools)

    def _finish(self, why: str) -> None:
        self._why = self._why or why
        self._end.set()

    async def _until_the_end(self, desk: Desk) -> None:
        kept_up = time.monotonic()
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), _LOOK_S)
            if _is_readable(self._workspace.watched()):
                await desk.if_free(self._workspace.hear)
            await self._get_ready(desk)
            await desk.renew_in_time()
            if time.monotonic() - kept_up > _UPKEEP_S:
                await self._keep_up(desk)
                kept_up = time.monotonic()
            await self._give_back(desk)

    async def _get_ready(self, desk: Desk) -> None:
        """Does one piece of what can be done ahead, when nobody is at anything."""
        relieved = None
        if self._workspace.has_unready:
            relieved = await desk.if_free(self._workspace.make_ready)
        elif self._workspace.expects_looks and time.monotonic() - desk.last > _LOOK_S:
            relieved = await desk.if_free(self._workspace.prepare_ahead)
        if relieved is not None and relieved.level == "emergency":
            self._sealer.start(self._workspace)

    def _begin_account(self, desk: Desk) -> None:
        """Has an agent's record read, unless one is read: neither hooks nor other upkeep wait for it."""
        if self._accounting.is_due and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._account(desk))

    async def _account(self, desk: Desk) -> None:
        """Takes in what an agent's record tells of a turn that is over."""
        if not self._accounting.is_due:
            return
        try:
            await asyncio.to_thread(self._accounting.read)
        except Exception:
            # A defect of ours in reading what is not ours must not end what records steps.
            self._log.write("error", {"traceback": traceback.format_exc()})
        await desk.if_free(self._settle)

    def _settle(self) -> None:
        try:
            self._accounting.settle(keep_text=self._keeps_text())
        except StepwellError as error:
            self._log.write("error", {"code": error.code, "message": error.message})

    def _say_how_it_looks(self) -> None:
        """Logs when captures begin to cost what changed, or every file again, and why."""
        doubt = self._workspace.doubt
        if doubt != self._doubt:
            self._doubt = doubt
            self._log.write("daemon:scans" if doubt else "daemon:follows", {"why": doubt})
            if not doubt:
                self._settled = None

    def _note_memory(self) -> None:
        peak = peak_memory(os.getpid())
        if peak is not None:
            self._workspace.meters.reach(PEAK_MEMORY, peak)

    async def _keep_up(self, desk: Desk) -> None:
        self._note_memory()
        unused_s = time.monotonic() - desk.last
        if unused_s > self._idle_s:
            self._finish("nobody asked for anything")
        elif _places(self._workspace) != self._place:
            self._finish("the workspace, its store or the socket is no longer there")
        else:
            self._say_how_it_looks()
            self._guard.keep()
            self._sealer.look()
            if self._settings.gathered.is_enough(self._workspace.live_bytes, unused_s):
                self._sealer.start(self._workspace)
            await self._drain_spool(desk)
            await desk.pay()
            self._begin_account(desk)
            if unused_s > _UPKEEP_S:
                await desk.if_free(lambda: self._workspace.sweep(_SWEPT))
            await self._settle_memory(desk)

    async def _give_back(self, desk: Desk) -> None:
        """Gives the system what work needed and let go of: once nobody asks, or it took much."""
        rests = time.monotonic() - desk.last > _UPKEEP_S and desk.last > self._given_back
        if _is_own_process() and (rests or memory.resident() > self._resident + _MUCH):
            await desk.if_free(self._rest)

    def _rest(self) -> None:
        self._workspace.rest()
        self._resident = memory.give_back()
        self._given_back = time.monotonic()

    async def _settle_memory(self, desk: Desk) -> None:
        """Has the collector of garbage leave alone what stays: all that is known of the workspace.

        A whole collection over a hundred thousand files would hold up some capture for 80 ms. So it
        is made when nobody has asked for anything in a while, and when they were scanned again.
        """
        if not _is_own_process() or self._doubt:
            return
        if not gc.get_freeze_count():
            gc.freeze()
            gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
            self._settled = 0.0
        rests = time.monotonic() - desk.last > _REST_S and desk.last > (self._settled or 0)
        if self._settled is None or rests:
            await desk.if_free(self._settle_now)

    def _settle_now(self) -> None:
        gc.unfreeze()
        gc.collect()
        self._rest()
        gc.freeze()
        self._settled = time.monotonic()


def _idle_s(settings: Settings, log: Log) -> float:
    if settings.idle_s is not None or settings.config is None:
        return settings.idle_s or IDLE_S
    try:
        return daemon_idle_s(settings.config) or IDLE_S
    except UsageError as error:
        log.write("error", {"code": error.code, "message": error.message})
        return IDLE_S


def _is_own_process() -> bool:
    """Tells whether it is all that the process does, and not a thread of a program."""
    return threading.current_thread() is threading.main_thread()


def _is_readable(fd: int | None) -> bool:
    if fd is None:
        return False
    try:
        return bool(select.select([fd], [], [], 0)[0])
    except (OSError, ValueError):
        # The watcher was ended this very moment; the next capture scans.
        return False


def _places(workspace: HeldWorkspace) -> tuple[tuple[int, int] | None, ...]:
    """Returns what tells whether everything is where it was: root, store, lock, socket."""
    store = workspace.store
    places = (os.fsdecode(workspace.root), store, store / "lock", store / address.LINK)
    return tuple(_identity(place) for place in places)


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino
