"""JUnit XML reports, as pytest, Maven, Jest, Go and most others write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from stepwell.store.checks.counted import NAMED, Counted

LARGEST = 32 << 20
"""Bytes; a larger report is not read."""

_DEEPEST = 100


class _RefusedError(Exception):
    """The report is not read; carries why."""


def read_junit(path: Path) -> tuple[Counted | None, str]:
    """Returns the counts of a report and why they could not be read: one of the two.

    A document type is refused: reports have none, and entities are what XML is abused by.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise _RefusedError(f"it is larger than {LARGEST >> 20} MiB")
        return _parsed(content), ""
    except OSError as error:
        return None, f"the report {path.name} cannot be read: {error.strerror or error}"
    except (_RefusedError, expat.ExpatError, ValueError) as error:
        return None, f"the report {path.name} cannot be read: {error}"


def _parsed(content: bytes) -> Counted:
    counter = _Counter()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = counter.begin
    parser.EndElementHandler = counter.end
    parser.Parse(content, True)
    if not counter.is_report:
        raise _RefusedError("it holds no test suite")
    return Counted(counter.passed, counter.failed, counter.skipped, tuple(counter.names))


def _refuse_doctype(*_: object) -> None:
    raise _RefusedError("it has a document type")


@dataclass(slots=True)
class _Counter:
    """Counts test cases by what is in them, whatever the suites' own attributes claim."""

    is_report: bool = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: list[str] = field(default_factory=list)
    _depth: int = 0
    _case: str | None = None
    _outcome: str = "passed"

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _RefusedError("it is nested too deeply")
        self.is_report = self.is_report or tag in ("testsuite", "testsuites")
        if tag == "testcase":
            names = (attributes.get("classname", ""), attributes.get("name", ""))
            self._case = ".".join(name for name in names if name)[:500]
            self._outcome = "passed"
        elif self._case is not None and tag in ("failure", "error"):
            self._outcome = "failed"
        elif self._case is not None and tag == "skipped" and self._outcome == "passed":
            self._outcome = "skipped"

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag != "testcase" or self._case is None:
            return
        self.passed += self._outcome == "passed"
        self.skipped += self._outcome == "skipped"
        if self._outcome == "failed":
            self.failed += 1
            if len(self.names) < NAMED:
                self.names.append(self._case)
        self._case = None
