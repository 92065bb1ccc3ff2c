"""Textual bindings, key names and footer hints, all made from the action table."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from stepwell.tui.keys.actions import ACTIONS, Action, Scope, actions_for
from stepwell.tui.keys.names import spelled

HINTS = 10
"""The footer shows at most so many."""

WAYS_OUT = frozenset(action.hint for action in ACTIONS if action.hint and action.is_way_out)
"""Hints of the keys that lead back: a footer without room for all keeps these."""


def bindings_for(*scopes: Scope, priority: bool = False) -> list[BindingType]:
    """Returns the bindings of the scopes' actions.

    With `priority` they come before those of the widget in focus.
    """
    found = [action for scope in scopes for action in actions_for(scope)]
    return [_binding(action, priority) for action in found if action.keys]


def _binding(action: Action, priority: bool) -> Binding:
    call = f"screen.{action.id}" if action.of_screen else action.id
    keys = ",".join(action.keys)
    return Binding(keys, call, action.title, id=action.name, show=False, priority=priority)


def _unhidden(actions: list[Action]) -> list[Action]:
    """Those with a hint whose key, and whose hint, no nearer action has taken."""
    keys: set[str] = set()
    found: dict[str, Action] = {}
    for action in actions:
        if action.hint and action.keys and action.keys[0] not in keys:
            found.setdefault(action.hint, action)
        keys.update(action.keys)
    return list(found.values())


def hints_for(*scopes: Scope) -> list[tuple[str, str]]:
    """Returns (key, hint) pairs for the footer: the nearest scope's first, help always last.

    The footer leaves out, from the end, what it has no room for; never the ways out.
    """
    shown = _unhidden([a for scope in scopes for a in actions_for(scope)])
    last = [action for action in shown if action.id == "help"]
    first = [action for action in shown if action.id != "help"][: HINTS - len(last)]
    return [(spelled(action.keys[0]), action.hint) for action in (*first, *last)]
