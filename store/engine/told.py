"""What is asked about two texts, and what libgit2 says of them: values that fit through a pipe."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from stepwell.store.model.deflated import DeflatedText
from stepwell.store.model.patchlines import LineIndex

_NUMBERS = 7


class Texts(NamedTuple):
    """Two texts to compare by line."""

    old: bytes
    new: bytes
    context: int = 0
    ignore_space: bool = False
    wanted: Literal["counts", "places", "lines"] = "counts"
    """Each has what the one before has, too."""


class Place(NamedTuple):
    """Where a hunk lies; the ranges are those of its header, as libgit2 writes them."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    begin: int
    """Where its lines begin in the patch, and where they end."""
    end: int
    lines: int
    """How many they are."""


class Told(NamedTuple):
    """The answer; of what was not wanted there is nothing."""

    added: int
    deleted: int
    numbers: array[int]
    """Of the hunks in order, those of a `Place` each: no object for any of them."""
    patch: bytes | DeflatedText
    known: Mapping[int, LineIndex]
    """By begin: of long hunks what makes a line quick to reach."""

    def places(self) -> Iterator[Place]:
        """Yields the hunks, in order."""
        for at in range(0, len(self.numbers), _NUMBERS):
            yield Place(*self.numbers[at : at + _NUMBERS])
