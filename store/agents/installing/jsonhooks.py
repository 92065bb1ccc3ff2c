"""Our hooks in an agent's JSON configuration: added and removed, all else kept in its order."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from stepwell.store.agents.installing.targets import Command, Target
from stepwell.store.engine.ourhooks import MARK
from stepwell.store.model.errors import RefusedError

_INDENT = re.compile(r'\n([ \t]+)"')


def with_hooks(target: Target, text: str | None, command: Command, where: str) -> str:
    """Returns the configuration with each of the target's hooks once; `text` None: there is none.

    Raises:
        RefusedError: it is no JSON object, or not of the shape that hooks have there.
    """
    document: dict[str, Any] = {**(target.root or {})}
    if text is not None:
        document = _parsed(text, where)
    _drop(document, where)
    hooks = document.setdefault("hooks", {})
    for event in target.events:
        hook = {**(target.extra or {}), "command": command(target.agent, event)}
        _list(hooks, event, where).append(hook if target.form == "flat" else {"hooks": [hook]})
    return _written(document, text)


def without_hooks(text: str, where: str) -> str | None:
    """Returns the configuration without our hooks; None when nothing else is left in it.

    Raises:
        RefusedError: as `with_hooks`.
    """
    document = _parsed(text, where)
    if not _drop(document, where):
        return text
    return _written(document, text) if document.keys() - {"version"} else None


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            f"{where} was left alone: it cannot be read as JSON ({error})",
            hint="mend it and try again, or add the hooks by hand: stepwell install --dry-run",
            path=where,
        ) from error
    hooks = document.get("hooks", {}) if isinstance(document, dict) else None
    if not isinstance(hooks, dict):
        raise _unexpected(where)
    return document  # type: ignore[no-any-return]


def _unexpected(where: str) -> RefusedError:
    return RefusedError(
        f"{where} was left alone: its hooks are not of the shape that is known",
        hint="add the hooks by hand, or remove what is unusual there",
        path=where,
    )


def _list(hooks: dict[str, Any], event: str, where: str) -> list[Any]:
    found = hooks.setdefault(event, [])
    if not isinstance(found, list):
        raise _unexpected(where)
    return found


def _drop(document: dict[str, Any], where: str) -> bool:
    """Takes our hooks out, with the groups and events that hold nothing else; tells whether any were."""
    hooks = document.get("hooks", {})
    dropped = False
    for event in list(hooks):
        entries = _list(hooks, event, where)
        kept = [left for entry in entries for left in _stripped(entry)]
        if kept != entries:
            dropped = True
            hooks[event] = kept
            if not kept:
                del hooks[event]
    if dropped and not hooks:
        del document["hooks"]
    return dropped


def _stripped(entry: Any) -> list[Any]:
    """Returns a hook or a group without what is ours; nothing when that was all of it."""
    if _is_ours(entry):
        return []
    inner = entry.get("hooks") if isinstance(entry, Mapping) else None
    if not isinstance(inner, list) or not any(map(_is_ours, inner)):
        return [entry]
    rest = [hook for hook in inner if not _is_ours(hook)]
    return [{**entry, "hooks": rest}] if rest else []


def _is_ours(hook: Any) -> bool:
    command = hook.get("command") if isinstance(hook, Mapping) else None
    return isinstance(command, str) and command.rstrip().endswith(MARK)


def _written(document: Mapping[str, Any], text: str | None) -> str:
    found = _INDENT.search(text or "")
    indent: str | int = found[1] if found else 2
    end = "\n" if text is None or text.endswith("\n") else ""
    return json.dumps(document, indent=indent, ensure_ascii=False) + end
