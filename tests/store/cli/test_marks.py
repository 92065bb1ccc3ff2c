"""Checkpoints through the command line: several notes, on files and lines, listed and taken away."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def notes(run: Run, step: str = "@") -> list[dict[str, Any]]:
    mark = run("show", step, "--json").json["checkpoint"]
    found: list[dict[str, Any]] = mark["notes"] if mark else []
    return found


def test_several_notes_with_author_time_and_place(folder: Path, run: Run) -> None:
    """Each mark adds one; the newest is also the checkpoint's `note`."""
    run("mark", "@", "--note", "first")
    run("mark", "@", "--note", "why three?", "--at", "src/app.py:3", "--by", "ana")
    run("mark", "@", "--note", "this one", "--at", "app.py", "-C", "src")
    first, second, third = notes(run)
    assert (first["text"], first["path"], first["line"]) == ("first", None, None)
    assert first["by"] == getpass.getuser()
    assert (second["by"], second["path"], second["line"]) == ("ana", "src/app.py", 3)
    assert (third["path"], third["line"]) == ("src/app.py", None)
    assert first["time"] <= second["time"] <= third["time"]
    assert len({first["id"], second["id"], third["id"]}) == 3
    assert run("show", "@", "--json").json["checkpoint"]["note"] == "this one"
    text = run("show", "@").text
    assert f"✎ why three?  src/app.py:3  ana, now  {second['id']}" in text


def test_what_follows_a_messages_first_line_is_a_note(folder: Path, run: Run) -> None:
    """As git keeps it; of a first line that is cut, all of it. It alone makes no step."""
    (folder / "new").write_text("n\n")
    run("capture", "-m", "the title\n\nsecond paragraph\n  third line\n")
    (note,) = notes(run)
    assert note["text"] == "second paragraph\n  third line" and note["by"] == getpass.getuser()
    shown = run("show", "@").text
    assert "the title\n" in shown and "✎ second paragraph\n             third line  " in shown
    again = run("capture", "-m", "nothing new\n\nbut a body", "--json").json
    assert again["unchanged"] and again["head"]["checkpoint"]["notes"] == [note]
    (folder / "new").write_text("m\n")
    long = "a long line " * 20
    run("capture", "-m", long, "--tag", "t")
    assert [note["text"] for note in notes(run)] == [long.strip()]
    (folder / "new").write_text("o\n")
    assert run("capture", "-m", "title\n" + "x" * 100_001).code == 0
    assert [note["text"] for note in notes(run)] == ["x" * 99_999 + "…"]
    (folder / "new").write_text("p\n")
    assert run("capture", "-m", "title alone", "--json").json["checkpoint"] is None


def test_notes_are_found_by_the_filter(folder: Path, run: Run) -> None:
    """By word, by author, by tag; a step without them is not."""
    (folder / "new").write_text("n\n")
    run("capture", "-m", "plain")
    run("mark", "#1", "--note", "the parser is slow", "--by", "ana", "--tag", "perf")

    def listed(query: str) -> list[int]:
        return [s["seq"] for s in run("log", "--json", query).json["steps"]]

    assert listed("note:parser") == listed("by:ana") == listed("tag:perf") == [1]
    assert listed("parser") == listed("kind:checkpoint") == [1]
    assert listed("note:plain") == []
    assert listed("plain") == [2]


def test_one_note_is_taken_away_by_its_id_and_comes_back(folder: Path, run: Run) -> None:
    """Or by the beginning of its id; the rest of the mark stays."""
    run("mark", "@", "--note", "one", "--label", "v1")
    run("mark", "@", "--note", "two")
    one, two = notes(run)
    left = run("unmark", "v1", "--note", one["id"][:6], "--json").json["checkpoint"]
    assert (left["label"], [n["id"] for n in left["notes"]]) == ("v1", [two["id"]])
    assert run("undo", "--yes").code == 0
    assert notes(run) == [one, two]
    assert run("unmark", "@", "--note", one["id"], "--note", two["id"]).code == 0
    assert notes(run) == []
    assert run("unmark", "@", "--label", "--json").json["checkpoint"] is None


def test_the_last_note_of_a_mark_ends_the_checkpoint(folder: Path, run: Run) -> None:
    """A mark with nothing in it is none."""
    run("mark", "@", "--note", "one")
    (one,) = notes(run)
    assert run("unmark", "@", "--note", one["id"], "--json").json["checkpoint"] is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["mark", "@", "--note", " "], 2),
        (["mark", "@", "--at", "README"], 2),
        (["mark", "@", "--by", "ana"], 2),
        (["mark", "@", "--note", "x", "--at", "README:0"], 2),
        (["mark", "@", "--note", "x", "--at", "README:2"], 2),
        (["mark", "@", "--note", "x", "--at", "nope"], 3),
        (["mark", "@", "--note", "x", "--at", "../elsewhere"], 2),
        (["unmark", "@", "--note", "nope"], 3),
        (["unmark", "@", "--note", ""], 3),
    ],
)
def test_what_makes_no_sense_is_refused(
    folder: Path, run: Run, arguments: list[str], code: int
) -> None:
    """In a sentence with a hint; the step stays unmarked."""
    told = run(*arguments, "--json")
    assert (told.code, bool(told.json["error"]["hint"])) == (code, True)
    assert run("show", "@", "--json").json["checkpoint"] is None


def test_a_file_name_that_ends_like_a_line_is_a_file(folder: Path, run: Run) -> None:
    """When the step has it."""
    (folder / "README:12").write_text("x\n")
    run("capture")
    run("mark", "@", "--note", "odd", "--at", "README:12")
    assert [(n["path"], n["line"]) for n in notes(run)] == [("README:12", None)]


def test_a_note_can_be_about_a_file_that_the_step_deleted(folder: Path, run: Run) -> None:
    """It is part of what the step did."""
    (folder / "README").unlink()
    run("capture")
    assert run("mark", "@", "--note", "good riddance", "--at", "README").code == 0
    assert notes(run)[0]["path"] == "README"
