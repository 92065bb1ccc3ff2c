"""Rollbacks of a part: paths, hunks, files only, one step's own change; each undone exactly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.trees import contents

from stepwell.store import Applied, NotFoundError, PlannedChanges, Step, UsageError, Workspace
from stepwell.store.model.errors import ConflictError, DriftError, OtherSessionError
from stepwell.store.model.plans import Plan


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon."""
    return either


def numbered(count: int, end: bytes = b"\n") -> bytes:
    """Returns that many lines."""
    return b"".join(b"line %d%s" % (number, end) for number in range(1, count + 1))


def capture(ws: Workspace, title: str = "work", session: str | None = None) -> Step:
    step = ws.capture(title, session=session)
    assert step.title == title
    return step


def back_and_forth(ws: Workspace, project: Path, planned: PlannedChanges) -> Applied:
    """Applies a plan, undoes it, does it again; each state must be exact."""
    before, tip = contents(project), ws.head()
    done = ws.apply(planned, force=True)
    after = contents(project)
    assert done.applied and done.not_restored == ()
    assert done.step.kind == "rollback" and done.step.parents == (done.safety_step.id,)
    assert done.safety_step == tip or done.safety_step.parents == (tip.id,)
    ws.undo(force=True)
    assert contents(project) == before and ws.head() == done.safety_step
    ws.redo(force=True)
    assert contents(project) == after and ws.head() == done.step
    assert not any(row.kept for row in ws.branches())
    return done


@pytest.fixture
def history(ws: Workspace, project: Path) -> tuple[Step, Step]:
    """Two steps over the first: an edit, then files added, deleted and made executable."""
    (project / "src" / "app.py").write_text("two\n")
    (project / "src" / "deep").mkdir()
    (project / "src" / "deep" / "x").write_text("x\n")
    second = capture(ws)
    (project / "README.md").unlink()
    (project / "new").mkdir()
    (project / "new" / "y").write_text("y\n")
    os.chmod(project / "src" / "app.py", 0o755)
    return second, capture(ws)


def test_one_path_goes_back_and_everything_else_stays(
    ws: Workspace, project: Path, history: tuple[Step, Step]
) -> None:
    """Content and mode; the result is a new step on the tip, and no branch is made."""
    planned = ws.plan_rollback("#1", paths=[b"src/app.py"])
    assert [c.path for c in planned.changes] == [b"src/app.py"]
    done = back_and_forth(ws, project, planned)
    assert (project / "src" / "app.py").read_text() == "def run():\n    return 1\n"
    assert os.stat(project / "src" / "app.py").st_mode & 0o777 == 0o644
    assert (project / "src" / "deep" / "x").exists() and (project / "new" / "y").exists()
    assert done.step.title.startswith("src/app.py back to #1")
    assert [c.path for c in ws.step_changes(done.step)] == [b"src/app.py"]


def test_a_folder_means_everything_below_it(
    ws: Workspace, project: Path, history: tuple[Step, Step]
) -> None:
    """What came since goes, with the folders that are left empty."""
    back_and_forth(ws, project, ws.plan_rollback("#1", paths=[b"src"]))
    assert sorted(os.listdir(project / "src")) == ["app.py"]
    assert not (project / "README.md").exists()


def test_a_file_that_came_since_goes_with_its_folder_and_comes_with_it(
    ws: Workspace, project: Path, history: tuple[Step, Step]
) -> None:
    """A folder goes when nothing else is in it, and stays for what is."""
    planned = ws.plan_rollback("#2", paths=[b"new/y"])
    back_and_forth(ws, project, planned)
    assert not (project / "new").exists()
    (project / "new").mkdir()
    (project / "new" / "other").write_text("z\n")
    capture(ws, "other")
    ws.apply(ws.plan_rollback("#3", paths=[b"new/y"]))
    assert (project / "new" / "y").exists()
    ws.apply(ws.plan_rollback("#2", paths=[b"new/y"]))
    assert sorted(os.listdir(project / "new")) == ["other"]


def test_a_file_comes_back_into_a_folder_that_is_gone(ws: Workspace, project: Path) -> None:
    """With the folder's own mode, and without its other files."""
    (project / "a" / "b").mkdir(parents=True)
    os.chmod(project / "a", 0o700)
    (project / "a" / "b" / "one").write_text("1\n")
    (project / "a" / "two").write_text("2\n")
    step = capture(ws)
    for path in ("a/b/one", "a/two"):
        (project / path).unlink()
    (project / "a" / "b").rmdir()
    (project / "a").rmdir()
    capture(ws)
    back_and_forth(ws, project, ws.plan_rollback(step, paths=[b"a/b/one"]))
    assert os.stat(project / "a").st_mode & 0o777 == 0o700
    assert os.listdir(project / "a") == ["b"]


def test_files_only_puts_everything_back_and_leaves_the_branch(
    ws: Workspace, project: Path, history: tuple[Step, Step]
) -> None:
    """The disk is as after a whole rollback; the history goes on from the present tip."""
    ws.apply(ws.plan_rollback("#1"))
    whole = contents(project)
    ws.undo()
    ws.delete_branch("main.2")
    done = back_and_forth(ws, project, ws.plan_rollback("#1", files_only=True))
    assert contents(project) == whole
    assert done.step.snapshot == ws.get_step("#1").snapshot


def test_before_goes_together_with_paths(
    ws: Workspace, project: Path, history: tuple[Step, Step]
) -> None:
    """The parent's content of just those paths."""
    ws.apply(ws.plan_rollback("#3", side="before", paths=[b"README.md", b"new"]))
    assert (project / "README.md").exists() and not (project / "new").exists()
    assert os.stat(project / "src" / "app.py").st_mode & 0o777 == 0o755
    assert ws.head().title.startswith("README.md, new back to before #3")


def test_a_path_that_is_nowhere_is_named(
    ws: Workspace, project: Path, history: tuple[Step, Step]
) -> None:
    """A spelling mistake must not look like nothing to do."""
    with pytest.raises(NotFoundError, match="nope"):
        ws.plan_rollback("#1", paths=[b"README.md", b"nope"])
    assert ws.plan_rollback("#2", paths=[b"src/deep"]).plan.items == ()
    done = ws.apply(ws.plan_rollback("#2", paths=[b"src/deep"]))
    assert not done.applied and ws.head() == history[1]


def test_only_the_sessions_that_worked_on_the_paths_object(ws: Workspace, project: Path) -> None:
    """Another session's later work on other files stays, so it is no reason to refuse."""
    (project / "a").write_text("1\n")
    target = capture(ws, session="one:1")
    (project / "b").write_text("2\n")
    (project / "a").write_text("2\n")
    capture(ws, session="one:1")
    (project / "b").write_text("3\n")
    capture(ws, session="two:2")
    ws.apply(ws.plan_rollback(target, paths=[b"a"]))
    assert (project / "a").read_text() == "1\n"
    with pytest.raises(OtherSessionError):
        ws.apply(ws.plan_rollback(target, paths=[b"b"]))


def test_drift_on_other_paths_does_not_matter(ws: Workspace, project: Path) -> None:
    """On the paths themselves it does."""
    (project / "README.md").write_text("two\n")
    (project / "src" / "app.py").write_text("two\n")
    capture(ws)
    (project / "README.md").write_text("mine\n")
    with pytest.raises(DriftError):
        ws.apply(ws.plan_rollback("#1", paths=[b"README.md"]))
    done = ws.apply(ws.plan_rollback("#1", paths=[b"src"]))
    assert ws.read_file(done.safety_step, b"README.md") == b"mine\n"
    assert ws.read_file(done.step, b"README.md") == b"mine\n"


@pytest.mark.parametrize("name", [b"old.txt", b"new.txt"])
def test_a_renamed_file_goes_back_under_both_names(
    ws: Workspace, project: Path, name: bytes
) -> None:
    """Also when it was edited before, after and with the rename, in several steps."""
    text = numbered(20)
    (project / "old.txt").write_bytes(text)
    target = capture(ws)
    (project / "old.txt").rename(project / "middle.txt")
    (project / "middle.txt").write_bytes(text + b"more\n")
    capture(ws)
    (project / "middle.txt").rename(project / "new.txt")
    capture(ws)
    (project / "new.txt").write_bytes(b"nothing alike any more\n")
    (project / "unrelated").write_text("x\n")
    capture(ws)
    back_and_forth(ws, project, ws.plan_rollback(target, paths=[name]))
    assert (project / "old.txt").read_bytes() == text
    assert not (project / "new.txt").exists() and (project / "unrelated").exists()


def test_a_path_that_changes_after_the_preview_is_kept(ws: Workspace, project: Path) -> None:
    """As in a whole rollback."""
    (project / "README.md").write_text("two\n")
    (project / "src" / "app.py").write_text("two\n")
    capture(ws)
    planned = ws.plan_rollback("#1", paths=[b"README.md", b"src"])
    (project / "README.md").write_text("three\n")
    done = ws.apply(planned, force=True)
    assert [k.path for k in done.not_restored] == [b"README.md"]
    assert (project / "README.md").read_text() == "three\n"
    assert (project / "src" / "app.py").read_text() == "def run():\n    return 1\n"


def test_a_file_in_the_way_stays_unless_it_is_named(ws: Workspace, project: Path) -> None:
    """The preview says so; naming the folder puts it in the file's place."""
    (project / "a").mkdir()
    (project / "a" / "b").write_text("b\n")
    (project / "a" / "c").write_text("c\n")
    step = capture(ws)
    for name in ("b", "c"):
        (project / "a" / name).unlink()
    (project / "a").rmdir()
    (project / "a").write_text("a file\n")
    capture(ws)
    planned = ws.plan_rollback(step, paths=[b"a/b"])
    assert planned.plan.items == ()
    assert [(k.path, k.reason) for k in planned.plan.keep] == [
        (b"a/b", "a is in the way and stays")
    ]
    assert not ws.apply(planned).applied
    back_and_forth(ws, project, ws.plan_rollback(step, paths=[b"a"]))
    assert sorted(os.listdir(project / "a")) == ["b", "c"]


def hunk_ids(ws: Workspace, step: Step | str, path: bytes) -> list[str]:
    """Returns the ids of a file's hunks as a dry run shows them."""
    changes = ws.plan_rollback(step).changes
    return [hunk.id for change in changes if change.path == path for hunk in change.hunks]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"no line feed here"])
def test_a_hunk_is_restored_byte_for_byte_in_a_file_that_changed_since(
    ws: Workspace, project: Path, end: bytes, last: bytes
) -> None:
    """With either line ending, with and without a last line feed, over an uncaptured edit too."""
    old = numbered(40, end) + last
    (project / "f").write_bytes(old)
    step = capture(ws)
    new = old.replace(b"line 5" + end, b"five" + end + b"extra" + end)
    new = new.replace(b"line 20" + end, b"").replace(b"line 39", b"thirty-nine")
    new = new.replace(b"no line feed here", b"still none, but other")
    (project / "f").write_bytes(new)
    os.chmod(project / "f", 0o600)
    capture(ws)
    new = new.replace(b"line 28" + end, b"twenty-eight" + end)
    (project / "f").write_bytes(new)
    first, twentieth, eighth, end_of_file = hunk_ids(ws, step, b"f")
    planned = ws.plan_rollback(step, hunks=[twentieth])
    assert [(c.path, c.added, c.deleted) for c in planned.changes] == [(b"f", 1, 0)]
    back_and_forth(ws, project, planned)
    wanted = new.replace(b"line 19" + end, b"line 19" + end + b"line 20" + end)
    assert (project / "f").read_bytes() == wanted
    assert os.stat(project / "f").st_mode & 0o777 == 0o600
    ids = hunk_ids(ws, step, b"f")
    assert len(ids) == 3
    ws.apply(ws.plan_rollback(step, hunks=[ids[0], ids[2]]))
    assert (project / "f").read_bytes() == old.replace(b"line 28" + end, b"twenty-eight" + end)
    assert not {first, eighth, end_of_file} & set(ids)


def test_lines_are_restored_byte_for_byte_with_a_hunk_and_a_path(
    ws: Workspace, project: Path
) -> None:
    """Lines of one hunk, another whole, and a file by its path, in one plan; undone exactly."""
    app, other = project / "src" / "app.py", project / "README.md"
    app.write_bytes(numbered(30, b"\r\n"))
    step = capture(ws, "text")
    app.write_bytes(
        app.read_bytes()
        .replace(b"line 3\r\nline 4\r\n", b"3\n4\r\n5\r\n")
        .replace(b"line 29\r\n", b"")
    )
    other.write_text("else\n")
    capture(ws, "edits")
    change = next(c for c in ws.plan_rollback(step).changes if c.path == b"src/app.py")
    first, second = (hunk.id for hunk in change.hunks)
    names = [f"{first}:1,4", second]
    planned = ws.plan_rollback(step, hunks=names, paths=[b"README.md"])
    assert [c.path for c in planned.changes] == [b"README.md", b"src/app.py"]
    back_and_forth(ws, project, planned)
    wanted = numbered(30, b"\r\n").replace(b"line 3\r\nline 4\r\n", b"4\r\n5\r\nline 3\r\n")
    assert app.read_bytes() == wanted


def test_lines_of_what_is_no_text_on_both_sides_are_refused(ws: Workspace, project: Path) -> None:
    """A file that came or went goes back whole, and all its lines are the whole file."""
    (project / "old.txt").write_text("1\n2\n")
    capture(ws, "there")
    (project / "old.txt").unlink()
    (project / "new.txt").write_text("a\nb\n")
    (project / "data.bin").write_bytes(b"\0\1")
    capture(ws, "others")
    found = {c.path: c for c in ws.plan_rollback("@~1").changes}
    assert not found[b"data.bin"].hunks
    for path in (b"new.txt", b"old.txt"):
        (hunk,) = found[path].hunks
        with pytest.raises(UsageError, match="cannot go back in part"):
            ws.plan_rollback("@~1", hunks=[f"{hunk.id}:1"])
    (hunk,) = found[b"new.txt"].hunks
    ws.apply(ws.plan_rollback("@~1", hunks=[f"{hunk.id}:1-2"]))
    assert not (project / "new.txt").exists()


def test_hunks_of_several_files_and_whole_paths_go_together(ws: Workspace, project: Path) -> None:
    """A path is taken whole, but for one whose hunks are chosen."""
    for name in "abc":
        (project / name).write_bytes(numbered(30))
    step = capture(ws)
    for name in "abc":
        text = numbered(30).replace(b"line 3\n", b"three\n").replace(b"line 27\n", b"27\n")
        (project / name).write_bytes(text)
    capture(ws)
    chosen = [hunk_ids(ws, step, b"a")[0], hunk_ids(ws, step, b"b")[1]]
    planned = ws.plan_rollback(step, hunks=chosen, paths=[b"a", b"c"])
    back_and_forth(ws, project, planned)
    assert (project / "a").read_bytes() == numbered(30).replace(b"line 27\n", b"27\n")
    assert (project / "b").read_bytes() == numbered(30).replace(b"line 3\n", b"three\n")
    assert (project / "c").read_bytes() == numbered(30)
    assert ws.head().title.startswith("a, c, 2 hunks back to #2")


def test_the_hunk_of_a_file_that_came_or_went_is_the_file(ws: Workspace, project: Path) -> None:
    """With its folder."""
    (project / "gone").mkdir(mode=0o700)
    (project / "gone" / "f").write_bytes(numbered(3))
    os.chmod(project / "gone" / "f", 0o755)
    step = capture(ws)
    (project / "gone" / "f").unlink()
    (project / "gone").rmdir()
    (project / "came").write_bytes(b"x\n")
    capture(ws)
    back_and_forth(ws, project, ws.plan_rollback(step, hunks=hunk_ids(ws, step, b"gone/f")))
    assert os.stat(project / "gone" / "f").st_mode & 0o777 == 0o755
    assert (project / "came").exists()
    back_and_forth(ws, project, ws.plan_rollback(step, hunks=hunk_ids(ws, step, b"came")))
    assert not (project / "came").exists()


def test_hunk_ids_of_another_plan_are_refused(ws: Workspace, project: Path) -> None:
    """After the file changed, or for what cannot go back in part."""
    (project / "f").write_bytes(numbered(30))
    step = capture(ws)
    (project / "f").write_bytes(numbered(29))
    capture(ws)
    (hunk,) = hunk_ids(ws, step, b"f")
    (project / "f").write_bytes(numbered(28))
    with pytest.raises(NotFoundError, match=hunk):
        ws.plan_rollback(step, hunks=[hunk])
    (project / "f").unlink()
    (project / "f").symlink_to("line 3")
    capture(ws)
    planned = ws.plan_rollback(step, hunks=hunk_ids(ws, step, b"f"))
    ws.apply(planned)
    assert (project / "f").read_bytes() == numbered(30)


def test_a_middle_step_is_taken_back_and_later_work_stays(ws: Workspace, project: Path) -> None:
    """In the same file, in a renamed one, and where the step added, deleted and changed modes."""
    for name in ("same", "moved", "deleted", "mode"):
        (project / name).write_bytes(numbered(30))
    capture(ws)
    for name in ("same", "moved"):
        (project / name).write_bytes(numbered(30).replace(b"line 4\n", b"four\nand a half\n"))
    (project / "deleted").unlink()
    (project / "added").mkdir()
    (project / "added" / "x").write_text("x\n")
    os.chmod(project / "mode", 0o755)
    middle = capture(ws, "the middle step", session="a:1")
    (project / "same").write_bytes((project / "same").read_bytes().replace(b"line 29", b"29"))
    (project / "moved").rename(project / "renamed")
    (project / "mode").write_bytes(numbered(31))
    later = capture(ws, session="b:2")
    (project / "renamed").write_bytes((project / "renamed").read_bytes() + b"end")
    capture(ws, session="b:2")
    planned = ws.plan_rollback(middle, only=True)
    assert planned.plan.conflicts == () and planned.plan.other_sessions == ()
    done = back_and_forth(ws, project, planned)
    assert (project / "same").read_bytes() == numbered(30).replace(b"line 29", b"29")
    assert (project / "renamed").read_bytes() == numbered(30) + b"end"
    assert (project / "deleted").read_bytes() == numbered(30)
    assert not (project / "added").exists() and not (project / "moved").exists()
    assert (project / "mode").read_bytes() == numbered(31)
    assert os.stat(project / "mode").st_mode & 0o777 == 0o644
    assert done.step.title == f"without #{middle.seq} the middle step"
    assert ws.step_changes(later) != ()


def test_a_rename_is_taken_back_with_the_later_edits(ws: Workspace, project: Path) -> None:
    """The file gets its old name and keeps what was done to it."""
    (project / "old").write_bytes(numbered(20))
    capture(ws)
    (project / "sub").mkdir()
    (project / "old").rename(project / "sub" / "new")
    step = capture(ws)
    (project / "sub" / "new").write_bytes(numbered(21))
    capture(ws)
    back_and_forth(ws, project, ws.plan_rollback(step, only=True))
    assert (project / "old").read_bytes() == numbered(21)
    assert not (project / "sub").exists()


def conflicts(planned: PlannedChanges) -> list[tuple[bytes, str]]:
    plan: Plan = planned.plan
    return [(one.path, one.kind) for one in plan.conflicts]


def test_conflicts_are_listed_and_nothing_is_changed(ws: Workspace, project: Path) -> None:
    """One of each kind, with the three states; other paths can still be taken back."""
    for name in ("content", "binary", "gone", "mode", "fine"):
        (project / name).write_bytes(numbered(9))
    (project / "come").write_text("x\n")
    capture(ws)
    for name in ("content", "gone", "fine"):
        (project / name).write_bytes(numbered(9).replace(b"line 5", b"five"))
    (project / "binary").write_bytes(b"\0one")
    os.chmod(project / "mode", 0o700)
    (project / "come").unlink()
    (project / "edited").write_text("1\n")
    (project / "turned").write_text("1\n")
    step = capture(ws)
    (project / "content").write_bytes(numbered(9).replace(b"line 5", b"5"))
    (project / "binary").write_bytes(b"\0two")
    (project / "gone").unlink()
    os.chmod(project / "mode", 0o755)
    (project / "come").write_text("another\n")
    (project / "edited").write_text("2\n")
    (project / "turned").unlink()
    (project / "turned").mkdir()
    (project / "turned" / "f").write_text("f\n")
    capture(ws)
    planned = ws.plan_rollback(step, only=True)
    assert conflicts(planned) == [
        (b"binary", "binary"),
        (b"come", "add/add"),
        (b"content", "content"),
        (b"edited", "modify/delete"),
        (b"gone", "modify/delete"),
        (b"mode", "mode"),
        (b"turned", "file/directory"),
    ]
    gone = planned.plan.conflicts[4]
    assert gone.ours is None and gone.base is not None and gone.theirs is not None
    assert gone.base.blob != gone.theirs.blob
    before, number = contents(project), ws.view().number
    with pytest.raises(ConflictError) as caught:
        ws.apply(planned, force=True)
    assert caught.value.exit_code == 4 and len(caught.value.facts["conflicts"]) == 7
    assert (contents(project), ws.view().number) == (before, number)
    back_and_forth(ws, project, ws.plan_rollback(step, only=True, paths=[b"fine"]))
    assert (project / "fine").read_bytes() == numbered(9)


def test_a_folder_that_holds_later_work_stays(ws: Workspace, project: Path) -> None:
    """The step's own files in it go; where it was a file before, that is a conflict."""
    (project / "was-file").write_text("x\n")
    capture(ws)
    (project / "made").mkdir()
    (project / "made" / "own").write_text("1\n")
    (project / "was-file").unlink()
    (project / "was-file").mkdir()
    (project / "was-file" / "own").write_text("1\n")
    step = capture(ws)
    (project / "made" / "later").write_text("2\n")
    (project / "was-file" / "later").write_text("2\n")
    capture(ws)
    planned = ws.plan_rollback(step, only=True)
    assert conflicts(planned) == [(b"was-file", "file/directory")]
    back_and_forth(ws, project, ws.plan_rollback(step, only=True, paths=[b"made"]))
    assert os.listdir(project / "made") == ["later"]


def test_some_hunks_of_a_middle_step(ws: Workspace, project: Path) -> None:
    """The ids are those of the plan that takes the whole step back."""
    (project / "f").write_bytes(numbered(40))
    capture(ws)
    text = numbered(40).replace(b"line 4\n", b"four\n").replace(b"line 36\n", b"36\n")
    (project / "f").write_bytes(text)
    step = capture(ws)
    (project / "f").write_bytes(text.replace(b"line 20\n", b"twenty\n"))
    capture(ws)
    (change,) = ws.plan_rollback(step, only=True).changes
    chosen = [change.hunks[1].id]
    back_and_forth(ws, project, ws.plan_rollback(step, only=True, hunks=chosen))
    wanted = numbered(40).replace(b"line 4\n", b"four\n").replace(b"line 20\n", b"twenty\n")
    assert (project / "f").read_bytes() == wanted


def test_taking_back_what_is_taken_back_already_does_nothing(ws: Workspace, project: Path) -> None:
    """And the first step, or a path that the step did not change, cannot be."""
    (project / "README.md").write_text("two\n")
    step = capture(ws)
    ws.apply(ws.plan_rollback(step, only=True))
    assert (project / "README.md").read_text() == "# a project\n"
    again = ws.plan_rollback(step, only=True)
    assert again.plan.items == () and not ws.apply(again).applied
    with pytest.raises(NotFoundError):
        ws.plan_rollback("#1", only=True)
    with pytest.raises(NotFoundError, match="src"):
        ws.plan_rollback(step, only=True, paths=[b"src"])
    with pytest.raises(UsageError):
        ws.plan_rollback(step, only=True, side="before")


@pytest.mark.parametrize("way", ["paths", "hunks", "only", "files"])
def test_an_interrupted_part_is_finished_as_if_nothing_had_happened(
    alone: Workspace, project: Path, home: Path, way: str
) -> None:
    """Stopped before, between and after its writes; the done record is that of a whole run."""
    ws = alone
    for name in "abc":
        (project / name).write_bytes(numbered(30))
    capture(ws)
    for name in "abc":
        (project / name).write_bytes(numbered(30).replace(b"line 3\n", b"three\n"))
    step = capture(ws)
    for name in "abc":
        (project / name).write_bytes((project / name).read_bytes() + b"end\n")
    tip = capture(ws)
    before = contents(project)
    ids = [h.id for c in ws.plan_rollback("#2").changes for h in c.hunks if h.old_start < 9]
    asked: dict[str, dict[str, Any]] = {
        "paths": {"step": "#2", "paths": [b"a", b"b"]},
        "hunks": {"step": "#2", "hunks": ids},
        "only": {"step": step, "only": True},
        "files": {"step": "#2", "files_only": True},
    }

    def plan() -> PlannedChanges:
        return ws.plan_rollback(**asked[way])

    ws.apply(plan())
    after, wanted = contents(project), ws.head()
    ws.undo()
    for stop in range(3):

        def progress(_what: str, done: int, _total: int, stop: int = stop) -> None:
            if done == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            ws.apply(plan(), progress=progress)
        with Workspace.open(project, home=home) as again:
            settled = again.settle()
            assert settled is not None and settled.finished and settled.kept == ()
        ws.refresh()
        assert contents(project) == after
        head = ws.head()
        assert (head.title, head.kind, head.parents) == (wanted.title, "rollback", (tip.id,))
        assert head.snapshot == wanted.snapshot
        ws.undo()
        assert (contents(project), ws.head()) == (before, tip)
