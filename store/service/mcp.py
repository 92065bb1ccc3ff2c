"""The MCP server: the toolbox over stdio, for agents that ask about their own past.

The Model Context Protocol, https://modelcontextprotocol.io; the package `mcp` is an optional extra.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ParamSpec

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from stepwell.store import __version__
from stepwell.store.model.errors import StepwellError
from stepwell.store.service.toolbox import Toolbox

_P = ParamSpec("_P")

_INSTRUCTIONS = (
    "Stepwell recorded the working tree at every step of this and earlier sessions. Steps are named "
    "@ (the newest), @~2, #12, a branch, a label or the beginning of an id. Look for when something "
    "changed with find_change, and read files as they were with file_at. Restoring is only planned "
    "unless the person has allowed more."
)
_LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_MARKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)


def make_server(box: Toolbox) -> MCPServer[Any]:
    """Returns a server over a toolbox; `run("stdio")` serves until stdin ends."""
    server: MCPServer[Any] = MCPServer("stepwell", instructions=_INSTRUCTIONS, version=__version__)
    for method in (
        box.list_steps,
        box.show_step,
        box.diff,
        box.file_at,
        box.find_change,
        box.blame,
    ):
        _add(server, method, _LOOKS)
    _add(server, box.checkpoint, _MARKS)
    _add(server, box.restore, _CHANGES)
    _add_resources(server, box)
    _add_prompts(server)
    return server


def _add(
    server: MCPServer[Any], method: Callable[..., dict[str, Any]], hints: ToolAnnotations
) -> None:
    described = (method.__doc__ or "").split("\n\n")[0]
    guarded = _guarded(method)
    server.tool(name=method.__name__, description=described, annotations=hints)(guarded)


def _guarded(method: Callable[_P, dict[str, Any]]) -> Callable[_P, Any]:
    """Returns the method as a coroutine, so that it runs on the loop's thread, one at a time."""
    from functools import wraps

    @wraps(method)
    async def call(*arguments: _P.args, **keywords: _P.kwargs) -> dict[str, Any]:
        try:
            return method(*arguments, **keywords)
        except StepwellError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise ToolError(f"{error.message}{hint}") from error

    return call


def _add_resources(server: MCPServer[Any], box: Toolbox) -> None:
    @server.resource("stepwell://timeline", mime_type="application/json")
    async def timeline() -> str:
        """The newest 50 steps."""
        return json.dumps(box.list_steps(50))

    @server.resource("stepwell://step/{step}", mime_type="application/json")
    async def one_step(step: str) -> str:
        """A step with everything about it."""
        return json.dumps(box.show_step(step))

    @server.resource("stepwell://step/{step}/diff", mime_type="text/x-diff")
    async def step_diff(step: str) -> str:
        """What a step changed."""
        return str(box.diff(f"{step}~1", step)["patch"])

    @server.resource("stepwell://file/{step}/{path}", mime_type="text/plain")
    async def file(step: str, path: str) -> str:
        """A file as it was at a step."""
        return str(box.file_at(step, path)["text"])


def _add_prompts(server: MCPServer[Any]) -> None:
    @server.prompt()
    async def what_changed(since: str = "@~10") -> str:
        """What changed since a step."""
        return (
            f"Use the stepwell tools to read what changed from step {since} to now: list the steps, "
            "read the diff, and tell in a few sentences what was done, by whom, and what failed."
        )

    @server.prompt()
    async def find_the_step_that_broke(what: str) -> str:
        """Find the step that broke something."""
        return (
            f"Something broke: {what}. Use the stepwell tools (find_change, list_steps, show_step, "
            "file_at) to find the step that broke it, and show its prompt and its diff. Do not "
            "restore anything without being asked."
        )
