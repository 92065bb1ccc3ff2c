"""An evening's work in a real terminal: ten tasks, each seen on the screen and found in the store."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.terminal import STEPWELL, Terminal, timeline
from support.trees import contents

from stepwell.store import StepResult, Workspace
from stepwell.store.cli.main import main
from stepwell.store.demo import build
from stepwell.store.demo.acts import Replace
from stepwell.store.demo.files import change_files, run_command
from stepwell.store.engine.recording import Act

CHECK = "scripts/check"
LINKS, VISITS = "hop/links.py", "hop/visits.py"
SOUND = Replace(
    LINKS,
    "    def __iter__(self):\n",
    "    def __contains__(self, code):\n        return code in self._links\n\n    def __iter__(self):\n",
)
BROKEN = Replace(LINKS, "link.expires <= self._clock()", "link.expires < self._clock()")
HELP = Replace("hop/cli.py", "hop get CODE | hop top", "hop get CODE | hop top | hop help")
SORTED = "sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))"
SMALLEST = "nsmallest(limit, self._counts.items(), key=lambda pair: (-pair[1], pair[0]))"
CULPRIT, BEFORE = "ask whether a code is taken", "list the command: hop top"
NOTE = "An expired link lived on."


@dataclass
class Evening:
    """The terminal, and what it works on."""

    screen: Terminal
    root: Path

    def log(self, *words: str) -> list[dict[str, Any]]:
        """Returns what `stepwell log --json` says, newest first."""
        return json.loads(self.command("log", "--json", *words))["steps"]

    def step(self, title: str) -> dict[str, Any]:
        """Returns the step with that title."""
        return next(one for one in self.log("--all") if one["title"] == title)

    def file_at(self, step: str, path: str) -> bytes:
        """Returns a file as it was in a step."""
        return self.command("cat", f"{step}:{path}")

    def command(self, *words: str) -> bytes:
        """Runs `stepwell` here, beside the timeline's process; returns what it prints."""
        said = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
        with redirect_stdout(said):
            assert main(["-C", str(self.root), *words]) == 0
        return said.buffer.getvalue()

    def go_to(self, title: str) -> None:
        """Selects the step with that title, by search; titles of newer ones may hold it, too."""
        named = [step for step in self.log("--all") if title in step["title"]]
        newer = next(at for at, step in enumerate(named) if step["title"] == title)
        self.screen.press("1", "g", "/")
        self.enter(title)
        self.screen.press(*"n" * newer)
        self.screen.until(f"Diff #{named[newer]['seq']} ")

    def enter(self, line: str) -> None:
        """Types a line, sees it, and enters it."""
        self.screen.type(line)
        self.screen.until(lambda: any(f" {line}" in row for row in self.screen.lines[-3:]))
        self.screen.press("enter")

    def told(self, sentence: str) -> None:
        """Waits for a sentence in the footer."""
        self.screen.until(lambda: sentence in self.screen.lines[-1])

    def passes(self) -> bool:
        """Tells whether the project's own check passes on disk."""
        return run_command(self.root, CHECK).exit_code == 0

    def differing(self, before: dict[str, tuple[int, bytes]]) -> list[str]:
        """Returns the paths that are not on disk as they were."""
        now = contents(self.root)
        return sorted(path for path in before | now if before.get(path) != now.get(path))


@pytest.fixture
def evening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Evening]:
    """The demo, an experiment beside it, and a turn in which the build breaks unnoticed."""
    root, home = tmp_path / "hop", tmp_path / "home"
    monkeypatch.setenv("STEPWELL_HOME", str(home))
    build(root, home, say=lambda line: None)
    # As the demo runs its commands: with this Python, which writes no bytecode.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with Workspace.open(root, home=home) as workspace:
        workspace.capture(BEFORE, label="evening")
        try_two_ways(workspace)
        break_the_build(workspace, root)
    surroundings = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    with timeline(root, home, **surroundings) as screen:
        yield Evening(screen, root)


def try_two_ways(workspace: Workspace) -> None:
    """Runs an experiment: one candidate passes the project's tests, the other does not."""
    rewrite = (
        "import sys; from pathlib import Path; p, *w = sys.argv[1:]; t = Path(p).read_text()\n"
    )
    rewrite += (
        "for old, new in zip(w[::2], w[1::2]): t = t.replace(old, new)\nPath(p).write_text(t)"
    )
    head = "from collections import Counter\n"
    heap = (head, head + "from heapq import nsmallest\n", SORTED, SMALLEST)
    common = (SORTED, "self._counts.most_common(limit)")
    ways = {"heap": heap, "common": common}
    workspace.try_approaches(
        [(n, [sys.executable, "-c", rewrite, VISITS, *words]) for n, words in ways.items()],
        name="busiest",
        check=[sys.executable, "-B", "-m", "unittest", "-q"],
    )


def break_the_build(workspace: Workspace, root: Path) -> None:
    """Records a sound and a broken hunk as one step, a step after it, and the check that fails."""
    for title, changes in ((CULPRIT, (SOUND, BROKEN)), ("name the help", (HELP,))):
        change_files(root, changes)
        done = StepResult(ok=True)
        workspace.record(act=Act(title, kind="tool", tool="Edit", session="late", result=done))
    ended = run_command(root, CHECK)
    assert ended.exit_code == 1
    failed = StepResult(ok=False, exit_code=1)
    said = {"tool": "Bash", "session": "late", "result_text": ended.output}
    workspace.record(act=Act(CHECK, kind="tool", result=failed, **said))


@pytest.mark.timeout(400)
def test_ten_tasks_of_an_evening(evening: Evening) -> None:
    """One sitting, by keyboard alone, from a broken build to a session that goes on live."""
    find_what_broke_the_build(evening)
    compare_it_with_its_parent(evening)
    restore_one_hunk(evening)
    undo(evening)
    restore_one_file(evening)
    review_an_experiment(evening)
    merge_it(evening)
    annotate(evening)
    filter_by_path(evening)
    follow_a_live_session(evening)
    assert evening.screen.leave("q") == 0
    evening.command("verify")


def find_what_broke_the_build(evening: Evening) -> None:
    """The newest step failed; `:bisect` names the step, and changes nothing."""
    screen, before, head = evening.screen, contents(evening.root), evening.log("-n", "1")
    screen.until("FAIL: test_unknown_from_the_very_second")
    screen.press(":")
    evening.enter(f"bisect --good evening -- {CHECK}")
    screen.until(f"the first bad step is #{evening.step(CULPRIT)['seq']} ")
    screen.until("link.expires < self._clock()")
    screen.press("esc")
    screen.until("1 Timeline")
    assert evening.differing(before) == [] and evening.log("-n", "1") == head


def compare_it_with_its_parent(evening: Evening) -> None:
    """The parent as base: both hunks, as `stepwell diff` has them; then the step alone again."""
    screen, step, parent = evening.screen, evening.step(CULPRIT), evening.step(BEFORE)
    assert step["parents"] == [parent["id"]]
    evening.go_to(BEFORE)
    screen.press("=")
    evening.go_to(CULPRIT)
    screen.press("c")
    screen.until(f"Diff #{parent['seq']} → #{step['seq']}  {LINKS}  2 hunks")
    screen.until("+4 -1")
    said = json.loads(evening.command("diff", "--json", parent["id"], step["id"]))
    assert [(one["path"], one["added"], one["deleted"]) for one in said["changes"]] == [
        (LINKS, 4, 1)
    ]
    screen.until("h end comparison")
    screen.press("h")
    screen.until(f"Diff #{step['seq']} ")
    evening.go_to(BEFORE)
    screen.press("=")
    screen.until(lambda: "= capture" not in screen.text)


def restore_one_hunk(evening: Evening) -> None:
    """The broken hunk goes back, the sound one stays, and the build passes."""
    screen, before = evening.screen, contents(evening.root)
    text = (evening.root / LINKS).read_text()
    evening.go_to(CULPRIT)
    screen.press("3", "]", "]")
    screen.until("hunk 2/2")
    screen.press("r")
    screen.until("Put 1 hunk back to how it was BEFORE")
    assert evening.differing(before) == []
    screen.press("y")
    evening.told(f"1 file is as it was before #{evening.step(CULPRIT)['seq']}")
    evening.told("u takes it back")
    assert evening.differing(before) == [LINKS]
    assert (evening.root / LINKS).read_text() == text.replace(BROKEN.new, BROKEN.old)
    (head,) = evening.log("-n", "1")
    assert head["kind"] == "rollback" and evening.passes()
    screen.until(f"Diff #{head['seq']} ")


def undo(evening: Evening) -> None:
    """Every byte is as it was before the restore, the broken one too."""
    screen = evening.screen
    screen.press("u")
    screen.until("Undo: put 1 file back")
    screen.press("y")
    evening.told("U does it again")
    culprit = evening.step(CULPRIT)["id"]
    assert (evening.root / LINKS).read_bytes() == evening.file_at(culprit, LINKS)
    (head,) = evening.log("-n", "1")
    assert head["title"] == CHECK and not evening.passes()
    screen.until(f"as in #{head['seq']} ")


def restore_one_file(evening: Evening) -> None:
    """The file as it was before the step; every other stays."""
    screen, before = evening.screen, contents(evening.root)
    evening.go_to(CULPRIT)
    screen.press("2", "r")
    screen.until("Put 1 of 2 files back to how it was BEFORE #")
    screen.press("y")
    evening.told("u takes it back")
    assert evening.differing(before) == [LINKS]
    assert (evening.root / LINKS).read_bytes() == evening.file_at("evening", LINKS)
    assert evening.log("-n", "1")[0]["kind"] == "rollback" and evening.passes()


def review_an_experiment(evening: Evening) -> None:
    """Best first, with what the checks said; a verdict is a tag in the store."""
    screen, before = evening.screen, contents(evening.root)
    screen.press("E")
    screen.until("Experiment busiest, from #")
    screen.until(lambda: "heap common" in table(screen))
    screen.until(lambda: "check 16 of 16 pass 15 of 16 pass" in table(screen))
    screen.until("nsmallest(limit")
    screen.press("t")
    screen.until("Verdict on heap")
    screen.press("a")
    evening.told("heap is accepted")
    (tip,) = evening.log("--branch", "busiest/heap", "-n", "1")
    assert "accepted" in tip["checkpoint"]["tags"]
    assert evening.differing(before) == []


def table(screen: Terminal) -> list[str]:
    """The words of each line, one blank between them."""
    return [" ".join(line.replace("▌", " ").split()) for line in screen.lines]


def merge_it(evening: Evening) -> None:
    """The candidate's file comes in beside the evening's own work, as a step of two parents."""
    screen, before = evening.screen, contents(evening.root)
    (ours,), (theirs,) = (evening.log("--branch", b, "-n", "1") for b in ("main", "busiest/heap"))
    screen.press("p")
    screen.until("Merge branch busiest/heap")
    assert evening.differing(before) == []
    screen.press("y")
    evening.told("Merged busiest/heap, 1 file changed")
    assert evening.differing(before) == [VISITS]
    assert (evening.root / VISITS).read_bytes() == evening.file_at("busiest/heap", VISITS)
    (merge,) = evening.log("-n", "1")
    assert merge["parents"] == [ours["id"], theirs["id"]] and evening.passes()


def annotate(evening: Evening) -> None:
    """A note on the step that broke the build."""
    screen = evening.screen
    evening.go_to(CULPRIT)
    screen.press("a")
    screen.type(NOTE)
    screen.until(NOTE)
    screen.press("ctrl+s")
    screen.until(lambda: any("ask whether" in row and "✎1" in row for row in screen.lines))
    assert [note["text"] for note in evening.step(CULPRIT)["checkpoint"]["notes"]] == [NOTE]


def filter_by_path(evening: Evening) -> None:
    """The steps that changed a file, of all branches, and no others."""
    screen, words = evening.screen, f"path:{VISITS}"
    wanted, known = evening.log("--all", words), evening.log("--all")
    assert 3 <= len(wanted) < len(known)
    screen.press("1", "f")
    evening.enter(words)
    screen.until(f"{len(wanted)} steps")
    screen.until(lambda: rows_of(screen) == len(wanted))
    screen.press("backspace")
    screen.until(lambda: words not in screen.text)


def rows_of(screen: Terminal) -> int:
    """How many steps the timeline lists in view, which is all when they are few."""
    listed = (line[:60].lstrip("▌ ") for line in screen.lines[2:])
    return sum(line.startswith(("●", "◉", "◆", "│ ●", "│ │ ●")) for line in listed)


def follow_a_live_session(evening: Evening) -> None:
    """Steps of another process come in by themselves, and the newest is shown."""
    screen = evening.screen
    screen.press("F")
    for number in range(3):
        (evening.root / "live.txt").write_text(f"line {number} of the other process\n")
        words = ["-C", str(evening.root), "capture", "-m", f"live {number}"]
        subprocess.run([sys.executable, "-c", STEPWELL, *words], check=True, stdout=subprocess.PIPE)
        (newest,) = evening.log("-n", "1")
        assert newest["title"] == f"live {number}"
        screen.until(f"Diff #{newest['seq']}  live.txt")
        screen.until(f"+ line {number} of the other process")
