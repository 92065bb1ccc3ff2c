"""Binary files are told by what they are."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.images import blob_words

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 16, 9)
JPEG = b"\xff\xd8\xff\xe0\0\4ab\xff\xc2\0\x0b\x08" + struct.pack(">HH", 30, 40) + b"\1"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PNG, "PNG 640 x 480, 24 B"),
        (GIF, "GIF 16 x 9, 10 B"),
        (JPEG, "JPEG 40 x 30, 18 B"),
        (b"\0" * 1_440, "1.4 kB"),
    ],
)
def test_images_are_told_with_their_size_in_pixels(data: bytes, words: str) -> None:
    """Of other content the length is all there is to say."""
    assert blob_words(data) == words


@given(st.sampled_from((PNG, GIF, JPEG)), st.integers(0, 24), st.binary(max_size=12))
def test_damaged_images_are_no_trouble(image: bytes, cut: int, rest: bytes) -> None:
    """Cut off anywhere, with anything behind it: a sentence, never an exception."""
    assert blob_words(image[:cut] + rest).endswith(" B")
