"""Approaches tried side by side: apart from the workspace and from each other, checked, ranked, promoted."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.daemons import daemon_thread
from support.trees import contents

from stepwell.store import NotFoundError, RefusedError, UsageError, Workspace

PYTHON = sys.executable

CHECK = [PYTHON, "-c", "import mod; assert mod.answer() == 42; print('1 passed in 0.01s')"]


def python(program: str) -> list[str]:
    return [PYTHON, "-c", program]


def writes(path: str, content: str) -> list[str]:
    return python(f"open({path!r}, 'w').write({content!r})")


@pytest.fixture
def code(project: Path) -> Path:
    """A module that is wrong, and an ignored folder beside it."""
    (project / "mod.py").write_text("def answer():\n    return 41\n")
    (project / ".gitignore").write_text("__pycache__\n/tools/\n")
    (project / "tools").mkdir()
    (project / "tools" / "helper").write_text("helper\n")
    return project


@pytest.fixture
def ws(code: Path, home: Path) -> Iterator[Workspace]:
    """The same, under care."""
    with Workspace.init(code, home=home) as workspace:
        yield workspace


def scratch_of(ws: Workspace) -> list[Path]:
    return list((ws.store / "scratch").iterdir())


def test_candidates_are_checked_ranked_and_the_best_is_promoted(ws: Workspace, code: Path) -> None:
    """By real results; promote has two parents, and undo takes it back exactly."""
    before = contents(code)
    results = ws.try_approaches(
        [
            ("long", writes("mod.py", "def answer():\n" + "    # why\n" * 9 + "    return 42\n")),
            ("right", writes("mod.py", "def answer():\n    return 42\n")),
            ("wrong", writes("mod.py", "def answer():\n    return 43\n")),
            ("broken", "false"),
        ],
        name="fix",
        check=CHECK,
        jobs=2,
    )
    assert contents(code) == before and scratch_of(ws) == []
    ranked = ws.rank(results)
    assert [r.candidate.label for r in ranked] == ["right", "long", "wrong", "broken"]
    assert ranked[0].why == "passes 1 of 1 test; the smallest change, +1 −1"
    assert ranked[2].why == "its check failed with status 1"
    best = ws.select_best(results)
    assert best is not None and best.branch == "fix/right" and best.complexity == 0
    tip = ws.get_step("fix/right")
    assert tip.kind == "tool" and tip.session == "experiment:fix/right" and tip.result is not None
    assert ws.read_file(tip, b"mod.py") == b"def answer():\n    return 42\n"
    assert results == ws.experiment("fix") and ws.experiments() == [results]
    done = ws.promote("fix", best.label)
    assert done.step.parents == (results.base, tip.id)
    assert (code / "mod.py").read_text() == "def answer():\n    return 42\n"
    ws.undo()
    assert contents(code) == before


def test_parallel_candidates_touch_neither_each_other_nor_the_workspace(
    ws: Workspace, code: Path
) -> None:
    """Both wait until both run, each sees only its own files, and their folders are not the user's."""
    program = (
        "import os, pathlib, sys, time\n"
        "me, other, meeting = sys.argv[1:]\n"
        "here = pathlib.Path('mark'); here.write_text(me)\n"
        "meet = pathlib.Path(meeting); (meet / me).write_text(os.getcwd())\n"
        "while not (meet / other).exists(): time.sleep(0.01)\n"
        "assert here.read_text() == me and os.stat('mod.py').st_nlink == 1\n"
        "pathlib.Path('mod.py').write_text(me)\n"
    )
    meeting = code.parent / "meeting"
    meeting.mkdir()
    before = contents(code)
    results = ws.try_approaches(
        [
            (me, [PYTHON, "-c", program, me, other, str(meeting)])
            for me, other in (("a", "b"), ("b", "a"))
        ],
        jobs=2,
        limit_s=60,
    )
    assert [c.exit_code for c in results.candidates] == [0, 0]
    assert contents(code) == before
    for label in "ab":
        assert ws.read_file(ws.get_step(f"{results.name}/{label}"), b"mod.py") == label.encode()
        folder = Path((meeting / label).read_text())
        assert folder.name == code.name and ws.store in folder.parents and not folder.exists()


def test_a_daemon_lends_its_lock(
    ws: Workspace, code: Path, home: Path, tmp_path: Path, runtime: Path
) -> None:
    """And what is undone, promoted and dropped goes by it."""
    before = contents(code)
    with daemon_thread(code, home, runtime):
        assert ws.daemon() is not None
        results = ws.try_approaches(
            [("a", writes("new", "new\n")), ("b", "false")], name="x", check="test -e new", jobs=2
        )
        assert [c.passed for c in results.candidates] == [True, False]
        assert ws.promote("x", "a").applied and (code / "new").exists()
        ws.undo()
        assert contents(code) == before
        ws.drop_experiment("x")
        ws.undo()
        assert ws.experiment("x") == results
        assert ws.daemon() is not None


def test_what_a_command_does_is_captured_while_it_runs(ws: Workspace) -> None:
    """As steps on its branch, not on the current one."""
    program = (
        "import pathlib, time\n"
        "seen = pathlib.Path('seen')\n"
        "for number in range(80):\n"
        "    pathlib.Path('n').write_text(str(number)); time.sleep(0.02)\n"
    )
    told: list[str] = []
    ws.try_approaches(
        [("slow", python(program))],
        name="x",
        every_s=0.05,
        report=lambda _, what: told.append(what),
    )
    steps = ws.steps(branch="x/slow", limit=100)
    assert len(steps) > 2 and steps[0].kind == "tool"
    assert {step.branch for step in steps[:-2]} == {"x/slow"}
    assert any(what.startswith("captured #") for what in told)
    assert ws.head().title == "first capture"


def test_a_root_is_looked_at_before_its_command_runs(ws: Workspace) -> None:
    """So a capture under the lock reads what changed; and a change at once is seen all the same."""
    look = "import os; assert os.path.exists('../stats'); "
    results = ws.try_approaches(
        [(label, python(f"{look}open('mod.py', 'w').write({label!r} * 28)")) for label in "ab"]
    )
    assert [c.exit_code for c in results.candidates] == [0, 0]
    for label in "ab":
        content = ws.read_file(ws.get_step(f"{results.name}/{label}"), b"mod.py")
        assert content == label.encode() * 28
    assert results.candidates[0].files == 1


def test_the_base_is_the_disk_or_a_step_that_is_named(ws: Workspace, code: Path) -> None:
    """What is on disk and in no step is captured first."""
    (code / "mod.py").write_text("edited\n")
    results = ws.try_approaches([("a", "true")], name="now")
    assert ws.get_step(results.base) == ws.head()
    assert ws.read_file(ws.head(), b"mod.py") == b"edited\n"
    earlier = ws.try_approaches([("a", "cat mod.py")], name="then", base="#1")
    assert ws.get_step(earlier.base).seq == 1
    text = ws.text(ws.get_step("then/a").result_text)
    assert text == "def answer():\n    return 41\n"


def test_an_ignored_folder_comes_along_on_request_only(ws: Workspace, code: Path) -> None:
    """It is not captured; one that would be is refused."""
    look = (
        "import os; assert os.path.exists('tools/helper') == {}; open('tools.txt', 'w').write('x')"
    )
    without = ws.try_approaches([("a", python(look.format(False)))], name="bare")
    within = ws.try_approaches([("a", python(look.format(True)))], name="full", extras=[b"tools"])
    assert without.candidates[0].passed and within.candidates[0].passed
    assert within.candidates[0].files == 1
    (code / "plain").mkdir()
    (code / "plain" / "f").write_text("f\n")
    with pytest.raises(UsageError, match="not ignored"):
        ws.try_approaches([("a", "true")], name="no", base="#1", extras=[b"plain"])
    assert scratch_of(ws) == [] and "no" not in ws.view().experiments


def test_files_that_the_repository_tracks_though_ignored_stay_theirs(
    tmp_path: Path, home: Path
) -> None:
    """A scratch root has no repository to say so."""
    root = tmp_path / "repo"
    root.mkdir()
    for words in (["init", "-q"], ["add", "-f", "kept.log"], ["add", ".gitignore"]):
        (root / ".gitignore").write_text("*.log\n")
        (root / "kept.log").write_text("one\n")
        subprocess.run(["git", "-C", root, *words], check=True, capture_output=True)
    with Workspace.init(root, home=home) as ws:
        ws.try_approaches([("same", "true"), ("other", writes("kept.log", "two\n"))], name="x")
        assert ws.read_file(ws.get_step("x/same"), b"kept.log") == b"one\n"
        assert ws.read_file(ws.get_step("x/other"), b"kept.log") == b"two\n"


def test_a_report_and_a_metric_are_read(ws: Workspace) -> None:
    """And rank on request."""
    report = "<testsuite><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite>"
    check = python(
        f"open('r.xml', 'w').write({report!r}); n = len(open('mod.py').read()); print(n, 'bytes')"
    )
    results = ws.try_approaches(
        [("short", writes("mod.py", "1\n")), ("long", writes("mod.py", "1\n" * 50))],
        check=check,
        junit="r.xml",
        numbers={"bytes": r"(\d+) bytes"},
    )
    assert [(c.check.passed, c.check.failed) for c in results.candidates if c.check] == [(1, 1)] * 2
    assert ws.rank(results, {"bytes": -9})[0].candidate.label == "short"
    assert ws.rank(results, {"bytes": 99})[0].candidate.label == "long"
    assert ws.select_best(results) is None


def test_a_hanging_check_and_a_hanging_command_meet_their_limit(ws: Workspace) -> None:
    """The others go on."""
    results = ws.try_approaches(
        [("hangs", "sleep 60"), ("fine", "true"), ("starts", "sh -c 'setsid sleep 60 &'")],
        check=["sh", "-c", "test -e mod.py && sleep 0"],
        limit_s=1,
        jobs=3,
    )
    hangs, fine, starts = results.candidates
    assert hangs.reason == "ended after 1 s, its time limit" and hangs.check is None
    assert fine.passed and starts.passed
    late = ws.try_approaches([("a", "true")], check="sleep 60", limit_s=1).candidates[0]
    assert late.check is not None and late.check.reason == "ended after 1 s, its time limit"
    assert working(ws) == []


def working(ws: Workspace) -> list[int]:
    """Returns the processes that work below the store."""
    sign, found = os.fsencode(ws.store), []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            content = Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue
        if b"STEPWELL_SCRATCH=" + sign in content:
            found.append(int(name))
    return found


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (RefusedError, {"name": "taken"}),
        (RefusedError, {"name": "main"}),
        (UsageError, {"name": "-x"}),
        (UsageError, {"name": "a..b"}),
        (UsageError, {"approaches": [("a/b", "true")]}),
        (UsageError, {"approaches": [("-a", "true")]}),
        (UsageError, {"approaches": [("a", "true"), ("a", "true")]}),
        (UsageError, {"approaches": [("a", "  ")]}),
        (UsageError, {"approaches": [("a", "echo 'open")]}),
        (UsageError, {"approaches": []}),
        (NotFoundError, {"approaches": [("a", "nope-nope-nope")]}),
        (NotFoundError, {"check": "nope-nope-nope"}),
        (NotFoundError, {"base": "#99"}),
        (NotFoundError, {"extras": [b"nope"]}),
        (UsageError, {"extras": [b".git"]}),
        (UsageError, {"jobs": 0}),
        (UsageError, {"limit_s": 0}),
        (UsageError, {"junit": "../x.xml", "check": "true"}),
        (UsageError, {"junit": "x.xml"}),
        (UsageError, {"numbers": {"n": "(["}, "check": "true"}),
    ],
)
def test_bad_input_is_told_before_anything_is_begun(
    ws: Workspace, code: Path, error: type[Exception], arguments: dict[str, Any]
) -> None:
    """No branch, no folder, no process."""
    ws.create_branch("taken/a")
    before, branches = contents(code), ws.view().branches
    given = {"approaches": [("a", "true")], "name": "x", **arguments}
    with pytest.raises(error):
        ws.try_approaches(**given)
    assert contents(code) == before and ws.view().branches == branches
    assert ws.view().experiments == {}
    assert not (ws.store / "scratch").exists() or scratch_of(ws) == []


def test_promoting_goes_to_where_it_came_from(ws: Workspace) -> None:
    """And nowhere else; a name that is not there is told."""
    ws.try_approaches([("a", writes("new", "new\n"))], name="x")
    ws.create_branch("other")
    ws.apply(ws.plan_switch("other"))
    with pytest.raises(RefusedError, match="came from branch main"):
        ws.promote("x", "a")
    ws.apply(ws.plan_switch("main"))
    for name, label in (("x", "b"), ("y", "a")):
        with pytest.raises(NotFoundError):
            ws.promote(name, label)
    assert ws.promote("x", "a").applied and not ws.promote("x", "a").applied


def test_an_experiment_is_dropped_and_brought_back(ws: Workspace) -> None:
    """With its branches; not the one that is current."""
    results = ws.try_approaches([("a", writes("new", "new\n"))], name="x")
    ws.apply(ws.plan_switch("x/a"))
    with pytest.raises(RefusedError):
        ws.drop_experiment("x")
    ws.apply(ws.plan_switch("main"))
    ws.drop_experiment("x")
    assert ws.experiments() == [] and "x/a" not in ws.view().branches
    ws.undo()
    assert ws.experiments() == [results] and "x/a" in ws.view().branches
    ws.try_approaches([("a", "true")], name="y")


VICTIM = """
import sys
from stepwell.store.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def victim(
    ws: Workspace, code: Path, home: Path
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts an experiment in another process, and returns when both commands have begun."""
    started: list[subprocess.Popen[bytes]] = []
    begun = code.parent / "begun"
    begun.mkdir()
    work = "echo half > half; (sleep 300 &); setsid sleep 300 & touch $0/$STEPWELL_CANDIDATE; sleep 300"
    words = f"sh -c '{work}' {begun}"

    def start() -> subprocess.Popen[bytes]:
        environment = {**os.environ, "STEPWELL_HOME": str(home)}
        tries = [f"--try={label}={words}" for label in "ab"]
        command = ["experiment", "run", "x", *tries, "--jobs", "2", "--every", "0.1"]
        run = subprocess.Popen(
            [PYTHON, "-c", VICTIM, "-C", str(code), *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(run)
        until(lambda: sorted(os.listdir(begun)) == ["a", "b"] or run.poll() is not None)
        assert run.poll() is None, run.stdout and run.stdout.read()
        return run

    yield start
    for run in started:
        run.kill()
        run.communicate()


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, and fails when it does not come."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_all_children_and_keeps_what_was_captured(
    ws: Workspace,
    code: Path,
    victim: Callable[[], subprocess.Popen[bytes]],
    number: signal.Signals,
) -> None:
    """No process, no folder; the branches hold the last state."""
    before = contents(code)
    run = victim()
    run.send_signal(number)
    assert run.wait(60) == 130
    until(lambda: working(ws) == [])
    assert scratch_of(ws) == [] and contents(code) == before
    ws.refresh()
    experiment = ws.experiment("x")
    assert experiment.state == "stopped"
    for candidate in experiment.candidates:
        assert candidate.reason == "stopped" and not candidate.passed
        assert ws.read_file(ws.get_step(candidate.branch), b"half") == b"half\n"


@pytest.mark.slow
def test_after_a_kill_the_next_command_leaves_no_process_and_no_folder(
    ws: Workspace, code: Path, victim: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """Unaided; and what had been captured is there."""
    before = contents(code)
    run = victim()
    ws.refresh()
    assert ws.experiment("x").state == "running"
    with pytest.raises(RefusedError, match="running"):
        ws.drop_experiment("x")
    run.kill()
    run.wait()
    assert working(ws) != [] and scratch_of(ws) != []
    ws.capture("the next start")
    until(lambda: working(ws) == [])
    assert scratch_of(ws) == [] and contents(code) == before
    assert ws.experiment("x").state == "stopped"
    assert ws.verify(full=True).ok
    ws.drop_experiment("x")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_at_any_moment_nothing_is_left_behind(ws: Workspace, code: Path, home: Path) -> None:
    """While folders are made, commands run, captures are recorded, checks run, figures are written."""
    before, chance = contents(code), random.Random(3)
    work = "for n in 1 2 3 4 5 6; do echo $n > n; (sleep 300 &); sleep 0.1; done"
    for number in range(40):
        command = ["experiment", "run", f"x{number}", f"--try=a=sh -c '{work}'"]
        command += [
            "--try",
            "b=sleep 0.4",
            "--check",
            "sleep 0.3",
            "--jobs",
            "2",
            "--every",
            "0.05",
        ]
        run = subprocess.Popen(
            [PYTHON, "-c", VICTIM, "-C", str(code), *command],
            env={**os.environ, "STEPWELL_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with suppress(subprocess.TimeoutExpired):
            run.wait(chance.random() * 2.5)
        run.kill()
        run.wait()
        ws.capture("the next start")
        until(lambda: working(ws) == [])
        assert scratch_of(ws) == [] and contents(code) == before
        ws.refresh()
        assert all(one.state != "running" for one in ws.experiments())
    assert ws.verify(full=True).ok
