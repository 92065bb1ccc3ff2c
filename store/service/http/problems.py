"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from stepwell.store.forms import error_form
from stepwell.store.model.errors import (
    BusyError,
    NoSpaceError,
    NotFoundError,
    RefusedError,
    StepwellError,
    UsageError,
)

TYPE = "application/problem+json"


class LeaseNeededError(RefusedError):
    """A write that shows no lease; facts: `session`."""

    code = "lease_needed"


_STATUSES: tuple[tuple[type[StepwellError], int], ...] = (
    (UsageError, 422),
    (NotFoundError, 404),
    (RefusedError, 409),
    (BusyError, 503),
    (NoSpaceError, 507),
)


def problem(
    status: int, code: str, detail: str, *, hint: str = "", **facts: Any
) -> tuple[int, bytes]:
    """Returns status and body of a problem document; `facts` are further members."""
    form = {
        **facts,
        "type": f"urn:stepwell:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
    }
    return status, json.dumps(form).encode("ascii")


def problem_of(error: StepwellError) -> tuple[int, bytes]:
    """Returns the problem document of an error; what is not the client's fault is a 500."""
    status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
    form: Mapping[str, Any] = error_form(error)["error"]
    facts = {k: v for k, v in form.items() if k not in ("code", "message", "hint", "status")}
    return problem(status, error.code, error.message, hint=error.hint, **facts)
