"""How keys are called: by the framework, by a person who reads them, by one who writes settings."""

from __future__ import annotations

_SIGNS = {
    "question_mark": "?", "at": "@", "less_than_sign": "<", "greater_than_sign": ">",
    "left_square_bracket": "[", "right_square_bracket": "]", "left_curly_bracket": "{",
    "right_curly_bracket": "}", "slash": "/", "comma": ",", "full_stop": ".",
    "left_parenthesis": "(", "right_parenthesis": ")", "minus": "-", "plus": "+",
    "underscore": "_", "equals_sign": "=", "grave_accent": "`", "colon": ":",
    "exclamation_mark": "!", "vertical_line": "|", "apostrophe": "'", "semicolon": ";",
    "asterisk": "*", "number_sign": "#", "percent_sign": "%", "ampersand": "&", "tilde": "~",
    "dollar_sign": "$", "backslash": "\\", "quotation_mark": '"', "circumflex_accent": "^",
}  # fmt: skip
_SPELLED = {
    **_SIGNS, "escape": "esc", "pagedown": "pgdn", "pageup": "pgup",
    "down": "↓", "up": "↑", "left": "←", "right": "→",
}  # fmt: skip

_OTHER_NAMES = {"esc": "escape", "pgdn": "pagedown", "pgup": "pageup", "del": "delete"}
"""What people write for keys that have longer names."""

_NAMED = frozenset(
    ["escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown", "up", "down", "left", "right"]
) | {f"f{number}" for number in range(1, 25)}  # fmt: skip
_UNSENDABLE = {
    "ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+j": "a line feed",
    "ctrl+left_square_bracket": "esc",
}  # fmt: skip


def spelled(key: str) -> str:
    """Returns a key's name as a person reads it: `?` for `question_mark`."""
    return _SPELLED.get(key, key)


def key_named(text: str) -> str:
    """Returns the framework's name of a key as a person writes it: `?`, `ctrl+w`, `F5`, `pgdn`.

    Raises:
        ValueError: no terminal sends such a key; the text says why.
    """
    before, plus, last = text.rpartition("+") if text[-1:] != "+" else (text[:-2], text[-2:-1], "+")
    modifiers = before.lower().split("+") if plus else []
    key = "+".join([*modifiers, _bare(last)])
    if not set(modifiers) <= {"ctrl", "alt", "shift"}:
        raise ValueError(f"{text} is no key")
    if key in _UNSENDABLE:
        raise ValueError(f"{text} cannot be told from {_UNSENDABLE[key]} in a terminal")
    return key


def _bare(name: str) -> str:
    if len(name) == 1:
        return _of_character(name)
    lower = _OTHER_NAMES.get(name.lower(), name.lower())
    if lower not in _NAMED and lower not in _SIGNS:
        raise ValueError(f"{name} is no key")
    return lower


def _of_character(character: str) -> str:
    found = next((key for key, sign in _SIGNS.items() if sign == character), character)
    if character == " ":
        return "space"
    if found == character and not character.isalnum():
        raise ValueError(
            f"{character!r} is no key that can be named: use a letter, a digit or a sign"
        )
    return found


def is_typed(key: str) -> bool:
    """Tells whether a key writes a character where text is asked for."""
    return len(key) == 1 or key == "space" or key in _SIGNS
