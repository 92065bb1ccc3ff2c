"""Writes the generated part of docs/commands.md and docs/keys.md from the program's own tables.

`make docs` runs it; a test fails when what it would write differs from what is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from stepwell.store.cli.command import Command
from stepwell.store.cli.main import COMMANDS
from stepwell.tui.keys.actions import ACTIONS, Scope, actions_for
from stepwell.tui.keys.names import spelled

FOLDER = Path(__file__).resolve().parent
MARKER = "<!-- What follows is generated: make docs -->\n"

# Given to every command, so described once, above.
COMMON = {"-C", "--json", "-h"}


def main() -> None:
    for name, generated in PAGES.items():
        (FOLDER / name).write_text(page(name, generated()))


def page(name: str, generated: str) -> str:
    """Returns the page as it should be: what was written by hand, then what is generated."""
    by_hand = (FOLDER / name).read_text().partition(MARKER)[0]
    return f"{by_hand}{MARKER}\n{generated}"


def commands() -> str:
    """Returns a section for each command."""
    return "\n".join(line for name in COMMANDS for line in _section(_command(name))) + "\n"


def keys() -> str:
    """Returns a table of keys for each pane."""
    scopes = dict.fromkeys(action.scope for action in ACTIONS)
    return "\n".join(line for scope in scopes for line in _keys_of(scope)) + "\n"


PAGES: dict[str, Callable[[], str]] = {"commands.md": commands, "keys.md": keys}


def _command(name: str) -> Command:
    module = import_module(f"stepwell.store.cli.{COMMANDS[name][0]}")
    return next(command for command in module.COMMANDS if command.name == name)


def _section(command: Command) -> Iterator[str]:
    actions = command.parser()._actions
    yield f"## {command.name}"
    yield ""
    yield " ".join([command.summary, *command.details.split("\n")]).strip()
    yield ""
    yield "```"
    yield " ".join(["stepwell", command.name, *(u for a in actions if (u := _usage(a)))])
    yield "```"
    yield ""
    rows = [row for action in actions if (row := _row(action))]
    if rows:
        yield from ("| argument | meaning |", "|---|---|", *rows, "")
    yield from ("For example:", "", "```console")
    yield from (f"$ {example}" for example in command.examples)
    yield from ("```", "")


def _usage(action: argparse.Action) -> str:
    if COMMON & set(action.option_strings):
        return ""
    value = _value(action)
    if not action.option_strings:
        many = action.nargs in ("*", "?") or action.default is not None
        shown = f"[{value}]" if many else value
        return f"{shown}..." if action.nargs in ("*", "+") else shown
    return f"[{' '.join(part for part in (action.option_strings[0], value) if part)}]"


def _row(action: argparse.Action) -> str:
    if COMMON & set(action.option_strings) or not action.help:
        return ""
    names = ", ".join(action.option_strings) or _value(action)
    value = _value(action) if action.option_strings else ""
    return f"| `{' '.join(part for part in (names, value) if part)}` | {_cell(action.help)} |"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return str(action.metavar or action.dest.upper())


def _cell(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|")


def _keys_of(scope: Scope) -> Iterator[str]:
    yield from (f"## {scope.capitalize()}", "", "| key | does | name |", "|---|---|---|")
    for action in actions_for(scope):
        named = ", ".join(f"`{spelled(key)}`" for key in action.keys)
        named = named.replace("```", "`` ` ``").replace("`|`", "the bar")
        yield f"| {named} | {_cell(action.title)} | `{action.name.partition('.')[2]}` |"
    yield ""


if __name__ == "__main__":
    main()
