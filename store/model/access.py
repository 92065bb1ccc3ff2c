"""Who works with a session: clients that read it, and at most one that writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AccessMode = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Keeper:
    """The process that stands for a client: when it is gone, so is the client."""

    pid: int
    start: int
    """When it started, in the kernel's own count; 0 where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A client's access to a session, for a while."""

    session: str
    client: str
    mode: AccessMode
    number: int
    """The fencing number: larger than that of every lease granted before."""
    ttl_ms: int
    expires_ns: int
    """By the clock on the wall, for people; expiry itself is measured by the time since boot."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The answer to a client that asks for access."""

    lease: Lease | None
    """None: refused, because `holder` writes."""
    holder: str | None
    """The client that may write the session now."""


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """Who has access to a session now."""

    session: str
    clients: tuple[Lease, ...]
    """In the order of their names."""

    @property
    def writer(self) -> Lease | None:
        """The lease of the one client that may write."""
        return next((one for one in self.clients if one.mode == "write"), None)


@dataclass(frozen=True, slots=True)
class Fence:
    """What must hold, under the writer lock, for a write in a session's name to be done."""

    session: str
    number: int | None
    """The write lease that the writer believes to have; None: none, so that nobody may have one."""
