"""Following files that were renamed, step by step, between a step and the disk."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from stepwell.store.engine.diff import exact_renames, is_binary
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.lines import split_lines
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.snapshots import Entry, differing
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot, Step

LONGEST_LINE = 3_000
"""Steps that are followed one by one; over longer distances only the two ends are compared."""

_ALIKE = 0.7
_PAIRS = 400
_LARGEST = 1_000_000

Names = dict[TrackedPath, TrackedPath]


def line_between(journal: Journal, a: Step, b: Step) -> list[Step]:
    """Returns the steps from `a` to `b` by way of where their lines meet, both included."""
    left, right = [a], [b]
    while left[-1].id != right[-1].id:
        side = left if left[-1].seq > right[-1].seq else right
        if not side[-1].parents or len(left) + len(right) > LONGEST_LINE:
            return [a, b]
        side.append(journal.step(side[-1].parents[0]))
    return left + right[-2::-1]


def followed(reader: ObjectReader, line: Sequence[Snapshot]) -> Names:
    """Returns first name -> last name of each file that was renamed along a line of snapshots.

    A name that came to be along the line counts as a first name too, unless it was one before.
    """
    first: Names = {}
    for a, b in pairwise(line):
        if a != b:
            moved = {new: first.pop(old, old) for old, new in renames(reader, a, b).items()}
            first.update(moved)
    names: Names = {}
    for last, old in first.items():
        if last != old:
            names.setdefault(old, last)
    return names


def renames(reader: ObjectReader, a: Snapshot, b: Snapshot) -> Names:
    """Returns old name -> new name: files that only moved, and those most of whose lines moved."""
    pairs = differing(reader, a, b)
    found = exact_renames(pairs)
    gone = [x for x, y in pairs if x and y is None and _is_file(x) and x.path not in found]
    if gone:
        taken = set(found.values())
        come = [y for x, y in pairs if y and x is None and _is_file(y) and y.path not in taken]
        if len(gone) * len(come) <= _PAIRS:
            found.update(_alike(reader, gone, come))
    return found


def _is_file(entry: Entry) -> bool:
    return stat.S_ISREG(entry.mode)


def _alike(reader: ObjectReader, gone: Iterable[Entry], come: Sequence[Entry]) -> Names:
    old = {e.path: lines for e in gone if (lines := _lines(reader, e))}
    new = {e.path: lines for e in come if (lines := _lines(reader, e))}
    scored = [(_likeness(a, b), p, q) for p, a in old.items() for q, b in new.items()]
    found: Names = {}
    for score, p, q in sorted(scored, key=lambda one: (-one[0], one[1], one[2])):
        if score >= _ALIKE and p not in found and q not in found.values():
            found[p] = q
    return found


def _lines(reader: ObjectReader, entry: Entry) -> Counter[bytes]:
    content = b"" if entry.oid is None else reader.read(entry.oid)[1]
    if len(content) > _LARGEST or is_binary(content):
        return Counter()
    return Counter(split_lines(content))


def _likeness(a: Counter[bytes], b: Counter[bytes]) -> float:
    """Returns the share of the bytes of both that is in lines of both."""
    common = sum(len(line) * count for line, count in (a & b).items())
    total = sum(len(line) * count for side in (a, b) for line, count in side.items())
    return 2 * common / total
