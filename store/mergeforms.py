"""The public JSON forms of merges, as the interface documents them."""

from __future__ import annotations

from stepwell.store.forms import Form, conflict_form, text_form, travel_form
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Applied, PlannedChanges
from stepwell.store.model.reports import Status


def merge_form(
    planned: PlannedChanges | None, applied: Applied | None, undo: str | None = None
) -> Form:
    """Returns what `merge` reports: as `travel_form`, with `merged`.

    `merged` is true when the branch (or the part that was picked) is merged, by this or before.
    """
    conflicts = planned.plan.conflicts if planned else ()
    done = applied is not None and not conflicts
    return {"merged": done, **travel_form(planned, applied, undo)}


def merge_status_form(status: Status) -> Form | None:
    """Returns what `merge` of a status holds: None when no merge is under way."""
    merging = status.merging
    if merging is None:
        return None
    return {
        "branch": text_form(merging.branch),
        "theirs": merging.theirs,
        "conflicts": [conflict_form(one) for one in merging.conflicts],
        "unsettled": [escape(path) for path in merging.unsettled],
    }
