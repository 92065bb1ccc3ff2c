"""Source text to coloured spans."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain

import pytest

from stepwell.tui.feed import lexing
from stepwell.tui.feed.lexing import SLICE, coloured, language_of
from stepwell.tui.look.syntax import DARK, LIGHT, ROLES, TERMINAL_DARK, TERMINAL_LIGHT


def roles(language: str, *lines: str) -> list[dict[str, str]]:
    spans = chain.from_iterable(coloured(language, lines))
    return [
        {line[a:b].strip(): role for a, b, role in found}
        for line, found in zip(lines, spans, strict=True)
    ]


@pytest.mark.parametrize(
    ("path", "first", "language"),
    [
        (b"a/b.py", "", "python"), (b"X.RS", "", "rust"), (b"Makefile", "", "make"),
        (b"bin/run", "#!/usr/bin/env python3", "python"), (b"bin/go", "#!/bin/sh", "bash"),
        (b"LICENSE", "", None), (b"photo.png", "", None), (b"x.y/plain", "", None),
    ],
)  # fmt: skip
def test_languages_are_told_by_name_else_first_line(
    path: bytes, first: str, language: str | None
) -> None:
    """An own table: a look-up by file name in the lexer library loads a hundred modules."""
    assert language_of(path, first) == language


@pytest.mark.parametrize(
    "name", sorted({*lexing._BY_SUFFIX.values(), *lexing._BY_NAME.values(), "perl"})
)
def test_every_language_of_the_table_has_a_lexer(name: str) -> None:
    """One span list for each line, whatever the lexer."""
    lines = ["a = 1", "", "/* x", '*/ "s" # c']
    assert len(list(chain.from_iterable(coloured(name, lines)))) == len(lines)


def test_tokens_become_roles() -> None:
    """Keywords, names, strings, numbers, comments."""
    (found,) = roles("python", 'def f(x): return "a" + 1  # why')
    assert found["def"] == "keyword"
    assert found["f"] == "function"
    assert found["1"] == "number"
    assert found["# why"] == "comment"


def test_a_string_over_lines_stays_a_string() -> None:
    """The text is lexed as a whole: the middle line alone would read as code."""
    found = roles("python", 'x = """', "def not_code(): pass", '"""')
    assert found[1] == {"def not_code(): pass": "string"}


def test_slices_are_small_and_whole() -> None:
    """Many lines come in portions, none is lost or doubled."""
    lines = [f"x{i} = {i}" for i in range(3 * SLICE + 5)]
    sizes = [len(part) for part in coloured("python", lines)]
    assert sizes == [SLICE, SLICE, SLICE, 5]


def test_every_role_has_a_colour_on_both_grounds() -> None:
    """A role that a token maps to can be drawn."""
    assert (
        set(lexing._ROLES.values()) | {"name"}
        == set(ROLES)
        == set(DARK)
        == set(LIGHT)
        == set(TERMINAL_DARK)
        == set(TERMINAL_LIGHT)
    )


def test_lexers_are_loaded_when_first_needed() -> None:
    """Nothing of the lexer library is imported before the first file is coloured."""
    code = "import sys, stepwell.tui.feed.highlight; sys.exit('pygments.lexers' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
