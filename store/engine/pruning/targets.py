"""Which contents a purge's targets mean: those at paths of any step, dropped ones too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from stepwell.store.engine.extras import read_extras
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.objects import EMPTY_BLOB, EMPTY_TREE, MODE_TREE, decode_tree
from stepwell.store.engine.pruning.needed import kept_steps
from stepwell.store.engine.wildmatch import NeverMatchesError, path_regex
from stepwell.store.model.ids import Oid
from stepwell.store.model.paths import TrackedPath, join, parent
from stepwell.store.model.purging import Target

Matches = Callable[[TrackedPath], bool]


def contents(journal: Journal, targets: Sequence[Target]) -> set[Oid]:
    """Returns the contents that the targets mean; nothing in an empty file is a content.

    Only what a step holds as a file is one: a tree or a note that is named by its id is none.

    Raises:
        IntegrityError: a tree cannot be read, so that it is not known what lies at its paths.
    """
    blobs = {target.blob for target in targets if target.blob is not None}
    matches = path_matcher(target.path for target in targets if target.path is not None)
    files = _files(journal) if targets else ()
    found = {oid for path, oid in files if oid in blobs or matches(path)}
    return {oid for oid in found if oid != EMPTY_BLOB and journal.has(oid)}


def path_matcher(paths: Iterable[TrackedPath]) -> Matches:
    """Returns what tells whether a path, or a folder that it lies in, is named or matches."""
    exact = frozenset(paths)
    regexes = []
    for path in exact:
        with suppress(NeverMatchesError):
            regexes.append(b"(?:" + path_regex(path) + b")")
    together = re.compile(b"|".join(regexes), re.DOTALL) if regexes else None

    def matches(path: TrackedPath) -> bool:
        at = path
        while at:
            if at in exact or (together is not None and together.fullmatch(at)):
                return True
            at = parent(at)
        return b"" in exact

    return matches


def _files(journal: Journal) -> Iterator[tuple[TrackedPath, Oid]]:
    """Yields the files and links of all steps; each folder's state is gone through once."""
    seen: set[tuple[TrackedPath, Oid]] = set()
    for step in kept_steps(journal.operations(), ()):
        extras = TrackedPath(b""), step.snapshot.extras
        if extras not in seen:
            seen.add(extras)
            entries = read_extras(journal, step.snapshot.extras).entries
            yield from ((path, oid) for path, (_, oid) in entries.items())
        stack = [(TrackedPath(b""), step.snapshot.tree)]
        while stack:
            place = stack.pop()
            if place in seen or place[1] == EMPTY_TREE:
                continue
            seen.add(place)
            folder, tree = place
            for name, mode, oid in decode_tree(journal.read(tree)[1]):
                if mode == MODE_TREE:
                    stack.append((join(folder, name), oid))
                else:
                    yield join(folder, name), oid
