"""`--dry-run` changes nothing: it is obeyed, or refused by what shows no plan."""

from __future__ import annotations

import argparse
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.trees import contents

from stepwell.store.cli.main import COMMANDS, loaded

Run = Callable[..., Any]

OBEYED = (
    "check",
    "experiment pick tries a:new",
    "experiment promote tries a",
    "import ../kept.bundle",
    "install claude --project",
    "merge try",
    "prune",
    "purge README",
    "push shared",
    "redo",
    "rollback @~1",
    "session restore me:s @",
    "state delete --session s",
    "switch try",
    "undo",
    "uninstall claude --project",
)
REFUSED = (
    "experiment drop tries",
    "experiment judge tries a accepted",
    "experiment list",
    "experiment rank tries",
    "experiment run more --try b=true",
    "experiment show tries",
    "merge --continue",
    "session access me:s",
    "session acquire me:s --client me",
    "session delete me:s @",
    "session diff me:s @~1 @",
    "session release me:s --client me",
    "session show me:s @",
    "session snapshot me:s",
    "session snapshots",
    "session timeline me:s",
    "session versions me:s",
    "state auto state.json --count 1",
    "state compare a b",
    "state event state.json",
    "state export all.json",
    "state get a",
    "state import all.json",
    "state list",
    "state migrate state.json",
    "state nearest now",
    "state put state.json",
    "state reconstruct a",
    "state search",
    "state stats",
    "state tag a --tag b",
)
DURING_A_MERGE = (
    ("merge --abort", 0),
    ("merge --continue", 2),
    ("merge --resolve README --take theirs", 0),
)


def _options(command: str) -> dict[str, argparse.Action]:
    return {text: one for one in loaded(command).parser()._actions for text in one.option_strings}


def _actions(command: str) -> set[tuple[str, ...]]:
    """Every action of a command as the first words of its lines."""
    found = [one for one in loaded(command).parser()._actions if one.dest == "action"]
    if not found or found[0].choices is None:
        return {(command,)}
    return {(command, str(action)) for action in found[0].choices}


def test_every_action_of_what_takes_dry_run_is_tried_below() -> None:
    """A new one cannot be forgotten."""
    wanted = {
        words for name in COMMANDS if "--dry-run" in _options(name) for words in _actions(name)
    }
    tried = [tuple(shlex.split(line)) for line in (*OBEYED, *REFUSED)]
    assert [one for one in sorted(wanted) if not any(t[: len(one)] == one for t in tried)] == []


@pytest.fixture
def project(folder: Path, run: Run) -> Path:
    """A workspace in which every one of the lines has something to do."""
    readme = folder / "README"
    (folder / "stepwell.toml").write_text('[rules.well]\nrun = "true"\n')
    assert run("trust").code == 0
    (folder / "state.json").write_text("[]")
    assert run("state", "put", "state.json", "--session", "s").code == 0
    assert run("session", "snapshot", "me:s").code == 0
    assert run("experiment", "run", "tries", "--try", "a=touch new", "--check", "true").code == 0
    assert run("branch", "create", "try").code == 0
    assert run("switch", "try", "--yes").code == 0
    readme.write_text("theirs\n")
    assert run("capture").code == 0
    assert run("switch", "main", "--yes").code == 0
    readme.write_text("ours\n")
    assert run("session", "snapshot", "me:s").code == 0
    assert run("export", "../kept.bundle").code == 0
    subprocess.run(["git", "init", "--quiet", "--bare", "../server.git"], check=True)
    assert run("remote", "add", "shared", "../server.git").code == 0
    assert run("mark", "@", "--label", "here").code == 0
    assert run("undo", "--yes").code == 0
    return folder


def _facts(project: Path, run: Run) -> tuple[object, ...]:
    told = [
        run(*line, "--json").json
        for line in (
            ["operations", "-n", "0"],
            ["experiment", "list"],
            ["branch"],
            ["session", "access", "me:s"],
            ["state", "list"],
            ["status"],
        )
    ]
    # What a plan derives may be kept beside the journal.
    del told[-1]["store_bytes"]
    return (contents(project), *told)


@pytest.mark.parametrize(("lines", "codes"), [(OBEYED, {0, 4}), (REFUSED, {2})])
def test_no_action_changes_anything(
    project: Path, run: Run, lines: tuple[str, ...], codes: set[int]
) -> None:
    """Neither in the folder nor in what is recorded; 4 tells of the conflicts that there would be."""
    before = _facts(project, run)
    for line in lines:
        ran = run(*line.split(), "--dry-run")
        assert ran.code in codes, (line, ran.err)
        assert ("does not take --dry-run" in ran.err) == (codes == {2}), line
        assert _facts(project, run) == before, line


def test_nor_is_a_merge_under_way_ended(project: Path, run: Run) -> None:
    """Concluding it shows no plan; taking it back and settling do."""
    assert run("merge", "try", "--yes").code == 4
    before = _facts(project, run)
    for line, code in DURING_A_MERGE:
        assert run(*line.split(), "--dry-run").code == code, line
        assert _facts(project, run) == before, line
