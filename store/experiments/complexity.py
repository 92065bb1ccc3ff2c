"""Cyclomatic complexity of sources, by lizard; the one module that knows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stepwell.store.engine.diff import is_binary
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.model.changes import Change
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, escape

_LARGEST = 1_000_000


def complexity_rise(reader: ObjectReader, changes: Iterable[Change]) -> int | None:
    """Returns by how much the complexity of all functions in changed files rose.

    Files in languages that lizard does not know count nothing; None when no file is in a known one.
    """
    rise, known = 0, False
    for change in changes:
        sides = (
            _complexity(reader, change.old_path or change.path, change.old_blob),
            _complexity(reader, change.path, change.new_blob),
        )
        known = known or any(side is not None for side in sides)
        rise += (sides[1] or 0) - (sides[0] or 0)
    return rise if known else None


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a source, and its cyclomatic complexity."""

    name: str
    line: int
    complexity: int


def functions(
    reader: ObjectReader, path: TrackedPath, blob: Oid | None
) -> tuple[Function, ...] | None:
    """Returns the functions of a stored source; None when it is in no known language, or no text."""
    if blob is None:
        return None
    import lizard

    library: Any = lizard
    name = escape(path)
    if library.get_reader_for(name) is None:
        return None
    content = reader.read(blob)[1]
    if len(content) > _LARGEST or is_binary(content):
        return None
    try:
        found = library.analyze_file.analyze_source_code(name, content.decode("utf-8", "replace"))
    except (RecursionError, ValueError, IndexError, AttributeError, TypeError):
        # It reads hostile and half-written sources, and was not made for them.
        return None
    return tuple(
        Function(str(one.name), int(one.start_line), int(one.cyclomatic_complexity))
        for one in found.function_list
    )


def _complexity(reader: ObjectReader, path: TrackedPath, blob: Oid | None) -> int | None:
    found = functions(reader, path, blob)
    return None if found is None else sum(one.complexity for one in found)
