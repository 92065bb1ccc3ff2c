"""Partial rollbacks through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

TEXT = "".join(f"line {number}\n" for number in range(1, 31))


@pytest.fixture
def history(folder: Path, run: Run) -> Path:
    """Step 2 has a text; step 3 edits it in two places and another file; step 4 adds to its end."""
    app = folder / "src" / "app.py"
    app.write_text(TEXT)
    run("capture", "-m", "text")
    app.write_text(TEXT.replace("line 4\n", "four\n").replace("line 20\n", "twenty\n"))
    (folder / "README").write_text("hello, world\n")
    run("capture", "-m", "the middle", "--session", "a:1")
    app.write_text(app.read_text() + "end\n")
    run("capture", "-m", "the end", "--session", "a:1")
    return app


def test_one_path_goes_back(folder: Path, run: Run, history: Path) -> None:
    """By any spelling; the rest stays, and undo is exact."""
    after = history.read_text()
    dry = run("rollback", "#2", "--path", "src", "--dry-run", "--json").json
    assert [c["path"] for c in dry["plan"]["changes"]] == ["src/app.py"]
    assert dry["plan"]["partial"] is True
    done = run("rollback", "#2", "--path", "app.py", "-C", "src", "--yes", "--json").json
    assert (done["applied"], done["step_seq"]) == (True, 5)
    assert history.read_text() == TEXT
    assert (folder / "README").read_text() == "hello, world\n"
    step = run("show", "@", "--json").json
    assert (step["kind"], step["parents"]) == ("rollback", [done["safety_step"]])
    assert len(run("branch", "--json").json["branches"]) == 1
    assert run(*done["undo"].split()[1:]).code == 0
    assert history.read_text() == after
    assert run("rollback", "#2", "--path", "nope", "--yes").code == 3
    assert run("rollback", "#2", "--path", "../elsewhere", "--yes").code == 2


def test_one_hunk_goes_back(folder: Path, run: Run, history: Path) -> None:
    """By the id that the dry run shows; an unknown one is exit code 3."""
    dry = run("rollback", "#2", "--dry-run", "--json").json
    change = next(c for c in dry["plan"]["changes"] if c["path"] == "src/app.py")
    first, second, third = (hunk["id"] for hunk in change["hunks"])
    shown = run("rollback", "#2", "--path", "src/app.py", "--dry-run").text
    assert f"@@ -17,7 +17,7 @@  --hunk {second}\n" in shown and "\n1 -twenty\n2 +line 20\n" in shown
    text = run("rollback", "#2", "--hunk", second, "--yes").text
    assert text.startswith("rollback of 1 hunk to #2 ")
    assert history.read_text() == TEXT.replace("line 4\n", "four\n") + "end\n"
    stale = run("rollback", "#2", "--hunk", first, "--yes", "--json")
    assert (stale.code, stale.json["error"]["hunk"]) == (3, first)
    assert third != second


def test_single_lines_of_a_hunk_go_back(folder: Path, run: Run, history: Path) -> None:
    """By their numbers in the dry run; undo is exact; what is no list of lines is exit code 2."""
    after = history.read_text()
    dry = run("rollback", "#2", "--dry-run", "--json").json
    change = next(c for c in dry["plan"]["changes"] if c["path"] == "src/app.py")
    second = change["hunks"][1]["id"]
    planned = run("rollback", "#2", "--hunk", f"{second}:2", "--dry-run", "--json").json["plan"]
    assert [(c["added"], c["deleted"]) for c in planned["changes"]] == [(1, 0)]
    text = run("rollback", "#2", "--hunk", f"{second}:2", "--yes").text
    assert text.startswith("rollback of 1 line to #2 ")
    assert history.read_text() == after.replace("twenty\n", "twenty\nline 20\n")
    assert run("show", "@", "--json").json["title"].startswith("1 line back to #2")
    assert run("undo", "--yes").code == 0
    assert history.read_text() == after
    assert run("rollback", "#2", "--hunk", f"{second}:3", "--yes").code == 3
    assert run("rollback", "#2", "--hunk", f"{second}:two", "--yes").code == 2
    assert history.read_text() == after


def test_files_only_stays_at_the_tip(folder: Path, run: Run, history: Path) -> None:
    """The history goes on from where it was."""
    done = run("rollback", "#1", "--files-only", "--yes", "--force", "--json").json
    assert history.read_text() == "one\ntwo\nthree\n"
    assert [s["seq"] for s in run("log", "--json").json["steps"]] == [5, 4, 3, 2, 1]
    assert done["plan"]["side"] == "after"


def test_a_middle_step_is_taken_back_alone(folder: Path, run: Run, history: Path) -> None:
    """The later work stays."""
    assert run("rollback", "#3", "--only", "--before", "--yes").code == 2
    text = run("rollback", "#3", "--only", "--yes").text
    assert text.startswith("take back only what was done in #3 ")
    assert history.read_text() == TEXT + "end\n"
    assert (folder / "README").read_text() == "hello\n"
    assert run("show", "@", "--json").json["title"] == "without #3 the middle"
    again = run("rollback", "#3", "--only", "--yes")
    assert "nothing is left of what was done in #3" in again.text


def test_conflicts_are_listed_and_end_in_4(folder: Path, run: Run, history: Path) -> None:
    """With --json as values beside plan and error; nothing is changed, forced or not."""
    history.write_text(history.read_text().replace("twenty", "20"))
    run("capture")
    before = history.read_text()
    for more in (["--dry-run"], ["--yes", "--force"]):
        stopped = run("rollback", "#3", "--only", "--json", *more)
        assert stopped.code == 4
        (conflict,) = stopped.json["conflicts"]
        assert (conflict["path"], conflict["kind"]) == ("src/app.py", "content")
        assert all(conflict[side]["mode"] == "100644" for side in ("base", "ours", "theirs"))
        assert stopped.json["error"]["code"] == "conflict"
        assert stopped.json["error"]["conflicts"] == [conflict]
        assert (stopped.json["applied"], stopped.json["plan"]["only"]) == (False, True)
    assert history.read_text() == before
    told = run("rollback", "#3", "--only", "--yes")
    assert "src/app.py  content" in told.text and "later work" in told.err
    assert run("rollback", "#3", "--only", "--path", "README", "--yes").code == 0
    assert (folder / "README").read_text() == "hello\n"
    assert history.read_text() == before
