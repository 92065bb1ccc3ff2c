"""`mcp`: what other programs may ask."""

from __future__ import annotations

import argparse

from stepwell.store.cli.command import Call, Command
from stepwell.store.model.errors import FailedError


def _mcp(call: Call) -> int:
    from stepwell.store.service.toolbox import Toolbox

    try:
        from stepwell.store.service.mcp import make_server
    except ModuleNotFoundError as error:
        raise FailedError(
            f"the MCP server cannot be started: the package {error.name} is not installed",
            hint="python -m pip install 'stepwell[mcp]'",
        ) from error
    with call.open() as workspace:
        make_server(Toolbox(workspace, may_restore=call.arguments.allow_restore)).run("stdio")
    return 0


def _mcp_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-restore", action="store_true", help="let the agent put files back (undoable)"
    )


COMMANDS = (
    Command(
        name="mcp",
        summary="Serve the timeline to an agent, as an MCP server on stdin and stdout.",
        details="Register it in your agent as the command `stepwell mcp`. It lists and shows steps, reads\n"
        "files as they were, finds when something changed, and marks checkpoints; files are\n"
        "changed only with --allow-restore, and then behind a safety step.",
        examples=("stepwell mcp", "stepwell mcp --allow-restore"),
        configure=_mcp_options,
        run=_mcp,
        takes_json=False,
    ),
)
