"""Events as they come, and those that a client missed (server-sent events, HTML standard 9.2).

The id of an event is where it stands in the journal, so a client that comes back with the last one
that it had is told everything since, from whichever process.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stepwell.store.events.derive import events_of
from stepwell.store.model.errors import UsageError
from stepwell.store.model.events import Event
from stepwell.store.model.text import rfc3339
from stepwell.store.service.http.answers import Parts
from stepwell.store.workspace import Workspace

_BATCH = 200
"""Operations that are read at a time."""
_BEAT_S = 15.0
"""After so long without an event a comment is sent, so that both sides know of each other."""
_LAST = 1 << 30
"""An index above that of any event of an operation."""
_PLACE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an event stands: its operation, and which of that operation's events it is."""

    number: int
    index: int


def place_of(text: str) -> Place:
    """Returns the place that an id names; raises UsageError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text[:40]} is the id of no event", hint="send the last id as it came")
    return Place(int(found[1]), int(found[2] or _LAST))


def event_form(event: Event) -> dict[str, object]:
    """Returns an event as JSON."""
    return {
        **event.facts,
        "event": event.event,
        "time": rfc3339(event.time_ns),
        "workspace": event.workspace,
        "session": event.session,
        "step": event.step,
        "operation": event.operation,
    }


@dataclass(frozen=True, slots=True)
class _Batch:
    reached: int
    """The last operation that was read."""
    events: tuple[tuple[Place, Event], ...]


def _read(workspace: Workspace, after: Place) -> _Batch:
    reached, found = after.number - 1, []
    for operation in workspace.operations_after(max(0, after.number - 1), _BATCH):
        reached = operation.number
        for index, event in enumerate(events_of(operation, workspace.id), start=1):
            place = Place(operation.number, index)
            if place > after:
                found.append((place, event))
    return _Batch(reached, tuple(found))


async def stream(parts: Parts, after: Place | None) -> AsyncIterator[bytes]:
    """Yields events after a place (None: from now on) until the server ends.

    A place beyond the newest operation is of another store, or of one that lost its end: from now on.
    """
    number = await parts.workers.read(lambda workspace: workspace.view().number)
    if after is None or after.number > number:
        after = Place(number, _LAST)
    yield b": stepwell\n\n"
    while not parts.ending.is_set():
        batch = await _next(parts, after)
        for place, event in batch.events:
            yield _text(place, event)
        if batch.reached > after.number:
            after = Place(batch.reached, _LAST)
        elif not await parts.pulse.beyond(after.number, _BEAT_S):
            yield b": still here\n\n"


async def _next(parts: Parts, after: Place) -> _Batch:
    return await parts.workers.read(lambda workspace: _read(workspace, after))


def _text(place: Place, event: Event) -> bytes:
    data = json.dumps(event_form(event))
    return f"id: {place.number}.{place.index}\nevent: {event.event}\ndata: {data}\n\n".encode(
        "ascii"
    )
