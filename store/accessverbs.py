"""The facade's verbs for access to sessions: who reads one, who alone may write it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from stepwell.store.engine import access
from stepwell.store.link.carry import carried
from stepwell.store.model.access import AccessMode, Fence, Granted, Keeper, Lease, SessionAccess
from stepwell.store.reviewverbs import ReviewVerbs

DEFAULT_TTL_MS = 30_000


class AccessVerbs(ReviewVerbs):
    """Gives clients access to sessions, and holds their writes to it."""

    def acquire_access(
        self,
        session: str,
        client: str,
        *,
        mode: AccessMode = "write",
        ttl_ms: int = DEFAULT_TTL_MS,
        keeper: Keeper | None = None,
    ) -> Granted:
        """Gives a client access to a session for a while; again by the same client renews it.

        Any number may read, one may write. Access ends with `release_access`, after `ttl_ms`, and
        with the process `keeper` (None: this one). An ended one can be taken over by anybody.

        Raises:
            UsageError: a name is empty or too long, or `ttl_ms` out of bounds.
        """
        wish = access.Wish(session, client, mode, ttl_ms, keeper or access.this_process())
        return self.grant(wish)

    def acquire_detached(
        self, session: str, client: str, *, mode: AccessMode, ttl_ms: int
    ) -> Granted:
        """As `acquire_access`, for a client that no process stands for: only time ends it."""
        return self.grant(access.Wish(session, client, mode, ttl_ms))

    @carried
    def grant(self, wish: access.Wish) -> Granted:
        """Gives what is wished for, or refuses; as `acquire_access` in all else."""
        with self._writer():
            return access.grant(self.store, wish, self._context.clock)

    @carried
    def release_access(self, session: str, client: str) -> bool:
        """Ends a client's access to a session; False when it had none."""
        with self._writer():
            return access.release(self.store, session, client)

    def access(self, session: str) -> SessionAccess:
        """Returns who has access to a session; takes no lock."""
        return access.access(self.store, session)

    def writers(self) -> dict[str, str]:
        """Returns session -> the client that may write it, for those that somebody may."""
        return access.writers(self.store)

    def last_seen(self) -> Mapping[str, int]:
        """Returns session -> when access to it was last asked for; nanoseconds since the epoch."""
        return access.last_seen(self.store)

    @contextmanager
    def writing_as(self, lease: Lease | Fence) -> Iterator[None]:
        """Holds the writing verbs of its body to a lease, whose number is compared under the lock.

        A Fence without a number holds them to nobody having write access.

        Raises:
            LeaseError: by each verb that comes when the lease has ended or is somebody else's;
                that verb wrote nothing.
        """
        before = self.fence
        fenced = lease if isinstance(lease, Fence) else Fence(lease.session, lease.number)
        self.fence = fenced
        try:
            yield
        finally:
            self.fence = before
