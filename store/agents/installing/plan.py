"""What installing or uninstalling would write: computed first, shown, then executed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.agents.installing.jsonhooks import with_hooks, without_hooks
from stepwell.store.agents.installing.targets import (
    Command,
    Door,
    Scope,
    Target,
    shared_command,
)
from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.ourhooks import CODE_MARK, MARK, holds_hooks
from stepwell.store.model.errors import RefusedError

_PLUGINS = Path(__file__).parent.parent / "plugins"


@dataclass(frozen=True, slots=True)
class Edit:
    """One file: what it holds now and what it is to hold; None for a file that is not there."""

    path: Path
    """With links resolved, so that a linked configuration stays a link."""
    before: bytes | None
    after: bytes | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """A plan for one agent."""

    agent: str
    scope: Scope
    edits: tuple[Edit, ...]
    """Only those that change something."""
    then: str = ""
    """What the person has to do next; empty: nothing."""
    untested: bool = False


def plan_install(target: Target, scope: Scope, folder: Path, project: Path, door: Door) -> Setup:
    """Returns what installing would write; `folder` is the agent's own.

    Raises:
        RefusedError: a file there cannot be understood, or is somebody else's.
    """
    place = target.place(scope, folder, project)
    shared = scope == "project" and target.shared
    command = shared_command if shared else door.command
    match target.form:
        case "groups" | "flat":
            edits = [_json_edit(target, place, command)]
            if target.agent == "goose":
                edits.append(_goose_manifest(place))
        case "files":
            edits = [
                _file_edit(place / event, command(target.agent, event)) for event in target.events
            ]
        case "plugin":
            edits = [_plugin_edit(target, place, door)]
    changed = tuple(edit for edit in edits if edit.before != edit.after)
    return Setup(target.agent, scope, changed, target.then if changed else "", target.untested)


def plan_uninstall(target: Target, scope: Scope, folder: Path, project: Path) -> Setup:
    """Returns what taking our hooks out would write; files that hold nothing else are deleted.

    Raises:
        RefusedError: a file there cannot be understood.
    """
    place = target.place(scope, folder, project)
    if target.form in ("groups", "flat"):
        edits = [_without(place)]
        if target.agent == "goose":
            edits.append(_dropped(place.parent.parent / "plugin.json"))
    elif target.form == "files":
        edits = [_dropped(place / event) for event in target.events]
    else:
        edits = [_dropped(place)]
    return Setup(target.agent, scope, tuple(e for e in edits if e.before != e.after))


def installed_in(target: Target, scope: Scope, folder: Path, project: Path) -> Path | None:
    """Returns the file that holds our hooks there; None when none does."""
    place = target.place(scope, folder, project)
    places = [place / event for event in target.events] if target.form == "files" else [place]
    for path in places:
        content = _read(path)
        if content is not None and holds_hooks(content):
            return path
    return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise system_error(error, "reading", path) from error


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"{path} was left alone: it is no UTF-8 text", hint="mend it", path=str(path)
        ) from error


def _json_edit(target: Target, path: Path, command: Command) -> Edit:
    before = _read(path)
    # An empty file is what some editors leave for "no settings".
    text = _text(before, path) if before and before.strip() else None
    after = with_hooks(target, text, command, str(path))
    return Edit(path.resolve(), before, after.encode())


def _without(path: Path) -> Edit:
    before = _read(path)
    if before is None or not before.strip():
        return Edit(path.resolve(), before, before)
    after = without_hooks(_text(before, path), str(path))
    return Edit(path.resolve(), before, None if after is None else after.encode())


def _file_edit(path: Path, command: str) -> Edit:
    before = _read(path)
    if before is not None and not _is_ours(before):
        raise RefusedError(
            f"{path} was left alone: there is a hook of yours of that name",
            hint=f"call ours from it, with its stdin: {command}",
            path=str(path),
        )
    return Edit(path.resolve(), before, f"#!/bin/sh\n{MARK}\n{command}\n".encode(), executable=True)


def _plugin_edit(target: Target, path: Path, door: Door) -> Edit:
    before = _read(path)
    if before is not None and not _is_ours(before):
        raise RefusedError(
            f"{path} was left alone: it is not ours", hint="move it away", path=str(path)
        )
    template = (_PLUGINS / f"{target.agent}{path.suffix}").read_text("utf-8")
    words = json.dumps([door.python, "-I", "-S", door.hook, target.agent])
    return Edit(path.resolve(), before, template.replace('["stepwell"]', words).encode())


def _goose_manifest(place: Path) -> Edit:
    path = place.parent.parent / "plugin.json"
    manifest = {
        "name": "stepwell",
        "version": "1.0.0",
        "description": f"records every step {MARK}",
    }
    return Edit(path.resolve(), _read(path), json.dumps(manifest, indent=2).encode() + b"\n")


def _dropped(path: Path) -> Edit:
    before = _read(path)
    ours = before is not None and (_is_ours(before) or MARK.encode() in before)
    return Edit(path.resolve(), before, None if ours else before)


def _is_ours(content: bytes) -> bool:
    first = content.split(b"\n", 2)[:2]
    return any(line.strip() in (MARK.encode(), CODE_MARK.encode()) for line in first)
