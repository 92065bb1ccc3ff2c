"""Large diffs in little memory: most of what one holds is never looked at."""

from __future__ import annotations

from dataclasses import replace

from stepwell.tui.values import Change, PatchLines, deflated

LEAST_LINES = 5_000
"""A change with fewer is kept as it is."""


def packed(change: Change) -> Change:
    """Returns an equal change; the lines of a large one are kept deflated."""
    if change.added + change.deleted < LEAST_LINES or _is_packed(change):
        return change
    for hunk in change.hunks:
        if isinstance(hunk.lines, PatchLines) and len(hunk.lines) >= LEAST_LINES:
            hunk.lines.prepare()
    lines = deflated([hunk.lines for hunk in change.hunks])
    hunks = (replace(hunk, lines=own) for hunk, own in zip(change.hunks, lines, strict=True))
    return replace(change, hunks=tuple(hunks))


def _is_packed(change: Change) -> bool:
    """Tells whether whoever compared it has deflated its lines; those of all hunks share one text."""
    lines = change.hunks[0].lines if change.hunks else None
    return isinstance(lines, PatchLines) and lines.is_deflated
