"""What a step changed in the state that it carries, as lines to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from stepwell.tui.source import Source
from stepwell.tui.values import Step, printable

if TYPE_CHECKING:
    from stepwell.store import Workspace

_SIGNS = {"add": "+", "remove": "-", "replace": "~"}
_MOST = 2_000


def state_lines(source: Source, step: Step) -> Sequence[str]:
    """Returns a structural diff against the step before it, by path; empty when nothing differs."""
    if step.state is None and not step.parents:
        return ()
    from stepwell.store.state.beside import own_state_changes, words_of

    found = own_state_changes(cast("Workspace", source), step)
    if not found:
        return ()
    said = (f"{_SIGNS[change.op]} {words_of(change, '->')}" for change in found[:_MOST])
    lines = [printable(line) for line in said]
    more = [f"and {len(found) - _MOST:,} more"] if len(found) > _MOST else []
    return ["state:", *lines, *more]
