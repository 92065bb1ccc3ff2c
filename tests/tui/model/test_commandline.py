"""What a line that begins with `:` asks for, how it is completed, and the lines before it."""

from __future__ import annotations

import pytest

from stepwell.tui.model.commandline import (
    SESSION_WORDS,
    History,
    NotUnderstood,
    Order,
    completed,
    understood,
)


def asked(text: str, session: str | None = "claude:1") -> Order:
    return understood(text, session, lambda words: words[0] in ("log", "cat"))


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("log -n 3", Order("read", ("log", "-n", "3"))),
        ("stepwell cat '@:a b'", Order("read", ("cat", "@:a b"))),
        ("rollback @~2", Order("rollback", ("@~2",))),
        ("rollback --before --only '#12'", Order("rollback", ("#12",), "before", True)),
        ("switch main.1", Order("switch", ("main.1",))),
        ("undo", Order("undo")),
        ("undo 12", Order("undo", ("12",))),
        ("redo", Order("redo")),
        ("session snapshot before lunch", Order("snapshot", ("before lunch",))),
        ("session snapshots", Order("filter", ("kind:checkpoint session:claude:1",))),
        ("session timeline pi:2", Order("filter", ("session:pi:2",))),
        ('session timeline "a b"', Order("filter", ('session:"a b"',))),
        ("session metrics", Order("read", ("metrics",))),
        ("session metrics pi:2", Order("read", ("metrics", "pi:2"))),
    ],
)
def test_lines_are_understood(text: str, order: Order) -> None:
    """What reads is run, what changes files is previewed, sessions have words of their own."""
    assert asked(text) == order


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "type a command"),
        ("log 'x", "quote is not closed"),
        ("gc", "run it in a shell"),
        ("rollback", "takes a STEP"),
        ("rollback @ --path x", "--path"),
        ("rollback @ --force", "--force"),
        ("undo this", "number of an operation"),
        ("redo 4", "takes nothing"),
        ("session", "session takes snapshot"),
    ],
)
def test_what_cannot_be_done_here_is_said(text: str, reason: str) -> None:
    """No option gets round the preview."""
    with pytest.raises(NotUnderstood, match=reason):
        asked(text)


def test_a_session_is_named_where_the_step_has_none() -> None:
    """The disk's row, and captures by hand."""
    with pytest.raises(NotUnderstood, match="of no session"):
        asked("session timeline", None)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("sta", "stat"),
        ("stats", "stats "),
        ("ro", "rollback "),
        ("x", "x"),
        ("", ""),
        ("session t", "session timeline"),
        ("session s", "session snapshot"),
        ("log -n", "log -n"),
    ],
)
def test_tab_completes_as_far_as_it_is_clear(typed: str, line: str) -> None:
    """Commands, then the words of session."""
    assert completed(typed, ("status", "stats", "rollback", "log")) == line
    assert set(SESSION_WORDS) == {"snapshot", "snapshots", "metrics", "timeline"}


def test_up_and_down_walk_through_the_lines_before() -> None:
    """What was being typed comes back at the end."""
    history = History()
    for line in ("log", "show @", "show @"):
        history.ran(line)
    assert [history.step(-1, "di") for _ in range(3)] == ["show @", "log", "log"]
    assert [history.step(1, "log"), history.step(1, "show @")] == ["show @", "di"]
