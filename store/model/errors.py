"""Every error that the library raises on purpose.

StepwellError
 +-- UsageError            bad argument                                        exit 2
 +-- NotFoundError         no such step, branch, path, operation               exit 3
 |    +-- NotAWorkspaceError
 |    +-- AmbiguousError   several candidates
 +-- RefusedError          drift, another session's work, an unsafe request    exit 4
 +-- IntegrityError        stored bytes are damaged or missing                 exit 5
 |    +-- ObjectMissingError
 |    +-- ObjectDamagedError
 |    +-- FormatError      unknown format number, unreadable store
 +-- BusyError             another process holds the writer lock               exit 6
 +-- FailedError           the system said no (disk full, permission, I/O)     exit 1

The message is one sentence: what failed, on what, why. The remedy is `hint`. The facts are in
`facts`, which the JSON forms print beside code, message and hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class StepwellError(Exception):
    """Root of the tree; `code` is a stable snake_case word, `exit_code` the process status."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts: Mapping[str, Any] = facts


class UsageError(StepwellError):
    """An argument makes no sense, whatever the store holds."""

    code = "usage"
    exit_code = 2


class PathOutsideError(UsageError):
    """A path argument names something outside the workspace."""

    code = "path_outside"


class NotFoundError(StepwellError):
    """The named step, branch, path or operation does not exist."""

    code = "not_found"
    exit_code = 3


class NotAWorkspaceError(NotFoundError):
    """No registered workspace holds the folder."""

    code = "not_a_workspace"


class AmbiguousError(NotFoundError):
    """A reference names several things; facts: `candidates`."""

    code = "ambiguous"


class RefusedError(StepwellError):
    """Going on could hurt work that nobody asked to touch; nothing was changed."""

    code = "refused"
    exit_code = 4


class DriftError(RefusedError):
    """A path to be written holds content that is in no step; facts: `drift`."""

    code = "drift"


class OtherSessionError(RefusedError):
    """Another session's later work would be undone; facts: `other_sessions`."""

    code = "other_session"


class LeaseError(RefusedError):
    """The session may be written by another client only; facts: `session`, `lease`, `holder`."""

    code = "lease"


class ConflictError(RefusedError):
    """Changes do not go together; facts: `conflicts`."""

    code = "conflict"


class IntegrityError(StepwellError):
    """Stored bytes are damaged or missing."""

    code = "integrity"
    exit_code = 5


class ObjectMissingError(IntegrityError):
    """An object that a snapshot names is not in the store; facts: `object`."""

    code = "object_missing"


class ObjectDamagedError(IntegrityError):
    """An object's bytes do not match its id; facts: `object`."""

    code = "object_damaged"


class FormatError(IntegrityError):
    """The store is unreadable or of a format that this version does not know."""

    code = "format"


class BusyError(StepwellError):
    """Another live process holds the writer lock; facts: `pid`."""

    code = "busy"
    exit_code = 6


class FailedError(StepwellError):
    """The operating system refused; facts: `errno` and `path` where known."""


class NoSpaceError(FailedError):
    """The disk, quota or file size limit is full; what was acknowledged before is safe."""

    code = "no_space"


class StoreUnreadableError(FailedError):
    """The data folder cannot be read or written as it must be."""

    code = "store_unreadable"


class RepositoryUnreadableError(FailedError):
    """The user's own repository is of a kind that cannot be read; facts: `path`."""

    code = "repository_unreadable"


class NoTerminalError(UsageError):
    """A terminal was needed and there is none."""

    code = "no_terminal"
