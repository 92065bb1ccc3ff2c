"""Text cut and padded by terminal cells, not characters: wide characters count two."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size


def cells(text: str) -> int:
    """Returns how many terminal cells `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Returns `text` in exactly `width` cells: padded at the right, or cut with an ellipsis."""
    if width <= 0:
        return ""
    missing = width - cells(text)
    if missing >= 0:
        return text + " " * missing
    return set_cell_size(text, width - 1) + ellipsis if width > 1 else ellipsis


def clip(text: str, width: int, ellipsis: str = "…") -> str:
    """Returns `text` in at most `width` cells."""
    return text if cells(text) <= width else fit(text, width, ellipsis)


def clip_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """Returns `text` in at most `width` cells: what comes before its last part gives way.

    A part ends with a full stop or a semicolon; one that takes more than half is cut itself.
    """
    at = max(text.rfind(". "), text.rfind("; ")) + 1
    last = text[at:]
    if cells(text) <= width or not at or cells(last) > width // 2:
        return clip(text, width, ellipsis)
    return clip(text[:at], width - cells(last), ellipsis) + last


def fit_right(text: str, width: int) -> str:
    """Returns `text` in exactly `width` cells, padded at the left."""
    missing = width - cells(text)
    return " " * missing + text if missing >= 0 else fit(text, width)


def fit_path(text: str, width: int, ellipsis: str = "…") -> str:
    """Returns a path in at most `width` cells: its beginning gives way, the file name stays."""
    if cells(text) <= width:
        return text
    at, room = len(text), width - 1
    while at and cells(text[at - 1]) <= room:
        at -= 1
        room -= cells(text[at])
    return ellipsis + text[at:] if width > 0 else ""


def wrapped(text: str, width: int) -> list[str]:
    """Returns `text` in lines of at most `width` cells, broken after a space where one is near."""
    lines = []
    while len(text) > width or cells(text) > width:
        head = text[:width]
        if cells(head) > width:
            head = next(filter(None, chop_cells(head, width)), text[:1])
        cut = head.rfind(" ") + 1
        cut = cut if cut > len(head) * 2 // 3 else len(head)
        lines.append(head[:cut])
        text = text[cut:]
    return [*lines, text] if text or not lines else lines
