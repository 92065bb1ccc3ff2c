"""`hook`: the slow but same door for what agents' hooks tell."""

from __future__ import annotations

import argparse

from stepwell.store.cli.command import Call, Command


def _hook(call: Call) -> int:
    from stepwell.store.agents.hookclient import main

    given = call.arguments
    main([given.agent, *([given.event] if given.event else [])])
    return 0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agent", metavar="AGENT", help="claude, opencode, codex, ...")
    parser.add_argument(
        "event", metavar="EVENT", nargs="?", help="its name; else the JSON tells it"
    )


COMMANDS = (
    Command(
        name="hook",
        summary="Take what an agent's hook is given on stdin; for agents, not for people.",
        details="Prints nothing and always exits 0: an agent is never held up by it.",
        examples=("stepwell hook claude PostToolUse",),
        configure=_options,
        run=_hook,
        takes_json=False,
    ),
)
