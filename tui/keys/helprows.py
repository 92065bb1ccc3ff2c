"""The action table as rows of the help: what a pane's keys do, filtered by words."""

from __future__ import annotations

from collections.abc import Sequence
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


def help_rows(scopes: Sequence[Scope], query: str = "") -> tuple[HelpRow, ...]:
    """Returns the rows of the scopes, nearest first, whose keys or words hold all of `query`.

    A heading stands only above rows; a query of one character also finds the key itself.
    """
    rows: list[HelpRow] = []
    for scope in scopes:
        found = [row for row in map(_row, actions_for(scope)) if _matches(row, query)]
        if found:
            rows += [HelpRow("", _HEADINGS.get(scope, scope.capitalize())), *found]
    return tuple(rows)


def _row(action: Action) -> HelpRow:
    return HelpRow(" ".join(map(spelled, action.keys)), action.title, action)


def _matches(row: HelpRow, query: str) -> bool:
    if query in row.keys.split():
        return True
    text = f"{row.keys} {row.title}".lower()
    return all(word in text for word in query.lower().split())
