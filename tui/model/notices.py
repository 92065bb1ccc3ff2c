"""What is said about a change besides its lines: modes, renames, binaries, files without lines."""

from __future__ import annotations

import stat
from collections.abc import Mapping

from stepwell.tui.values import Change, Oid, escape, printable

_TYPES = {stat.S_IFREG: "file", stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "folder"}
_UNITS = ("B", "kB", "MB", "GB", "TB")


def notices(change: Change, words: Mapping[Oid, str]) -> tuple[str, ...]:
    """Returns sentences to stand between a change's header and its lines, harmless, in order.

    `words` say what binary blobs are, where it is known.
    """
    found = [_renamed(change), mode_words(change), _content(change, words)]
    return tuple(text for text in found if text)


def size_text(count: int) -> str:
    """Returns a byte count as a person reads it: `12 kB`, `1.4 MB` (powers of 1000)."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = f"{amount:.1f}" if unit and amount < 9.95 else f"{amount:.0f}"
    return f"{digits} {_UNITS[unit]}"


def _renamed(change: Change) -> str:
    return f"renamed from {printable(escape(change.old_path))}" if change.old_path else ""


def mode_words(change: Change) -> str:
    """Returns what becomes of type and permissions; empty: nothing that has to be said."""
    old, new = change.old_mode, change.new_mode
    if old is not None and new is not None:
        if stat.S_IFMT(old) != stat.S_IFMT(new):
            return f"{_type(old)} -> {_type(new)}"
        if stat.S_IMODE(old) != stat.S_IMODE(new) and not stat.S_ISLNK(new):
            return f"mode {_bits(old)} -> {_bits(new)}"
        return ""
    mode = new if new is not None else old
    if mode is None:
        return ""
    if not stat.S_ISREG(mode):
        return f"{_type(mode)}, {'removed' if new is None else 'new'}"
    return f"new, mode {_bits(mode)}" if new is not None and mode & 0o111 else ""


def _content(change: Change, words: Mapping[Oid, str]) -> str:
    old, new = (_words(blob, words) for blob in (change.old_blob, change.new_blob))
    size = " -> ".join(text for text in (old, new) if text)
    if change.binary:
        return f"binary, {size}" if size else "binary"
    if change.too_large:
        return f"too large to compare line by line{', ' + size if size else ''}"
    if change.hunks or change.added or change.deleted or change.old_blob == change.new_blob:
        return ""
    if change.status == "T":
        return ""
    return "only white space differs" if _has_both(change) else "empty file"


def _has_both(change: Change) -> bool:
    return change.old_blob is not None and change.new_blob is not None


def _words(blob: Oid | None, words: Mapping[Oid, str]) -> str:
    return words.get(blob, "") if blob is not None else ""


def _type(mode: int) -> str:
    return _TYPES.get(stat.S_IFMT(mode), "special file")


def _bits(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"
