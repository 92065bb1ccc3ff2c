"""What a binary file is, from its first bytes: the kind and size of an image, else its length."""

from __future__ import annotations

from stepwell.tui.model.notices import size_text

_FRAMES = frozenset(
    (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
)
"""JPEG markers of a frame, which holds the size (ITU T.81, table B.1)."""


def blob_words(data: bytes) -> str:
    """Returns `12 kB`, of an image `PNG 640 x 480, 12 kB`."""
    kind, width, height = _image(data)
    size = size_text(len(data))
    return f"{kind} {width} x {height}, {size}" if kind else size


def _image(data: bytes) -> tuple[str, int, int]:
    """Returns kind, width and height in pixels; an empty kind: no image that is known."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        return "PNG", _big(data[16:20]), _big(data[20:24])
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return "GIF", _little(data[6:8]), _little(data[8:10])
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    return "", 0, 0


def _jpeg(data: bytes) -> tuple[str, int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAMES:
            return "JPEG", _big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7])
        at += 2 + max(2, _big(data[at + 2 : at + 4]))
    return "", 0, 0


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
