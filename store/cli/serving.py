"""`serve` and `mcp`: what other programs may ask."""

from __future__ import annotations

import argparse

from stepwell.store import environment
from stepwell.store.cli.command import Call, Command
from stepwell.store.model.errors import FailedError, UsageError
from stepwell.store.service.http.keys import NAMES

_LARGEST_PORT = 65_535


def _serve(call: Call) -> int:
    given, out = call.arguments, call.out
    if not 0 <= given.port <= _LARGEST_PORT:
        raise UsageError(f"{given.port} is no port", hint="0 takes a free one")
    try:
        from stepwell.store.service.http.running import Serving, serve
    except ModuleNotFoundError as error:
        raise FailedError(
            f"the HTTP server cannot be started: the package {error.name} is not installed",
            hint="python -m pip install 'stepwell[server]'",
        ) from error
    with call.open() as workspace:
        store, name = workspace.store, workspace.id

    def listening(url: str) -> None:
        # How far it was with getting ready is still on the line.
        out.flush()
        out.line(f"serving {url}")
        out.line(f"token in {store / NAMES['write']}")
        out.line(f"token that only looks in {store / NAMES['read']}")
        out.flush()

    serve(
        Serving(
            call.open,
            store,
            name,
            given.host,
            given.port,
            environment.default_config(),
            progress=out.progress,
            tell=out.note,
        ),
        listening,
    )
    return 0


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="H", default="127.0.0.1", help="127.0.0.1 or ::1")
    parser.add_argument(
        "--port", metavar="P", type=int, default=0, help="where it listens; 0: a free one (0)"
    )


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
        name="serve",
        summary="Serve the workspace's sessions over HTTP, to this machine alone.",
        details="Every request needs the token that a file in the store holds, new with each start;\n"
        "what writes needs the session's write lease as well. It ends on Ctrl-C or SIGTERM.",
        examples=("stepwell serve", "stepwell serve --port 7800"),
        configure=_serve_options,
        run=_serve,
        takes_json=False,
    ),
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
