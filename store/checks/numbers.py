"""A number in a command's output, by a regular expression of the user's."""

from __future__ import annotations

import math
import re
from collections import deque

from stepwell.store.model.errors import UsageError

_NUMBER = re.compile(r"[-+]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def check_pattern(pattern: str) -> None:
    """Raises UsageError unless the regular expression can be used."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(
            f"the pattern {pattern!r} is no regular expression: {error}",
            hint=r'as in "([0-9.]+) requests/s"',
        ) from error


def find_number(text: str, pattern: str) -> float | None:
    """Returns the last match as a number; None when there is none.

    Of a match, the first group that took part counts, else all of it; in it the first number,
    which may have thousands separators.
    """
    matches = deque(re.finditer(pattern, text, re.MULTILINE), maxlen=1)
    if not matches:
        return None
    last = matches[0]
    part = next((group for group in last.groups() if group is not None), last[0])
    found = _NUMBER.search(part)
    if found is None:
        return None
    value = float(found[0].replace(",", "").replace("_", ""))
    return value if math.isfinite(value) else None
