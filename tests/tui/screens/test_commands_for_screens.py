"""Every screen's data is there for the command line, too."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from textual.screen import Screen

from stepwell.store.cli.main import understood
from stepwell.tui import screens

PAGE = Path(__file__).resolve().parents[3] / "docs" / "screen.md"
ROW = re.compile(r"^\| ([a-z ]+) \| [^|]*\| [^|]+ \| (`stepwell .+`) \|$", re.MULTILINE)


def _screens() -> set[str]:
    """Returns the names of all screens that can open, in words."""
    for module in iter_modules(screens.__path__):
        import_module(f"{screens.__name__}.{module.name}")
    found, left = set(), [Screen]
    while left:
        kind = left.pop()
        below = [one for one in kind.__subclasses__() if one.__module__.startswith("stepwell.")]
        left += below
        if not below and kind is not Screen:
            found.add(kind.__name__)
    return {_words(name) for name in found}


def _words(name: str) -> str:
    short = re.sub("(Screen|Form)$", "", name)
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", short).lower()


def _rows() -> dict[str, list[str]]:
    rows = ROW.findall(PAGE.read_text())
    return {name: re.findall("`(.+?)`", commands) for name, commands in rows}


def test_every_screen_is_in_the_table() -> None:
    """A new screen needs a command that does the same, and a row that names it."""
    assert set(_rows()) == _screens()


@pytest.mark.parametrize("line", sorted({line for lines in _rows().values() for line in lines}))
def test_the_commands_of_the_table_are_understood(line: str) -> None:
    """By the command line's own parsers."""
    words = shlex.split(line)[1:]
    found = understood(words)
    assert found is not None or words == ["help"]
