"""Routes about the server itself: health, figures for Prometheus, events, agents' hooks."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from stepwell.store.agents.adapters import ADAPTERS
from stepwell.store.agents.recorder import AgentRecorder
from stepwell.store.forms import Form
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.version import VERSION
from stepwell.store.service.http import schema
from stepwell.store.service.http.answers import Parts, answer, documented, parts_of, wrote
from stepwell.store.service.http.figures import TEXT_TYPE, exposition
from stepwell.store.service.http.stream import place_of, stream
from stepwell.store.settings import keeps_text
from stepwell.store.workspace import Workspace

ROUTES = APIRouter(tags=["system"])

_EVENTS = {
    **documented(None),
    200: {
        "description": "Events as they come; each has an id to go on from.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
}
_METRICS = {
    **documented(None),
    200: {
        "description": "The figures of the sessions, as Prometheus reads them.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
}


@ROUTES.get("/healthz", responses=documented(schema.Health))
async def health(request: Request) -> Response:
    """Whether the server answers, and whose it is."""
    return answer({"status": "ok", "version": VERSION, "workspace": parts_of(request).workspace})


@ROUTES.get("/metrics", responses=_METRICS, response_class=Response)
async def metrics(request: Request) -> Response:
    """The figures of the sessions, in the text format of Prometheus."""
    text = await parts_of(request).workers.read(exposition)
    return Response(text, media_type=TEXT_TYPE)


@ROUTES.get("/events", responses=_EVENTS, response_class=StreamingResponse)
async def events(
    request: Request,
    last: Annotated[
        str | None,
        Header(alias="Last-Event-ID", max_length=40, pattern=r"^[0-9]{1,15}(\.[0-9]{1,9})?$"),
    ] = None,
) -> Response:
    """Events as server-sent events: those after `Last-Event-ID`, then each as it comes."""
    after = None if last is None else place_of(last)
    return StreamingResponse(
        stream(parts_of(request), after),
        media_type="text/event-stream",
    )


@ROUTES.post("/hooks/{agent}", responses=documented(schema.Taken))
async def hook(
    request: Request,
    agent: schema.AgentPath,
    payload: Annotated[dict[str, Any], Body()],
    event: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Takes what an agent tells, as `stepwell hook AGENT EVENT` does from stdin."""
    if agent not in ADAPTERS:
        raise NotFoundError(
            f"no agent {agent} is known", hint=f"one of {', '.join(ADAPTERS)}", agent=agent
        )
    parts = parts_of(request)

    def take(workspace: Workspace) -> Form:
        before = workspace.view().number
        _recorder(parts, workspace).take(agent, event, json.dumps(payload).encode("ascii"))
        return {"recorded": workspace.view().number > before}

    return answer(await wrote(request, take))


def _recorder(parts: Parts, workspace: Workspace) -> AgentRecorder:
    """Returns the recorder of the one workspace that writes; it remembers calls under way."""
    if parts.recorder is None:
        config = parts.config
        parts.recorder = AgentRecorder(
            workspace, keeps_text=lambda: config is None or keeps_text(config)
        )
    return parts.recorder
