"""The documents tell the truth: what they name exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TEXTS = sorted(
    path
    for top in (".ci", "bench", "docs", "screenshots", "store", "tests", "tui")
    for path in (ROOT / top).rglob("*")
    if path.is_file() and path.suffix in {"", ".md", ".py", ".svg", ".tcss"}
)
FEATURE = re.compile(r"^\| (?P<id>[A-Z]\d+) \| (?P<text>.+) \| (?P<door>.+) \| (?P<tests>.+) \|$")
COVERED = [
    "A10",
    "A11",
    *(f"B{number}" for number in range(1, 18)),
    *(f"E{number}" for number in range(1, 11)),
    "C1",
    "C2",
    "C3",
    "C4",
    "C5",
    "C6",
    "C8",
    "C9",
    "D1",
    "D2",
    "D3",
    "D4",
    "D5",
    "D6",
    "D7",
    "F4",
    "G1",
    "G2",
    "G3",
    "G4",
    "G8",
    "G9",
    "G13",
    "G15",
    "G19",
]


def _features() -> list[re.Match[str]]:
    lines = (ROOT / "docs" / "features.md").read_text().splitlines()
    return [row for line in lines if (row := FEATURE.match(line))]


def test_every_feature_of_the_list_is_there_once() -> None:
    """The list of features is complete for what is promised so far."""
    ids = [row["id"] for row in _features()]
    assert len(set(ids)) == len(ids)
    assert set(COVERED) <= set(ids)


@pytest.mark.parametrize("row", _features(), ids=lambda row: row["id"])
def test_every_feature_names_tests_that_exist(row: re.Match[str]) -> None:
    """A feature without a test that would fail without it is not listed."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row["tests"])
    assert named, f"{row['id']} names no test"
    for path, function in named:
        source = (ROOT / path).read_text()
        assert re.search(rf"^(?:async )?def {function}\(", source, re.MULTILINE), function


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "keys.md"])
def test_every_command_and_key_is_documented_as_it_is(name: str) -> None:
    """The reference pages are what the program's own tables say; else: make docs."""
    generator = _generator()
    assert (ROOT / "docs" / name).read_text() == generator.page(name, generator.PAGES[name]())


def test_every_command_that_asks_is_named_where_asking_is_told() -> None:
    """Those that take --yes, in the part that is about all commands."""
    text = (ROOT / "docs" / "commands.md").read_text()
    everywhere = text.partition("## Everywhere\n")[2].partition("<!--")[0]
    command, named = _generator()._command, set(re.findall(r"`([a-z]+)[^`]*`", everywhere))
    assert {name for name in COMMANDS if command(name).takes_yes} <= named


def test_every_command_has_a_section() -> None:
    """The page above could not go without one."""
    text = (ROOT / "docs" / "commands.md").read_text()
    assert set(re.findall(r"^## ([a-z]+)$", text, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_command_in_a_document_exists(path: Path) -> None:
    """Blocks of shell lines name commands and make targets that exist."""
    blocks = re.findall(
        r"^```(?:console|sh)?\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL
    )
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    words = [line.split() for line in lines]
    used = {w[1] for w in words if w[:1] == ["stepwell"] and len(w) > 1 and w[1].isalpha()}
    assert used <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {w[1] for w in words if w[:1] == ["make"] and len(w) > 1} <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_link_leads_to_a_file(path: Path) -> None:
    """Relative links and pictures exist."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    links += re.findall(r"(?:src|href)=\"(?!https?:|#)([^\"#]+)", path.read_text())
    missing = [link for link in links if not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", TEXTS + DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_text_holds_a_path_of_one_machine(path: Path) -> None:
    """What is shipped says the same on every machine, and leaves nothing for later."""
    words = ["/" + "work/(?:main|shared)", "/" + "home/[a-z]+/(?!\\.)", "TO" + "DO", "FIX" + "ME"]
    found = re.findall("|".join(words), path.read_text(errors="replace"))
    assert found == []
