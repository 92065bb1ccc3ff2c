"""Looking at rules: in copies, with since when and where back to, and going back where that is allowed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.trees import contents

from stepwell.store import Act, Step, Workspace
from stepwell.store.model.errors import NoSpaceError
from stepwell.store.model.retention import Policy
from stepwell.store.model.rules import RuleVerdict

SAYS = 'sh -c "cat report; exit $(cat status)"'
"""A check whose result is in files of the workspace."""

Config = Callable[[str], Path]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Writes the person's configuration."""

    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def says(project: Path) -> Callable[[Workspace, str, int], Step]:
    """Records a step of the agent at which the check gives a report and a status."""

    def record(ws: Workspace, report: str, status: int) -> Step:
        (project / "report").write_text(report + "\n")
        (project / "status").write_text(f"{status}\n")
        return ws.record(act=Act("edit", "tool", session="claude:1", tool="Edit")).step

    return record


Says = Callable[[Workspace, str, int], Step]

GOOD = "8 passed in 0.10s"
BAD = "=== short test summary info ===\nFAILED a.py::x\nFAILED b.py::y\n2 failed, 4 passed in 0.10s"


def is_running(pid: int) -> bool:
    """A process that nobody waits for stays a zombie where there is no init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def only(verdicts: tuple[RuleVerdict, ...]) -> RuleVerdict:
    assert len(verdicts) == 1
    return verdicts[0]


def rules(mode: str = "suggest", more: str = "") -> str:
    return f"[rules]\nmode = \"{mode}\"\n[rules.tests]\nrun = '{SAYS}'\n{more}\n"


def test_failing_tests_are_told_with_their_names_and_the_step_that_broke_them(
    either: Workspace, says: Says, config: Config, project: Path
) -> None:
    """And nothing is done, as nobody said so; the workspace is as before."""
    file = config(rules())
    good = says(either, GOOD, 0)
    (project / "note").write_text("a\n")
    either.capture("in between", session="claude:1")
    broke = says(either, BAD, 1)
    (project / "note").write_text("b\n")
    newest = either.capture("more", session="claude:1")
    before = contents(project)
    verdict = only(either.check(config=file))
    assert verdict.ok is False and verdict.action == "suggest" and verdict.step == newest.id
    assert verdict.detail == f"2 of 6 tests fail, since #{broke.seq} edit: a.py::x, b.py::y"
    assert verdict.since == broke.id and either.get_step(verdict.target or "").seq == broke.seq - 1
    assert verdict.facts["failures"] == ["a.py::x", "b.py::y"]
    assert verdict.facts["files"] == ["report", "status"]
    assert contents(project) == before and not list((either.store / "scratch").iterdir())
    assert either.view().verdicts == (verdict,)
    assert only(either.check(at=good, config=file)).ok
    assert either.view().verdicts == (verdict,), "of another step it is only told"


def test_auto_goes_back_once_for_one_cause(
    either: Workspace, says: Says, config: Config, project: Path
) -> None:
    """An ordinary rollback: a safety step, undone by undo, and then it is not done again."""
    file = config(rules("auto"))
    good = says(either, GOOD, 0)
    broke = says(either, BAD, 1)
    verdict = only(either.check(config=file))
    assert verdict.action == "rollback" and verdict.target == good.id and verdict.since == broke.id
    assert either.read_file(either.head(), b"report") == (GOOD + "\n").encode()
    assert (project / "status").read_text() == "0\n"
    operation = verdict.facts["operation"]
    assert verdict.detail.endswith(f"went back to #{good.seq}, undo: stepwell undo {operation}")
    assert either.head().kind == "rollback"
    either.undo()
    assert (project / "status").read_text() == "1\n"
    again = only(either.check(config=file))
    assert again.action == "suggest" and "went back for this once already" in again.detail
    assert (project / "status").read_text() == "1\n"
    (project / "other").write_text("x\n")
    either.capture("more of it", session="claude:1")
    assert only(either.check(config=file)).action == "suggest"


def test_an_undo_stands_though_the_rule_was_cut_off_before_it_said_what_it_did(
    ws: Workspace,
    says: Says,
    config: Config,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says beforehand what it is about to do."""
    file = config(rules("auto"))
    says(ws, GOOD, 0)
    says(ws, BAD, 1)
    record = ws.record_verdict

    def once(verdict: RuleVerdict, *, session: str | None = None) -> object:
        monkeypatch.setattr(ws, "record_verdict", full)
        return record(verdict, session=session)

    def full(*_: object, **__: object) -> None:
        raise NoSpaceError("the disk is full")

    monkeypatch.setattr(ws, "record_verdict", once)
    with pytest.raises(NoSpaceError):
        ws.check(config=file)
    monkeypatch.undo()
    assert (project / "status").read_text() == "0\n"
    ws.undo()
    verdict = only(ws.check(config=file))
    assert verdict.action == "suggest" and "went back for this once already" in verdict.detail
    assert (project / "status").read_text() == "1\n"


def test_a_cause_that_was_pruned_is_looked_for_among_what_is_left(
    ws: Workspace, says: Says, config: Config, project: Path
) -> None:
    """What an older verdict names may be gone."""
    file = config(rules())
    says(ws, GOOD, 0)
    says(ws, BAD, 1)
    first = only(ws.check(config=file))
    for number in range(3):
        (project / "other").write_text(f"{number}\n")
        ws.capture("more", session="claude:1")
    ws.check(config=file)
    ws.prune(Policy(keep_last=1, hourly=0, daily=0, per_session=1, safety_days=0))
    (project / "other").write_text("last\n")
    ws.capture("last", session="claude:1")
    verdict = only(ws.check(config=file))
    assert verdict.ok is False and verdict.detail.startswith("2 of 6 tests fail")
    gone = {row.step for row in ws.view().verdicts} - {step.id for step in ws.steps()}
    assert first.step in gone and verdict.since not in gone


def test_the_same_files_again_are_the_same_cause(ws: Workspace, says: Says, config: Config) -> None:
    """An agent that does again what was taken back is left to the person."""
    file = config(rules("auto"))
    says(ws, GOOD, 0)
    says(ws, BAD, 1)
    assert only(ws.check(config=file)).action == "rollback"
    says(ws, BAD, 1)
    assert only(ws.check(config=file)).action == "suggest"


def test_auto_never_takes_back_the_work_of_others(
    ws: Workspace, says: Says, config: Config, project: Path
) -> None:
    """Neither another session's nor a person's; what is in no step is captured first."""
    file = config(rules("auto"))
    says(ws, GOOD, 0)
    broke = says(ws, BAD, 1)
    (project / "mine").write_text("by hand\n")
    verdict = only(ws.check(config=file))
    assert verdict.action == "suggest" and "work of somebody who is no agent" in verdict.detail
    assert (project / "mine").read_text() == "by hand\n" and (
        project / "status"
    ).read_text() == "1\n"
    (project / "theirs").write_text("x\n")
    ws.capture("theirs", session="codex:2")
    verdict = only(ws.check(config=file))
    assert verdict.action == "suggest" and verdict.since == broke.id


def test_a_single_bad_run_is_not_enough_when_it_is_to_be_confirmed(
    ws: Workspace, config: Config, project: Path, tmp_path: Path
) -> None:
    """The second run tells; a flaky check is said to be one."""
    count = tmp_path / "count"
    flaky = f'sh -c "echo x >> {count}; test $(wc -l < {count}) -gt 1"'
    file = config(
        f"[rules]\nmode = 'auto'\n[rules.c]\nkind = 'compile'\nrun = '{flaky}'\nconfirm = 2\n"
    )
    (project / "a").write_text("1\n")
    ws.capture("one", session="claude:1")
    verdict = only(ws.check(config=file))
    assert verdict.ok and verdict.action == "none" and "flaky" in verdict.detail
    assert count.read_text() == "x\nx\n"


def test_code_that_does_not_compile_leads_back_to_where_it_did(
    ws: Workspace, config: Config, project: Path
) -> None:
    """With the place and the compiler's words."""
    file = config(
        "[rules]\nmode = 'auto'\n"
        f"[rules.compile]\nrun = ['{sys.executable}', '-m', 'compileall', '-q', '.']\n"
    )
    app = project / "src" / "app.py"
    app.write_text("def run():\n    return 2\n")
    good = ws.capture("well", session="claude:1")
    app.write_text("def run(:\n    return 2\n")
    ws.capture("broken", session="claude:1")
    verdict = only(ws.check(config=file))
    assert "app.py:1: SyntaxError" in verdict.detail and verdict.action == "rollback"
    assert verdict.target == good.id and app.read_text() == "def run():\n    return 2\n"


def test_what_never_passed_has_no_way_back(ws: Workspace, says: Says, config: Config) -> None:
    """It is told all the same."""
    file = config("[rules]\nmode = 'auto'\n[rules.c]\nrun = 'false'\ndo = 'rollback'\n")
    says(ws, GOOD, 0)
    verdict = only(ws.check(config=file))
    assert verdict.action == "suggest" and verdict.target is None and verdict.since is None
    assert verdict.detail == "the command ends with 1"


def test_what_does_not_end_by_itself_is_no_reason(ws: Workspace, config: Config) -> None:
    """Nor a command that is not there."""
    file = config(
        "[rules]\nmode = 'auto'\n[rules.a]\nkind = 'tests'\nrun = 'sleep 60'\nlimit_s = 0.3\n"
        "[rules.b]\nkind = 'tests'\nrun = 'no-such-program-at-all'\n"
    )
    late, missing = ws.check(config=file)
    assert late.ok is None and late.action == "none" and "its time limit" in late.detail
    assert missing.ok is None and "not started" in missing.detail


def test_a_function_that_became_too_complex_is_named(
    ws: Workspace, config: Config, project: Path
) -> None:
    """One that was so before, and did not get worse, is nobody's fault."""
    file = config("[rules.complexity]\n[rules.maintainability]\nif = 'maintainability < 99'\n")
    tangled = "def tangled(x):\n" + "".join(
        f"    if x == {n}:\n        return {n}\n" for n in range(12)
    )
    app = project / "src" / "app.py"
    app.write_text(tangled)
    step = ws.capture("tangle", session="claude:1")
    complexity, maintainability = ws.check(config=file)
    assert complexity.ok is False and complexity.action == "suggest" and complexity.since == step.id
    assert "tangled in src/app.py:1 has 13" in complexity.detail
    assert maintainability.ok is False and "tangled in src/app.py" in maintainability.detail
    app.write_text("# a remark\n" + tangled)
    ws.capture("remark", session="claude:1")
    assert ws.check(["complexity"], config=file)[0].ok


def test_slower_than_the_baseline_is_told_with_the_milestone(
    ws: Workspace, config: Config, project: Path
) -> None:
    """Which is where it suggests to go back to; without a baseline nothing can be told."""
    sleep = 'sh -c "sleep $(cat pause)"'
    file = config(f"[rules.performance]\nrun = '{sleep}'\nconfirm = 1\n")
    (project / "pause").write_text("0\n")
    step = ws.capture("fast", session="claude:1")
    assert only(ws.check(config=file)).ok is None
    ws.mark(step, milestone={"quality": {}, "baseline": {"duration_ms": 20.0}})
    (project / "pause").write_text("0.3\n")
    ws.capture("slow", session="claude:1")
    verdict = only(ws.check(config=file))
    assert verdict.ok is False and verdict.target == step.id and verdict.facts["slower"] > 5
    assert f"slower than the baseline of #{step.seq}" in verdict.detail


def test_a_rule_that_marks_leaves_a_note(ws: Workspace, config: Config, says: Says) -> None:
    """On the step that it looked at."""
    file = config(rules(more="do = 'mark'"))
    says(ws, BAD, 1)
    verdict = only(ws.check(config=file))
    mark = ws.get_step(verdict.step).checkpoint
    assert verdict.action == "mark" and mark is not None and mark.tags == ("rule:tests",)
    assert mark.notes[0].text == verdict.detail


def test_ignored_folders_come_along_when_they_are_named(
    ws: Workspace, config: Config, project: Path
) -> None:
    """And commands run without a shell, in their own folder."""
    (project / ".gitignore").write_text("/tools/\n")
    (project / "tools").mkdir()
    (project / "tools" / "here").write_text("")
    run = "run = 'test -f tools/here -a -f README.md'"
    file = config(f"[rules]\nwith = ['tools', 'not-there']\n[rules.a]\n{run}\n")
    assert only(ws.check(config=file)).ok
    assert not only(ws.check(config=config(f"[rules.a]\n{run}\n"))).ok
    shell = config("[rules.a]\nrun = 'echo $HOME; pwd'\n[rules.b]\nrun = 'exit 3'\nshell = true\n")
    plain, given_a_shell = ws.check(config=shell)
    assert plain.ok and given_a_shell.detail == "the command ends with 3"


def test_what_a_check_leaves_running_is_ended(
    ws: Workspace, config: Config, project: Path, tmp_path: Path
) -> None:
    """Also where it went into a session of its own."""
    left = tmp_path / "left"
    run = f"sh -c 'setsid sleep 60 & echo $! > {left}; wait_a_bit=1'"
    file = config(f'[rules.a]\nrun = "{run}"\n')
    assert only(ws.check(config=file)).ok
    assert not is_running(int(left.read_text()))
