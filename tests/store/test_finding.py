"""Searching what steps said and changed, and blame, over real histories."""

from __future__ import annotations

import os
import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.repositories import Repository, imported

from stepwell.store import Act, Hit, NotFoundError, UsageError, Workspace
from stepwell.store.agents.transcripts.git import import_git
from stepwell.store.catalogue.textindex import Found, Indexed, TextIndex

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def found(ws: Workspace, query: str) -> list[tuple[int, str]]:
    """Returns step number and place of each hit, in the order in which they come."""
    return [(hit.step.seq, hit.where) for hit in ws.search(query, NOW)]


def test_every_place_is_searched_newest_step_first(ws: Workspace, project: Path) -> None:
    """Prompt, input, changed line, path and note each give a hit of their own kind."""
    ws.record(act=Act("ask", "prompt", session="claude:s", turn=1, prompt="please add a Zebra"))
    (project / "zebra.txt").write_text("stripes of a zebra\n")
    written = ws.record(
        act=Act("write", "tool", session="claude:s", turn=1, tool="Write", input="zebra, striped")
    ).step
    ws.mark(written, note="the zebra works")
    places = found(ws, "zebra")
    assert places[-1] == (2, "prompt")
    assert sorted(places[:-1]) == [(3, "diff"), (3, "input"), (3, "note"), (3, "path")]


def test_what_a_step_was_called_is_found(ws: Workspace, project: Path) -> None:
    """Not where label, prompt or path say the same already."""
    (project / "a.txt").write_text("one\n")
    ws.capture("before the big refactoring of codes")
    assert found(ws, "refactoring codes") == [(2, "title")]
    ws.capture("a named zebra", label="a-named-zebra")
    ws.mark(ws.head(), note="so: a named zebra")
    ws.record(act=Act("add a Zebra", "prompt", session="claude:s", prompt="add a Zebra, please"))
    (project / "zebra.txt").write_text("stripes\n")
    ws.record(act=Act("write zebra.txt", "tool", session="claude:s", tool="Write"))
    assert found(ws, "zebra") == [(5, "path"), (4, "prompt"), (3, "note")]
    for name in ("gnu", "gnat", "gull", "goose"):
        (project / name).write_text("legs\n")
    ws.capture()
    assert ws.head().title == "gnat, gnu and 2 more files"
    assert found(ws, "gnu") == [(6, "path")]
    assert found(ws, "more files") == []
    long = "all the words of a line that is too long for a title, " * 4
    ws.capture(long, tags=["t"])
    assert found(ws, "too long for a title") == [(7, "note")]


def test_words_must_all_stand_in_one_text_and_filters_choose_steps(
    ws: Workspace, project: Path
) -> None:
    """A phrase is a word; a filter beside it turns steps away; a short word is found too."""
    (project / "a.txt").write_text("one fine day\nxq\n")
    ws.record(act=Act("first", "tool", session="claude:s", tool="Write"))
    (project / "b.txt").write_text("one day, fine\n")
    ws.record(act=Act("second", "tool", session="codex:t", tool="Write"))
    assert found(ws, "one fine") == [(3, "diff"), (2, "diff")]
    assert found(ws, '"one fine"') == [(2, "diff")]
    assert found(ws, "fine session:codex") == [(3, "diff")]
    assert found(ws, "xq") == [(2, "diff")]
    assert found(ws, "fine -first") == [(3, "diff")]
    assert found(ws, "100%_") == []


def test_a_query_without_a_word_is_refused(ws: Workspace) -> None:
    """Filters alone are the business of log."""
    with pytest.raises(UsageError, match="no word"):
        next(ws.search("kind:tool", NOW))


def test_a_removed_note_is_not_found_any_more(ws: Workspace) -> None:
    """Marks are asked as they are now."""
    step = ws.mark(ws.head(), note="yellow")
    assert found(ws, "yellow") == [(1, "note")]
    ws.unmark(step)
    assert found(ws, "yellow") == []


def test_secrets_are_found_by_name_alone(ws: Workspace, project: Path) -> None:
    """The content of files that usually hold secrets is in no index."""
    (project / ".env").write_text("TOKEN=hush-hush\n")
    ws.capture()
    assert found(ws, "hush-hush") == []
    assert found(ws, ".env") == [(2, "path")]
    assert b"hush" not in (ws.store / "catalogue" / "texts.db").read_bytes()


def test_the_index_is_private_and_grows_only_by_what_is_new(ws: Workspace, project: Path) -> None:
    """A second search indexes the new steps, and the file is closed to others."""
    list(ws.search("anything", NOW))
    (project / "new.txt").write_text("later\n")
    ws.capture()
    seen: list[tuple[int, int]] = []
    hits = list(
        ws.search("later", NOW, progress=lambda what, done, total: seen.append((done, total)))
    )
    assert [hit.step.seq for hit in hits] == [2]
    assert seen == [(1, 1)]
    index = ws.store / "catalogue" / "texts.db"
    assert index.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 400])
def test_a_damaged_or_foreign_index_is_made_anew(ws: Workspace, damage: bytes) -> None:
    """Whatever lies there, the answer is the same."""
    list(ws.search("run", NOW))
    for path in (ws.store / "catalogue").glob("texts.db*"):
        path.unlink()
    (ws.store / "catalogue" / "texts.db").write_bytes(damage)
    assert found(ws, "README") == [(1, "path")]
    assert found(ws, "README") == [(1, "path")]


def test_an_index_of_another_version_is_made_anew(ws: Workspace) -> None:
    """It is derived, so nothing has to be kept of it."""
    list(ws.search("run", NOW))
    with sqlite3.connect(ws.store / "catalogue" / "texts.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert found(ws, "README") == [(1, "path")]


def test_without_a_place_to_write_it_searches_in_memory(ws: Workspace) -> None:
    """A folder in the index's place is as good as a read-only disk."""
    os.mkdir(ws.store / "catalogue" / "texts.db")
    assert found(ws, "README") == [(1, "path")]


def test_excerpts_are_safe_for_a_terminal(ws: Workspace, project: Path) -> None:
    """Escape sequences in content are shown, not sent."""
    (project / "evil").write_bytes(b"marker \x1b]52;c;aGk=\x07 \xe2\x80\xae end\n")
    ws.capture()
    (hit,) = [h for h in ws.search("marker", NOW) if h.where == "diff"]
    assert isinstance(hit, Hit)
    assert hit.excerpt.isprintable()


WORDS = st.text(alphabet="ab%_\"'\\ é", min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    bodies=st.lists(WORDS, min_size=1, max_size=12), words=st.lists(WORDS, min_size=1, max_size=2)
)
def test_the_index_finds_what_a_plain_look_finds(bodies: list[str], words: list[str]) -> None:
    """Whatever the characters, also those that mean something to SQL."""
    with TextIndex.open(Path("/proc/none/there")) as index:
        steps = [Indexed(n, [("diff", body)], []) for n, body in enumerate(bodies, 1)]
        index.add(1, len(bodies), steps)
        rows = list(index.find(words, 1, len(bodies)))
    plain = [
        Found(n, "diff", body)
        for n, body in enumerate(bodies, 1)
        if all(word.casefold() in body.casefold() for word in words)
    ]
    assert rows == plain[::-1]


def numbers(ws: Workspace, path: bytes) -> list[int]:
    """Returns for each line the number of the step that it came with."""
    return [line.step.seq for line in ws.blame(path, ws.head())]


def test_each_line_names_its_step_and_the_prompt_of_its_turn(ws: Workspace, project: Path) -> None:
    """Old lines keep their step; a line that was changed has the step that did it."""
    ws.record(act=Act("ask", "prompt", session="claude:s", turn=1, prompt="return two\nplease"))
    (project / "src" / "app.py").write_text("def run():\n    return 2\n")
    ws.record(act=Act("edit", "tool", session="claude:s", turn=1, tool="Edit"))
    lines = ws.blame(b"src/app.py", ws.head())
    assert [(line.line, line.text, line.step.seq) for line in lines] == [
        (1, b"def run():\n", 1),
        (2, b"    return 2\n", 3),
    ]
    assert [line.prompt for line in lines] == [None, "return two"]


def test_lines_are_followed_through_a_rename(ws: Workspace, project: Path) -> None:
    """A file that moved has its old lines from before."""
    os.rename(project / "src" / "app.py", project / "main.py")
    ws.capture()
    with open(project / "main.py", "a") as file:
        file.write("run()\n")
    ws.capture()
    assert numbers(ws, b"main.py") == [1, 1, 3]


def test_what_cannot_be_blamed_is_said(ws: Workspace, project: Path) -> None:
    """No such file, a folder, and a binary file."""
    (project / "blob").write_bytes(b"a\0b")
    ws.capture()
    for path in (b"gone", b"src"):
        with pytest.raises(NotFoundError):
            ws.blame(path, ws.head())
    with pytest.raises(UsageError, match="binary"):
        ws.blame(b"blob", ws.head())


def edited(lines: list[str], chance: random.Random, label: int) -> list[str]:
    """Returns the lines with some deleted, some changed and some new, every new one unique."""
    kept = [line for line in lines if chance.random() > 0.1]
    for number in range(chance.randint(1, 3)):
        at = chance.randint(0, len(kept))
        kept[at:at] = [f"{label} {number} {chance.random()}"]
    return kept


@pytest.mark.compat
@pytest.mark.parametrize("seed", range(3))
def test_lines_have_the_step_that_git_blame_names(
    ws: Workspace, project: Path, tmp_path: Path, seed: int
) -> None:
    """Over a random history of thirty versions, other files changing in between."""
    chance, oracle = random.Random(seed), Repository(tmp_path / "oracle")
    lines = [f"line {n}" for n in range(40)]
    step_of: dict[str, int] = {}
    for version in range(30):
        if chance.random() < 0.3:
            (project / "other").write_text(str(version))
            ws.capture()
        lines = edited(lines, chance, version)
        text = "".join(f"{line}\n" for line in lines)
        (project / "file").write_text(text)
        oracle.write("file", text)
        step_of[oracle.commit()] = ws.capture().seq
    assert numbers(ws, b"file") == [step_of[commit] for commit in gits_blame(oracle, "file")]


@pytest.mark.compat
@pytest.mark.parametrize("seed", range(3))
def test_lines_are_followed_through_merges_as_git_does(
    ws: Workspace, project: Path, home: Path, seed: int
) -> None:
    """In an imported history with branches that changed other ends of the file."""
    chance, oracle = random.Random(seed), Repository(project)
    top, bottom = [[f"{side} {n}" for n in range(12)] for side in ("top", "bottom")]
    middle = [f"middle {n}" for n in range(12)]

    def write() -> None:
        oracle.write("file", "".join(f"{line}\n" for line in [*top, *middle, *bottom]))

    write()
    oracle.commit()
    for turn in range(4):
        before = top
        oracle("checkout", "--quiet", "-b", f"side{turn}")
        top = edited(top, chance, turn)
        write()
        oracle.commit()
        oracle("checkout", "--quiet", "main")
        after, top = top, before
        bottom = edited(bottom, chance, 100 + turn)
        write()
        oracle.commit()
        oracle.merge(f"side{turn}")
        top = after
    import_git(ws)
    tip = next(s for s in imported(ws).values() if s.source == f"git:{oracle.head()}")
    blamed = [line.step.source for line in ws.blame(b"file", tip)]
    assert blamed == [f"git:{commit}" for commit in gits_blame(oracle, "file")]


def gits_blame(oracle: Repository, path: str) -> list[str]:
    """Returns the commit that git says each line came with."""
    lines = oracle("blame", "--root", "--porcelain", path).decode().split("\n")
    heads = (line.split(" ") for line in lines if not line.startswith("\t"))
    return [words[0] for words in heads if len(words[0]) == 40]
