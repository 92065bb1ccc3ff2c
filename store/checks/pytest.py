"""The last lines of pytest: `3 failed, 12 passed, 1 skipped in 0.42s`, `FAILED path::name`."""

from __future__ import annotations

import re

from stepwell.store.checks.counted import NAMED, Counted

_STYLES = re.compile(r"\x1b\[[0-9;]*m")
_SUMMARY = re.compile(
    r"^(?:=+ )?(?P<counts>(?:no tests ran|\d+ [a-z]+(?:, \d+ [a-z]+)*)) in [\d.:hms ()]+(?: =+)?$",
    re.MULTILINE,
)
_COUNT = re.compile(r"(\d+) ([a-z]+)")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_SUMMARIES = "short test summary info"

_PASSED = frozenset({"passed", "xpassed"})
_BAD = frozenset({"failed", "error", "errors"})
_SKIPPED = frozenset({"skipped", "xfailed"})


def read_pytest(text: str) -> Counted | None:
    """Returns the counts of the last summary line; None when there is none."""
    plain = _STYLES.sub("", text).replace("\r\n", "\n")
    summaries = list(_SUMMARY.finditer(plain))
    if not summaries:
        return None
    counts = {word: int(number) for number, word in _COUNT.findall(summaries[-1]["counts"])}
    known = _PASSED | _BAD | _SKIPPED | {"deselected", "warning", "warnings", "rerun"}
    if not counts.keys() <= known:
        return None
    passed, failed, skipped = (
        sum(counts.get(word, 0) for word in words) for words in (_PASSED, _BAD, _SKIPPED)
    )
    listed = plain.rpartition(_SUMMARIES)[2] if _SUMMARIES in plain else ""
    names = tuple(dict.fromkeys(_FAILED.findall(listed)))[:NAMED] if failed else ()
    return Counted(passed, failed, skipped, names)
