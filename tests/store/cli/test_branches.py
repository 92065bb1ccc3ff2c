"""`branch` and `switch` through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def branches(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    listed = run("branch", *arguments, "--json")
    assert listed.code == 0
    return {row.pop("name"): row for row in listed.json["branches"]}


def test_branches_are_made_listed_renamed_deleted_and_brought_back(folder: Path, run: Run) -> None:
    """Each change reports all branches; undo takes each back."""
    (folder / "new").write_text("n\n")
    second = run("capture", "--json").json["id"]
    first = run("show", "#1", "--json").json["id"]
    made = branches(run, "create", "try/lru", "--at", "#1")
    assert made == branches(run) == branches(run, "list")
    assert made["main"] == {
        "head": second,
        "base": None,
        "current": True,
        "kept": False,
        "ahead": 0,
        "behind": 0,
    }
    assert made["try/lru"] == {
        "head": first,
        "base": first,
        "current": False,
        "kept": False,
        "ahead": 0,
        "behind": 1,
    }
    lines = run("branch").text.splitlines()
    assert lines[0].startswith("◉ main") and "(1 behind)" in lines[1]
    assert set(branches(run, "rename", "try/lru", "idea")) == {"main", "idea"}
    assert set(branches(run, "delete", "idea")) == {"main"}
    assert run("undo", "--yes").code == 0
    assert run("log", "--branch", "idea", "--json").json["steps"][0]["id"] == first
    assert run("undo", "--yes").code == 0
    assert set(branches(run)) == {"main", "try/lru"}
    assert run("operations", "-n1", "--json").json["operations"][0]["kind"] == "undo"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["create"], 2),
        (["create", "a", "b"], 2),
        (["create", "two words"], 2),
        (["rename", "main"], 2),
        (["list", "x"], 2),
        (["frobnicate"], 2),
        (["delete", "x", "--at", "@"], 2),
        (["create", "x", "--at", "nope"], 3),
        (["delete", "nope"], 3),
        (["rename", "nope", "x"], 3),
        (["delete", "main"], 4),
        (["create", "main"], 4),
        (["create", "main/x"], 4),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    folder: Path, run: Run, arguments: list[str], code: int
) -> None:
    """With a hint, and nothing changed."""
    told = run("branch", *arguments, "--json")
    assert told.code == code
    assert told.json["error"]["hint"]
    assert set(branches(run)) == {"main"}


def test_switch_goes_to_a_branch_and_undo_comes_back(folder: Path, run: Run) -> None:
    """The same shape as rollback; references go by the branch that is current then."""
    (folder / "new").write_text("n\n")
    run("capture", "-m", "add new")
    run("branch", "create", "try", "--at", "#1")
    assert run("switch", "try").code == 2
    dry = run("switch", "try", "--dry-run", "--json").json
    assert [(c["path"], c["status"]) for c in dry["plan"]["changes"]] == [("new", "D")]
    assert (dry["applied"], dry["plan"]["kind"], dry["plan"]["branch"]) == (False, "switch", "try")
    done = run("switch", "try", "--yes", "--json").json
    assert done["applied"] is True and not (folder / "new").exists()
    assert done["safety_seq"] == 2 and done["step_seq"] == 1
    status = run("status", "--json").json
    assert (status["branch"], status["dirty"]) == ("try", [])
    assert run("show", "@", "--json").json["seq"] == 1
    assert branches(run)["main"]["ahead"] == 1
    assert run(*done["undo"].split()[1:]).code == 0
    assert run("status", "--json").json["branch"] == "main"
    assert (folder / "new").read_text() == "n\n"
    text = run("redo", "--yes").text
    assert "now on branch try at #1" in text
    assert "you are on branch try" in run("switch", "try", "--yes").text
    assert run("switch", "nope", "--yes").code == 3


def test_a_switch_over_unsaved_work_needs_force_and_keeps_it(folder: Path, run: Run) -> None:
    """Exit code 4; with --force it is a step of the branch that was left."""
    (folder / "README").write_text("captured\n")
    run("capture")
    run("branch", "create", "try", "--at", "#1")
    (folder / "README").write_text("unsaved\n")
    refused = run("switch", "try", "--yes", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (4, "drift")
    assert run("switch", "try", "--yes", "--force").code == 0
    assert (folder / "README").read_text() == "hello\n"
    assert run("cat", "main:README").out == b"unsaved\n"
    assert run("undo", "--yes").code == 0
    assert (folder / "README").read_text() == "unsaved\n"


def test_a_kept_future_can_be_switched_to_renamed_and_deleted(folder: Path, run: Run) -> None:
    """It is a branch like any other."""
    (folder / "new").write_text("n\n")
    run("capture")
    run("rollback", "#1", "--yes")
    assert branches(run)["main.1"]["kept"] is True
    assert run("switch", "main.1", "--yes").code == 0
    assert (folder / "new").exists()
    assert run("switch", "main", "--yes").code == 0
    assert branches(run, "rename", "main.1", "good")["good"]["kept"] is False
    assert set(branches(run, "delete", "good")) == {"main"}
