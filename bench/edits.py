"""Edits planned once and done alike in every contestant's copy of the tree."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from trees import files_of

WITH_A_NEW_FILE = 10
"""From this many files on, the last of them is new: a restore has to remove it again."""


@dataclass(frozen=True)
class Edit:
    """What becomes of one file."""

    path: str
    before: bytes | None
    """None: the file is new."""
    after: bytes


@dataclass(frozen=True)
class Plan:
    """Edits of several files."""

    edits: tuple[Edit, ...]

    def do(self, root: Path) -> None:
        for edit in self.edits:
            (root / edit.path).write_bytes(edit.after)

    def undo(self, root: Path) -> None:
        for edit in self.edits:
            if edit.before is None:
                (root / edit.path).unlink(missing_ok=True)
            elif (root / edit.path).read_bytes() != edit.before:
                (root / edit.path).write_bytes(edit.before)

    def wrong(self, root: Path) -> str:
        """Says in what the disk differs from before the edits; empty when in nothing."""
        found = [_content(root / e.path) for e in self.edits]
        if any(
            e.before is None and now is not None for e, now in zip(self.edits, found, strict=True)
        ):
            return "new file left"
        same = all(e.before == now for e, now in zip(self.edits, found, strict=True))
        return "" if same else "not restored"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


class Edits:
    """A source of plans for one tree; a plan begins with what the plans kept before it left.

    Contents are read once, while every copy of the tree is the same.
    """

    def __init__(self, root: Path, seed: int = 7) -> None:
        self._chance = random.Random(seed)
        self._contents: dict[str, bytes] = {}
        self._root = root
        sizes = ((p, p.stat().st_size) for p in files_of(root))
        found = [str(p.relative_to(root)) for p, size in sizes if 2000 < size < 40_000]
        self.candidates = found
        self._count = 0

    def plan(self, count: int) -> Plan:
        """Returns an edit of one line in each of `count` files."""
        paths = self._chance.sample(self.candidates, min(count, len(self.candidates)))
        edits = [self._edit(path) for path in paths]
        if count >= WITH_A_NEW_FILE:
            first = edits[0].path
            edits[-1] = Edit(f"{first}.{self._count}.new", None, b"new\n" * 500)
        return Plan(tuple(edits))

    def keep(self, plan: Plan) -> None:
        """Makes later plans begin with what this one leaves."""
        self._contents.update((e.path, e.after) for e in plan.edits if e.before is not None)

    def _edit(self, path: str) -> Edit:
        if path not in self._contents:
            self._contents[path] = (self._root / path).read_bytes()
        before = self._contents[path]
        self._count += 1
        lines = before.split(b"\n")
        lines.insert(self._chance.randrange(len(lines)), b"# edit %d" % self._count)
        return Edit(path, before, b"\n".join(lines))
