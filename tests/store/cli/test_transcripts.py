"""`transcripts`: what it prints, its JSON, and its exit codes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repository

Run = Callable[..., Any]


@pytest.fixture
def repository(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with a merge, as the current folder and a workspace."""
    repo = Repository(tmp_path / "project")
    repo.write("a", "1\n")
    repo.commit("first\n\nthe long story")
    repo("checkout", "--quiet", "-b", "side")
    repo.write("b", "1\n")
    repo.commit("beside")
    repo("checkout", "--quiet", "main")
    repo.merge("side")
    monkeypatch.chdir(repo.root)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("init").code == 0
    return repo


def test_list_import_list(repository: Repository, run: Run) -> None:
    """What there is, that it was imported, and that there is nothing left."""
    before = run("transcripts", "list", "--json").json
    source = {"source": "git", "available": True, "branches": ["main", "side"], "problem": None}
    assert before == {"sources": [{**source, "commits": 3, "imported": 0}], "sessions": []}
    done = run("transcripts", "import", "git", "--json")
    assert done.code == 0
    session = done.json["session"]
    assert session.startswith("git:")
    wanted = {"imported": 3, "skipped": 0, "branches": ["git/main", "git/side"], "errors": []}
    assert done.json == {**wanted, "session": session}
    assert "3 commits, 3 imported" in run("transcripts", "list").text
    assert "nothing new" in run("transcripts", "import", "git").text


def test_log_shows_them_only_when_asked(repository: Repository, run: Run) -> None:
    """The current branch is not theirs; its lanes and branches are."""
    assert "log --branch git/main" in run("transcripts", "import", "git", "--max", "9").text
    assert len(run("log", "--json").json["steps"]) == 1
    steps = run("log", "--branch", "git/main", "--json").json["steps"]
    assert [(step["title"], step["kind"]) for step in steps] == [
        ("merge side", "merge"),
        ("first", "capture"),
    ]
    assert {step["author"] for step in steps} == {"Ada <ada@example.org>"}
    assert steps[0]["source"] == f"git:{repository.head()}"
    assert "↱ git/side" in run("log", "--all").text
    assert len(run("log", "--all", "by:ada", "--json").json["steps"]) == 3


def test_show_tells_author_source_and_message(repository: Repository, run: Run) -> None:
    """Everything that git log would tell."""
    run("transcripts", "import", "git")
    text = run("show", "git/main~1").text
    assert "Ada <ada@example.org>" in text
    assert "git:" in text
    assert "the long story" in text


def test_it_is_nothing_to_undo(repository: Repository, run: Run) -> None:
    """There is nothing to take back: no file and no branch of one's own was changed."""
    run("transcripts", "import", "git")
    assert [o["undoable"] for o in run("operations", "--json").json["operations"]] == [False] * 2
    assert run("undo", "--yes").code == 3


def test_what_is_left_out_is_named_with_exit_code_7(repository: Repository, run: Run) -> None:
    """One sentence a commit."""
    tip = repository.head()
    path = repository.root / ".git" / "objects" / tip[:2] / tip[2:]
    path.chmod(0o600)
    path.write_bytes(b"rubbish")
    done = run("transcripts", "import", "git")
    assert done.code == 7
    assert f"left out git:{tip}: object {tip} is missing or damaged" in done.err
    assert run("transcripts", "import", "git", "--json").json["errors"][0]["source"] == f"git:{tip}"


@pytest.mark.parametrize(
    "words",
    [
        ("transcripts",),
        ("transcripts", "import"),
        ("transcripts", "import", "svn"),
        ("transcripts", "list", "git"),
        ("transcripts", "list", "--max", "3"),
        ("transcripts", "import", "git", "--max", "0"),
    ],
)
def test_wrong_words_are_usage_errors(folder: Path, run: Run, words: tuple[str, ...]) -> None:
    """Exit code 2."""
    assert run(*words).code == 2


def test_without_a_repository(folder: Path, run: Run) -> None:
    """An import has nothing to import; a list says why."""
    assert run("transcripts", "import", "git").code == 3
    done = run("transcripts", "list")
    assert (done.code, "no git repository" in done.text) == (0, True)
    assert run("transcripts", "list", "--json").json["sources"][0]["available"] is False


def test_sessions_of_an_agent(repository: Repository, run: Run, tmp_path: Path) -> None:
    """They are listed and imported by name; going back to one of their steps is refused."""
    name = re.sub("[^0-9A-Za-z]", "-", str(repository.root))
    place = tmp_path / ".claude" / "projects" / name
    place.mkdir(parents=True)
    shutil.copy(Path(__file__).parents[1] / "agents/transcripts/old/claude.jsonl", place)
    [session] = run("transcripts", "list", "--json").json["sessions"]
    assert session["steps"] == 10 and session["session"].startswith("claude:9eaaed0c")
    assert "imported 10 steps" in run("transcripts", "import", "claude", "--session", "9eaa").text
    assert run("transcripts", "import", "claude", "--json").json["imported"] == 0
    assert "10 imported" in run("transcripts", "list").text
    prompt = run("log", "--all", "--json", "kind:prompt").json["steps"][-1]
    shown = run("show", prompt["id"])
    assert "600 in, 120 out" in shown.text and "a mistake in sub()" in shown.text
    told = run("show", prompt["id"], "--json").json
    assert told["tokens"] == {"input": 600, "output": 120, "cached": 0}
    assert told["said"] == "The calculator is there, with a mistake in sub()."
    done = run("rollback", "claude/9eaaed0c-d0cb", "--yes")
    assert done.code == 4 and "can be read" in done.err
    assert run("transcripts", "import", "codex").code == 0
    assert run("transcripts", "import", "git", "--session", "x").code == 2
    assert run("transcripts", "import", "claude", "--max", "3").code == 2
