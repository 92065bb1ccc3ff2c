"""Asks, beside the screen, which steps changed a file, and which files steps changed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from stepwell.tui.gateway import Gateway, Post
from stepwell.tui.messages import BothRead, PathsFit, PathsLoaded, StateFound
from stepwell.tui.model.columns import Columns
from stepwell.tui.model.filestates import newer_state, older_state
from stepwell.tui.model.fuzzy import fitting
from stepwell.tui.source import Source
from stepwell.tui.values import Change, FailedError, ObjectMissingError


def find_state(
    gateway: Gateway, columns: Columns, place: tuple[int, int], path: bytes, way: int
) -> None:
    """Finds the step with the state of a file that `way` (see StateFound) leads to; StateFound.

    `place`: the numbers of the step that is left (0: the disk) and of the head.
    """
    seq, head = place

    def call(source: Source) -> StateFound:
        touching = set(source.touching(path))
        if way > 0:
            found = newer_state(columns, seq, head, touching) if seq else None
        elif not seq or way == 0:
            start = seq or head
            found = start if start in touching else older_state(columns, start, touching)
        else:
            found = older_state(columns, seq, touching)
        if found is None and way == 0:
            found = max(touching, default=None)
        return StateFound(path, way, found, place[0])

    gateway.ask("search", "state", "look for the file's states", call)


def read_both(gateway: Gateway, change: Change, *, on_disk: bool) -> None:
    """Reads what a file was before and after a change; BothRead.

    `on_disk`: the change leads to the disk; what the store does not hold is read there.
    """

    def call(source: Source) -> BothRead:
        old = source.blob(change.old_blob) if change.old_blob is not None else None
        return BothRead(change.path, old, _new_side(source, change, on_disk))

    gateway.ask("history", "both", "read both sides", call)


def _new_side(source: Source, change: Change, on_disk: bool) -> bytes | None:
    if change.new_blob is None:
        return None
    try:
        return source.blob(change.new_blob)
    except ObjectMissingError:
        if not on_disk:
            raise
        path = os.path.join(source.root, change.path)
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                return file.read()
        except OSError as error:
            raise FailedError(f"the file on disk cannot be read: {error.strerror}") from error


def load_paths(gateway: Gateway, to: Post) -> None:
    """Reads every path that a step changed; PathsLoaded to `to`."""

    def call(source: Source) -> PathsLoaded:
        return PathsLoaded(source.touched_paths())

    gateway.ask("search", "paths", "read the paths", call, to=to)


def fit_paths(
    gateway: Gateway, to: Post, generation: int, query: str, candidates: Sequence[str]
) -> None:
    """Looks which paths hold the letters of a query; PathsFit to `to`."""

    def call(_: Source) -> PathsFit:
        return PathsFit(generation, fitting(query, candidates))

    gateway.ask("search", "fit", "look through the paths", call, to=to)
