"""Candidates as bars: each stage fills more of them, ends are told, many are counted."""

from __future__ import annotations

import io

from stepwell.store.cli.board import Board
from stepwell.store.cli.output import Channel, Output, text_of


def board(*labels: str, is_terminal: bool = True) -> tuple[Board, io.BytesIO, list[float]]:
    """Returns a board, what it writes, and its clock, which is moved by hand."""
    stream, clock = io.BytesIO(), [0.0]
    out = Output(Channel(io.BytesIO()), Channel(stream, is_terminal=is_terminal), columns=40)
    return Board(out, labels, now=lambda: clock[0]), stream, clock


def texts(made: Board) -> list[str]:
    return ["".join(map(text_of, line)) for line in made.lines()]


def test_bars_fill_stage_by_stage() -> None:
    """With what it is at and for how long; a capture on the way changes only the words."""
    made, _, clock = board("lru", "longer")
    assert texts(made)[0] == "lru     ░░░░░░░░░░░░  waiting"
    made.report("lru", "running")
    clock[0] = 3.2
    made.report("lru", "captured #9")
    assert texts(made)[0] == "lru     ██████░░░░░░  captured #9  3 s"
    made.report("lru", "checking")
    assert texts(made)[0] == "lru     █████████░░░  checking  0 s"
    made.report("lru", "its check failed")
    made.report("longer", "done")
    assert texts(made) == [
        "lru     ████████████  its check failed",
        "longer  ████████████  done",
    ]


def test_lines_take_the_place_of_the_last_ones_and_go_before_anything_else() -> None:
    """Drawn when there is news, and when time has gone by; cut to the terminal's width."""
    made, stream, clock = board("a", "b")
    made.report("a", "a message that is longer than the terminal is wide")
    first = stream.getvalue().decode()
    assert first.count("\n") == 2 and max(map(len, first.split("\n"))) <= 39
    made.tick()
    assert stream.getvalue().decode() == first
    clock[0] = 0.3
    made.tick()
    assert stream.getvalue().decode().count("\x1b[2A\x1b[J") == 1
    made._out.note("stopped")
    assert stream.getvalue().decode().endswith("\x1b[2A\x1b[Jstopped\n")


def test_many_are_counted_and_what_is_worked_on_stands_first() -> None:
    """So that the lines always fit a terminal."""
    made, _, _ = board(*(f"c{number}" for number in range(30)))
    made.report("c0", "done")
    made.report("c25", "running")
    lines = texts(made)
    assert len(lines) == 11 and lines[0].startswith("c25")
    assert lines[-1] == "1 of 30 candidates ended"


def test_nothing_is_drawn_where_nobody_looks() -> None:
    """In a file, and beside JSON."""
    made, stream, _ = board("a", is_terminal=False)
    made.report("a", "running")
    assert stream.getvalue() == b""
