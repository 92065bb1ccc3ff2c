"""What the conflict screen asks the store: the merge under way, and the three sides of a conflict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

from stepwell.tui.keys.actions import key_of
from stepwell.tui.messages import ChangeDone, MergeLoaded, SidesLoaded
from stepwell.tui.model.sides import Sides, binary_words
from stepwell.tui.values import Conflict

if TYPE_CHECKING:
    from stepwell.tui.gateway import Gateway, Post
    from stepwell.tui.source import Source

LARGEST = 4_000_000
"""Bytes of a side beyond which its lines are not shown."""


def load_merge(gateway: Gateway, to: Post) -> None:
    """Looks at the merge under way and its files on disk; MergeLoaded."""

    def call(source: Source) -> Message:
        return MergeLoaded(source.status().merging)

    gateway.ask("disk", "merging", "read the merge", call, to=to)


def load_sides(gateway: Gateway, to: Post, conflict: Conflict) -> None:
    """Reads the three sides of a conflict; SidesLoaded. A later wish replaces one not begun."""

    def call(source: Source) -> Message:
        return SidesLoaded(conflict.path, _sides(source.blob, conflict))

    gateway.ask("history", "sides", "read a conflict", call, to=to)


def _sides(read: Callable[..., bytes], conflict: Conflict) -> Sides:
    states = (conflict.base, conflict.ours, conflict.theirs)
    base, ours, theirs = (
        read(one.blob) if one is not None and one.blob is not None else None for one in states
    )
    sizes = [None if text is None else len(text) for text in (base, ours, theirs)]
    if any(size is not None and size > LARGEST for size in sizes):
        return Sides((None, None, None), binary_words(conflict, sizes).replace("binary", "large"))
    return Sides((base, ours, theirs), binary_words(conflict, sizes))


def conclude(source: Source) -> ChangeDone:
    """Concludes the merge under way with the disk as it is."""
    done = source.continue_merge()
    return ChangeDone(
        f"merged: now at #{done.step.seq}; {key_of('everywhere.undo')} takes the whole merge back"
    )
