"""What every route shares: answers as JSON, the problems that may come, the server's parts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.forms import Form
from stepwell.store.model.access import Fence, Keeper
from stepwell.store.service.http.fragments import Fragments
from stepwell.store.service.http.pages import Pages
from stepwell.store.service.http.problems import TYPE, LeaseNeededError, problem
from stepwell.store.service.http.pulse import Pulse
from stepwell.store.service.http.workers import Workers
from stepwell.store.workspace import Workspace

T = TypeVar("T")


@dataclass(slots=True)
class Parts:
    """What the routes work with; one a server."""

    workers: Workers
    workspace: str
    keeper: Keeper
    """This process: when it ends, so does the access of its clients."""
    config: Path | None
    pulse: Pulse
    pages: Pages
    fragments: Fragments
    recorder: AgentRecorder | None = None
    """Of the writing thread; made with the first hook."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server ends, so that streams do."""


def parts_of(request: Request) -> Parts:
    """Returns the server's parts."""
    found: Parts = request.app.state.parts
    return found


def answer(form: Any, status: int = 200) -> Response:
    """Returns a JSON form as a response."""
    return Response(_json(form), status, media_type="application/json")


def _json(form: Any) -> bytes:
    return json.dumps(form).encode("ascii")


def problem_answer(status: int, body: bytes) -> Response:
    """Returns a problem document as a response."""
    headers = {"retry-after": "1"} if status == 503 else None
    return Response(body, status, headers=headers, media_type=TYPE)


async def looked(request: Request, work: Callable[[Workspace], Any]) -> Response:
    """Returns what a reading function makes of the workspace, as JSON.

    It is put into JSON on the reading thread: a large difference holds up nobody else's request.
    """
    body = await parts_of(request).workers.read(lambda workspace: _json(work(workspace)))
    return Response(body, media_type="application/json")


async def wrote(request: Request, work: Callable[[Workspace], T]) -> T:
    """Returns what a writing function makes of the workspace."""
    what = f"{request.method} {request.url.path}"
    return await parts_of(request).workers.write(work, what)


async def written(
    request: Request,
    session: str,
    lease: int | None,
    work: Callable[[Workspace], T],
    *,
    dry_run: bool = False,
) -> T:
    """Runs what writes in a session's name, held to the lease; a dry run needs none.

    Raises:
        LeaseNeededError: no lease was shown.
        LeaseError: it is not, or no more, in force; nothing was written.
    """
    if dry_run:
        return await parts_of(request).workers.read(work)
    if lease is None:
        raise LeaseNeededError(
            f"writing in session {session} needs its write lease",
            hint="acquire it, and send its number as Stepwell-Lease",
            session=session,
        )

    def fenced(workspace: Workspace) -> T:
        with workspace.writing_as(Fence(session, lease)):
            return work(workspace)

    return await wrote(request, fenced)


_REASONS = {
    400: "The request cannot be read, or names no host of this server.",
    401: "No token of this server was shown.",
    403: "The request comes by a foreign name or page, or its token lets its holder look only.",
    404: "There is no such thing.",
    405: "The path does not take this method.",
    408: "The body did not come in time.",
    409: "It would hurt other work, or no lease or a stale one was shown; nothing was changed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A member, parameter or header makes no sense.",
    500: "The system or the store failed.",
    503: "Another process is writing, or too many requests wait.",
    507: "There is no room left on the disk.",
}


def documented(
    model: type[BaseModel] | None, *, status: int = 200, described: str = "Done."
) -> dict[int | str, dict[str, Any]]:
    """Returns the responses of a route for the OpenAPI document."""
    found: dict[int | str, dict[str, Any]] = {
        code: {
            "description": text,
            "content": {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code, text in _REASONS.items()
    }
    done: dict[str, Any] = {"description": described}
    if model is not None:
        done["model"] = model
    return {status: done, **found}


def not_allowed(status: int, detail: str) -> Response:
    """Returns the problem of a path or method that there is not."""
    codes = {404: "not_found", 405: "method_not_allowed"}
    return problem_answer(*problem(status, codes.get(status, "refused"), detail))


def next_of(forms: list[Form], limit: int, key: str) -> int | None:
    """Returns where the next page goes on; None when this one was not full."""
    return forms[-1][key] if len(forms) == limit else None
