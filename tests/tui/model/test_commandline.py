"""What a line that begins with `:` asks for, how it is completed, and the lines before it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stepwell.tui.model.commandline import (
    SESSION_WORDS,
    History,
    NotUnderstood,
    Order,
    completed,
    understood,
)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("log -n 3", Order("run", ("log", "-n", "3"))),
        ("stepwell cat '@:a b'", Order("run", ("cat", "@:a b"))),
        ("rollback --before --only '#12'", Order("run", ("rollback", "--before", "--only", "#12"))),
        ("session snapshot before lunch", Order("snapshot", ("before lunch",))),
        ("session snapshot", Order("snapshot", ("",))),
        ("session snapshot pi:2", Order("run", ("session", "snapshot", "pi:2"))),
        (
            "session snapshot x -m y",
            Order("run", ("session", "snapshot", "x", "-m", "y")),
        ),
        ("session snapshots", Order("filter", ("kind:checkpoint session:claude:1",))),
        ("session snapshots --json", Order("run", ("session", "snapshots", "--json"))),
        ("session timeline pi:2", Order("filter", ("session:pi:2",))),
        ('session timeline "a b"', Order("filter", ('session:"a b"',))),
        ("session metrics", Order("run", ("metrics",))),
        ("session metrics pi:2", Order("run", ("metrics", "pi:2"))),
        ("session restore pi:2 12ab", Order("run", ("session", "restore", "pi:2", "12ab"))),
        ("session", Order("run", ("session",))),
    ],
)
def test_lines_are_understood(text: str, order: Order) -> None:
    """The command line's own words, and short forms about the selected session."""
    assert understood(text, "claude:1") == order


@pytest.mark.parametrize(("text", "reason"), [("", "type a command"), ("log 'x", "quote")])
def test_what_holds_no_words_is_said(text: str, reason: str) -> None:
    """Before anything is run."""
    with pytest.raises(NotUnderstood, match=reason):
        understood(text, None)


def test_a_session_is_named_where_the_step_has_none() -> None:
    """The disk's row, and captures by hand."""
    with pytest.raises(NotUnderstood, match="of no session"):
        understood("session timeline", None)


def offered(words: Sequence[str]) -> Sequence[str]:
    if not words:
        return ("status", "stats", "rollback", "log", "session")
    known = {
        "session": ("snapshot", "snapshots", "timeline", "show"),
        "switch": ("try", "it's mine"),
    }
    return known.get(words[-1], ())


@pytest.mark.parametrize(
    ("typed", "line", "ways"),
    [
        ("sta", "stat", ()),
        ("stat", "stat", ("status", "stats")),
        ("stats", "stats ", ()),
        ("ro", "rollback ", ()),
        ("stepwell ro", "stepwell rollback ", ()),
        ("x", "x", ()),
        ("", "", ("status", "stats", "rollback", "log", "session")),
        ("session t", "session timeline ", ()),
        ("session m", "session metrics ", ()),
        ("session sn", "session snapshot", ()),
        ("switch t", "switch try ", ()),
        ("switch 'i", "switch 'i", ()),
        ("switch 'it", "switch 'it'\"'\"'s mine' ", ()),
        ("log 'a b", "log 'a b", ()),
        ("log -n", "log -n", ()),
    ],
)
def test_tab_completes_as_far_as_it_is_clear(typed: str, line: str, ways: tuple[str, ...]) -> None:
    """The last word, quoted as it has to be; where it may go on in several ways, they are told."""
    found = completed(typed, offered)
    if typed == "switch 'i":
        assert found.line.startswith(typed)
        return
    assert found == (line, ways)
    assert set(SESSION_WORDS) == {"snapshot", "snapshots", "metrics", "timeline"}


def test_up_and_down_walk_through_the_lines_before() -> None:
    """What was being typed comes back at the end."""
    history = History(("gc",))
    for line in ("log", "show @", "show @"):
        history.ran(line)
    assert [history.step(-1, "di") for _ in range(4)] == ["show @", "log", "gc", "gc"]
    assert [history.step(1, "gc") for _ in range(3)] == ["log", "show @", "di"]
