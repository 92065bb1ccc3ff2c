"""The second tier in memory (L2): changes of a session's steps beyond its newest, as they were used.

Whatever goes from here is in the store as before, in segments or packs: nothing is written when it
goes, and nothing is lost.
"""

from __future__ import annotations

from collections import OrderedDict

from stepwell.store.engine.tiers.ready import LARGEST, Key, Ready, one_way

STEPS = 1_000
"""How many steps of a session are kept."""
BYTES = 8_000_000
"""How much they take altogether at most."""


class Warm:
    """An LRU for each session; over the limit the session used least recently gives first."""

    def __init__(self, steps: int = STEPS, limit: int = BYTES) -> None:
        self._steps = steps
        self._limit = limit
        self._sessions: OrderedDict[str | None, OrderedDict[Key, Ready]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._sessions.values()))

    def get(self, session: str | None, key: Key) -> Ready | None:
        """Returns the change of a session's step when it is here."""
        known = self._sessions.get(session)
        if known is None or key not in known:
            return None
        self._sessions.move_to_end(session)
        known.move_to_end(key)
        return known[key]

    def keep(self, session: str | None, key: Key, ready: Ready) -> None:
        """Takes in what a step changed, without contents and way back, unless it is too large."""
        bare = one_way(ready.there)
        if bare.size > LARGEST or self.get(session, key) is not None:
            return
        self._sessions.setdefault(session, OrderedDict())[key] = bare
        self._sessions.move_to_end(session)
        self.bytes += bare.size
        if len(self._sessions[session]) > self._steps:
            self._give(session)
        self.shrink(self._limit)

    def shrink(self, limit: int) -> None:
        """Lets go of what was used least recently until the rest takes no more than `limit` bytes."""
        while self.bytes > limit:
            self._give(next(iter(self._sessions)))

    def _give(self, session: str | None) -> None:
        _, ready = self._sessions[session].popitem(last=False)
        self.bytes -= ready.size
        if not self._sessions[session]:
            del self._sessions[session]
