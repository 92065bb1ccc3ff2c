"""JSON: what is stored comes back, what cannot come back is refused, strangers meet limits."""

from __future__ import annotations

import enum
import json
from typing import Any

import pytest
from hypothesis import given
from support.states import JSON

from stepwell.store.model.errors import RefusedError, UsageError
from stepwell.store.state.documents import Limits, encode, parse, private_copy

LOOP: list[Any] = []
LOOP.append(LOOP)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@given(JSON)
def test_a_copy_is_the_same_json_and_shares_nothing(value: Any) -> None:
    """By the text, which tells 1 from 1.0 and true, and -0.0 from 0.0."""
    text, copy = private_copy(value)
    assert encode(copy) == text == encode(value)
    assert not isinstance(value, dict | list) or copy is not value
    assert parse(text, "it") == value


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"a": [1, float("nan")]}, "at /a/1: nan is no number"),
        ({"a/b": float("inf")}, "at /a~1b: inf"),
        ({"a": {1: 2}}, "at /a: the key 1 is no text"),
        ({"a": {1, 2}}, "at /a: a set has no form"),
        ({"a": (1, 2)}, "at /a: a tuple has no form"),
        ({"a": b"x"}, "at /a: a bytes has no form"),
        ({"a": 10**5000}, "at /a: the integer has more digits"),
        ({"a": "\ud83d\ude00"}, "at /a: the text holds halves"),
        (LOOP, "Circular"),
        (nested(201), "more than 200 levels"),
        (nested(100_000), "more than 200 levels"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "state",
)
def test_what_would_not_come_back_is_refused_with_its_place(state: Any, named: str) -> None:
    """Rather than stored as something else."""
    with pytest.raises(UsageError) as refused:
        private_copy(state)
    assert named in refused.value.message
    assert refused.value.hint


def test_numbers_that_python_sees_as_equal_stay_what_they_are() -> None:
    """And members of an enumeration become the numbers that they are."""

    class Level(enum.IntEnum):
        HIGH = 3

    text, copy = private_copy([1, 1.0, True, 0.0, -0.0, Level.HIGH])
    assert text == b"[1,1.0,true,0.0,-0.0,3]"
    assert [type(one) for one in copy] == [int, float, bool, float, float, int]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"NaN", b"[Infinity]", b"1e999", b'{"a": 1, "a": 2}', b"\xff", b"1" * 5000],
    ids=lambda text: text[:12].decode("latin-1"),
)
def test_a_text_that_is_no_json_is_refused(text: bytes) -> None:
    """Also where Python's own reader would take it."""
    with pytest.raises(UsageError):
        parse(text, "the text")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (b"[" * 200_000, "levels"),
        (b"[" * 200_000 + b"]" * 200_000, "levels"),
        (b"{" + b",".join(b'"%d":0' % n for n in range(300_000)) + b"}", "entries"),
        (b'"' + b"x" * (2 << 20) + b'"', "bytes"),
    ],
    ids=["open", "nested", "keys", "string"],
)
def test_a_hostile_text_is_refused_before_it_is_parsed(text: bytes, unit: str) -> None:
    """By counting, which takes no memory to speak of."""
    limits = Limits(document_bytes=1 << 20 if unit == "bytes" else 8 << 20, entries=250_000)
    with pytest.raises(RefusedError) as refused:
        parse(text, "the text", limits)
    assert refused.value.facts["unit"] == unit


def test_brackets_and_commas_in_text_do_not_count() -> None:
    """Only structure does, also behind escaped quotes."""
    value = {'[[[\\"': ["]]],,,{{{" * 1000, '\\"[' * 1000]}
    assert parse(json.dumps(value).encode(), "it", Limits(entries=4, depth=2)) == value
