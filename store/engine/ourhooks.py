"""Where agents look for hooks in a project, and how ours are known there.

`stepwell install` writes them (agents/installing); going back leaves them there unless told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from stepwell.store.model.paths import is_under

MARK = "# stepwell"
"""Ends every command of ours, and begins every file: by it they are known again."""
CODE_MARK = "// stepwell"
"""The same in a file of code."""

PROJECT_PLACES: Mapping[str, str] = {
    "claude": ".claude/settings.local.json",
    "opencode": ".opencode/plugins/stepwell.js",
    "codex": ".codex/hooks.json",
    "gemini": ".gemini/settings.json",
    "qwen": ".qwen/settings.json",
    "pi": ".pi/extensions/stepwell.ts",
    "cline": ".clinerules/hooks",
    "cursor": ".cursor/hooks.json",
    "goose": ".agents/plugins/stepwell",
}
"""Agent -> the file, or the folder of files, below a project's root that gets hooks of ours."""

_PLACES = tuple(map(os.fsencode, PROJECT_PLACES.values()))
_LINES = (MARK.encode(), CODE_MARK.encode())
_COMMAND_END = f'{MARK}"'.encode()


def is_hook_place(path: bytes) -> bool:
    """Tells whether an agent looks for hooks at a workspace path."""
    # Most paths begin like none of them, and this is asked of all that a plan changes.
    return path.startswith(_PLACES) and any(is_under(path, place) for place in _PLACES)


def holds_hooks(content: bytes) -> bool:
    """Tells whether a file is ours, or a configuration in JSON with a command of ours."""
    first = content.split(b"\n", 2)[:2]
    return any(line.strip() in _LINES for line in first) or _COMMAND_END in content
