"""Names in addresses: a slash that belongs to a name is written %2F there, and ends no segment."""

from __future__ import annotations

from urllib.parse import unquote


def routed(raw: bytes) -> str:
    """Returns the path that routes are compared with, from the path as it was sent.

    It is decoded, but slashes and percent signs that were encoded are %2F and %25 in it: `named` has
    the name.
    """
    segments = map(unquote, raw.decode("ascii").split("/"))
    return "/".join(text.replace("%", "%25").replace("/", "%2F") for text in segments)


def named(text: str) -> str:
    """Returns what a part of such a path stands for."""
    return text.replace("%2F", "/").replace("%25", "%")
