"""The facade: capture, go back, take that back, mark; over a real folder and a real store."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stepwell.store import (
    Act,
    AmbiguousError,
    Applied,
    NotAWorkspaceError,
    NotFoundError,
    Operation,
    PlannedChanges,
    RefusedError,
    UsageError,
    Workspace,
)
from stepwell.store.model.errors import DriftError, FormatError, OtherSessionError
from stepwell.store.model.steps import LONGEST_TEXT


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon."""
    return either


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Returns mode and bytes of everything below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = os.lstat(path).st_mode
        body = b""
        if stat.S_ISLNK(mode):
            body = os.readlink(os.fsencode(path))
        elif stat.S_ISREG(mode):
            body = path.read_bytes()
        found[str(path.relative_to(folder))] = (mode, body)
    return found


def test_init_records_a_first_step_and_finds_the_workspace_from_below(
    ws: Workspace, project: Path, home: Path
) -> None:
    """The folder, and any folder in it, belongs to the workspace."""
    assert ws.head().seq == 1
    with Workspace.open(project / "src", home=home) as again:
        assert again.id == ws.id
        assert again.head() == ws.head()


def test_a_folder_without_workspace_is_named_in_the_error(tmp_path: Path, home: Path) -> None:
    """The error says what to do."""
    with pytest.raises(NotAWorkspaceError) as caught:
        Workspace.open(tmp_path, home=home)
    assert "stepwell init" in caught.value.hint


def test_capture_records_nothing_when_nothing_differs(ws: Workspace) -> None:
    """The head is returned."""
    recorded = ws.record("again")
    assert recorded.unchanged
    assert recorded.step == ws.head()


def test_capture_counts_files_and_lines(ws: Workspace, project: Path) -> None:
    """A step knows the size of its change."""
    (project / "src" / "app.py").write_text("def run():\n    return 2\n\n\nrun()\n")
    (project / "new.txt").write_text("one\ntwo\n")
    step = ws.capture("edits")
    assert (step.changes.files, step.changes.added, step.changes.deleted) == (2, 6, 1)
    assert [c.path for c in ws.step_changes(step)] == [b"new.txt", b"src/app.py"]


def test_rollback_puts_everything_back_and_undo_brings_everything_again(
    ws: Workspace, project: Path
) -> None:
    """An edit that was never captured survives both ways."""
    first = ws.head()
    before = contents(project)
    (project / "src" / "app.py").write_text("broken\n")
    (project / "README.md").unlink()
    os.chmod(project / "src", 0o700)
    (project / "empty").mkdir()
    ws.capture("the agent's work")
    (project / "scratch.txt").write_text("never captured\n")
    later = contents(project)

    done = ws.apply(ws.plan_rollback(first), force=True)
    assert contents(project) == before
    assert done.applied and not done.not_restored
    assert done.safety_step.flags == ("safety",)
    assert done.step.kind == "rollback" and done.step.parents == (first.id,)
    assert ws.view().branches["main.1"].head == done.safety_step.id

    undone = ws.undo()
    assert isinstance(undone, Applied)
    assert contents(project) == later
    assert ws.head().id == done.safety_step.id
    redone = ws.redo()
    assert isinstance(redone, Applied)
    assert contents(project) == before
    assert ws.head().id == done.step.id
    ws.undo()
    assert contents(project) == later


def test_steps_recorded_after_a_rollback_survive_its_undo(ws: Workspace, project: Path) -> None:
    """Undo keeps them on a branch of their own."""
    first = ws.head()
    (project / "a").write_text("a\n")
    ws.capture("a")
    ws.apply(ws.plan_rollback(first))
    (project / "b").write_text("b\n")
    later = ws.capture("b")
    ws.undo()
    assert (project / "a").exists() and not (project / "b").exists()
    kept = [b for b in ws.view().branches.values() if b.kept]
    assert [b.head for b in kept] == [later.id]


def test_a_plan_changes_nothing(ws: Workspace, project: Path) -> None:
    """Neither the disk nor the store."""
    first = ws.head()
    (project / "a").write_text("a\n")
    ws.capture("a")
    before = contents(project), ws.view().number
    planned = ws.plan_rollback(first)
    assert [(c.path, c.status) for c in planned.changes] == [(b"a", "D")]
    ws.refresh()
    assert (contents(project), ws.view().number) == before


def test_drift_is_refused_without_force(ws: Workspace, project: Path) -> None:
    """Content that is in no step is named, and nothing is changed."""
    first = ws.head()
    (project / "README.md").write_text("captured\n")
    ws.capture("edit")
    (project / "README.md").write_text("not captured\n")
    planned = ws.plan_rollback(first)
    assert [d.path for d in planned.plan.drift] == [b"README.md"]
    with pytest.raises(DriftError):
        ws.apply(planned)
    assert (project / "README.md").read_text() == "not captured\n"


def test_what_changes_after_the_preview_is_kept(ws: Workspace, project: Path) -> None:
    """Even with force, a path that moved under the plan is left alone and listed."""
    first = ws.head()
    (project / "README.md").write_text("two\n")
    (project / "src" / "app.py").write_text("two\n")
    ws.capture("two")
    planned = ws.plan_rollback(first)
    (project / "README.md").write_text("three\n")
    done = ws.apply(planned, force=True)
    assert (project / "README.md").read_text() == "three\n"
    assert (project / "src" / "app.py").read_text() == "def run():\n    return 1\n"
    assert [k.path for k in done.not_restored] == [b"README.md"]
    ws.undo()
    assert (project / "README.md").read_text() == "three\n"
    assert (project / "src" / "app.py").read_text() == "two\n"


def test_what_was_ignored_at_the_target_is_never_deleted(ws: Workspace, project: Path) -> None:
    """Going back across a change of .gitignore keeps what was ignored then."""
    (project / ".gitignore").write_text("local.cfg\n")
    (project / "local.cfg").write_text("mine\n")
    target = ws.capture("rules")
    (project / ".gitignore").unlink()
    ws.capture("no rules")
    done = ws.apply(ws.plan_rollback(target))
    assert (project / "local.cfg").read_text() == "mine\n"
    assert (project / ".gitignore").read_text() == "local.cfg\n"
    assert [k.path for k in done.plan.keep] == [b"local.cfg"]


def test_what_is_ignored_now_is_saved_before_it_is_overwritten(
    ws: Workspace, project: Path
) -> None:
    """A file that became ignored after it was captured is in the safety step."""
    (project / "out.log").write_text("captured\n")
    target = ws.capture("log")
    (project / ".gitignore").write_text("*.log\n")
    ws.capture("ignore logs")
    (project / "out.log").write_text("only on disk\n")
    planned = ws.plan_rollback(target)
    assert [d.path for d in planned.plan.drift] == [b"out.log"]
    ws.apply(planned, force=True)
    assert (project / "out.log").read_text() == "captured\n"
    ws.undo()
    assert (project / "out.log").read_text() == "only on disk\n"


def test_another_sessions_later_work_is_not_taken_back_silently(
    ws: Workspace, project: Path
) -> None:
    """It is named, and needs force."""
    (project / "a").write_text("1\n")
    target = ws.capture("a", session="one:1")
    (project / "b").write_text("1\n")
    ws.capture("b", session="two:2")
    planned = ws.plan_rollback(target)
    assert [o.session for o in planned.plan.other_sessions] == ["two:2"]
    with pytest.raises(OtherSessionError):
        ws.apply(planned)
    assert (project / "b").exists()
    ws.apply(planned, force=True)
    assert not (project / "b").exists()


def test_before_goes_to_the_state_without_the_step(ws: Workspace, project: Path) -> None:
    """Side "before" aims at the parent."""
    (project / "a").write_text("1\n")
    step = ws.capture("a")
    (project / "b").write_text("1\n")
    ws.capture("b")
    ws.apply(ws.plan_rollback(step, side="before"))
    assert not (project / "a").exists() and not (project / "b").exists()
    with pytest.raises(NotFoundError):
        ws.plan_rollback("#1", side="before")


def test_a_mark_says_no_more_than_other_workspaces_take(ws: Workspace) -> None:
    """One text too long would have the whole timeline refused there."""
    with pytest.raises(UsageError, match="note is longer than 100,000 characters"):
        ws.mark(ws.head(), note="x" * (LONGEST_TEXT + 1))
    with pytest.raises(UsageError, match="longer than 100,000 characters"):
        ws.mark(ws.head(), tags=["x" * (LONGEST_TEXT + 1)])
    assert ws.head().checkpoint is None
    mark = ws.mark(ws.head(), note="x" * LONGEST_TEXT).checkpoint
    assert mark is not None and len(mark.notes[0].text) == LONGEST_TEXT


def test_marks_are_undone_and_redone_without_touching_files(ws: Workspace) -> None:
    """Label, note and tags fold in; undo takes the newest mark away."""
    step = ws.mark(ws.head(), label="v1", note="works", tags=["good"], by="me")
    assert step.checkpoint is not None
    assert (step.checkpoint.label, step.checkpoint.tags) == ("v1", ("good",))
    assert ws.get_step("v1").id == step.id
    ws.mark(step, tags=["also"])
    assert isinstance(ws.plan_undo(), Operation)
    ws.undo()
    mark = ws.head().checkpoint
    assert mark is not None and mark.tags == ("good",)
    ws.redo()
    assert ws.head().checkpoint is not None
    ws.unmark(ws.head())
    assert ws.head().checkpoint is None
    ws.undo()
    assert ws.get_step("v1").id == step.id


def test_redo_does_again_what_was_undone_last(ws: Workspace, project: Path) -> None:
    """Not a mark that had been undone before the rollback was even made."""
    ws.mark(ws.head(), label="v1")
    ws.undo()
    (project / "README.md").write_text("changed\n")
    ws.capture()
    ws.apply(ws.plan_rollback("@~1"))
    ws.undo()
    redone = ws.redo()
    assert isinstance(redone, Applied)
    assert (project / "README.md").read_text() == "# a project\n"
    with pytest.raises(NotFoundError):
        ws.redo()


def test_a_label_names_one_checkpoint(ws: Workspace, project: Path) -> None:
    """The second is refused."""
    ws.mark(ws.head(), label="v1")
    (project / "x").write_text("x")
    step = ws.capture("x")
    with pytest.raises(RefusedError):
        ws.mark(step, label="v1")


def test_references_name_steps(ws: Workspace, project: Path) -> None:
    """Tip, ancestors, numbers, branches, prefixes."""
    first = ws.head()
    (project / "x").write_text("x")
    second = ws.capture("x")
    assert ws.get_step("@") == ws.get_step("main") == ws.get_step("#2") == second
    assert ws.get_step("@~1") == ws.get_step(first.id[:8]) == first
    with pytest.raises(NotFoundError):
        ws.get_step("@~9")
    with pytest.raises((AmbiguousError, NotFoundError)):
        ws.get_step("0000")


def test_the_sdk_records_one_step_for_a_body(ws: Workspace, project: Path) -> None:
    """What changed before is told apart from what the body did, also when it fails."""
    (project / "mine").write_text("by hand\n")
    with pytest.raises(RuntimeError), ws.step(tool="edit", title="try it", session="me:s1"):
        (project / "theirs").write_text("by tool\n")
        raise RuntimeError
    tool, outside = ws.steps(limit=2)
    assert (outside.kind, [c.path for c in ws.step_changes(outside)]) == ("outside", [b"mine"])
    assert (tool.kind, tool.tool, tool.session) == ("tool", "edit", "me:s1")
    assert tool.result is not None and not tool.result.ok
    assert [c.path for c in ws.step_changes(tool)] == [b"theirs"]


def test_prompts_are_steps_of_their_own(ws: Workspace) -> None:
    """A prompt changes no file and is recorded all the same."""
    act = Act("make it faster", "prompt", session="me:s1", turn=1, prompt="make it faster\nplease")
    step = ws.record(act=act).step
    assert step.kind == "prompt" and step.changes.files == 0
    assert ws.text(step.prompt) == "make it faster\nplease"


def test_log_shows_one_branch_or_all(ws: Workspace, project: Path) -> None:
    """The abandoned future stays browsable."""
    first = ws.head()
    (project / "a").write_text("a\n")
    second = ws.capture("a")
    done = ws.apply(ws.plan_rollback(first))
    assert [s.id for s in ws.steps()] == [done.step.id, first.id]
    assert [s.id for s in ws.steps(branch="main.1")] == [second.id, first.id]
    assert [s.seq for s in ws.steps(all_branches=True)] == [3, 2, 1]
    kinds = [row.operation.kind for row in ws.operations()]
    assert kinds[:2] == ["rollback", "intent"]


def test_a_diff_with_the_disk_sees_what_is_not_captured(ws: Workspace, project: Path) -> None:
    """None stands for the disk."""
    (project / "README.md").write_text("# another\n")
    change = ws.diff(ws.head())[0]
    assert (change.path, change.added, change.deleted) == (b"README.md", 1, 1)
    assert b"+# another" in ws.patch(ws.head())
    assert ws.read_file(ws.head(), b"README.md") == b"# a project\n"
    assert [c.path for c in ws.status().dirty] == [b"README.md"]


def test_a_newer_format_is_refused(ws: Workspace, project: Path, home: Path) -> None:
    """Nothing is read from it."""
    path = ws.store / "store.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(FormatError):
        Workspace.open(project, home=home)


def test_a_moved_workspace_is_adopted_and_a_copy_is_not(
    ws: Workspace, project: Path, home: Path, tmp_path: Path
) -> None:
    """A moved root keeps its history; a copy starts its own."""
    moved = tmp_path / "moved"
    project.rename(moved)
    with pytest.raises(NotAWorkspaceError) as caught:
        Workspace.open(moved, home=home)
    assert "moved" in caught.value.hint
    with Workspace.init(moved, home=home) as again:
        assert again.id == ws.id
    copy = tmp_path / "copy"
    copy.mkdir()
    with Workspace.init(copy, home=home) as other:
        assert other.id != ws.id


def test_the_home_folder_is_refused_without_force(tmp_path: Path, home: Path) -> None:
    """Neither a guarded folder nor one that holds it."""
    user = tmp_path / "user"
    user.mkdir()
    for folder in (user, tmp_path):
        with pytest.raises(RefusedError):
            Workspace.init(folder, home=home, guarded=[user])
    assert isinstance(Workspace.init(user, home=home, force=True, guarded=[user]), Workspace)


def test_unchanged_files_keep_their_mtime_through_a_rollback(ws: Workspace, project: Path) -> None:
    """Only what differs is written."""
    first = ws.head()
    stamp = os.stat(project / "README.md").st_mtime_ns
    (project / "src" / "app.py").write_text("x\n")
    ws.capture("x")
    ws.apply(ws.plan_rollback(first))
    assert os.stat(project / "README.md").st_mtime_ns == stamp


def test_undo_with_nothing_to_undo_says_so(ws: Workspace) -> None:
    """Captures are never undone."""
    with pytest.raises(NotFoundError):
        ws.plan_undo()
    with pytest.raises(NotFoundError):
        ws.plan_redo()


def test_verify_and_rebuild_and_stats(ws: Workspace, project: Path) -> None:
    """A fresh store is whole."""
    (project / "x").write_text("x\n")
    ws.capture("x")
    assert ws.verify(full=True).ok
    assert ws.rebuild() == 2
    stats = ws.stats()
    assert (stats.steps, stats.branches) == (2, 1)
    assert stats.store_bytes > stats.stored_bytes > 0


def test_a_plan_of_a_rollback_is_planned_changes(ws: Workspace, project: Path) -> None:
    """Undo of a rollback plans like a rollback."""
    first = ws.head()
    (project / "x").write_text("x\n")
    ws.capture("x")
    ws.apply(ws.plan_rollback(first))
    planned = ws.plan_undo()
    assert isinstance(planned, PlannedChanges)
    assert [(c.path, c.status) for c in planned.changes] == [(b"x", "A")]


def test_undo_is_exact_where_the_restored_files_are_ignored_again(
    ws: Workspace, project: Path
) -> None:
    """What the rollback wrote itself goes, although rules that it could not remove ignore it."""
    (project / "docs").mkdir()
    (project / "docs" / "page").write_text("text\n")
    target = ws.capture("docs")
    (project / "docs" / "page").unlink()
    (project / "docs" / ".gitignore").write_text("*\n")
    ws.capture("hide docs")
    later = contents(project)
    ws.apply(ws.plan_rollback(target))
    assert (project / "docs" / "page").read_text() == "text\n"
    middle = contents(project)
    ws.undo()
    assert contents(project) == later
    ws.redo()
    assert contents(project) == middle
    (project / "docs" / "page").write_text("mine now\n")
    ws.undo(force=True)
    assert (project / "docs" / "page").read_text() == "mine now\n"


def test_the_data_folder_is_never_captured_when_it_lies_in_the_workspace(tmp_path: Path) -> None:
    """A forced workspace around everything leaves its own store out, and says so."""
    (tmp_path / "file").write_text("x\n")
    home = tmp_path / "below" / "home"
    with pytest.raises(RefusedError):
        Workspace.init(tmp_path, home=home)
    with Workspace.init(tmp_path, home=home, force=True) as ws:
        assert [c.path for c in ws.step_changes(ws.head())] == [b"below", b"file"]
        assert (b"below/home", "repository") in [(c.path, c.reason) for c in ws.covered(ws.head())]
        assert ws.record("again").unchanged


def test_texts_that_no_encoding_has_are_kept_as_their_escape(ws: Workspace) -> None:
    """JSON from an agent may hold halves of surrogate pairs; the step is recorded all the same."""
    step = ws.record(act=Act("odd", "tool", session="me:1", result_text="half \ud800, byte \udcff"))
    assert ws.text(step.step.result_text) == r"half \ud800, byte \udcff"
