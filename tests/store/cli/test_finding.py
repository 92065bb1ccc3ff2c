"""`stepwell search`, `blame` and `report`, as a person and a program call them."""

from __future__ import annotations

from pathlib import Path

from .conftest import Run


def test_search_groups_hits_by_step(run: Run, folder: Path) -> None:
    """The step first, then each place with its line."""
    (folder / "src" / "app.py").write_text("one\ntwo\nthree\nfour\n")
    assert run("capture", "-m", "count on").code == 0
    lines = run("search", "four").text.splitlines()
    assert lines[0].startswith("#2 ") and "count on" in lines[0]
    assert lines[1].split() == ["diff", "+four"]
    (hit,) = run("search", "four", "--json").json["hits"]
    assert (hit["step"]["seq"], hit["where"], hit["excerpt"]) == (2, "diff", "+four")
    assert len(run("search", "app", "-n", "1", "--json").json["hits"]) == 1


def test_every_answer_tells_the_tier_of_a_sealed_step(run: Run, folder: Path) -> None:
    """Not only the lists of steps."""
    (folder / "src" / "app.py").write_text("one\ntwo\nthree\nfour\n")
    assert run("capture", "-m", "count on").code == 0
    (hit,) = run("search", "four", "--json").json["hits"]
    assert hit["step"]["tier"] == "L2"
    assert run("gc").code == 0
    (hit,) = run("search", "four", "--json").json["hits"]
    assert hit["step"]["tier"] == "L3"
    assert run("mark", "#2", "--tag", "kept", "--json").json["tier"] == "L3"
    assert run("unmark", "#2", "--tag", "kept", "--json").json["tier"] == "L3"


def test_search_without_a_hit_or_a_word(run: Run, folder: Path) -> None:
    """Nothing found is no error; nothing to look for is one."""
    none = run("search", "nowhere")
    assert (none.code, none.out) == (0, b"")
    assert "nothing holds that" in none.err
    assert run("search", "kind:tool").code == 2
    assert run("search", "since:never").code == 2


def test_blame_names_the_step_of_each_line(run: Run, folder: Path) -> None:
    """As lines for a person, and as JSON with session, turn and agent."""
    (folder / "src" / "app.py").write_text("one\n2\nthree\n")
    assert run("capture", "-m", "a digit", "--session", "claude:s").code == 0
    shown = run("blame", "src/app.py").text.splitlines()
    assert [line.split("│")[1].strip() for line in shown] == ["one", "2", "three"]
    assert [line.split()[0] for line in shown] == ["#1", "#2", "#1"]
    lines = run("blame", "src/app.py", "--json").json["lines"]
    assert [(line["line"], line["text"], line["seq"]) for line in lines] == [
        (1, "one", 1),
        (2, "2", 2),
        (3, "three", 1),
    ]
    assert (lines[1]["session"], lines[1]["agent"]) == ("claude:s", "claude")
    assert [
        line["seq"] for line in run("blame", "src/app.py", "--at", "#1", "--json").json["lines"]
    ] == [1, 1, 1]


def test_blame_of_what_is_not_there(run: Run, folder: Path) -> None:
    """No such file, a path outside, no such step."""
    assert run("blame", "gone").code == 3
    assert run("blame", "/etc/passwd").code == 2
    assert run("blame", "README", "--at", "nothing").code == 3


def test_a_session_is_reported_in_three_forms(run: Run, folder: Path) -> None:
    """Markdown unless asked otherwise; JSON either way of asking."""
    (folder / "README").write_text("hello again\n")
    assert run("capture", "-m", "greet", "--session", "claude:s").code == 0
    assert run("report", "claude:s").text.startswith("# Session claude:s\n")
    assert run("report", "claude:s", "--format", "html").text.startswith("<!doctype html>")
    told = run("report", "claude:s", "--format", "json").json
    assert told == run("report", "claude:s", "--json").json
    assert [change["path"] for change in told["changes"]] == ["README"]
    assert run("report", "claude:none").code == 3
