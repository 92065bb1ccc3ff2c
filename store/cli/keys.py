"""`keys`: what the keys of the timeline do, as the settings have them."""

from __future__ import annotations

import argparse

from stepwell.store.cli.command import Call, Command
from stepwell.store.cli.output import Styled, padded, width
from stepwell.store.environment import default_config
from stepwell.store.model.errors import UsageError
from stepwell.store.settings import read_table

_PROBLEMS = 1


def _keys(call: Call) -> int:
    from stepwell.store.cli.screens import load_screen

    given, out = call.arguments, call.out
    settings = read_table(default_config(), "keys")
    if given.preset is not None:
        wrong = load_screen("keys")({"preset": given.preset})[1]
        if wrong:
            raise UsageError(wrong[0], hint="stepwell keys --preset lazygit")
        settings = {**settings, "preset": given.preset}
    rows, problems = load_screen("keys")(settings)
    if out.json:
        out.document({"keys": rows, "problems": list(problems)})
    else:
        wide = max(width(" ".join(row["keys"])) for row in rows)
        names = max(width(row["name"]) for row in rows)
        scope = ""
        for row in rows:
            if row["scope"] != scope:
                scope = row["scope"]
                out.line(Styled(scope, "strong"))
            shown = Styled(padded(" ".join(row["keys"]) or "-", wide), "name")
            out.line(
                "  ", shown, "  ", Styled(padded(row["name"], names), "dim"), "  ", row["does"]
            )
    for problem in problems:
        out.note(f"left out of the settings: {problem}")
    return _PROBLEMS if problems and given.check else 0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", metavar="NAME", help="as with this preset: default, lazygit")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 when something of the settings is left out"
    )


COMMANDS = (
    Command(
        name="keys",
        summary="List the keys of the timeline, as your settings have them.",
        details='[keys] in the settings changes them: preset = "lazygit", and for each action by its\n'
        "name a key, a list of keys, or false. What makes no sense, or would give a key two\n"
        "meanings, is left out and told here; the actions that it was about keep their keys.",
        examples=("stepwell keys", "stepwell keys --preset lazygit", "stepwell keys --check"),
        configure=_options,
        run=_keys,
    ),
)
