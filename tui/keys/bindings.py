"""Textual bindings, key names and footer hints, all made from the action table."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from stepwell.tui.keys.actions import Action, Scope, actions_for

HINTS = 10
"""The footer shows at most so many."""

_SPELLED = {
    "escape": "esc", "pagedown": "pgdn", "pageup": "pgup", "down": "↓", "up": "↑", "left": "←",
    "right": "→", "question_mark": "?", "at": "@", "less_than_sign": "<",
    "greater_than_sign": ">", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "slash": "/", "comma": ",",
    "full_stop": ".", "left_parenthesis": "(", "right_parenthesis": ")", "minus": "-",
    "plus": "+", "underscore": "_", "equals_sign": "=", "grave_accent": "`", "colon": ":", "exclamation_mark": "!",
    "vertical_line": "|",
}  # fmt: skip


def spelled(key: str) -> str:
    """Returns a key's name as a person reads it: `?` for `question_mark`."""
    return _SPELLED.get(key, key)


def bindings_for(*scopes: Scope, priority: bool = False) -> list[BindingType]:
    """Returns the bindings of the scopes' actions; ids make them remappable.

    With `priority` they come before those of the widget in focus.
    """
    return [_binding(action, priority) for scope in scopes for action in actions_for(scope)]


def _binding(action: Action, priority: bool) -> Binding:
    call = f"screen.{action.id}" if action.of_screen else action.id
    keys = ",".join(action.keys)
    return Binding(keys, call, action.title, id=action.id, show=False, priority=priority)


def _unhidden(actions: list[Action]) -> list[Action]:
    """Those with a hint whose key, and whose hint, no nearer action has taken."""
    keys: set[str] = set()
    found: dict[str, Action] = {}
    for action in actions:
        if action.hint and action.keys[0] not in keys:
            found.setdefault(action.hint, action)
        keys.update(action.keys)
    return list(found.values())


def hints_for(*scopes: Scope) -> list[tuple[str, str]]:
    """Returns (key, hint) pairs for the footer: the nearest scope's first, help always last.

    The footer leaves out, from the end, what it has no room for.
    """
    shown = _unhidden([a for scope in scopes for a in actions_for(scope)])
    last = [action for action in shown if action.id == "help"]
    first = [action for action in shown if action.id != "help"][: HINTS - len(last)]
    return [(spelled(action.keys[0]), action.hint) for action in (*first, *last)]
