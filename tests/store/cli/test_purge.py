"""`purge` at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def leaked(folder: Path, run: Run) -> Path:
    """A workspace with a secret file in two steps."""
    (folder / ".env").write_text("KEY=0123456789abcdef\n")
    run("capture", "-m", "leak")
    (folder / ".env").write_text("KEY=fedcba9876543210\n")
    run("capture", "-m", "leak again")
    return folder


def test_a_dry_run_says_what_would_go_and_what_is_out_of_reach(leaked: Path, run: Run) -> None:
    """Paths, steps, what lies in the folder, and copies elsewhere; nothing is changed."""
    before = run("operations", "--json").json
    text = run("purge", ".env", "--dry-run").text
    assert text.startswith("would remove for good 2 contents at 1 path in 2 steps:\n  .env")
    assert "still in the folder: .env is captured again unless" in text
    assert "not reached: copies outside this store" in text
    assert text.endswith("nothing was changed\n")
    found = run("purge", ".env", "--dry-run", "--json").json
    assert found["paths"] == [{"path": ".env", "contents": 2}]
    assert found["applied"] is False
    assert len(found["steps"]) == 2
    assert run("operations", "--json").json == before


def test_snapshots_of_state_are_told_and_lose_it(leaked: Path, run: Run) -> None:
    """By the command that stored them, a patch and an event among them."""
    state = leaked.parent / "state.json"
    for text in ("nothing", "KEY=0123456789abcdef"):
        state.write_text(json.dumps({"env": text, "more": "x" * 200}))
        assert run("state", "put", state, "--session", "s").code == 0
    state.write_text(
        json.dumps([{"op": "replace", "path": "/env", "value": "KEY=fedcba9876543210"}])
    )
    assert run("state", "event", state, "--session", "s").code == 0
    text = run("purge", ".env", "--dry-run").text
    assert "1 state snapshot that repeat it would be blotted out" in text
    done = run("purge", ".env", "--yes", "--json").json
    told = [{"what": "state snapshot", "count": 1}, {"what": "state event", "count": 1}]
    assert done["beside"] == told
    listed = run("state", "list", "--ascending", "--json").json["snapshots"]
    envs = [run("state", "get", one["id"], "--json").json["state"]["env"] for one in listed]
    assert envs == ["nothing", "[purged]"]


def test_it_is_done_only_when_agreed_to_and_has_no_undo(leaked: Path, run: Run) -> None:
    """Nobody can be asked: exit 2. Afterwards the path is marked, and `undo` has other things to do."""
    refused = run("purge", ".env")
    assert refused.code == 2
    assert "--yes" in refused.err
    blob = run("purge", ".env", "--dry-run", "--json").json["blobs"][0]
    assert run("purge", blob, "--yes", "--json").json["blobs"] == [blob]
    done = run("purge", ".env", "--yes")
    assert done.code == 0
    assert done.text.startswith("purged 1 content at 1 path in 1 step; there is no undo\n")
    step = run("show", "#2", "--json").json
    assert step["coverage"] == [{"path": ".env", "reason": "purged"}]
    assert "its content was removed from the history for good" in run("show", "#2").text
    missing = run("cat", "#2:.env")
    assert (missing.code, "was purged" in missing.err) == (3, True)
    assert run("purge", ".env", "--yes").code == 3
    assert run("undo", "--yes").code == 3


def test_going_back_to_such_a_step_leaves_the_file_and_exits_with_7(leaked: Path, run: Run) -> None:
    """The file's present text stays, and is named."""
    run("purge", ".env", "--yes")
    (leaked / ".env").write_text("mine\n")
    done = run("rollback", "#2", "--force", "--yes", "--json")
    assert done.code == 7
    assert [one["path"] for one in done.json["not_restored"]] == [".env"]
    assert (leaked / ".env").read_text() == "mine\n"
