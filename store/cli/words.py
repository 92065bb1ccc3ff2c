"""How steps, changes, times and sizes read in the lines of the command line. Prints nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.store.cli.output import Piece, Styled, padded, width
from stepwell.store.model.changes import Change, Hunk
from stepwell.store.model.ids import short
from stepwell.store.model.paths import escape
from stepwell.store.model.plans import Kept
from stepwell.store.model.steps import Covered, Mark, Reason, Step, Tokens, View
from stepwell.store.model.text import one_line, plural, printable, printable_line

_UNITS = ((604_800, "w"), (86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_YEAR = 31_557_600
_MOST_LEFT_OUT = 10

REASONS: Mapping[Reason, str] = {
    "ignored": "ignored",
    "capped": "larger than the limit for new files",
    "unreadable": "cannot be read",
    "special": "no file, link or folder",
    "unstable": "stored, but it changed while it was read",
    "repository": "another version control's own data",
    "too_long": "its name or path is too long",
    "purged": "its content was removed from the history for good",
}


def age(time_ns: int, now_ns: int) -> str:
    """Returns how long ago that was in at most three characters, `3h`."""
    seconds = max(0, (now_ns - time_ns) // 1_000_000_000)
    if seconds >= 2 * _YEAR:
        return f"{seconds // _YEAR}y"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return "now"


def ago(time_ns: int, now_ns: int) -> str:
    """Returns `3h ago`, or `now`."""
    span = age(time_ns, now_ns)
    return span if span == "now" else f"{span} ago"


def size(count: int) -> str:
    """Returns a number of bytes as a person reads it."""
    if count < 1000:
        return plural(count, "byte")
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def way_back(before: View, after: View) -> tuple[Piece, ...]:
    """Returns the end of a line about a change without files; nothing where nothing was changed."""
    if after.undoables[-1:] == before.undoables[-1:]:
        return ()
    return (Styled("; take it back: stepwell undo", "dim"),)


def named(step: Step) -> list[Piece]:
    """Returns `#12 3f2a9c10 title`."""
    return [
        Styled(f"#{step.seq}", "strong"),
        " ",
        Styled(short(step.id), "name"),
        " ",
        one_line(step.title, 80),
    ]


def counts(added: int, deleted: int) -> list[Piece]:
    """Returns `+3 −1`, without a side that is nothing."""
    pieces: list[Piece] = []
    if added:
        pieces.append(Styled(f"+{added}", "good"))
    if deleted:
        pieces += [" "] if pieces else []
        pieces.append(Styled(f"−{deleted}", "bad"))
    return pieces


def act(step: Step) -> str:
    """Returns the one word that tells a step's sort: its tool, or its kind."""
    if "safety" in step.flags:
        return "safety"
    return step.tool or step.kind


def outcome(step: Step) -> list[Piece]:
    """Returns the sign of how a command ended; nothing when there is no result."""
    if step.result is None:
        return []
    if step.result.ok:
        return [" ", Styled("✓", "good")]
    code = step.result.exit_code
    return [" ", Styled("✗" if code is None else f"✗ exit {code}", "bad")]


def token_words(tokens: Tokens) -> str:
    """Returns `1,234 in, 56,789 from cache, 321 out`."""
    cached = f"{tokens.cached:,} from cache, " if tokens.cached else ""
    return f"{tokens.input:,} in, {cached}{tokens.output:,} out"


def marks(mark: Mark | None) -> list[Piece]:
    """Returns `⚑green ✎2 +perf`."""
    if mark is None:
        return []
    parts = [f"⚑{mark.label}" if mark.label else "⚑"]
    parts += ["★"] if mark.milestone is not None else []
    parts += [f"✎{len(mark.notes)}"] if mark.notes else []
    parts += [f"+{tag}" for tag in mark.tags]
    return ["  ", Styled(" ".join(parts), "mark")]


def changed_path(change: Change) -> str:
    """Returns the path, of a rename both."""
    if change.old_path is None:
        return escape(change.path)
    return f"{escape(change.old_path)} → {escape(change.path)}"


def change_line(change: Change, cells: int) -> list[Piece]:
    """Returns `  M src/a.py   +3 −1` with the path filled up to `cells`."""
    pieces: list[Piece] = ["  ", _letter(change), " "]
    facts = _facts(change)
    path = changed_path(change)
    return [*pieces, padded(path, cells), "  ", *facts] if facts else [*pieces, path]


def _letter(change: Change) -> Piece:
    if change.status == "A":
        return Styled("A", "good")
    return Styled(change.status, "bad" if change.status == "D" else "name")


def _facts(change: Change) -> list[Piece]:
    pieces = counts(change.added, change.deleted)
    words = []
    if change.binary:
        words.append("binary")
    if change.too_large:
        words.append("too large to compare")
    if change.old_mode is not None and change.new_mode not in (None, change.old_mode):
        words.append(f"mode {change.old_mode:o} → {change.new_mode:o}")
    if words:
        pieces += [" "] if pieces else []
        pieces.append(Styled(", ".join(words), "dim"))
    return pieces


def widest_path(changes: tuple[Change, ...], limit: int = 60) -> int:
    """Returns the column to which paths are filled up."""
    widths = (width(printable(changed_path(change))) for change in changes)
    return max((cells for cells in widths if cells <= limit), default=0)


def total(changes: tuple[Change, ...]) -> list[Piece]:
    """Returns `3 files changed, +12 −3`."""
    pieces: list[Piece] = [f"{plural(len(changes), 'file')} changed"]
    lines = counts(sum(c.added for c in changes), sum(c.deleted for c in changes))
    return [*pieces, ", ", *lines] if lines else pieces


def hunk_head(hunk: Hunk) -> Piece:
    """Returns the `@@` line of a hunk."""
    old = f"-{hunk.old_start},{hunk.old_lines}"
    return Styled(f"@@ {old} +{hunk.new_start},{hunk.new_lines} @@", "kind")


def hunk_line(line: bytes) -> Piece:
    """Returns one line of a hunk, made harmless."""
    bare = line.removesuffix(b"\n")
    text = bare[:1].decode("ascii", "replace") + printable_line(
        bare[1:].decode("utf-8", "surrogateescape")
    )
    if bare[:1] == b"+":
        return Styled(text, "good")
    return Styled(text, "bad") if bare[:1] == b"-" else text


def path_lines(paths: Sequence[tuple[bytes, str]]) -> list[list[Piece]]:
    """Returns one line a path with the reason beside it."""
    names = [escape(path) for path, _ in paths]
    cells = max((w for name in names if (w := width(printable(name))) <= 60), default=0)
    return [
        ["  ", padded(name, cells), "  ", Styled(reason, "dim")]
        for name, (_, reason) in zip(names, paths, strict=True)
    ]


def kept_lines(kept: Sequence[Kept]) -> list[list[Piece]]:
    """Returns one line a path that was left alone."""
    return path_lines([(one.path, one.reason) for one in kept])


def covered_lines(covered: Sequence[Covered]) -> list[list[Piece]]:
    """Returns one line a path that was not stored, or not surely."""
    return path_lines([(one.path, REASONS[one.reason]) for one in covered])


def capped_lines(covered: Sequence[Covered]) -> list[str]:
    """Returns a line on files that were too large to store: who captures takes it that all is kept."""
    capped = [one.path for one in covered if one.reason == "capped"]
    if not capped:
        return []
    more = f" and {len(capped) - 1:,} more" if len(capped) > 1 else ""
    name = printable(escape(capped[0]))
    return [f"not stored: {name}{more}, {REASONS['capped']} (stepwell status)"]


def left_out_lines(left_out: Sequence[Covered]) -> list[list[Piece]]:
    """Returns what no step holds as it is now, the first of many; no lines when there is none."""
    if not left_out:
        return []
    more = len(left_out) - _MOST_LEFT_OUT
    last: list[Piece] = [Styled(f"  and {more:,} more: stepwell status --json", "dim")]
    return [
        [Styled("not in any step as it is now; a rollback leaves it alone:", "bad")],
        *covered_lines(left_out[:_MOST_LEFT_OUT]),
        *([last] if more > 0 else []),
    ]
