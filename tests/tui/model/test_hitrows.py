"""Hits as rows: grouped by step, bounded, and what is marked in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stepwell.tui.model.hitrows import MOST, HitRows, needle_of
from stepwell.tui.values import Hit, Step

Make = Callable[..., Step]


def test_hits_of_a_step_stand_under_it(make_step: Make) -> None:
    """Also when they come in parts."""
    one, two = make_step(9), make_step(4)
    hits = HitRows()
    hits.add([Hit(one, "path", "soil.py")])
    hits.add([Hit(one, "diff", "+soil"), Hit(two, "note", "soil")])
    assert [(row.step.seq, row.hit and row.hit.where) for row in hits.rows] == [
        (9, None), (9, "path"), (9, "diff"), (4, None), (4, "note")
    ]  # fmt: skip
    assert (hits.places, hits.steps, hits.full) == (3, 2, False)


def test_no_more_than_so_many_places_are_listed(make_step: Make) -> None:
    """A word that is everywhere fills no memory."""
    hits = HitRows()
    hits.add(Hit(make_step(seq), "diff", "x") for seq in range(MOST + 50, 0, -1))
    assert hits.full and hits.places == MOST


@pytest.mark.parametrize(
    ("query", "needle"),
    [
        ("soil", "soil"),
        ("kind:tool -rain soil depth", "soil"),
        ('path:src "two words" x', "two words"),
        ("text:soil", "soil"),
        ('"a \\"b\\""', 'a "b"'),
        ("kind:tool", ""),
        ("", ""),
    ],
)
def test_the_first_word_is_what_is_marked(query: str, needle: str) -> None:
    """Not a filter, and not what must be absent."""
    assert needle_of(query) == needle
