"""What the daemon does for its clients: verbs of the facade, agents' events, lending the lock."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.agents.spool import forget, read_spool
from stepwell.store.engine import lines
from stepwell.store.link import values, wire
from stepwell.store.link.carry import CARRIED, PEEKED
from stepwell.store.model.access import Fence
from stepwell.store.model.errors import BusyError, FailedError, StepwellError, UsageError
from stepwell.store.service.held import HeldWorkspace
from stepwell.store.service.log import Log
from stepwell.store.service.server import Client
from stepwell.store.service.together import Waiting, Work, run_together

T = TypeVar("T")

_CAPTURES = frozenset({"record"})
"""Verbs that only record what is on disk, so that several of them can share a sync."""
_REGAIN_S = 0.05
_TELL_S = 0.05
"""How often a client is told how far its request is: each telling wakes the loop's thread."""
_RENEW_AFTER, _RENEW_AT_LATEST = 2_000, 8_000
"""Requests after which the writer is opened anew, which frees what it has gathered in memory: as soon
as nobody waits, or in any case."""


class Desk:
    """Runs requests one at a time on a thread of its own; the loop's thread only listens.

    `stop` is called on the loop when a client asks the daemon to end.
    """

    def __init__(
        self,
        workspace: HeldWorkspace,
        agents: AgentRecorder,
        log: Log,
        stop: Callable[[], None],
    ) -> None:
        self.last = time.monotonic()
        """When the last request ended, by the monotonic clock."""
        self._workspace = workspace
        self._agents = agents
        self._log = log
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="verbs")
        self._thread.submit(lines.load)
        self._turn = asyncio.Lock()
        self._lent = False
        self._done = 0
        self._captures: deque[Waiting[Any]] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def handle(self, client: Client) -> None:
        """Answers one client, whatever happens."""
        try:
            await self._answer(client)
        except StepwellError as error:
            self._refuse(client, error)
        except Exception as error:
            # A defect of ours: this client hears of it, and the next one is served all the same.
            self._log.write("error", {"traceback": traceback.format_exc()})
            self._refuse(client, _unforeseen(error))
        finally:
            # Who borrows the lock works by itself; a sealing must not keep the daemon up for ever.
            if client.request.kind != "borrow":
                self.last = time.monotonic()

    def _refuse(self, client: Client, error: StepwellError) -> None:
        self._workspace.meters.count("refused")
        self._log.write("error", {"code": error.code, "message": error.message})
        client.send("failed", values.error_to_json(error))

    async def _answer(self, client: Client) -> None:
        request = client.request
        if request.kind == "call":
            await self._call(client, _fields(request.body))
        elif request.kind == "hook" and len(request.words) == 2:
            agent, event = request.words
            took_us, said = await self._captured(
                lambda: self._event(agent, event, request.body), wire.PATIENCE_S
            )
            if said:
                client.send("told", said.encode())
            else:
                client.send("done", values.dumps({"took_us": took_us}))
        elif request.kind == "borrow":
            await self._lend(client, _fields(request.body)["wait_s"])
        elif request.kind == "stop":
            client.send("done")
            self._stop()
        else:
            raise UsageError(f"the daemon knows no request {request.kind}")

    async def run(self, work: Callable[[], T]) -> T:
        """Runs `work` on the thread of the verbs."""
        self._done += 1
        result = await self._loop.run_in_executor(self._thread, work)
        if self._done >= _RENEW_AT_LATEST:
            await self._renew()
        return result

    async def renew_in_time(self) -> None:
        """Opens the writer anew when it is time, between requests."""
        if self._done >= _RENEW_AFTER and not self._turn.locked():
            async with self._turn:
                await self._renew()

    async def _renew(self) -> None:
        """Opens the writer anew; where that fails the next verb tries again, and says so."""
        self._done = 0
        try:
            await self._loop.run_in_executor(self._thread, self._workspace.renew)
        except Exception:
            self._log.write("error", {"traceback": traceback.format_exc()})

    @asynccontextmanager
    async def _my_turn(self, wait_s: float) -> AsyncIterator[None]:
        """Waits for the requests before this one.

        Raises:
            BusyError: somebody has borrowed the lock for longer than `wait_s`.
        """
        try:
            await asyncio.wait_for(self._turn.acquire(), wait_s if self._lent else None)
        except TimeoutError:
            raise _borrowed() from None
        try:
            yield
        finally:
            self._turn.release()

    async def _call(self, client: Client, asked: Mapping[str, Any]) -> None:
        busy = asked["verb"] in PEEKED and self._turn.locked()
        if busy or asked["capture"] != self._workspace.capture_config:
            client.send("elsewhere")
            return
        if asked["verb"] not in CARRIED:
            raise UsageError(f"the daemon runs no verb {asked['verb']}")
        keywords = dict(asked["keywords"])
        if asked["progress"]:
            keywords["progress"] = self._progress(client)
        verb, arguments, fence = asked["verb"], asked["arguments"], asked.get("fence")

        def work() -> Callable[[], bytes]:
            return self._verb(verb, arguments, keywords, fence)

        if verb in _CAPTURES:
            reply = await self._captured(work, asked["wait_s"])
        else:
            async with self._my_turn(asked["wait_s"]):
                reply = await self.run(lambda: work()())
        client.send("done", reply)

    def _progress(self, client: Client) -> Callable[[str, int, int], None]:
        told = -_TELL_S

        def tell(what: str, done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told < _TELL_S and done != total:
                return
            told = now
            body = values.dumps((what, done, total))
            self._loop.call_soon_threadsafe(client.send, "progress", body)

        return tell

    def _verb(
        self,
        verb: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        fence: Fence | None,
    ) -> Callable[[], bytes]:
        self._workspace.recovered = None
        started = time.perf_counter_ns()
        self._workspace.fence = fence
        try:
            value = getattr(self._workspace, verb)(*arguments, **keywords)
        finally:
            self._workspace.fence = None
        recovered = self._workspace.recovered

        def answer() -> bytes:
            took_us = self._took(verb.lstrip("_"), started)
            short = values.without_given(value, arguments)
            return values.dumps({"value": short, "recovered": recovered, "took_us": took_us})

        return answer

    def _event(self, agent: str, event: str, payload: bytes) -> Callable[[], tuple[int, str]]:
        started = time.perf_counter_ns()
        said = self._agents.take(agent, event, payload)
        return lambda: (self._took("hook", started), said)

    def _took(self, name: str, started: int) -> int:
        """Notes and returns how long it took, in microseconds."""
        took_us = (time.perf_counter_ns() - started) // 1_000
        self._workspace.meters.note(name, took_us)
        return took_us

    async def _captured(self, work: Work[T], wait_s: float) -> T:
        """Runs a capture in its turn, together with others that wait; it is on disk then.

        Raises:
            BusyError: somebody has borrowed the lock for longer than `wait_s`.
            StepwellError: as `work` raises it, or what it recorded could not be forced to disk.
        """
        one: Waiting[T] = Waiting(work, self._loop.create_future())
        self._captures.append(one)
        if self._runner is None:
            self._runner = self._loop.create_task(self._run_captures())
        await asyncio.wait([one.answered], timeout=wait_s if self._lent else None)
        if not one.answered.done():
            with suppress(ValueError):  # it was begun this moment
                self._captures.remove(one)
                raise _borrowed()
        return await one.answered

    async def _run_captures(self) -> None:
        try:
            while self._captures:
                begun: list[Waiting[Any]] = []
                try:
                    async with self._turn:
                        await self.run(partial(self._run_together, begun))
                except Exception as error:
                    self._log.write("error", {"traceback": traceback.format_exc()})
                    self._give_up(begun, error)
                finally:
                    # Who is answered may count on it that nothing of his is under way any more.
                    for one in begun:
                        one.answer()
        finally:
            self._runner = None

    def _give_up(self, begun: list[Waiting[Any]], why: Exception) -> None:
        """Leaves nobody without an answer, begun or not."""
        begun += self._captures
        self._captures.clear()
        for one in begun:
            one.give_up(why)

    def _run_together(self, begun: list[Waiting[Any]]) -> None:
        self._agents.begin()
        lost = self._agents.lost
        run_together(self._workspace, self._captures, begun, lambda why: lost(str(why)))
        self._done += max(0, len(begun) - 1)  # `run` has counted one

    async def drain(self, folders: Sequence[Path]) -> None:
        """Records what hooks left in the spool, if they left anything.

        Raises:
            StepwellError: it could not be recorded, and stays there.
        """
        if read_spool(folders):
            async with self._my_turn(wire.PATIENCE_S):
                # Read again: a purge may have blotted something out before this turn came.
                spooled = read_spool(folders)
                await self.run(lambda: self._agents.drain(spooled))
                forget(spooled)

    async def pay(self) -> None:
        """Leaves the gaps that agents are owed, when nobody else is at work."""
        if self._agents.owes:
            await self.if_free(self._agents.pay)

    async def if_free(self, work: Callable[[], T]) -> T | None:
        """Runs upkeep on the thread of the verbs; None when somebody has the turn or the lock."""
        if self._turn.locked():
            return None
        async with self._turn:
            return await self._loop.run_in_executor(self._thread, work)

    async def _lend(self, client: Client, wait_s: float) -> None:
        """Lets go of the lock until the client is gone, then takes it back."""
        async with self._my_turn(wait_s):
            self._lent = True
            try:
                await self.run(self._workspace.lend)
                client.send("lent")
                await client.gone()
            finally:
                await self._regain()
                self._lent = False

    async def _regain(self) -> None:
        """Takes the lock back however long it takes: the borrower may have died in mid-work.

        When something else than the borrower prevents it, the next verb tries again, and says so.
        """
        while True:
            try:
                await self._loop.run_in_executor(self._thread, self._workspace.hold, 0.0)
                return
            except BusyError:
                await asyncio.sleep(_REGAIN_S)
            except Exception:
                self._log.write("error", {"traceback": traceback.format_exc()})
                return

    def close(self) -> None:
        """Ends the thread when what it does is done."""
        self._thread.shutdown()


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        asked = values.loads(body)
    except ValueError as error:
        raise UsageError(f"the daemon cannot read a request: {error}") from error
    if not isinstance(asked, Mapping):
        raise UsageError("the daemon cannot read a request: it is no mapping")
    return asked


def _borrowed() -> BusyError:
    return BusyError(
        "the store is being written by a process that borrowed the lock of its daemon",
        hint="wait until it is done, or stop that process; reading works meanwhile",
    )


def _unforeseen(error: Exception) -> FailedError:
    return FailedError(
        f"the daemon failed on something unforeseen: {type(error).__name__}: {error}",
        hint="its log in the store has the details; report them",
    )
