"""Syntax colours stay readable on every ground that a diff lays under them."""

from __future__ import annotations

import pytest

from stepwell.tui.look import palette, syntax

GROUNDS = ("ground", "added_ground", "deleted_ground", "added_word", "deleted_word")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("roles", "colours"), [(syntax.DARK, palette.DARK), (syntax.LIGHT, palette.LIGHT)]
)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_role_is_readable(
    roles: dict[str, str], colours: dict[str, str], ground: str
) -> None:
    """At least 4.5 to 1 on lines, 3.3 to 1 on the small grounds of changed words."""
    least = 3.3 if ground.endswith("word") else 4.5
    weak = {
        role: round(contrast(colour, colours[ground]), 2)
        for role, colour in roles.items()
        if contrast(colour, colours[ground]) < least
    }
    assert weak == {}


@pytest.mark.parametrize("colours", [palette.DARK, palette.LIGHT])
def test_grounds_are_quiet_but_tell_apart(colours: dict[str, str]) -> None:
    """A changed line is hardly lighter than the page; a changed word stands out of its line."""
    for sign in ("added", "deleted"):
        line, word = colours[f"{sign}_ground"], colours[f"{sign}_word"]
        assert 1.03 < contrast(colours["ground"], line) < 1.35
        assert contrast(line, word) > 1.2
