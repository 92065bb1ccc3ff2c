"""Going anywhere leaves the hooks that `stepwell install` wrote, unless their file is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.store import Applied, Workspace
from stepwell.store.agents.installing import (
    Backups,
    Door,
    apply,
    plan_install,
    plan_uninstall,
    target_of,
)
from stepwell.store.model.plans import Kept, Plan

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


def install(home: Path, project: Path, agent: str = "claude", door: Door = DOOR) -> None:
    setup = plan_install(target_of(agent), "project", project / "nowhere", project, door)
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
    assert "stepwell uninstall" in kept(planned.plan)[SETTINGS]
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


def test_older_hooks_do_not_take_the_place_of_those_in_force(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """They may lead to an installation that is gone."""
    install(home, project, door=Door("/gone/python3", "/gone/hook.py"))
    first = ws.capture("hooks of an installation that goes")
    install(home, project)
    now = settings.read_bytes()
    ws.capture("hooks of another")
    ws.apply(ws.plan_rollback(first))
    assert settings.read_bytes() == now


def test_hooks_that_were_uninstalled_go_and_come_as_any_file(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """Only what is on record is protected."""
    install(home, project)
    hooked = ws.capture("with hooks")
    target = target_of("claude")
    setup = plan_uninstall(target, "project", project / "nowhere", project)
    apply(setup, Backups(home), remove=True)
    ws.capture("without")
    ws.apply(ws.plan_rollback(hooked))
    assert settings.exists()
    ws.apply(ws.plan_rollback("#1"))
    assert not settings.exists()


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


@pytest.mark.parametrize("agent", ["opencode", "cline", "goose"])
def test_plugins_and_hooks_of_their_own_files_stay(
    ws: Workspace, home: Path, project: Path, agent: str
) -> None:
    """Each file that was written."""
    install(home, project, agent)
    ws.capture("with hooks")
    planned = ws.plan_rollback("#1")
    assert planned.changes == () and planned.plan.keep != ()
    assert all(isinstance(one, Kept) and "hooks" in one.reason for one in planned.plan.keep)


def test_a_record_that_cannot_be_read_stops_nothing(
    ws: Workspace, home: Path, project: Path, settings: Path
) -> None:
    """It counts for nothing; the others still do."""
    install(home, project)
    (home / "installed" / "0000000000000000.json").write_text("{")
    ws.capture("with hooks")
    assert SETTINGS in kept(ws.plan_rollback("#1").plan)
