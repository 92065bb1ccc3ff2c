"""The Test Anything Protocol, versions 12 to 14 (testanything.org): `ok 1 - name # SKIP why`."""

from __future__ import annotations

import re

from stepwell.store.checks.counted import NAMED, Counted

_PLAN = re.compile(r"^1\.\.(\d{1,9})\b", re.MULTILINE)
_POINT = re.compile(
    r"^(?P<bad>not )?ok\b[ \t]*(?P<number>\d{1,9})?[ \t]*-?[ \t]*(?P<name>[^#\n]*)"
    r"(?:#[ \t]*(?P<word>skip|todo)\w*[^\n]*)?$",
    re.MULTILINE | re.IGNORECASE,
)
_BAIL = re.compile(r"^Bail out!", re.MULTILINE)


def read_tap(text: str) -> Counted | None:
    """Returns the counts of the outermost test points; None when there is no plan.

    Points that the plan promised and that never came count as failed. Subtests are indented, and
    counted by the point that sums them up.
    """
    plan = _PLAN.search(text)
    if plan is None:
        return None
    passed = failed = skipped = 0
    names: list[str] = []
    for point in _POINT.finditer(text.replace("\r\n", "\n")):
        if point["word"]:
            skipped += 1
        elif point["bad"]:
            failed += 1
            names.append(point["name"].strip() or f"test {point['number'] or '?'}")
        else:
            passed += 1
    missing = int(plan[1]) - passed - failed - skipped
    if missing > 0:
        failed += missing
        names.append(f"{missing} tests that were planned and never ran")
    elif _BAIL.search(text):
        failed += 1
        names.append("the run bailed out")
    return Counted(passed, failed, skipped, tuple(names[:NAMED]))
