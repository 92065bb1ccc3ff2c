"""`install`, `uninstall` and `doctor`: our hooks in agents' configurations."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.store import environment
from stepwell.store.agents.installing import (
    AGENTS,
    Backups,
    Door,
    Scope,
    Setup,
    apply,
    plan_install,
    plan_uninstall,
    target_of,
)
from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Output, Style, Styled, padded
from stepwell.store.cli.words import ago
from stepwell.store.model.errors import NotAWorkspaceError
from stepwell.store.model.text import printable, rfc3339

if TYPE_CHECKING:
    from stepwell.store.agents.installing.doctor import Health

_SIGNS: Mapping[str, Style] = {"+": "good", "-": "bad", "@": "name"}


def _door() -> Door:
    import stepwell.store.agents

    return Door(sys.executable, os.path.join(stepwell.store.agents.__path__[0], "hook.py"))


def _project(call: Call) -> Path:
    """Returns the workspace's root, or the folder itself when it is in none."""
    try:
        with call.open() as workspace:
            return Path(os.fsdecode(workspace.root))
    except NotAWorkspaceError:
        return Path(os.fsdecode(call.folder))


def _install(call: Call) -> int:
    return _carry_out(call, remove=False)


def _uninstall(call: Call) -> int:
    return _carry_out(call, remove=True)


def _carry_out(call: Call, *, remove: bool) -> int:
    given = call.arguments
    target = target_of(given.agent)
    folder, project = environment.agent_folder(target.agent), _project(call)
    if remove:
        scopes: tuple[Scope, ...] = (given.scope,) if given.scope else ("user", "project")
        setups = [plan_uninstall(target, scope, folder, project) for scope in scopes]
    else:
        scope = given.scope or target.usual
        setups = [plan_install(target, scope, folder, project, _door())]
    kept: list[Path] = []
    if not given.dry_run:
        for setup in setups:
            kept += apply(setup, Backups(call.home), remove=remove)
    if call.out.json:
        call.out.document(_form(setups, kept, done=not given.dry_run))
    else:
        for setup in setups:
            _tell(call.out, setup, dry_run=given.dry_run)
        _tell_end(call.out, setups, kept, remove=remove, dry_run=given.dry_run)
    return 0


def _form(setups: list[Setup], kept: list[Path], *, done: bool) -> dict[str, object]:
    files = [str(edit.path) for setup in setups for edit in setup.edits]
    return {
        "agent": setups[0].agent,
        "files": files,
        "applied": done and bool(files),
        "backups": [str(path) for path in kept],
        "next": next((setup.then for setup in setups if setup.then), None),
        "untested": any(setup.untested for setup in setups),
    }


def _tell(out: Output, setup: Setup, *, dry_run: bool) -> None:
    for edit in setup.edits:
        if not dry_run:
            out.line("wrote " if edit.after is not None else "removed ", str(edit.path))
            continue
        name = str(edit.path)
        old, new = (
            (content or b"").decode("utf-8", "replace").splitlines()
            for content in (edit.before, edit.after)
        )
        for line in difflib.unified_diff(old, new, name, name, lineterm=""):
            style = _SIGNS.get(line[:1])
            out.line(Styled(printable(line), style) if style else printable(line))


def _tell_end(
    out: Output, setups: list[Setup], kept: list[Path], *, remove: bool, dry_run: bool
) -> None:
    if not any(setup.edits for setup in setups):
        out.line("nothing to remove" if remove else "it is installed already")
        return
    for path in kept:
        out.note(Styled(f"what was there before is kept in {path}", "dim"))
    for setup in setups:
        if setup.untested:
            out.note("made from the documents of that agent: it could not be tried with it")
        if setup.then and not dry_run:
            out.note(f"next: {setup.then}")


def _doctor(call: Call) -> int:
    from contextlib import ExitStack, suppress

    from stepwell.store.agents.installing.doctor import examine

    project = _project(call)
    with ExitStack() as stack:
        workspace = None
        with suppress(NotAWorkspaceError):
            workspace = stack.enter_context(call.open())
        found = [
            examine(
                target,
                environment.agent_folder(target.agent),
                project,
                _door(),
                environment.search_path(),
                workspace,
            )
            for target in AGENTS.values()
        ]
    if call.out.json:
        call.out.document({"agents": [_health_form(one) for one in found]})
    else:
        for one in found:
            _tell_health(call.out, one)
    return 0


def _health_form(one: Health) -> dict[str, object]:
    return {
        "agent": one.agent,
        "client": one.client,
        "version": one.version,
        "installed": [str(path) for path in one.installed],
        "reachable": one.reachable,
        "trusted": one.trusted,
        "last_event": None if one.last_event_ns is None else rfc3339(one.last_event_ns),
        "failures": list(one.failures),
        "problem": one.problem or None,
        "untested": one.untested,
    }


def _tell_health(out: Output, one: Health) -> None:
    if one.problem:
        sign, words = Styled("✗", "bad"), one.problem
    elif one.installed:
        sign, words = Styled("✓", "good"), "installed"
    elif one.client:
        sign, words = Styled("○", "dim"), f"not installed: stepwell install {one.agent}"
    else:
        sign, words = Styled("○", "dim"), "not on this machine"
    heard = "" if one.last_event_ns is None else f"; last step {ago(one.last_event_ns, out.now_ns)}"
    version = f" {printable(one.version)}" if one.version else ""
    out.line(
        sign, " ", Styled(padded(one.agent, 9), "strong"), words, heard, Styled(version, "dim")
    )
    for path in one.installed:
        out.line(Styled(f"    {path}", "dim"))
    for reason in one.failures:
        out.line(Styled("    not captured: ", "bad"), printable(reason))


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", metavar="AGENT", help=" ".join(AGENTS))
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--user", dest="scope", action="store_const", const="user", help="for all your projects"
    )
    where.add_argument(
        "--project", dest="scope", action="store_const", const="project", help="for this project"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the change, and write nothing")


COMMANDS = (
    Command(
        name="install",
        summary="Put our hooks into an agent's configuration, so that its steps are recorded.",
        details="Everything else there stays as it is. Unless you say where: Claude Code's in this\n"
        "project's own settings, all others for all your projects. The hooks can neither\n"
        "hold an agent up nor fail, also when Stepwell is gone.",
        examples=("stepwell install claude --dry-run", "stepwell install codex"),
        configure=_options,
        run=_install,
    ),
    Command(
        name="uninstall",
        summary="Take exactly our hooks out again.",
        details="A file that nobody changed since gets its very bytes of before.",
        examples=("stepwell uninstall claude",),
        configure=_options,
        run=_uninstall,
    ),
    Command(
        name="doctor",
        summary="Tell which agents are installed, reachable, trusted, and heard from.",
        examples=("stepwell doctor", "stepwell doctor --json"),
        run=_doctor,
    ),
)
