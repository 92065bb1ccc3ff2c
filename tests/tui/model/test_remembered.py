"""What is remembered comes back as it was; what is foreign costs nothing but itself."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.model.remembered import SHARES, Place, Taste, read, with_line, written

TASTES = st.builds(
    Taste,
    theme=st.one_of(st.none(), st.text(max_size=9)),
    split=st.sampled_from(["auto", "on", "off"]),
    wrap=st.booleans(),
    ignore_space=st.booleans(),
    context=st.integers(0, 90),
    absolute=st.booleans(),
    tree=st.booleans(),
    share=st.one_of(st.none(), st.sampled_from(SHARES)),
)
PLACES = st.builds(
    Place,
    seq=st.one_of(st.none(), st.integers(1)),
    pane=st.sampled_from(["timeline", "files", "diff"]),
    folds=st.integers(0, 2),
    marks=st.dictionaries(st.sampled_from("abcXYZ059"), st.integers(1)),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=9,
)


@given(TASTES, PLACES)
def test_all_of_it_comes_back(taste: Taste, place: Place) -> None:
    """Through JSON."""
    assert read(Taste, json.loads(json.dumps(written(taste)))) == taste
    assert read(Place, json.loads(json.dumps(written(place)))) == place


@given(st.dictionaries(st.sampled_from(["format", *written(Taste()), *written(Place())]), JSON))
def test_whatever_stands_there_gives_sound_values(found: dict[str, object]) -> None:
    """A file that somebody edited, or another version wrote."""
    found["format"] = 1
    for kind in (Taste, Place):
        value = read(kind, found)
        assert read(kind, written(value)) == value


def test_another_format_is_not_guessed_at() -> None:
    """Nor is what is no table at all."""
    assert read(Taste, {"format": 2, "wrap": True}) == Taste()
    assert read(Place, [1, 2]) == Place()
    assert read(Taste, {"format": 1, "wrap": 1, "context": -1, "share": 99}) == Taste()


def test_few_lines_are_remembered() -> None:
    """Neither very many nor very long ones, and the same one twice running once."""
    place = Place(seq=3)
    for number in range(500):
        place = with_line(with_line(place, str(number)), str(number))
    place = with_line(place, "x" * 10_000)
    assert place == Place(seq=3, commands=tuple(str(number) for number in range(400, 500)))
