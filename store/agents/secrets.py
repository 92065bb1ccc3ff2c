"""Making texts fit to be stored: well-known secrets masked, and not too long.

This is for prompts, inputs and results. The content of files is stored exactly; `purge` is for that.
"""

from __future__ import annotations

import re

LONGEST = 65_536
"""Characters of a text that are kept."""

MASK = "[secret]"

_SHAPES = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"gh[pousr]_[0-9A-Za-z]{36,255}",
    r"github_pat_[0-9A-Za-z_]{22,255}",
    r"glpat-[0-9A-Za-z_-]{20,64}",
    r"sk-(?:ant-|proj-)?[0-9A-Za-z_-]{20,255}",
    r"xox[abeprs]-[0-9A-Za-z-]{10,255}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,255}",
    r"npm_[0-9A-Za-z]{36}",
    r"pypi-[0-9A-Za-z_-]{50,255}",
    r"hf_[0-9A-Za-z]{30,64}",
    r"eyJ[0-9A-Za-z_-]{8,2048}\.eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{8,1024}",
)
_TOKEN = re.compile(r"(?<![0-9A-Za-z_-])(?:" + "|".join(_SHAPES) + ")")
_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[0-9A-Za-z+/=\s\\]{16,}")
_BEARER = re.compile(
    r"(?i)(\bauthorization\b\W{1,4}(?:bearer|basic|token)\s+)[0-9A-Za-z+/=._~-]{8,4096}"
)
_ASSIGNED = re.compile(
    r"(?i)(\b[a-z0-9_]{0,40}(?:password|passwd|secret|token|api_?key|access_?key)"
    r"[\"']?\s?[:=]\s?[\"']?)[^\s\"',;&)}\]]{8,512}"
)
_IN_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:)[^\s/:@]{1,200}(?=@)")


def fit(text: str | None) -> str | None:
    """Returns the text with secrets masked and its end cut off when it is too long; None for None."""
    if text is None:
        return None
    masked = mask(text[: 2 * LONGEST])
    left_out = len(text) - LONGEST
    if left_out <= 0:
        return masked
    return f"{masked[:LONGEST]}\n[{left_out:,} more characters were not kept]"


def mask(text: str) -> str:
    """Returns the text with what looks like a secret masked; its surroundings stay."""
    text = _KEY.sub(rf"\1{MASK}", text)
    text = _TOKEN.sub(MASK, text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _IN_ADDRESS.sub(rf"\1{MASK}", text)
    return _ASSIGNED.sub(rf"\1{MASK}", text)
