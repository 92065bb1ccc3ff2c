"""Merging branches: both sides' work, two parents, conflicts as values, undone exactly."""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from support.trees import contents

from stepwell.store import (
    Applied,
    FailedError,
    NotFoundError,
    RefusedError,
    Step,
    UsageError,
    Workspace,
)
from stepwell.store.engine.merge.workbench import workbench
from stepwell.store.model.errors import ConflictError, DriftError

LINES = [f"line {number}\n" for number in range(1, 31)]


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon."""
    return either


def write(project: Path, name: str, text: str | bytes) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def replaced(number: int, word: str) -> str:
    """Returns the lines with one of them replaced."""
    return "".join(f"{word}\n" if at == number else line for at, line in enumerate(LINES, 1))


def capture(ws: Workspace, title: str) -> Step:
    step = ws.capture(title)
    assert step.title == title
    return step


@pytest.fixture
def forked(ws: Workspace, project: Path) -> Callable[..., tuple[Step, Step]]:
    """Makes two branches: `ours` and `theirs` change the folder, each from the same step on."""

    def make(
        ours: Callable[[], object], theirs: Callable[[], object], base: Callable[[], object] = str
    ) -> tuple[Step, Step]:
        write(project, "text", "".join(LINES))
        base()
        ws.record("base", tags=["base"])
        ws.create_branch("try")
        ws.apply(ws.plan_switch("try"))
        theirs()
        their_tip = capture(ws, "their work")
        ws.apply(ws.plan_switch("main"))
        ours()
        return capture(ws, "our work"), their_tip

    return make


def back_and_forth(ws: Workspace, project: Path, done: Applied, before: object) -> None:
    """Undoes and does again; each state must be exact."""
    after, merging = contents(project), ws.view().merging
    ws.undo()
    assert contents(project) == before and ws.head() == done.safety_step
    assert ws.view().merging is None
    ws.redo()
    assert contents(project) == after and ws.head() == done.step
    assert ws.view().merging == merging
    assert not any(row.kept for row in ws.branches())


def test_a_merge_has_both_sides_work_and_two_parents(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Edits of one file on both sides, an added, a deleted and a renamed file, a mode."""

    def theirs() -> None:
        write(project, "text", replaced(20, "theirs"))
        write(project, "deep/er/new", "new\n")
        (project / "README.md").unlink()
        os.chmod(project / "src" / "app.py", 0o750)

    def ours() -> None:
        write(project, "text", replaced(3, "ours"))
        (project / "src").rename(project / "source")

    our_tip, their_tip = forked(ours, theirs)
    before = contents(project)
    planned = ws.plan_merge("try")
    assert contents(project) == before and planned.plan.conflicts == ()
    done = ws.apply(planned)
    assert done.applied and done.safety_step == our_tip
    assert done.step.kind == "merge" and done.step.parents == (our_tip.id, their_tip.id)
    assert done.step.title == "merge of try"
    text = (project / "text").read_text()
    assert "ours\n" in text and "theirs\n" in text
    assert (project / "deep/er/new").exists() and not (project / "README.md").exists()
    assert stat.S_IMODE(os.stat(project / "source" / "app.py").st_mode) == 0o750
    assert not (project / "src").exists()
    back_and_forth(ws, project, done, before)
    assert ws.verify(full=True).ok
    again = ws.merge_branch("try")
    assert not again.applied and ws.head() == done.step


def test_later_work_is_merged_from_the_last_merge_on(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """What was merged before is no conflict the second time, though both changed it since."""
    forked(
        lambda: write(project, "ours", "1\n"),
        lambda: write(project, "text", replaced(5, "theirs")),
    )
    ws.merge_branch("try")
    write(project, "text", replaced(5, "later"))
    capture(ws, "later")
    ws.apply(ws.plan_switch("try"))
    write(project, "more", "more\n")
    capture(ws, "more")
    ws.apply(ws.plan_switch("main"))
    done = ws.merge_branch("try")
    assert done.plan.conflicts == () and (project / "more").exists()
    assert "later\n" in (project / "text").read_text()


def test_what_trees_cannot_hold_is_merged_too(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Permission bits, empty folders, names that git refuses."""

    def base() -> None:
        write(project, ".gitmodules", "".join(LINES))
        write(project, "secret", "s\n")
        write(project, "both", "s\n")
        (project / "empty-gone").mkdir()
        (project / "kept" / "folder").mkdir(parents=True)
        write(project, "kept/f", "f\n")

    def theirs() -> None:
        write(project, ".gitmodules", replaced(20, "theirs"))
        os.chmod(project / "secret", 0o600)
        os.chmod(project / "both", 0o640)
        (project / "empty-gone").rmdir()
        (project / "empty" / "deep").mkdir(parents=True)
        os.chmod(project / "empty", 0o700)
        (project / "kept" / "f").unlink()

    def ours() -> None:
        write(project, ".gitmodules", replaced(3, "ours"))
        os.chmod(project / "both", 0o640)
        write(project, "text", "ours\n")

    forked(ours, theirs, base)
    before = contents(project)
    done = ws.merge_branch("try")
    assert done.plan.conflicts == ()
    text = (project / ".gitmodules").read_text()
    assert "ours\n" in text and "theirs\n" in text
    modes = {name: stat.S_IMODE(os.stat(project / name).st_mode) for name in os.listdir(project)}
    assert (modes["secret"], modes["both"], modes["empty"]) == (0o600, 0o640, 0o700)
    assert (project / "empty" / "deep").is_dir() and (project / "kept" / "folder").is_dir()
    assert not (project / "empty-gone").exists() and not (project / "kept" / "f").exists()
    back_and_forth(ws, project, done, before)


def test_a_folder_of_theirs_brings_back_the_one_it_lies_in(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Ours has deleted that one, theirs has only put an empty folder into it."""
    forked(
        lambda: shutil.rmtree(project / "deep"),
        lambda: (project / "deep" / "down" / "new").mkdir(),
        base=lambda: write(project, "deep/down/file", "x\n"),
    )
    done = ws.apply(ws.plan_merge("try"))
    assert done.not_restored == ()
    assert [str(p.relative_to(project)) for p in sorted((project / "deep").rglob("*"))] == [
        "deep/down",
        "deep/down/new",
    ]


def test_bits_that_both_sides_changed_are_a_conflict(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """And one side is preferred on request."""
    forked(lambda: os.chmod(project / "text", 0o600), lambda: os.chmod(project / "text", 0o640))
    planned = ws.plan_merge("try")
    assert [(c.path, c.kind) for c in planned.plan.conflicts] == [(b"text", "mode")]
    done = ws.merge_branch("try", prefer="theirs")
    assert done.plan.conflicts == ()
    assert stat.S_IMODE(os.stat(project / "text").st_mode) == 0o640


def test_a_conflict_is_left_on_disk_settled_and_concluded(
    ws: Workspace, project: Path, home: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """It outlives the process; undo of the whole merge leads to before its beginning."""
    our_tip, their_tip = forked(
        lambda: write(project, "text", replaced(9, "ours")),
        lambda: write(project, "text", replaced(9, "theirs")),
    )
    before = contents(project)
    begun = ws.merge_branch("try")
    assert begun.step.parents == (our_tip.id,)
    marked = "<<<<<<< main\nours\n=======\ntheirs\n>>>>>>> try\n"
    assert marked in (project / "text").read_text()
    back_and_forth(ws, project, begun, before)
    with Workspace.open(project, home=home) as other:
        merging = other.status().merging
        assert merging is not None and merging.branch == "try" and merging.unsettled == (b"text",)
        assert [(c.path, c.kind) for c in merging.conflicts] == [(b"text", "content")]
        with pytest.raises(ConflictError):
            other.continue_merge()
        write(project, "text", replaced(9, "both"))
        other.capture("half way")
        other.gc()
        done = other.continue_merge()
    ws.refresh()
    assert done.step.parents[1] == their_tip.id and ws.view().merging is None
    assert ws.get_step(done.step.parents[0]).title == "half way"
    after = contents(project)
    ws.undo(force=True)
    assert contents(project) == before and ws.head() == our_tip
    ws.redo(force=True)
    assert contents(project) == after and ws.head() == done.step
    assert not ws.merge_branch("try").applied


def test_a_merge_is_aborted_exactly_and_what_was_settled_is_in_a_step(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Even after edits, captures, and parts put back meanwhile."""
    our_tip, _ = forked(
        lambda: write(project, "text", replaced(9, "ours")),
        lambda: write(project, "text", replaced(9, "theirs")),
    )
    before = contents(project)
    ws.merge_branch("try")
    ws.apply(ws.plan_rollback("try", paths=[b"text"]))
    capture_of = ws.head()
    write(project, "text", "settled by hand\n")
    done = ws.abort_merge()
    assert contents(project) == before and ws.head() == our_tip
    assert ws.view().merging is None
    assert ws.read_file(done.safety_step, b"text") == b"settled by hand\n"
    assert done.safety_step.parents == (capture_of.id,)
    ws.undo()  # nothing is left of the merge to take back but what came before it: a switch
    assert ws.view().current == "try"


def test_nothing_else_moves_the_branch_while_a_merge_is_under_way(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """But captures, and parts put back, go on."""
    forked(
        lambda: write(project, "text", replaced(9, "ours")),
        lambda: write(project, "text", replaced(9, "theirs")),
    )
    early = ws.plan_switch("try")
    ws.merge_branch("try")
    for refused in (
        lambda: ws.plan_merge("try"),
        lambda: ws.plan_switch("try"),
        lambda: ws.plan_rollback("#1"),
        lambda: ws.apply(early),
    ):
        with pytest.raises(RefusedError):
            refused()
    ws.apply(ws.plan_rollback("#1", paths=[b"README.md"], only=False))
    write(project, "note", "n\n")
    capture(ws, "note")
    with pytest.raises(NotFoundError):
        ws.abort_merge()
        ws.continue_merge()


def test_what_rules_ignore_and_the_merge_wrote_stays_in_its_step(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Also when the merge is concluded by hand."""

    def theirs() -> None:
        write(project, "text", replaced(9, "theirs"))
        write(project, "build/out", "theirs\n")

    def ours() -> None:
        write(project, "text", replaced(9, "ours"))
        write(project, ".gitignore", "/build/\n")

    forked(ours, theirs)
    ws.merge_branch("try")
    write(project, "text", replaced(9, "both"))
    done = ws.continue_merge()
    assert ws.read_file(done.step, b"build/out") == b"theirs\n"
    ws.undo(force=True)
    assert not (project / "build").exists()
    ws.redo(force=True)
    assert (project / "build" / "out").exists()


def test_a_hunk_and_a_file_are_picked_and_the_rest_is_merged_later(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """What is picked is work of this branch's own."""

    def theirs() -> None:
        lines = replaced(2, "first").splitlines(keepends=True)
        lines[27] = "last\n"
        write(project, "text", "".join(lines))
        write(project, "deep/new", "new\n")
        write(project, "other", "other\n")

    our_tip, their_tip = forked(lambda: write(project, "ours", "o\n"), theirs)
    whole = ws.plan_merge("try")
    change = next(c for c in whole.changes if c.path == b"text")
    assert len(change.hunks) == 2
    done = ws.apply(ws.plan_merge("try", hunks=[change.hunks[1].id]))
    assert done.step.parents == (our_tip.id,) and done.step.kind == "merge"
    text = (project / "text").read_text()
    assert "last\n" in text and "first\n" not in text and not (project / "deep").exists()
    ws.apply(ws.plan_merge("try", paths=[b"deep"]))
    assert (project / "deep" / "new").exists() and not (project / "other").exists()
    rest = ws.merge_branch("try")
    assert rest.step.parents[1] == their_tip.id
    assert (project / "text").read_text() == ws.read_file(their_tip, b"text").decode()
    for wrong in ({"hunks": ["000000000000"]}, {"paths": [b"nope"]}):
        ws.undo()
        with pytest.raises(NotFoundError):
            ws.plan_merge("try", **wrong)  # type: ignore[arg-type]


def test_a_picked_file_that_conflicts_is_refused(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Unless a side is preferred."""
    forked(
        lambda: write(project, "text", replaced(9, "ours")),
        lambda: write(project, "text", replaced(9, "theirs")),
    )
    with pytest.raises(ConflictError):
        ws.apply(ws.plan_merge("try", paths=[b"text"]))
    ws.apply(ws.plan_merge("try", paths=[b"text"], prefer="theirs"))
    assert "theirs\n" in (project / "text").read_text()


@pytest.mark.parametrize("prefer", ["ours", "theirs"])
def test_a_preferred_side_has_its_way_only_where_both_changed(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]], prefer: str
) -> None:
    """Every kind of conflict is settled, and what does not clash comes from both."""

    def base() -> None:
        for name in ("deleted", "binary", "moved", "kept-by-us"):
            write(project, name, f"{name}\n" * 9)

    def change(word: str, number: int) -> None:
        write(project, "text", replaced(9, word).replace(LINES[number], f"only {word}\n"))
        write(project, "added", f"{word}\n")
        write(project, "binary", b"\0" + word.encode())
        (project / "moved").rename(project / f"moved-{word}")
        write(project, "place" if word == "ours" else "place/inside", f"{word}\n")

    def ours() -> None:
        change("ours", 1)
        (project / "deleted").unlink()

    def theirs() -> None:
        change("theirs", 25)
        write(project, "deleted", "changed\n")

    forked(ours, theirs, base)
    kinds = {c.kind for c in ws.plan_merge("try").plan.conflicts}
    assert kinds >= {"content", "add/add", "modify/delete", "binary", "rename/rename"}
    assert "file/directory" in kinds
    done = ws.merge_branch("try", prefer=prefer)  # type: ignore[arg-type]
    assert done.plan.conflicts == () and done.step.parents[1:] != ()
    text = (project / "text").read_text()
    assert text.splitlines()[8] == prefer and "only ours\n" in text and "only theirs\n" in text
    assert (project / "added").read_text() == f"{prefer}\n"
    assert (project / "binary").read_bytes() == b"\0" + prefer.encode()
    assert sorted(project.glob("moved*")) == [project / f"moved-{prefer}"]
    assert (project / "deleted").exists() == (prefer == "theirs")
    assert (project / "place").is_dir() == (prefer == "theirs")
    assert not list(project.glob("place~*"))


def test_work_that_is_in_no_step_is_kept_apart(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Elsewhere it goes into a step of its own; where the merge writes it is refused first."""
    our_tip, their_tip = forked(
        lambda: write(project, "ours", "o\n"),
        lambda: write(project, "text", replaced(20, "theirs")),
    )
    write(project, "elsewhere", "e\n")
    done = ws.merge_branch("try")
    assert done.safety_step.parents == (our_tip.id,)
    assert done.step.parents == (done.safety_step.id, their_tip.id)
    assert [c.path for c in ws.step_changes(done.step)] == [b"text"]
    ws.undo()
    assert (project / "elsewhere").exists()
    write(project, "text", replaced(3, "not captured"))
    before = contents(project)
    with pytest.raises(DriftError):
        ws.merge_branch("try")
    assert contents(project) == before
    done = ws.merge_branch("try", force=True)
    text = (project / "text").read_text()
    assert "not captured\n" in text and "theirs\n" in text
    assert ws.read_file(done.safety_step, b"text") == replaced(3, "not captured").encode()


def test_what_cannot_be_merged_is_told_apart(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Itself, a branch that is not there, one that is an ancestor, one without a common step."""
    forked(lambda: write(project, "o", "o\n"), lambda: write(project, "t", "t\n"))
    with pytest.raises(UsageError):
        ws.plan_merge("main")
    with pytest.raises(NotFoundError):
        ws.plan_merge("nope")
    ws.create_branch("old", at="#1")
    assert not ws.merge_branch("old").applied
    assert ws.operations(1)[0].operation.kind == "branch"


def left_in(ws: Workspace) -> list[Path]:
    """Returns what a merge left of its content."""
    folder = ws.store / "merging"
    return [*folder.glob("objects/*/*"), *folder.glob("packed-refs")]


def test_a_merge_leaves_nothing_of_what_it_merged(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Nor does one that was killed, once the next command has written; two at once do not meet."""
    forked(
        lambda: write(project, "text", replaced(2, "o")),
        lambda: write(project, "text", replaced(20, "t")),
    )
    ws.plan_merge("try")
    assert left_in(ws) == []
    with workbench(ws.store, random.Random(1).randbytes) as folder:
        assert folder == ws.store / "merging"
        (folder / "packed-refs").write_text("")
        assert ws.plan_merge("try").plan.items != ()
        ws.capture("in between", label="between")
        assert (folder / "packed-refs").exists()
    (folder / "packed-refs").write_text("")
    (folder / "objects" / "pack" / "pack-given.pack").write_text("left behind")
    ws.capture("next", label="next")
    assert left_in(ws) == [] and list((ws.store / "scratch").iterdir()) == []


def test_what_both_sides_changed_takes_git_to_merge(
    ws: Workspace,
    project: Path,
    forked: Callable[..., tuple[Step, Step]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it there is one sentence, and nothing is changed."""
    forked(
        lambda: write(project, "text", replaced(2, "o")),
        lambda: write(project, "text", replaced(20, "t")),
    )
    before = contents(project)
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(FailedError, match="git"):
        ws.merge_branch("try")
    assert contents(project) == before
    assert left_in(ws) == []


def test_no_setting_of_user_or_project_has_a_say(
    ws: Workspace,
    project: Path,
    tmp_path: Path,
    forked: Callable[..., tuple[Step, Step]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No merge driver, no attributes, no hook, no variable; the union driver would merge this."""
    canary = tmp_path / "canary"
    person = tmp_path / "person"
    write(person, ".gitconfig", f'[merge "trap"]\n\tdriver = touch {canary}\n')
    write(person, ".config/git/attributes", "* merge=union\n")
    write(person, ".config/git/config", f"[core]\n\thooksPath = {person}\n")
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(person / ".config"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "merge.trap.driver")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {canary}")
    monkeypatch.setenv("GIT_INDEX_FILE", str(canary))
    forked(
        lambda: write(project, "text", replaced(9, "ours")),
        lambda: write(project, "text", replaced(9, "theirs")),
        lambda: write(project, ".gitattributes", "text merge=trap\n"),
    )
    done = ws.merge_branch("try")
    assert [c.kind for c in done.plan.conflicts] == ["content"]
    assert not canary.exists()


def test_a_side_of_a_conflict_is_taken_exactly(
    ws: Workspace, project: Path, forked: Callable[..., tuple[Step, Step]]
) -> None:
    """Under the name that it has on disk, whatever the side called it; a side without it deletes."""

    def theirs() -> None:
        write(project, "text", replaced(9, "theirs"))
        (project / "README.md").unlink()

    def ours() -> None:
        write(project, "text", replaced(9, "ours"))
        (project / "text").rename(project / "renamed")
        write(project, "README.md", "ours\n")

    forked(ours, theirs)
    before = contents(project)
    ws.merge_branch("try")
    for side, text in (("theirs", replaced(9, "theirs")), ("base", "".join(LINES))):
        done = ws.apply(ws.plan_settle(side, [b"renamed"]))  # type: ignore[arg-type]
        assert (project / "renamed").read_text() == text and not done.not_restored
        assert ws.status().merging is not None and not ws.status().merging.unsettled
    ws.apply(ws.plan_settle("ours", [b"renamed", b"README.md"]))
    assert contents(project) == before
    ws.apply(ws.plan_settle("theirs", [b"README.md"]))
    assert not (project / "README.md").exists()
    merging = ws.status().merging
    assert merging is not None and None in merging.on_disk
    assert [one.path for one in merging.conflicts] == [b"README.md", b"renamed"]
    assert merging.on_disk[0] is None and merging.on_disk[1] == merging.conflicts[1].ours
    with pytest.raises(NotFoundError):
        ws.plan_settle("ours", [b"src/app.py"])
    ws.continue_merge()
    ws.undo()
    assert contents(project) == before
    with pytest.raises(NotFoundError):
        ws.plan_settle("ours", [b"renamed"])


@pytest.mark.parametrize("becomes", ["link", "file", "nothing"])
def test_a_folder_that_gives_way_takes_those_in_it_along(
    ws: Workspace, project: Path, becomes: str
) -> None:
    """Also one that was empty on every branch, and holds only what nobody has captured yet."""
    write(project, "d/file", "one\n")
    capture(ws, "base")
    ws.create_branch("theirs")
    ws.apply(ws.plan_switch("theirs"))
    shutil.rmtree(project / "d")
    if becomes == "link":
        (project / "d").symlink_to("nowhere")
    elif becomes == "file":
        write(project, "d", "a file\n")
    capture(ws, "gives way")
    ws.apply(ws.plan_switch("main"))
    (project / "d" / "empty").mkdir()
    capture(ws, "ours")
    write(project, "d/empty/inside", "new\n")
    with_it = contents(project)
    done = ws.apply(ws.plan_merge("theirs", prefer="theirs"), force=True)
    assert done.not_restored == ()
    if becomes != "nothing":
        assert not (project / "d").is_dir() or (project / "d").is_symlink()
        ws.undo()
        assert contents(project) == with_it
