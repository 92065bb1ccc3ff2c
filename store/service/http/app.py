"""The application: routes, errors as problem documents, and the OpenAPI document."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from stepwell.store.model.errors import StepwellError
from stepwell.store.model.version import VERSION
from stepwell.store.service.http import schema, sessions, steps, system
from stepwell.store.service.http.answers import Parts, not_allowed, problem_answer
from stepwell.store.service.http.problems import problem, problem_of

_log = logging.getLogger("stepwell.http")
_log.addHandler(logging.NullHandler())

_PARTS = (sessions, steps, system)
_ABOUT = (
    "Sessions of one workspace: who has access, snapshots to go back to, annotations, the timeline. "
    "Every request shows the token of the token file; what writes shows its lease as well."
)


def make_app(parts: Parts) -> FastAPI:
    """Returns the application of a workspace's server; the gate goes around it."""
    app = FastAPI(
        title="Stepwell",
        version=VERSION,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Routers that are included are gone through twice for each request.
        routes=[route for part in _PARTS for route in part.ROUTES.routes],
    )
    app.state.parts = parts
    app.add_exception_handler(StepwellError, _refused)
    app.add_exception_handler(RequestValidationError, _senseless)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(Exception, _unforeseen)
    app.openapi_schema = _openapi(app)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, StepwellError)
    return problem_answer(*problem_of(error))


async def _senseless(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": [str(part) for part in one["loc"]], "why": one["msg"]} for one in error.errors()
    ]
    first = found[0] if found else {"where": [], "why": "it makes no sense"}
    detail = f"{'.'.join(first['where'])}: {first['why']}"
    return problem_answer(*problem(422, "usage", detail, problems=found))


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = not_allowed(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
    if error.status_code == 405:
        answer.headers["allow"] = ", ".join(_methods_of(request))
    return answer


def _methods_of(request: Request) -> list[str]:
    """Returns the methods that the routes of a path take; one route knows its own only."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    found = (r.methods or () for r in routes if r.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for methods in found for method in methods})


async def _unforeseen(request: Request, error: Exception) -> Response:
    """A defect of ours: the client hears of it without its details, which are in the log."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_answer(*problem(500, "unforeseen", "the server failed on something unforeseen"))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Returns the document: the token asked for everywhere, and our problems in place of others'."""
    document = app.openapi()
    parts = document["components"]
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    parts["schemas"]["Problem"] = schema.Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(name, None)
    document["security"] = [{"token": []}]
    for path in document["paths"].values():
        for operation in path.values():
            _speak_plainly(operation.get("parameters", ()))
    return document


def _speak_plainly(parameters: Iterable[dict[str, Any]]) -> None:
    """Takes null from what parameters may be: outside a body, what is left out is not there."""
    for parameter in parameters:
        described = parameter["schema"]
        choices = described.pop("anyOf", None)
        if choices is not None:
            described |= next(one for one in choices if one != {"type": "null"})
