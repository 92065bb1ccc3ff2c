"""Every command explains itself, and takes what the interface says that it takes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from stepwell.store import __version__
from stepwell.store.cli.command import Command
from stepwell.store.cli.main import _GROUPS, COMMANDS

Run = Callable[..., Any]

DOCS = Path(__file__).resolve().parents[3] / "docs" / "commands.md"
WITHOUT_JSON = {"cat", "hook", "mcp", "run", "serve", "watch"}
ASKING = {
    *("experiment", "merge", "redo", "rollback", "session", "switch", "undo"),
    *("gc", "prune", "purge", "push", "state", "verify"),
}


def _commands() -> list[Command]:
    modules = dict.fromkeys(module for module, _ in COMMANDS.values())
    return [c for m in modules for c in import_module(f"stepwell.store.cli.{m}").COMMANDS]


def test_the_list_of_commands_is_what_the_modules_hold() -> None:
    """Nothing is promised that is not there, or there and not shown."""
    assert sorted(command.name for command in _commands()) == sorted(COMMANDS)
    assert sorted(name for _, names in _GROUPS for name in names) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_an_example_and_a_section_in_the_docs(
    run: Run, name: str
) -> None:
    """On stdout, exit code 0, without a workspace."""
    shown = run(name, "--help")
    assert shown.code == 0
    assert shown.err == ""
    assert f"usage: stepwell {name}" in shown.text
    assert f"stepwell {name}" in shown.text.partition("example:")[2]
    assert f"\n## {name}\n" in DOCS.read_text()
    assert run("help", name).out == run("--help", name).out == shown.out


@pytest.mark.parametrize("command", _commands(), ids=lambda command: command.name)
def test_each_command_takes_the_common_options_that_it_should(command: Command) -> None:
    """`-C` always, `--json` but for the exempt ones, `--yes` where one is asked."""
    taken = {option for action in command.parser()._actions for option in action.option_strings}
    assert {"-C", "--help"} <= taken
    assert ("--json" in taken) == (command.name not in WITHOUT_JSON)
    assert ("--yes" in taken) == (command.name in ASKING)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_is_broken_to_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences fill the lines that there are; tables, which are indented, stay as they are."""
    monkeypatch.setenv("COLUMNS", str(columns))
    words, row = ["word"] * 40, f"  key = 1   {'of a table ' * 8}"
    details = f"{' '.join(words[:20])}\n{' '.join(words[20:])}\n{row}\nLast."
    told = Command("x", "Do x.", (), lambda call: 0, details=details).parser().format_help()
    lines = told.partition("Do x.\n\n")[2].partition("\n\n")[0].split("\n")
    at = lines.index(row)
    assert " ".join(lines[:at]).split() == words and lines[at + 1 :] == ["Last."]
    assert max(map(len, lines[:at])) <= min(columns, 88)
    assert min(map(len, lines[: at - 1])) > min(columns, 88) - 8


def test_help_breaks_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the sentences nor beside an option: half of one cannot be copied, or searched for."""
    monkeypatch.setenv("COLUMNS", "60")
    text = " ".join(["--keep-the-first"] * 20)
    command = Command(
        "x", "Do x.", (), lambda call: 0, lambda p: p.add_argument("--y", help=text), text
    )
    assert command.parser().format_help().split().count("--keep-the-first") == 40


@pytest.mark.parametrize("command", _commands(), ids=lambda command: command.name)
def test_help_fits_a_terminal_of_80_columns(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and examples too, which are not broken."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = command.parser().format_help().splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("command", _commands(), ids=lambda command: command.name)
def test_each_example_is_a_line_that_the_command_reads(command: Command) -> None:
    """An example that is refused would teach nothing."""
    for example in command.examples:
        words = shlex.split(example.partition(" | ")[0].partition(" > ")[0])
        assert words[0] == "stepwell"
        start = words.index(command.name)
        command.parse([*words[1:start], *words[start + 1 :]])


def test_the_list_of_commands_and_the_version_need_no_workspace(run: Run) -> None:
    """The first things that anyone tries."""
    shown = run("--help")
    assert shown.code == 0
    assert all(f"  {name} " in shown.text for name in COMMANDS)
    assert max(map(len, shown.text.splitlines())) <= 100
    assert run("--version").text == f"stepwell {__version__}\n"
