"""What a milestone holds of the project and of its history: as it was when the step was marked."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from stepwell.store.engine.journal import Journal
from stepwell.store.engine.parents import ancestors
from stepwell.store.engine.snapshots import Entry, entries
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.paths import escape
from stepwell.store.model.seqs import seqs_of
from stepwell.store.model.steps import Step, View

_FAR = 5_000
"""Steps of the history that are gone through at most."""
_KINDS = 12


def milestone_facts(journal: Journal, view: View, step: Step) -> dict[str, Any]:
    """Returns `project_state` and `history` of a step, as JSON values.

    The history is that of its own line, back to the milestone before it or to the beginning.

    Raises:
        IntegrityError: its tree, or a step before it, cannot be read.
    """
    return {
        "project_state": project_state(step, entries(journal, step.snapshot)),
        "history": _history(*since_milestone(journal, view, step)),
    }


def since_milestone(journal: Journal, view: View, step: Step) -> tuple[list[Step], Step | None]:
    """Returns the step and those before it, the newest first, and the milestone at which they end."""
    found = [step]
    try:
        for before in islice(ancestors(journal.step, step), _FAR):
            mark = view.marks.get(before.id)
            if mark is not None and mark.milestone is not None:
                return found, before
            found.append(before)
    except NotFoundError:
        pass  # what was before is pruned and gone
    return found, None


def project_state(step: Step, found: Iterable[Entry]) -> dict[str, Any]:
    """Returns the files of a step counted, the commonest kinds by their endings."""
    kinds: Counter[str] = Counter()
    files = links = executables = 0
    for entry in found:
        links += stat.S_ISLNK(entry.mode)
        if stat.S_ISREG(entry.mode):
            files += 1
            executables += bool(entry.mode & 0o100)
            kinds[_kind(entry.path)] += 1
    return {
        "tree": step.snapshot.tree.hex(),
        "branch": step.branch,
        "files": files,
        "links": links,
        "executables": executables,
        "kinds": dict(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))[:_KINDS]),
    }


def _kind(path: bytes) -> str:
    name = path.rpartition(b"/")[2]
    stem, dot, ending = name.rpartition(b".")
    return f".{escape(ending)}" if stem and dot and ending else "other"


def _history(steps: list[Step], since: Step | None) -> Mapping[str, Any]:
    turns = {(one.session, one.turn) for one in steps if one.turn is not None}
    results = [one.result for one in steps if one.result is not None]
    return {
        "since": None if since is None else since.id,
        "since_seq": None if since is None else since.seq,
        "steps": len(steps),
        "seqs": [list(pair) for pair in seqs_of(one.seq for one in steps)],
        "sessions": sorted({one.session for one in steps if one.session}),
        "turns": len(turns),
        "commands": len(results),
        "failed": sum(not result.ok for result in results),
        "added": sum(one.changes.added for one in steps),
        "deleted": sum(one.changes.deleted for one in steps),
    }
