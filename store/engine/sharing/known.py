"""What is known of the timelines of a remote: how far each was taken, and what of it was refused.

remotes/NAME/WORKSPACE.json. Whoever writes it has the remote's lock. A timeline that was taken once
has to go on from there: a git server lets anybody who may push replace any of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.atomic import system_error, write_atomic
from stepwell.store.engine.codec import canonical_json
from stepwell.store.engine.sharing.remotes import NAME
from stepwell.store.model.errors import FormatError, IntegrityError
from stepwell.store.model.steps import Operation, StepRecorded, StepRemoved
from stepwell.store.model.version import VERSION

_FORMAT = 1


class UnsoundError(IntegrityError):
    """What a timeline holds is not as it has to be, wherever it is looked at."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A timeline's operations up to one of them, by what no purge and no removal changes of them."""

    last: int
    """The number of that operation."""
    digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one timeline."""

    taken: Taken | None = None
    """As far as it was taken; None: it never was."""
    refused: str | None = None
    """The id of the commit of operations that was refused since; None: none was."""
    reason: str = ""
    """Why."""


class Trace:
    """Follows the operations of a timeline from the first one on."""

    def __init__(self, before: Taken | None) -> None:
        self._before = before
        self._digest = hashlib.sha256()
        self._last = 0
        self.goes_on = before is None
        """Whether what was taken before is the beginning of what was added."""

    def add(self, operation: Operation) -> None:
        """Adds the next operation."""
        steps = [
            effect.step.id if isinstance(effect, StepRecorded) else effect.step
            for effect in operation.effects
            if isinstance(effect, StepRecorded | StepRemoved)
        ]
        line = json.dumps([operation.number, operation.id, steps])
        self._digest.update(f"{line}\n".encode())
        self._last = operation.number
        self.goes_on = self.goes_on or self.taken == self._before

    @property
    def taken(self) -> Taken:
        """What was added."""
        return Taken(self._last, self._digest.hexdigest())


def read_known(store: Path, remote: str, workspace: str) -> Known:
    """Returns what is known of a timeline. A refusal by another version of Stepwell is none.

    Raises:
        FormatError: it cannot be read.
        FailedError: the system refused.
    """
    path = _place(store, remote, workspace)
    try:
        form = json.loads(path.read_bytes())
        if form["format"] == _FORMAT:
            return _known(form)
    except FileNotFoundError:
        return Known()
    except OSError as error:
        raise system_error(error, "reading", path) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise FormatError(
        "what was noted of it when it came before cannot be read",
        hint=f"stepwell pull {remote} --accept {workspace} takes it as it is now",
        path=str(path),
    )


def taken_first(store: Path, remote: str, workspaces: Iterable[str]) -> list[str]:
    """Returns the timelines in order, those that were taken before first.

    So a new one that claims their newest steps for its own comes too late for that.
    """

    def is_new(workspace: str) -> bool:
        try:
            return read_known(store, remote, workspace).taken is None
        except FormatError:
            return False

    return sorted(workspaces, key=lambda one: (is_new(one), one))


def write_known(store: Path, remote: str, workspace: str, known: Known) -> None:
    """Replaces what is known of a timeline.

    Raises:
        NoSpaceError, FailedError: it cannot be written; it is as it was.
    """
    taken = known.taken
    form = {
        "format": _FORMAT,
        "taken": None if taken is None else {"last": taken.last, "digest": taken.digest},
        "refused": known.refused,
        "reason": known.reason,
        "by": VERSION,
    }
    write_atomic(_place(store, remote, workspace), canonical_json(form))


def _place(store: Path, remote: str, workspace: str) -> Path:
    return store / NAME / remote / f"{workspace}.json"


def _known(form: Any) -> Known:
    taken = form["taken"]
    if taken is not None:
        taken = Taken(int(taken["last"]), str(taken["digest"]))
    if form["refused"] is None or form["by"] != VERSION:
        return Known(taken)
    return Known(taken, str(form["refused"]), str(form["reason"]))
