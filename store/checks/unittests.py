"""The last lines of Python's unittest: `Ran 12 tests in 0.003s`, `FAILED (failures=1, errors=1)`."""

from __future__ import annotations

import re

from stepwell.store.checks.counted import NAMED, Counted

_RAN = re.compile(r"^Ran (\d+) tests? in [\d.]+s$", re.MULTILINE)
_ENDED = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((?P<counts>[^)\n]*)\))?$", re.MULTILINE)
_COUNT = re.compile(r"([a-z ]+)=(\d+)")
_FAILED = re.compile(r"^(?:FAIL|ERROR): (?P<name>\S+)(?: \((?P<where>[\w.]+)\))?", re.MULTILINE)


def read_unittest(text: str) -> Counted | None:
    """Returns the counts of the last run; None when there is none.

    A module that cannot be imported counts as one test that failed, as unittest counts it.
    """
    plain = text.replace("\r\n", "\n")
    runs = list(_RAN.finditer(plain))
    if not runs:
        return None
    ended = _ENDED.search(plain, runs[-1].end())
    if ended is None:
        return None
    counts = {word.strip(): int(n) for word, n in _COUNT.findall(ended["counts"] or "")}
    failed = sum(counts.get(word, 0) for word in ("failures", "errors", "unexpected successes"))
    skipped = sum(counts.get(word, 0) for word in ("skipped", "expected failures"))
    passed = max(0, int(runs[-1][1]) - failed - skipped)
    names = (_name(found) for found in _FAILED.finditer(plain))
    return Counted(passed, failed, skipped, tuple(dict.fromkeys(names))[:NAMED] if failed else ())


def _name(found: re.Match[str]) -> str:
    """Returns the whole name; Python 3.11 and later repeat the test's own in the parentheses."""
    name, where = found["name"], found["where"]
    if not where or where.endswith(f".{name}"):
        return where or name
    return f"{where}.{name}"
