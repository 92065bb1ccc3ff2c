"""Which files of a workspace hold hooks of ours."""

from __future__ import annotations

import pytest

from stepwell.store.engine.ourhooks import holds_hooks, is_hook_place


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b".claude/settings.local.json", True),
        (b".clinerules/hooks/PreToolUse", True),
        (b".agents/plugins/stepwell/hooks/hooks.json", True),
        (b".claude/settings.local.json.bak", False),
        (b".clinerules/hooks2/PreToolUse", False),
        (b"sub/.claude/settings.local.json", False),
        (b"README.md", False),
    ],
)
def test_agents_places_are_exact(path: bytes, expected: bool) -> None:
    """A file, or what lies in a folder, at the workspace's root; nothing that only begins so."""
    assert is_hook_place(path) is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"#!/bin/sh\n# stepwell\ntrue\n", True),
        (b"// stepwell\nexport default 1\n", True),
        (b'{"command": "true # stepwell"}', True),
        (b'{"command": "true"}\n\n# stepwell\n', False),
        (b'{"command": "# stepwell, by hand"}', False),
        (b"", False),
    ],
)
def test_hooks_are_known_by_their_marks(content: bytes, expected: bool) -> None:
    """At the beginning of a file that is ours, or at the end of a command in JSON."""
    assert holds_hooks(content) is expected
