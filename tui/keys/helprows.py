"""The action table as rows of the help: what a pane's keys do, filtered by words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stepwell.tui.keys.actions import Action, Scope, actions_for
from stepwell.tui.keys.names import spelled

_HEADINGS: dict[Scope, str] = {
    "everywhere": "Everywhere",
    "list": "Every list",
    "timeline": "Timeline",
    "files": "Files",
    "diff": "Diff",
    "preview": "Preview",
    "operations": "Operations",
    "branches": "Branches",
}


@dataclass(frozen=True, slots=True)
class HelpRow:
    """An action, or the heading above a scope's actions (then `action` is None)."""

    keys: str
    title: str
    action: Action | None = None


def _every(action: Action) -> bool:
    return True


def help_rows(
    scopes: Sequence[Scope], query: str = "", can: Callable[[Action], bool] = _every
) -> tuple[HelpRow, ...]:
    """Returns the rows of the scopes, nearest first, whose keys or words hold all of `query`.

    Words are those of the title, of the hint and of the action's name. A key stands where it is
    nearest; an action without one left, or that `can` denies, has no row. A heading stands only
    above rows; a query of one character also finds the key itself.
    """
    rows: list[HelpRow] = []
    taken: set[str] = set()
    for scope in scopes:
        actions = [action for action in actions_for(scope) if can(action)]
        own = [row for action in actions if (row := _row(action, taken)).keys]
        taken.update(key for action in actions for key in action.keys)
        found = [row for row in own if _matches(row, query)]
        if found:
            rows += [HelpRow("", _HEADINGS.get(scope, scope.capitalize())), *found]
    return tuple(rows)


def _row(action: Action, taken: set[str]) -> HelpRow:
    keys = " ".join(spelled(key) for key in action.keys if key not in taken)
    return HelpRow(keys, action.title, action)


def _matches(row: HelpRow, query: str) -> bool:
    if query in row.keys.split():
        return True
    action = row.action
    words = f"{action.hint} {action.id.replace('_', ' ')}" if action else ""
    text = f"{row.keys} {row.title} {words}".lower()
    return all(word in text for word in query.lower().split())
