"""`merge --resolve`: settles conflicts of the merge under way with one side, or a file's text."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from stepwell.store.cli.command import Call
from stepwell.store.cli.going import Verb, travel
from stepwell.store.forms import Form, travel_form
from stepwell.store.mergeforms import merge_status_form
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.ids import short
from stepwell.store.model.paths import escape
from stepwell.store.model.text import plural

if TYPE_CHECKING:
    from stepwell.store.model.plans import Applied, PlannedChanges
    from stepwell.store.workspace import Workspace

_SIDES = ("ours", "theirs", "base")


def settle(call: Call) -> int:
    """Runs the verb and returns the exit code; the merge stays under way."""
    opened: list[Workspace] = []

    def plan(workspace: Workspace) -> PlannedChanges:
        opened.append(workspace)
        return _planned(call, workspace)

    def form(planned: PlannedChanges | None, done: Applied | None, undo: str | None) -> Form:
        told = travel_form(planned, done, undo)
        return {"merged": False, **told, "merge": merge_status_form(opened[0].status())}

    code = travel(call, Verb("settle?", plan, back=_back, form=form))
    if code == 0 and not (call.arguments.dry_run or call.out.json):
        _tell_left(call)
    return code


def _back(done: Applied) -> str:
    """Returns the command for the paths as they were: undo waits until the merge is over."""
    paths = [word for item in done.plan.items for word in ("--path", escape(item.path))]
    return shlex.join(["stepwell", "rollback", short(done.safety_step.id), *paths])


def _planned(call: Call, workspace: Workspace) -> PlannedChanges:
    given = call.arguments
    paths = [call.path(workspace, path) for path in given.resolve]
    if given.take in _SIDES:
        side = cast('Literal["ours", "theirs", "base"]', given.take)
        return workspace.plan_settle(side, paths)
    if len(paths) != 1:
        raise UsageError(
            "a file settles one conflict", hint="give --resolve once, or --take a side"
        )
    return workspace.plan_settle_as(paths[0], _content(call, given.take))


def _content(call: Call, name: str) -> bytes:
    try:
        return Path(os.fsdecode(call.folder), name).read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{name} is neither ours, theirs nor base, nor a file",
            hint="name a side, or a file with the settled text",
        ) from error
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}", hint="name a file with the settled text"
        ) from error


def _tell_left(call: Call) -> None:
    with call.open() as workspace:
        merging = workspace.status().merging
    if merging is None:
        return
    left = len(merging.unsettled)
    said = f"conflict markers are left in {plural(left, 'file')}" if left else "no markers are left"
    call.out.line(f"{said}; when all is as you want it: stepwell merge --continue")
