"""The daemon as the facade sees it: verbs are carried to it, or the writer lock is borrowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.link import values, wire
from stepwell.store.link.client import Connection, DaemonInfo, LostError, connect
from stepwell.store.model.access import Fence
from stepwell.store.model.errors import FailedError
from stepwell.store.model.plans import Recovery


@dataclass(frozen=True, slots=True)
class Reply:
    """What a verb led to, run by the daemon."""

    value: Any
    recovered: Recovery | None
    """What the daemon found interrupted before it, and nobody was told yet."""
    took_us: int
    """How long the daemon worked on it, from its turn to the end of the work; microseconds."""


@dataclass(frozen=True, slots=True)
class Link:
    """The way to the daemon of one store. It holds nothing open between two calls."""

    store: Path
    capture: CaptureConfig
    """How this process means to capture: a daemon that does otherwise is not asked to."""
    version: str
    wait_s: float
    fence: Fence | None = None
    """What must hold for a verb that writes."""

    def daemon(self) -> DaemonInfo | None:
        """Returns the daemon that runs, if one does; raises BusyError when it does not answer."""
        connection = connect(self.store, self.version, self.wait_s)
        if connection is None:
            return None
        with connection:
            return connection.daemon

    def stop(self) -> bool:
        """Asks the daemon to finish what it does and end; False when none runs."""
        connection = connect(self.store, self.version, self.wait_s)
        if connection is None:
            return False
        with connection:
            connection.send(wire.Head("stop"))
            connection.receive()
        return True

    def call(
        self,
        verb: str,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
        progress: Progress = no_progress,
    ) -> Reply | None:
        """Has the daemon run a verb of the facade; None when no daemon would run it as we do.

        Raises:
            StepwellError: as the verb raises it.
            BusyError: the daemon does not answer, or cannot turn to it for `wait_s`.
            LostError: the daemon went away in the middle.
        """
        connection = connect(self.store, self.version, self.wait_s)
        if connection is None:
            return None
        request = values.dumps(
            {
                "verb": verb,
                "arguments": tuple(arguments),
                "keywords": dict(keywords),
                "capture": self.capture,
                "wait_s": self.wait_s,
                "fence": self.fence,
                "progress": progress is not no_progress,
            }
        )
        with connection:
            connection.send(wire.Head("call", len(request)), request)
            return _answer(connection, arguments, progress)

    def borrow(self) -> ExitStack | None:
        """Has the daemon let go of the writer lock until the stack is closed; None without one.

        Raises:
            BusyError: as `call`.
        """
        with ExitStack() as stack:
            connection = connect(self.store, self.version, self.wait_s)
            if connection is None:
                return None
            stack.enter_context(connection)
            try:
                body = values.dumps({"wait_s": self.wait_s})
                connection.send(wire.Head("borrow", len(body)), body)
                head, text = connection.receive()
            except LostError:
                return None
            if head.kind == "failed":
                raise values.error_from_json(text)
            return stack.pop_all()


def _answer(
    connection: Connection, arguments: Sequence[object], progress: Progress
) -> Reply | None:
    while True:
        head, body = connection.receive()
        if head.kind == "failed":
            raise values.error_from_json(body)
        if head.kind == "progress":
            progress(*values.loads(body))
        elif head.kind == "elsewhere":
            return None
        else:
            form = values.loads(body)
            value = values.with_given(form["value"], arguments)
            return Reply(value, form["recovered"], form["took_us"])


def lost(verb: str) -> FailedError:
    """Returns the error for a verb whose daemon went away in the middle."""
    return FailedError(
        f"the daemon ended while it did the {verb}: whether it was done is not known",
        hint="`stepwell log` and `stepwell operations` show it; run the command again if it was not",
    )
