"""What commands write over a history in which everything is hostile: on a terminal, and into a pipe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.terminal import written_by
from support.wicked import ACTING, BRANCH, EXPERIMENT, NAME, PLANTED, SHOWN, WORD, workspace

ONE_AFTER_THE_OTHER = """
import json, sys
from stepwell.store.cli.main import main
for arguments in json.loads(sys.argv[1]):
    main(arguments)
    print("=====", flush=True)
"""
OWN = re.compile(r"\r\n|\r\x1b\[K|\x1b\[(?:0|1|2|3[0-7])m")
"""Colours, and the line of progress being wiped."""
STATE_SESSION = f"{PLANTED}:1"

READING = (
    *(
        ["status"],
        ["log"],
        ["log", "--all"],
        ["log", f"session:{WORD}"],
        ["log", "--branch", BRANCH],
    ),
    ["log", "--branch", f"git/g{WORD}\u202e"],
    *(["show", f"#{number}"] for number in range(1, 11)),
    *(["diff"], ["diff", "--stat"], ["diff", "#2", "#9"], ["diff", "#2", "#9", "--stat"]),
    *(["blame", NAME], ["blame", "line"], ["search", WORD], ["operations"], ["branch"]),
    *(["sessions"], ["metrics"], ["report", STATE_SESSION], ["report", "claude:1"]),
    *(["session", "timeline", STATE_SESSION], ["session", "snapshots", STATE_SESSION]),
    *(["session", "access", STATE_SESSION], ["session", "versions", STATE_SESSION]),
    *(
        ["experiment", "list"],
        ["experiment", "show", EXPERIMENT],
        ["rules"],
        ["transcripts", "list"],
    ),
    *(["rollback", "#2", "--dry-run"], ["rollback", "#4", "--only", "--dry-run"]),
    *(["merge", BRANCH, "--dry-run"], ["switch", BRANCH, "--dry-run"], ["undo", "--dry-run"]),
    *(["verify"], ["verify", "--full"], ["stats"], ["prune", "--all", "--dry-run"]),
    *(["purge", NAME, "--dry-run"], ["doctor"], ["keys"], ["daemon", "status"]),
)
"""Each of them succeeds, or says what differs."""

REFUSED = (
    *(
        [PLANTED],
        ["--" + PLANTED],
        ["log", "--" + PLANTED],
        ["log", PLANTED, '"'],
        ["log", "-n", PLANTED],
    ),
    *(["-C", PLANTED, "log"], ["show", PLANTED], ["cat", f"@:{PLANTED}"], ["diff", PLANTED]),
    *(["diff", "@", "--path", PLANTED], ["blame", PLANTED], ["blame", NAME, "--at", PLANTED]),
    *(
        ["report", PLANTED],
        ["session", PLANTED],
        ["session", "restore", STATE_SESSION, PLANTED, "--yes"],
    ),
    *(["branch", "create", PLANTED], ["branch", "delete", PLANTED], ["switch", PLANTED, "--yes"]),
    *(
        ["merge", PLANTED, "--yes"],
        ["merge", BRANCH, "--hunk", PLANTED, "--dry-run"],
        ["undo", PLANTED, "--yes"],
    ),
    *(["experiment", "show", PLANTED], ["experiment", "judge", EXPERIMENT, PLANTED, "accepted"]),
    *(
        ["import", PLANTED],
        ["export", f"{PLANTED}/x"],
        ["state", "get", PLANTED],
        ["purge", PLANTED, "--yes"],
    ),
    *(["mark", PLANTED], ["mark", "@", "--label", PLANTED], ["unmark", "@", "--tag", PLANTED]),
    *(
        ["rollback", PLANTED, "--yes"],
        ["rollback", "#2", "--path", PLANTED, "--yes"],
        ["install", PLANTED],
    ),
    *(["bisect", "--good", PLANTED, "--", "true"], ["transcripts", "import", PLANTED]),
    *(["daemon", PLANTED], ["serve", "--port", PLANTED]),
)
"""Each of them fails, and says what it was given."""


@pytest.fixture(scope="module")
def wicked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which everything is hostile."""
    folder = tmp_path_factory.mktemp("wicked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPWELL_CONFIG", str(folder / "config.toml"))
        workspace(folder, 20)
    return folder


def surroundings(folder: Path) -> dict[str, str]:
    names = {"STEPWELL_HOME": "home", "STEPWELL_CONFIG": "config.toml", "HOME": "person"}
    return {name: str(folder / place) for name, place in names.items()}


def parts(written: bytes, commands: Sequence[object]) -> list[str]:
    found = written.decode("utf-8").split("=====")
    assert len(found) == len(commands) + 1, written[-2000:]
    return found


@pytest.mark.parametrize("commands", [READING, REFUSED], ids=["reading", "refused"])
def test_nothing_acts_on_a_terminal(wicked: Path, commands: Sequence[list[str]]) -> None:
    """Our own colours come out, and text."""
    program = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)]
    seen = written_by(program, wicked / "orchard", surroundings(wicked), (150, 50))
    for arguments, written in zip(commands, parts(seen, commands), strict=False):
        left = OWN.sub("", written)
        assert left.strip(), arguments
        assert not ACTING.search(left), (arguments, ACTING.findall(left))
    assert SHOWN in seen.decode() and b"unforeseen" not in seen


@pytest.mark.parametrize("commands", [READING, REFUSED], ids=["reading", "refused"])
def test_nothing_acts_that_went_through_a_pipe(wicked: Path, commands: Sequence[list[str]]) -> None:
    """As what stands in a pager or a log is shown on a terminal after all."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)],
        cwd=wicked / "orchard",
        env={**os.environ, **surroundings(wicked)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=120,
    )
    for arguments, written in zip(commands, parts(done.stdout, commands), strict=False):
        assert written.strip(), arguments
        assert not ACTING.search(written), (arguments, ACTING.findall(written))
    assert SHOWN in done.stdout.decode() and b"unforeseen" not in done.stdout
