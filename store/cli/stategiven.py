"""What the actions of `state` are given: their arguments as values, files read, the store opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.store.cli.command import Call, plain_text
from stepwell.store.environment import local_now
from stepwell.store.model.errors import FailedError, NotFoundError, UsageError
from stepwell.store.model.text import plural

if TYPE_CHECKING:
    from stepwell.store.state.snapshots import StateSnapshots
    from stepwell.store.state.values import StateQuery, StateSnapshot

FOLDER = "state"
"""Within the workspace's store."""
SESSION = "default"
"""The session of those who name none."""
_MILLISECOND_NS = 1_000_000


def state_folder(call: Call) -> Path:
    """Returns where the workspace keeps its state snapshots; it may not be there yet."""
    with call.open() as workspace:
        return workspace.store / FOLDER


@contextmanager
def opened(call: Call) -> Iterator[StateSnapshots]:
    """Opens the workspace's state snapshots with their stored configuration, and closes them."""
    from stepwell.store.state.settings import load_config
    from stepwell.store.state.snapshots import StateSnapshots

    folder = state_folder(call)
    with StateSnapshots(folder, load_config(folder)) as snapshots:
        yield snapshots


def session_of(call: Call) -> str:
    """Returns the session that was named, or the one of those who name none."""
    return plain_text(call.arguments.session) or SESSION


def tags_of(tags: Sequence[str]) -> tuple[str, ...]:
    """Returns tags without what a terminal would obey."""
    return tuple(plain_text(tag) or "" for tag in tags)


def query_of(call: Call) -> StateQuery:
    """Returns what the options choose; UsageError for what is no time."""
    from stepwell.store.state.values import StateQuery

    given = call.arguments
    until = given.until
    return StateQuery(
        session=plain_text(given.session),
        tags=tags_of(given.tag),
        start_ns=None if given.since is None else _time_ns(given.since),
        end_ns=None if until is None else _time_ns(until, end=True) - 1,
        type=given.type,
    )


def _time_ns(text: str, *, end: bool = False) -> int:
    from stepwell.store.engine.filters import TIMES, bound_ns

    try:
        found = bound_ns(text, local_now(), end=end)
    except ValueError as error:
        raise UsageError(f"{text} is no time", hint=TIMES) from error
    # A time as we print it stands for its whole millisecond.
    return found + _MILLISECOND_NS if end and "." in text else found


def moment_ns(text: str) -> int:
    """Returns the last nanosecond of the millisecond that a time names."""
    return _time_ns(text) + _MILLISECOND_NS - 1


def content(call: Call, name: str) -> bytes:
    """Returns the bytes of a file, named relative to the folder, or of stdin for -; NotFoundError, or FailedError if too large."""
    from stepwell.store.state.documents import DEFAULT_LIMITS, too_large

    most = DEFAULT_LIMITS.input_bytes
    try:
        if name == "-":
            read = sys.stdin.buffer.read(most + 1)
        else:
            with open(os.path.join(os.fsdecode(call.folder), name), "rb") as file:
                read = file.read(most + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {name}", hint="- stands for stdin") from error
    except OSError as error:
        raise FailedError(
            f"reading {name} failed: {error.strerror}", hint="check its kind and permissions"
        ) from error
    if len(read) > most:
        raise too_large(name, "bytes", most)
    return read


def document(call: Call, name: str) -> Any:
    """Returns the JSON that a file holds, or stdin for -."""
    from stepwell.store.state.documents import parse

    return parse(content(call, name), "the standard input" if name == "-" else name)


def basic(document: Any) -> Sequence[Any]:
    """Returns the snapshots of an old file: a list, one alone, or an object that holds a list."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and isinstance(document.get("snapshots"), list):
        listed: list[Any] = document["snapshots"]
        return listed
    return [document]


def only(call: Call, names: str) -> list[str]:
    """Returns the arguments, which must be as many as their names."""
    given: list[str] = call.arguments.arguments
    if len(given) != len(names.split()):
        raise UsageError(
            f"state {call.arguments.action} takes {names or 'no arguments'}, not"
            f" {plural(len(given), 'argument')}",
            hint="see stepwell state --help",
        )
    return given


def find(snapshots: StateSnapshots, prefix: str) -> StateSnapshot:
    """Returns the snapshot that an id or its beginning names; NotFoundError if there is none."""
    identity = snapshots.resolve(prefix)
    found = snapshots.get(identity)
    if found is None:
        raise NotFoundError(f"the state snapshot {identity} is gone", hint="stepwell state list")
    return found
