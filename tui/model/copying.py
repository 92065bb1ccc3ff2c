"""What of a diff goes to the clipboard, or to a pager: as text in which nothing acts on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stepwell.tui.model.diffrows import side_lines
from stepwell.tui.model.notices import notices
from stepwell.tui.values import Change, Hunk, escape, printable

LARGEST = 1_000_000
"""Characters that are copied at most: terminals drop longer texts without a word."""


def code_text(hunk: Hunk) -> str:
    """Returns a hunk's lines as they are after it, without signs; of a deletion, as they were."""
    _, lines = side_lines(hunk, not hunk.new_lines, 0, len(hunk.lines))
    return lines_text(lines)


def lines_text(lines: Iterable[bytes]) -> str:
    """Returns lines, without signs, as they are to be copied."""
    return "".join(f"{_clean(line)}\n" for line in lines)


def hunk_text(hunk: Hunk) -> str:
    """Returns a hunk with its head and signs."""
    return "".join(_hunk_lines(hunk))


def patch_text(changes: Iterable[Change]) -> str:
    """Returns changes as people read a patch; of what has no lines, what is said about it."""
    return "".join(line for change in changes for line in _change_lines(change))


def _change_lines(change: Change) -> Iterator[str]:
    yield f"--- {_side('a/', change.old_path or change.path, change.status != 'A')}\n"
    yield f"+++ {_side('b/', change.path, change.status != 'D')}\n"
    for said in notices(change, {}):
        yield f"# {said}\n"
    for hunk in change.hunks:
        yield from _hunk_lines(hunk)


def _side(prefix: str, path: bytes, exists: bool) -> str:
    return prefix + printable(escape(path)) if exists else "/dev/null"


def _hunk_lines(hunk: Hunk) -> Iterator[str]:
    yield (f"@@ -{hunk.old_start},{hunk.old_lines} +{hunk.new_start},{hunk.new_lines} @@\n")
    for line in hunk.lines:
        yield f"{_clean(line)}\n"


def _clean(line: bytes) -> str:
    """Returns a line made harmless, without its ending; its tabs stay."""
    text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    return "\t".join(printable(part) for part in text.split("\t"))


def told(what: str, text: str) -> str:
    """Returns what was copied, in one sentence."""
    lines = text.count("\n")
    return f"copied {what}" if lines < 2 else f"copied {what}: {lines:,} lines"


def size_problem(text: str) -> str:
    """Returns why a text is not copied; empty: it can be."""
    if len(text) <= LARGEST:
        return ""
    return f"too long to copy ({len(text):,} characters): | shows it in a pager"


def hunk_at(hunks: Sequence[Hunk], at: int) -> Hunk | None:
    """Returns the hunk at an index; above the first one, the first; None where there is none."""
    return hunks[max(0, at)] if hunks else None
