"""The files of an old session, as far as its record has their contents.

What shells did is in no record. So the files are partial, and a file that the record finds changed
meanwhile is put down to a scene of its own, as a change from outside would be.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepwell.store.agents.transcripts.items import Edit, Touched
from stepwell.store.agents.transcripts.told import Told
from stepwell.store.engine.objects import MODE_FILE, refuses_entry
from stepwell.store.model.paths import TrackedPath

MEANWHILE = ":meanwhile"
"""Ends the id of such a scene."""

_LONGEST_NAME = 255
_LONGEST_PATH = 4_096


@dataclass(frozen=True, slots=True)
class Scene:
    """A step to be: what is told, and which files change with it."""

    told: Told
    contents: Mapping[TrackedPath, bytes | None] = field(default_factory=dict)
    """None: the file is gone."""
    doubtful: frozenset[TrackedPath] = frozenset()
    """Files that changed since in a way that the record does not tell."""
    outside: bool = False
    """The record tells of the change afterwards only."""


def first_known(
    told: Sequence[Told], root: str, wanted: Callable[[bytes], bool]
) -> dict[TrackedPath, bytes]:
    """Returns what files held before they were touched first, where the record has that."""
    found: dict[TrackedPath, bytes] = {}
    seen: set[TrackedPath] = set()
    for one in told:
        for touched in one.files:
            path = inside(touched.path, root)
            if path is None or path in seen or not wanted(path):
                continue
            seen.add(path)
            if touched.before is not None:
                found[path] = as_bytes(touched.before)
    return found


def scenes(
    told: Sequence[Told],
    root: str,
    first: Mapping[TrackedPath, bytes],
    wanted: Callable[[bytes], bool],
) -> Iterator[Scene]:
    """Yields a scene for each thing told; `first` is what files held at the beginning."""
    known = _Known(first)
    for one in told:
        known.changed, known.missed = {}, {}
        for touched in one.files:
            path = inside(touched.path, root)
            if path is not None and wanted(path):
                known.touch(path, touched)
        doubtful = frozenset(known.doubtful)
        if known.missed:
            yield _meanwhile(one, known.missed, doubtful)
        yield Scene(one, known.changed, doubtful)


class _Known:
    """What files hold as the record goes on, and what the newest part of it changed."""

    def __init__(self, first: Mapping[TrackedPath, bytes]) -> None:
        self.doubtful: set[TrackedPath] = set()
        self.changed: dict[TrackedPath, bytes | None] = {}
        self.missed: dict[TrackedPath, bytes | None] = {}
        self._held = dict(first)

    def touch(self, path: TrackedPath, touched: Touched) -> None:
        held = self._held.get(path)
        if touched.before is not None and as_bytes(touched.before) != held:
            held = self._held[path] = self.missed[path] = as_bytes(touched.before)
        after = _after(touched, held)
        if after is None and not touched.gone:
            if held is not None:
                self.doubtful.add(path)
            return
        self.doubtful.discard(path)
        if after is None:
            self._held.pop(path, None)
        else:
            self._held[path] = after
        self.changed[path] = after


def _meanwhile(
    told: Told, missed: Mapping[TrackedPath, bytes | None], doubtful: frozenset[TrackedPath]
) -> Scene:
    names = ", ".join(os.fsdecode(path) for path in missed)
    event = replace(told.event, title=f"{names} changed meanwhile", tool=None)
    before = Told(told.id + MEANWHILE, told.time_ns, event)
    return Scene(before, missed, doubtful, outside=True)


def _after(touched: Touched, held: bytes | None) -> bytes | None:
    """Returns what the file holds afterwards; None when it is gone, or that is not known."""
    if touched.gone:
        return None
    if touched.after is not None:
        return as_bytes(touched.after)
    if held is None or not touched.edits:
        return None
    for edit in touched.edits:
        held = _edited(held, edit)
        if held is None:
            return None
    return held


def _edited(held: bytes, edit: Edit) -> bytes | None:
    old, new = as_bytes(edit.old), as_bytes(edit.new)
    found = held.count(old) if old else 0
    return held.replace(old, new) if found == 1 or (found and edit.everywhere) else None


def as_bytes(text: str) -> bytes:
    """Returns a content as it is stored; half a surrogate pair, which no file has, as `?`."""
    return text.encode("utf-8", "replace")


def inside(path: str, root: str) -> TrackedPath | None:
    """Returns a path as the workspace names it; None where it is none of its files'."""
    if "\0" in path:
        return None
    whole = os.path.normpath(os.path.join(root, path))
    below = root.rstrip("/") + "/"
    if not whole.startswith(below):
        return None
    found = whole[len(below) :].encode("utf-8", "replace")
    names = found.split(b"/")
    if len(found) > _LONGEST_PATH or any(len(name) > _LONGEST_NAME for name in names):
        return None
    if any(refuses_entry(name, MODE_FILE, b"") for name in names):
        return None
    return TrackedPath(found)
