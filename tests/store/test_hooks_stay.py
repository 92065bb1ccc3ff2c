"""Going anywhere leaves the agents' hooks where `install` puts them, unless their file is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.store import Applied, Workspace
from stepwell.store.agents.installing import (
    AGENTS,
    Backups,
    Door,
    apply,
    plan_install,
    plan_uninstall,
    target_of,
)
from stepwell.store.engine.ourhooks import PROJECT_PLACES
from stepwell.store.model.plans import HOOKS_STAY, Plan

SETTINGS = b".claude/settings.local.json"
DOOR = Door("/usr/bin/python3", "/opt/stepwell/hook.py")


@pytest.fixture
def ws(either: Workspace) -> Workspace:
    """Alone, and with a daemon that was there before the hooks."""
    return either


@pytest.fixture
def settings(project: Path) -> Path:
    """Where Claude Code's own settings of the project lie."""
    return project / ".claude" / "settings.local.json"


def install(home: Path, project: Path, agent: str = "claude") -> None:
    setup = plan_install(target_of(agent), "project", project / "nowhere", project, DOOR)
    apply(setup, Backups(home))


def kept(plan: Plan) -> dict[bytes, str]:
    return {one.path: one.reason for one in plan.keep}


def done(result: object) -> Applied:
    assert isinstance(result, Applied)
    return result


def test_going_back_past_an_install_leaves_the_hooks(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """All else goes back; undo and redo leave them too, and nothing counts as not restored."""
    install(home, project)
    (project / "README.md").write_text("other\n")
    ws.capture("later")
    before = settings.read_bytes()
    planned = ws.plan_rollback("#1")
    assert [change.path for change in planned.changes] == [b"README.md"]
    assert "--path FILE" in kept(planned.plan)[SETTINGS]
    back = ws.apply(planned)
    assert back.not_restored == () and settings.read_bytes() == before
    assert (project / "README.md").read_text() == "# a project\n"
    assert SETTINGS in [change.path for change in ws.step_changes(back.step)]
    assert ws.plan_rollback("@").changes == ()
    done(ws.undo())
    assert settings.read_bytes() == before and (project / "README.md").read_text() == "other\n"
    done(ws.redo())
    assert settings.read_bytes() == before and ws.verify().damaged == ()


def test_the_hooks_go_when_their_file_is_named(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """By its own path; its folder's name is not enough. Undo brings them back, redo takes them again."""
    install(home, project)
    ws.capture("later")
    assert SETTINGS in kept(ws.plan_rollback("#1", paths=[b".claude"]).plan)
    assert SETTINGS in kept(ws.plan_rollback("#1", files_only=True).plan)
    before = settings.read_bytes()
    ws.apply(ws.plan_rollback("#1", paths=[SETTINGS]))
    assert not settings.exists()
    done(ws.undo())
    assert settings.read_bytes() == before
    done(ws.redo())
    assert not settings.exists()


def test_a_file_whose_hooks_stay_goes_back_like_any_other(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """Settings of the person's own change, the hooks beside them are the same."""
    install(home, project)
    first = ws.capture("with hooks")
    before = settings.read_bytes()
    settings.write_text(json.dumps({"model": "other", **json.loads(before)}, indent=4))
    ws.capture("another model")
    ws.apply(ws.plan_rollback(first))
    assert settings.read_bytes() == before


@pytest.mark.parametrize("agent", ["claude", "opencode"])
def test_what_was_written_over_the_hooks_goes_back(
    ws: Workspace, home: Path, project: Path, agent: str
) -> None:
    """In a file that is ours alone, and in our command among a person's settings."""
    install(home, project, agent)
    file = project / PROJECT_PLACES[agent]
    first = ws.capture("with hooks")
    before = file.read_bytes()
    file.write_bytes(before.replace(b"/opt/stepwell/hook.py", b"/tmp/other.py"))
    ws.capture("tampered with")
    assert file.read_bytes() != before
    ws.apply(ws.plan_rollback(first))
    assert file.read_bytes() == before


def test_a_line_like_ours_protects_no_other_file(ws: Workspace, project: Path) -> None:
    """Nor does it in a place of the agents', where it is the end of no command."""
    notes, settings = project / "notes.md", project / ".codex" / "hooks.json"
    settings.parent.mkdir()
    notes.write_text('# stepwell\n"# stepwell"\n')
    settings.write_text('{\n\n  "hooks": {}, "about": "# stepwell, and others"\n}\n')
    ws.capture("both")
    ws.apply(ws.plan_rollback("#1"))
    assert not notes.exists() and not settings.exists()


@pytest.mark.parametrize("paths", [(), (SETTINGS,)])
def test_hooks_that_a_rollback_brought_go_when_it_is_undone(
    ws: Workspace, home: Path, project: Path, settings: Path, paths: tuple[bytes, ...]
) -> None:
    """After an uninstall; whole, or just their file. Redo brings them, the next undo takes them."""
    install(home, project)
    hooked = ws.capture("with hooks")
    setup = plan_uninstall(target_of("claude"), "project", project / "nowhere", project)
    apply(setup, Backups(home), remove=True)
    ws.capture("without")
    ws.apply(ws.plan_rollback(hooked, paths=paths))
    for _ in range(2):
        assert settings.exists()
        done(ws.undo())
        assert not settings.exists()
        done(ws.redo())


def test_hooks_that_were_installed_after_it_stay_when_a_rollback_is_undone(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """Although it wrote their file."""
    settings.parent.mkdir()
    settings.write_text('{"model": "a"}\n')
    first = ws.capture("one model")
    settings.write_text('{"model": "b"}\n')
    ws.capture("another model")
    ws.apply(ws.plan_rollback(first))
    install(home, project)
    before = settings.read_bytes()
    done(ws.undo(force=True))
    assert settings.read_bytes() == before


@pytest.mark.parametrize("edited", [False, True])
def test_an_aborted_merge_leaves_no_markers_where_it_brought_hooks(
    ws: Workspace, home: Path, project: Path, settings: Path, edited: bool
) -> None:
    """The settings are as they were, whether or not somebody began to settle them."""

    def choose(model: str) -> None:
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(json.dumps({"model": model}, indent=2))

    choose("base")
    ws.capture("settings without hooks")
    ws.create_branch("hooked")
    ws.apply(ws.plan_switch("hooked"))
    choose("theirs")
    install(home, project)
    ws.capture("another model, and hooks")
    ws.apply(ws.plan_switch("main"))
    choose("ours")
    ws.capture("a third model, no hooks")
    before = settings.read_bytes()
    ws.merge_branch("hooked")
    marked = settings.read_bytes()
    assert b"<<<<<<<" in marked and b"hook.py" in marked
    if edited:
        settings.write_bytes(marked.replace(b"<<<<<<< ", b"< "))
    ws.abort_merge()
    assert settings.read_bytes() == before


def test_a_switch_and_a_merge_leave_the_hooks(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """A branch from before them, and one that deleted them."""
    ws.create_branch("early", at="#1")
    install(home, project)
    hooked = ws.capture("with hooks")
    ws.create_branch("dropping", at=hooked.id)
    ws.apply(ws.plan_switch("early"))
    assert settings.exists() and ws.status().branch == "early"
    ws.apply(ws.plan_switch("dropping"))
    settings.unlink()
    ws.capture("hooks deleted")
    ws.apply(ws.plan_switch("main"))
    assert settings.exists()
    merge = ws.plan_merge("dropping")
    assert SETTINGS in kept(merge.plan) and not merge.plan.items
    ws.apply(merge)
    assert settings.exists()


@pytest.mark.parametrize("agent", AGENTS)
def test_each_file_of_hooks_stays_whoever_wrote_it(
    alone: Workspace, tmp_path: Path, project: Path, agent: str
) -> None:
    """Every agent's; the record of them is in another data folder, as with a colleague's."""
    install(tmp_path / "another", project, agent)
    alone.capture("what a colleague shares")
    planned = alone.plan_rollback("#1")
    assert planned.changes == () and planned.plan.keep != ()
    assert {one.reason for one in planned.plan.keep} == {HOOKS_STAY}


def test_hooks_stay_in_a_workspace_that_was_moved(
    alone: Workspace, tmp_path: Path, home: Path, project: Path
) -> None:
    """They were installed at its old place."""
    install(home, project)
    alone.capture("with hooks")
    moved = project.rename(tmp_path / "moved")
    with Workspace.init(moved, home=home) as ws:
        assert SETTINGS in kept(ws.plan_rollback("#1").plan)


def test_a_hunk_of_hooks_goes_back_by_the_id_that_was_shown(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """Naming a hunk of a file is naming the file; the one of another file is not."""
    settings.parent.mkdir()
    settings.write_text('{\n  "model": "a"\n}\n')
    first = ws.capture("settings without hooks")
    before = settings.read_bytes()
    install(home, project)
    (project / "README.md").write_text("other\n")
    ws.capture("hooks")
    now = settings.read_bytes()

    def shown(path: bytes) -> list[str]:
        (change,) = ws.plan_rollback(first, paths=[path]).changes
        return [hunk.id for hunk in change.hunks]

    ours = shown(SETTINGS)
    ws.apply(ws.plan_rollback(first, hunks=shown(b"README.md")))
    assert (project / "README.md").read_text() == "# a project\n" and settings.read_bytes() == now
    ws.apply(ws.plan_rollback(first, hunks=ours))
    assert settings.read_bytes() == before
