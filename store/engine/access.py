"""Access to sessions: leases with a time to live, and numbers that fence off who lost theirs.

A lease alone does not exclude a client that was paused past its end and does not know. So every
write carries the number of its lease, and that is compared under the writer lock with the one that
is in force (M. Kleppmann, "How to do distributed locking", 2016, calls them fencing tokens).

The table is one small file, written under the writer lock and read without it. A lease ends with
its time, with the process that stands for its client, and with the machine's boot: none comes back.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stepwell.store.engine.atomic import read_checked, write_checked
from stepwell.store.engine.lock import boot_id
from stepwell.store.model.access import AccessMode, Fence, Granted, Keeper, Lease, SessionAccess
from stepwell.store.model.errors import LeaseError, UsageError
from stepwell.store.model.ids import Clock

NAME = "access"

LONGEST_MS = 24 * 3_600_000
MOST_CLIENTS = 10_000
LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for."""

    session: str
    client: str
    mode: AccessMode
    ttl_ms: int
    keeper: Keeper | None = None
    """None: only time ends the lease."""


@dataclass(frozen=True, slots=True)
class _Entry:
    lease: Lease
    until_ns: int
    """By `ticks`."""
    keeper: Keeper | None


@dataclass(frozen=True, slots=True)
class _Table:
    last: int
    """The largest number granted."""
    entries: tuple[_Entry, ...]
    seen: Mapping[str, int]
    """Session -> when somebody last had access to it; nanoseconds since the epoch."""

    def writer(self, session: str) -> Lease | None:
        return _access(session, self).writer


def ticks() -> int:
    """Returns nanoseconds since boot, sleep included: no change of the clock moves it."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def this_process() -> Keeper:
    """Returns the calling process, as one that stands for a client."""
    return Keeper(os.getpid(), _start_of(os.getpid()) or 0)


def grant(store: Path, wish: Wish, clock: Clock, now: Clock = ticks) -> Granted:
    """Gives a client access, or renews what it has; to be called under the writer lock.

    Renewing keeps the number. A client may change its mode; a second writer is refused.

    Raises:
        UsageError: a name is empty or too long, or the time is out of bounds.
        FailedError: the table cannot be written.
    """
    _check(wish)
    table = _live(store, now())
    writer = table.writer(wish.session)
    if wish.mode == "write" and writer is not None and writer.client != wish.client:
        return Granted(None, writer.client)
    others = tuple(e for e in table.entries if not _is_of(e.lease, wish.session, wish.client))
    if len(others) >= MOST_CLIENTS:
        raise UsageError(f"{MOST_CLIENTS:,} clients have access already")
    mine = [e.lease for e in table.entries if _is_of(e.lease, wish.session, wish.client)]
    renewed = bool(mine) and mine[0].mode == wish.mode
    # A lost table must not lead to numbers that were given before.
    number = mine[0].number if renewed else max(table.last + 1, clock() // 1_000_000)
    ttl_ns = wish.ttl_ms * 1_000_000
    lease = Lease(wish.session, wish.client, wish.mode, number, wish.ttl_ms, clock() + ttl_ns)
    entries = (*others, _Entry(lease, now() + ttl_ns, wish.keeper))
    others_seen = {name: at for name, at in table.seen.items() if name != wish.session}
    seen = {**others_seen, wish.session: clock()}
    after = _Table(max(table.last, number), entries, dict([*seen.items()][-MOST_CLIENTS:]))
    _write(store, after)
    writer = after.writer(wish.session)
    return Granted(lease, writer.client if writer else None)


def release(store: Path, session: str, client: str, now: Clock = ticks) -> bool:
    """Ends a client's access; False when it had none. To be called under the writer lock."""
    table = _live(store, now())
    left = tuple(e for e in table.entries if not _is_of(e.lease, session, client))
    if len(left) == len(table.entries):
        return False
    _write(store, replace(table, entries=left))
    return True


def access(store: Path, session: str, now: Clock = ticks) -> SessionAccess:
    """Returns who has access to a session; needs no lock."""
    return _access(session, _live(store, now()))


def writers(store: Path, now: Clock = ticks) -> dict[str, str]:
    """Returns session -> the client that may write it, for those that somebody may; needs no lock."""
    leases = (entry.lease for entry in _live(store, now()).entries)
    return {lease.session: lease.client for lease in leases if lease.mode == "write"}


def last_seen(store: Path) -> Mapping[str, int]:
    """Returns session -> when somebody last asked for access to it; needs no lock."""
    return _live(store, 0).seen


def check_fence(store: Path, fence: Fence, now: Clock = ticks) -> None:
    """Raises LeaseError unless the write may be done; to be called under the writer lock."""
    writer = _live(store, now()).writer(fence.session)
    if (writer.number if writer else None) == fence.number:
        return
    held = f"{writer.client} may write it" if writer else "it has ended"
    if fence.number is None:
        message = f"session {fence.session} cannot be written: {held}"
        hint = "wait until it is released, or acquire write access yourself"
    else:
        message = f"lease {fence.number} of session {fence.session} is stale: {held}"
        hint = (
            "nothing was written; acquire write access again, and look at what was done meanwhile"
        )
    raise LeaseError(
        message,
        hint=hint,
        session=fence.session,
        lease=fence.number,
        holder=writer.client if writer else None,
    )


def _is_of(lease: Lease, session: str, client: str) -> bool:
    return lease.session == session and lease.client == client


def _access(session: str, table: _Table) -> SessionAccess:
    found = [e.lease for e in table.entries if e.lease.session == session]
    return SessionAccess(session, tuple(sorted(found, key=lambda lease: lease.client)))


def _check(wish: Wish) -> None:
    for what, name in (("session", wish.session), ("client", wish.client)):
        if not name.strip() or len(name) > LONGEST_NAME:
            raise UsageError(f"the {what} needs a name of up to {LONGEST_NAME} characters")
    if not 1 <= wish.ttl_ms <= LONGEST_MS:
        raise UsageError(
            f"access cannot be given for {wish.ttl_ms:,} ms", hint=f"1 to {LONGEST_MS:,} ms"
        )


def _live(store: Path, now_ns: int) -> _Table:
    """Returns the table without what has ended; an unreadable one ends every lease."""
    content = read_checked(store / NAME)
    form = json.loads(content) if content is not None else {}
    last, seen = int(form.get("last", 0)), form.get("seen", {})
    if form.get("boot") != boot_id():
        return _Table(last, (), seen)
    entries = (_entry(one) for one in form["entries"])
    live = tuple(e for e in entries if e.until_ns > now_ns and _is_there(e.keeper))
    return _Table(last, live, seen)


def _entry(form: dict[str, object]) -> _Entry:
    lease, until, keeper = form["lease"], form["until_ns"], form["keeper"]
    assert isinstance(lease, dict) and isinstance(until, int)
    return _Entry(Lease(**lease), until, Keeper(**keeper) if isinstance(keeper, dict) else None)


def _write(store: Path, table: _Table) -> None:
    form = {
        "boot": boot_id(),
        "last": table.last,
        "seen": table.seen,
        "entries": [asdict(entry) for entry in table.entries],
    }
    write_checked(store / NAME, json.dumps(form).encode("ascii"))


def _is_there(keeper: Keeper | None) -> bool:
    if keeper is None:
        return True
    if not keeper.start:
        return _answers(keeper.pid)
    return _start_of(keeper.pid) == keeper.start


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_of(pid: int) -> int | None:
    """Returns a process's start time, proc(5) field 22; None when it is gone or cannot be told."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    # A zombie holds nothing any more.
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
