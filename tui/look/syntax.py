"""Colours of source code by role, calm enough to lie on the grounds of added and deleted lines."""

from __future__ import annotations

from collections.abc import Mapping

ROLES = (
    "keyword", "name", "function", "type", "builtin", "decorator", "string", "escape", "number",
    "comment", "doc", "operator", "tag", "attribute", "heading", "error",
)  # fmt: skip

DARK: Mapping[str, str] = {
    "keyword": "#c9a0e8",
    "name": "#d6dbe5",
    "function": "#82b4f5",
    "type": "#e5c985",
    "builtin": "#7fc7d9",
    "decorator": "#e0a87e",
    "string": "#a9cf8e",
    "escape": "#7fc7d9",
    "number": "#e8a584",
    "comment": "#98a1b2",
    "doc": "#96a886",
    "operator": "#aab4c5",
    "tag": "#82b4f5",
    "attribute": "#e5c985",
    "heading": "#82b4f5",
    "error": "#f28b82",
}

LIGHT: Mapping[str, str] = {
    "keyword": "#7a2f9e",
    "name": "#22262d",
    "function": "#1b55a8",
    "type": "#79520a",
    "builtin": "#0b6070",
    "decorator": "#8f4708",
    "string": "#33671a",
    "escape": "#0b6070",
    "number": "#95400f",
    "comment": "#5d6470",
    "doc": "#566348",
    "operator": "#474e5a",
    "tag": "#1b55a8",
    "attribute": "#79520a",
    "heading": "#1b55a8",
    "error": "#a8221b",
}


_PLAIN = dict.fromkeys(("name", "operator", "comment", "doc"), "default") | {"error": "red"}

TERMINAL_DARK: Mapping[str, str] = {
    **_PLAIN,
    **dict.fromkeys(("keyword", "decorator"), "magenta"),
    **dict.fromkeys(("function", "builtin", "escape", "tag", "heading"), "cyan"),
    **dict.fromkeys(("type", "string", "number", "attribute"), "yellow"),
}
"""Of unchanged lines: no green, and red for errors alone, so that they are taken for no change."""

TERMINAL_LIGHT: Mapping[str, str] = {
    **_PLAIN,
    **dict.fromkeys(("keyword", "decorator", "type", "number", "attribute"), "magenta"),
    **dict.fromkeys(("function", "builtin", "escape", "tag", "heading", "string"), "blue"),
}
