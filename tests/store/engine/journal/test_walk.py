"""Walking frames: gaps are exact, and content is never taken for frames."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.engine.journal import frames
from stepwell.store.engine.journal.frames import CHUNK, Frame
from stepwell.store.engine.journal.walk import Gap, Walker

SALT = b"01234567"


def build(payloads: list[bytes], salt: bytes = SALT) -> bytes:
    """Returns frames with those payloads, one after another."""
    data = b""
    for payload in payloads:
        data += frames.encode(CHUNK, payload, len(data), salt)[0]
    return data


def walk(data: bytes, salt: bytes = SALT) -> list[Frame | Gap]:
    """Walks bytes as if they were a segment without a header."""
    return list(Walker(lambda at, n: data[at : at + n], salt, 0, len(data)))


def payloads(items: list[Frame | Gap]) -> list[bytes]:
    """Returns the payloads of the frames."""
    return [item.payload for item in items if isinstance(item, Frame)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=12), st.data())
def test_damage_costs_only_the_frames_that_it_touches(
    contents: list[bytes], data: st.DataObject
) -> None:
    """After a flipped byte all other frames are found, and frames and gaps cover every byte."""
    good = build(contents)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    found = walk(bytes(bad))
    hit = next(i for i in range(len(contents)) if at < len(build(contents[: i + 1])))
    assert payloads(found) == contents[:hit] + contents[hit + 1 :]
    assert [item.offset for item in found] == [0, *(item.end for item in found[:-1])]
    assert found[-1].end == len(good)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5), st.binary(min_size=1, max_size=200))
def test_bytes_behind_the_last_frame_are_one_gap(contents: list[bytes], rest: bytes) -> None:
    """Whatever follows the last frame is a gap up to the end."""
    good = build(contents)
    assert walk(good + rest)[len(contents) :] == [Gap(len(good), len(good) + len(rest))]


def test_frames_larger_than_the_window_and_across_it_are_found() -> None:
    """Frames of all sizes around the size of a read come back whole."""
    chance = random.Random(3)
    contents = [chance.randbytes(n) for n in (300_000, 10, 262_144 - 15, 262_143, 1_000_000, 1)]
    assert payloads(walk(build(contents))) == contents


def test_a_damaged_large_frame_is_jumped_over() -> None:
    """The frame behind a damaged one is found although reads do not line up with it."""
    contents = [b"a", random.Random(4).randbytes(900_000), b"b", b"c"]
    bad = bytearray(build(contents))
    bad[450_000] ^= 8
    assert payloads(walk(bytes(bad))) == [b"a", b"b", b"c"]


def test_a_damaged_head_is_jumped_over() -> None:
    """When the length itself is damaged the next frame is found by its marker."""
    contents = [b"a", random.Random(5).randbytes(600_000), b"b"]
    bad = bytearray(build(contents))
    bad[len(build([b"a"])) + 5] ^= 0x40
    assert payloads(walk(bytes(bad))) == [b"a", b"b"]


def test_frames_inside_content_are_not_taken_for_frames() -> None:
    """A captured copy of a segment cannot smuggle frames in, not even behind damage."""
    foreign = build([b"foreign 1", b"foreign 2"])
    bad = bytearray(build([b"before", foreign, b"after"]))
    bad[len(build([b"before"])) + 4] ^= 1
    assert payloads(walk(bytes(bad))) == [b"before", b"after"]
