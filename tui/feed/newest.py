"""The newest steps of a branch or of a session, for the lists of those."""

from __future__ import annotations

from itertools import islice

from stepwell.tui.feed.search import load_steps
from stepwell.tui.gateway import Gateway, Post
from stepwell.tui.messages import NewestLoaded
from stepwell.tui.source import Source

MOST = 60
"""So many are read at most."""


def load_line(gateway: Gateway, to: Post, seq: int) -> None:
    """Reads a step and those before it on its line of first parents; NewestLoaded to `to`."""

    def call(source: Source) -> NewestLoaded:
        graph = source.graph()
        row = graph.row_of(seq)
        line = graph.chain(row) if row is not None else ()
        return NewestLoaded(seq, load_steps(source, [graph.seqs[at] for at in islice(line, MOST)]))

    gateway.ask("search", "newest", "read the branch's steps", call, to=to)


def load_session(gateway: Gateway, to: Post, name: str) -> None:
    """Reads the newest steps of a session; NewestLoaded to `to`."""

    def call(source: Source) -> NewestLoaded:
        graph = source.graph()
        newest = next((one.last_step for one in source.sessions() if one.name == name), None)
        row = graph.row_of_id(newest) if newest is not None else None
        rows = graph.session_rows(graph.sessions[row]) if row is not None else ()
        found = [graph.seqs[at] for at in islice(reversed(rows), MOST)]
        return NewestLoaded(name, load_steps(source, found))

    gateway.ask("search", "newest", "read the session's steps", call, to=to)
