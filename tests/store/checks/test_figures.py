"""Reading what tools said: outputs that were recorded from the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.store.checks.compilers import Message, compiler_messages
from stepwell.store.checks.counted import Counted
from stepwell.store.checks.figures import Reading, read_figures
from stepwell.store.checks.junit import read_junit
from stepwell.store.checks.numbers import check_pattern, find_number
from stepwell.store.checks.process import Ran
from stepwell.store.checks.pytest import read_pytest
from stepwell.store.checks.tap import read_tap
from stepwell.store.checks.unittests import read_unittest
from stepwell.store.model.errors import UsageError

RECORDED = Path(__file__).with_name("recorded")


def recorded(name: str) -> str:
    return (RECORDED / name).read_text("utf-8")


FAILED = ("test_a.py::test_bad", "test_a.py::test_p[a b]", "test_a.py::test_e")


@pytest.mark.parametrize("name", ["pytest.txt", "pytest-colour.txt"])
def test_pytest_counts_and_names(name: str) -> None:
    """Plain, and with the colours of a terminal."""
    assert read_pytest(recorded(name)) == Counted(2, 3, 2, FAILED)


def test_pytest_that_ran_nothing() -> None:
    """Nothing collected counts nothing; a collection error is a failure; other text is neither."""
    assert read_pytest(recorded("pytest-none.txt")) == Counted()
    assert read_pytest(recorded("pytest-syntax.txt")) == Counted(0, 1, 0, ("test_c.py",))
    assert read_pytest("we made 3 passes in 4.5s\nand 3 apples in 2s\n") is None
    assert read_pytest("=== 12 passed, 2 warnings in 61.00s (0:01:01) ===") == Counted(12)


def test_junit_counts_cases_by_what_is_in_them() -> None:
    """As pytest's own summary of the same run has it."""
    found, reason = read_junit(RECORDED / "pytest.xml")
    assert reason == "" and found is not None
    assert (found.passed, found.failed, found.skipped, found.total) == (2, 3, 2, 7)
    assert found.failures == ("test_a.test_bad", "test_a.test_p[a b]", "test_a.test_e")


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><testsuite>&b;</testsuite>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>',
        "<a>" * 200,
        "<testsuite><testcase>",
        "<html/>",
        "",
        "\x00",
    ],
)
def test_a_report_that_is_none_is_refused_with_a_reason(tmp_path: Path, content: str) -> None:
    """Entities, depth, cut off, something else, nothing."""
    report = tmp_path / "report.xml"
    report.write_text(content)
    found, reason = read_junit(report)
    assert found is None and reason.startswith("the report report.xml cannot be read: ")
    assert read_junit(tmp_path / "none.xml")[0] is None


def test_tap_counts_the_outermost_points() -> None:
    """Of node and of perl; what is to be done, or skipped, is no failure."""
    assert read_tap(recorded("node-tap.txt")) == Counted(1, 2, 2, ("breaks", "outer"))
    assert read_tap(recorded("perl-tap.txt")) == Counted(1, 1, 2, ("b",))
    assert read_tap("ok then\nnot ok with me\n") is None
    short = read_tap("1..5\nok 1\nok 2\nBail out! disk full\n")
    assert short == Counted(2, 3, 0, ("3 tests that were planned and never ran",))


COMPILED = {
    "gcc.txt": [
        Message("a.c", 2, 35, "error", "‘y’ undeclared (first use in this function)"),
        Message("a.c", 2, 40, "error", "expected ‘;’ before ‘}’ token"),
        Message("a.c", 2, 20, "warning", "unused variable ‘unused’ [-Wunused-variable]"),
        Message(
            "a.c", 2, 41, "warning", "control reaches end of non-void function [-Wreturn-type]"
        ),
    ],
    "rustc.txt": [
        Message("m.rs", 1, 62, "error", "cannot find value `y` in this scope [E0425]"),
        Message("m.rs", 1, 42, "error", "mismatched types [E0308]"),
    ],
    "tsc.txt": [
        Message(
            "src/app.ts",
            3,
            7,
            "error",
            "TS2322: Type 'string' is not assignable to type 'number'.",
        ),
        Message("src/lib/io.ts", 12, 1, "error", "TS1005: ';' expected."),
    ],
    "tsc-pretty.txt": [
        Message(
            "src/app.ts",
            3,
            7,
            "error",
            "TS2322: Type 'string' is not assignable to type 'number'.",
        )
    ],
    "python-syntax.txt": [
        Message("/project/b.py", 1, None, "error", "SyntaxError: invalid syntax")
    ],
    "python-traceback.txt": [Message("<string>", 2, None, "error", "ValueError: no such thing")],
    "pytest-syntax.txt": [
        Message("/project/test_c.py", 1, None, "error", "SyntaxError: invalid syntax")
    ],
}


@pytest.mark.parametrize("name", COMPILED)
def test_messages_of_compilers(name: str) -> None:
    """Where, how bad, and what."""
    assert list(compiler_messages(recorded(name))) == COMPILED[name]


def test_no_output_takes_long_or_gives_too_much() -> None:
    """Long lines, many lines."""
    flood = "a.c:1:1: error: x\n" * 5_000 + "x:" * 1_000_000
    assert len(list(compiler_messages(flood))) == 200
    assert read_pytest("1 passed, " * 100_000) is None
    assert read_tap("1..1\n" + "ok " * 500_000) is not None


@pytest.mark.parametrize(
    ("text", "pattern", "value"),
    [
        ("12.5 ms\n9.75 ms\n", r"([\d.]+) ms", 9.75),
        ("total 1,234,567 bytes", "total .* bytes", 1_234_567.0),
        ("p50=3 p99=-4e-2", r"p99=(\S+)", -0.04),
        ("a=1", r"(b)=(\d)|a=(\d)", 1.0),
        ("nothing", r"([\d.]+) ms", None),
        ("value: none", r"value: (\w+)", None),
        ("x = 1e999", r"x = (.*)", None),
    ],
)
def test_a_number_by_pattern(text: str, pattern: str, value: float | None) -> None:
    """The last match, its first group."""
    assert find_number(text, pattern) == value


def test_a_pattern_that_is_none() -> None:
    """Told before anything runs."""
    with pytest.raises(UsageError, match="no regular expression"):
        check_pattern("([")


def test_the_most_exact_source_is_taken(tmp_path: Path) -> None:
    """A report before the summary; a report that is missing is told."""
    ran = Ran("exit", 1, 420, recorded("pytest.txt").encode())
    figures = read_figures(ran, Reading(RECORDED / "pytest.xml", {"s": r"in ([\d.]+)s"}))
    assert figures.source == "junit" and not figures.ok and figures.exit_code == 1
    assert figures.tests is not None and figures.tests.failed == 3 and figures.numbers["s"] > 0
    without = read_figures(ran, Reading(tmp_path / "none.xml"))
    assert without.source == "pytest" and "cannot be read" in without.reason
    plain = read_figures(Ran("exit", 0, 1, b"fine\n"), Reading())
    assert plain.ok and plain.source == "exit" and plain.tests is None and plain.reason == ""


def test_a_good_status_with_failed_tests_is_not_good() -> None:
    """As of a script that swallows its tool's status."""
    ran = Ran("exit", 0, 1, b"1 failed, 2 passed in 0.10s\n")
    assert not read_figures(ran, Reading()).ok


def test_why_a_command_did_not_end_by_itself() -> None:
    """In words."""
    reasons = [
        read_figures(ran, Reading()).reason
        for ran in (
            Ran("timeout", None, 3000, b""),
            Ran("signal", None, 1, b"", "SIGSEGV"),
            Ran("not_started", None, 0, b"", "nope: No such file or directory"),
            Ran("stopped", None, 1, b""),
        )
    ]
    assert reasons[0] == "ended after 3 s, its time limit" and reasons[1] == "ended by SIGSEGV"
    assert reasons[2].startswith("not started: nope") and reasons[3] == "stopped"


@pytest.mark.parametrize("name", ["unittest.txt", "unittest-quiet.txt"])
def test_unittest_counts_and_names(name: str) -> None:
    """Quiet or not; what cannot be imported is one failure."""
    found = read_unittest(recorded(name))
    assert found == Counted(
        1,
        3,
        2,
        (
            "test_b.B.test_boom",
            "unittest.loader._FailedTest.test_gone",
            "test_b.B.test_bad",
        ),
    )
    assert read_unittest("Ran 3 tests in 0.001s\n\nOK\n") == Counted(3)
    assert read_unittest("Ran 3 tests in a hurry\n") is None
