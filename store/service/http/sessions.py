"""Routes below `/sessions`: access, snapshots, annotations, timeline, figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from stepwell.store.engine.access import Wish
from stepwell.store.forms import Form, change_form, travel_form
from stepwell.store.model.plans import Applied
from stepwell.store.model.steps import Step
from stepwell.store.service.http import schema
from stepwell.store.service.http.answers import (
    answer,
    documented,
    looked,
    next_of,
    parts_of,
    written,
    wrote,
)
from stepwell.store.sessionforms import (
    access_form,
    annotation_form,
    granted_form,
    session_form,
    snapshot_form,
    version_form,
)
from stepwell.store.sessions import PlannedRestore, Sessions
from stepwell.store.state.forms import state_change_form
from stepwell.store.workspace import Workspace

ROUTES = APIRouter(tags=["sessions"])

_Reference = Annotated[str, Query(min_length=1, max_length=512, description="a snapshot's id")]


class _Writing:
    """A write in a session: who asks, for which session, with which lease."""

    def __init__(
        self, request: Request, name: schema.SessionPath, lease: schema.LeaseHeader = None
    ) -> None:
        self.session = name
        self._request = request
        self._lease = lease

    async def answer(
        self, work: Callable[[Sessions, str], Form], status: int = 200, *, dry_run: bool = False
    ) -> Response:
        """Answers with what `work` makes of the sessions and of the name of the client that writes."""

        def held(workspace: Workspace) -> Form:
            return work(Sessions(workspace), workspace.writers().get(self.session, ""))

        made = await written(self._request, self.session, self._lease, held, dry_run=dry_run)
        return answer(made, status)


_Write = Annotated[_Writing, Depends()]


_AT_ONCE = 100
"""Steps that are put together while everybody waits; a thread of its own would take longer."""


# Routes are tried in this order, and this one is asked for most.
@ROUTES.get("/sessions/{name}/timeline", responses=documented(schema.Timeline))
async def show_timeline(
    request: Request,
    name: schema.SessionPath,
    tag: schema.Tag = None,
    limit: schema.Limit = 50,
    after: schema.After = None,
) -> Response:
    """A session's steps with their annotations, newest first."""
    parts, asked = parts_of(request), (name, tag, limit, after)

    def page_at_hand(workspace: Workspace) -> bytes | None:
        return parts.fragments.page_at_hand(workspace, name, limit, after)

    def page(workspace: Workspace) -> bytes:
        sessions = Sessions(workspace)
        if tag is None:
            sessions.require(name)
            return parts.fragments.page(workspace, name, limit, after)
        found = sessions.timeline(name, tag=tag, limit=limit, before=after)
        return parts.fragments.of_steps(workspace, found, limit)

    # What comes while the page is made must not seem to be on it.
    since = parts.pages.now()
    body = parts.pages.find(asked, since)
    if body is None and tag is None and limit <= _AT_ONCE:
        body = parts.workers.read_at_once(page_at_hand, since)
    if body is None:
        body = await parts.workers.read(page)
        parts.pages.keep(asked, since, body)
    return Response(body, media_type="application/json")


@ROUTES.post("/sessions/{name}/access", responses=documented(schema.Granted))
async def acquire_access(
    request: Request, name: schema.SessionPath, body: schema.AccessIn
) -> Response:
    """Gives a client access; again by the same client renews it. Not granted: `holder` writes."""
    parts = parts_of(request)

    def grant(workspace: Workspace) -> Form:
        wish = Wish(name, body.client_id, body.mode, body.ttl_ms, parts.keeper)
        return granted_form(workspace.grant(wish))

    return answer(await wrote(request, grant))


@ROUTES.get("/sessions/{name}/access", responses=documented(schema.Access))
async def show_access(request: Request, name: schema.SessionPath) -> Response:
    """Who has access, and who may write."""
    return await looked(request, lambda workspace: access_form(workspace.access(name)))


@ROUTES.delete("/sessions/{name}/access/{client_id}", responses=documented(schema.Released))
async def release_access(
    request: Request,
    name: schema.SessionPath,
    client_id: schema.ClientPath,
) -> Response:
    """Ends a client's access; `released` is false when it had none."""

    def release(workspace: Workspace) -> Form:
        return {"released": workspace.release_access(name, client_id)}

    return answer(await wrote(request, release))


@ROUTES.get("/sessions", responses=documented(schema.SessionList))
async def list_sessions(request: Request) -> Response:
    """The sessions with their figures, the newest first."""
    return await looked(request, lambda workspace: {"sessions": _figures(workspace, None)})


@ROUTES.get("/sessions/{name}/metrics", responses=documented(schema.Session))
async def show_metrics(request: Request, name: schema.SessionPath) -> Response:
    """One session's figures."""
    return await looked(request, lambda workspace: _figures(workspace, name)[0])


def _figures(workspace: Workspace, name: str | None) -> list[Form]:
    return [session_form(one) for one in Sessions(workspace).figures(name)]


@ROUTES.post(
    "/sessions/{name}/snapshots",
    status_code=201,
    responses=documented(schema.Snapshot, status=201, described="The snapshot."),
)
async def take_snapshot(write: _Write, body: schema.SnapshotIn) -> Response:
    """Captures files, and the session's state, to come back to."""

    def take(sessions: Sessions, by: str) -> Form:
        return snapshot_form(sessions.take(write.session, **dict(body), by=by))

    return await write.answer(take, 201)


@ROUTES.get("/sessions/{name}/snapshots", responses=documented(schema.SnapshotList))
async def list_snapshots(
    request: Request,
    name: schema.SessionPath,
    tag: schema.Tag = None,
    limit: schema.Limit = 50,
    after: schema.After = None,
) -> Response:
    """A session's snapshots, newest first."""
    return await looked(request, lambda workspace: _page(workspace, name, tag, limit, after))


@ROUTES.get("/snapshots", responses=documented(schema.SnapshotList))
async def list_all_snapshots(
    request: Request,
    tag: schema.Tag = None,
    limit: schema.Limit = 50,
    after: schema.After = None,
) -> Response:
    """The snapshots of all sessions, newest first."""
    return await looked(request, lambda workspace: _page(workspace, None, tag, limit, after))


def _page(
    workspace: Workspace, name: str | None, tag: str | None, limit: int, after: int | None
) -> Form:
    found = Sessions(workspace).snapshots(name, tag=tag)
    older = [step for step in found if after is None or step.seq < after]
    page = older[:limit]
    forms = [snapshot_form(*one) for one in zip(page, workspace.tiers_of(page), strict=True)]
    return {"snapshots": forms, "next": next_of(forms, limit, "seq")}


@ROUTES.get("/sessions/{name}/snapshots/{snapshot}", responses=documented(schema.SnapshotWhole))
async def show_snapshot(
    request: Request, name: schema.SessionPath, snapshot: schema.SnapshotPath
) -> Response:
    """A snapshot with the session's state."""

    def show(workspace: Workspace) -> Form:
        step = Sessions(workspace).snapshot(name, snapshot)
        form = snapshot_form(step, workspace.tiers_of([step])[0])
        return {**form, "state": workspace.state(name, at=step)}

    return await looked(request, show)


@ROUTES.delete("/sessions/{name}/snapshots/{snapshot}", responses=documented(schema.Deleted))
async def delete_snapshot(write: _Write, snapshot: schema.SnapshotPath) -> Response:
    """Makes a snapshot an ordinary step again; `POST /undo` takes that back."""
    return await write.answer(
        lambda sessions, _: _deleted(sessions.delete(write.session, snapshot))
    )


def _deleted(step: Step) -> Form:
    return {"deleted": True, "id": step.id}


@ROUTES.post("/sessions/{name}/snapshots/{snapshot}/restore", responses=documented(schema.Restored))
async def restore_snapshot(
    write: _Write, snapshot: schema.SnapshotPath, body: schema.RestoreIn
) -> Response:
    """Brings files and state back behind a safety step; a dry run only tells what it would do."""

    def restore(sessions: Sessions, _: str) -> Form:
        planned = sessions.plan_restore(write.session, snapshot)
        done = None if body.dry_run else sessions.restore(planned, force=body.force)
        return _restored(planned, done)

    return await write.answer(restore, dry_run=body.dry_run)


def _restored(planned: PlannedRestore, done: Applied | None) -> Form:
    back = f"stepwell undo {done.operation} --yes" if done and done.applied else None
    states = [state_change_form(change) for change in planned.states]
    return {**travel_form(planned.planned, done, back), "state_changes": states}


@ROUTES.get("/sessions/{name}/versions", responses=documented(schema.VersionList))
async def list_versions(request: Request, name: schema.SessionPath) -> Response:
    """A session's snapshots as versions, oldest first, each with the size of its change."""

    def versions(workspace: Workspace) -> Form:
        found = Sessions(workspace).snapshots(name)
        return {"versions": [version_form(step) for step in reversed(found)]}

    return await looked(request, versions)


@ROUTES.get("/sessions/{name}/versions/diff", responses=documented(schema.Diff))
async def diff_versions(
    request: Request,
    name: schema.SessionPath,
    older: _Reference,
    newer: _Reference,
) -> Response:
    """What leads from one snapshot to another, in files and in state."""

    def diff(workspace: Workspace) -> Form:
        found = Sessions(workspace).diff(name, older, newer)
        return {
            "changes": [change_form(change) for change in found.changes],
            "state_changes": [state_change_form(change) for change in found.states],
        }

    return await looked(request, diff)


_ANNOTATION = "/sessions/{name}/checkpoints/{seq}/annotation"


def _annotated(step: Step) -> Form:
    return {"seq": step.seq, "step": step.id, "annotation": annotation_form(step)}


@ROUTES.post(_ANNOTATION, responses=documented(schema.Annotating))
async def annotate(write: _Write, seq: schema.SeqPath, body: schema.AnnotationIn) -> Response:
    """Makes this a step's annotation, in place of what it was; earlier descriptions stay as notes."""

    def mark(sessions: Sessions, by: str) -> Form:
        return _annotated(sessions.annotate(write.session, seq, **dict(body), by=by))

    return await write.answer(mark)


@ROUTES.get(_ANNOTATION, responses=documented(schema.Annotating))
async def show_annotation(
    request: Request, name: schema.SessionPath, seq: schema.SeqPath
) -> Response:
    """A step's annotation."""
    return await looked(request, lambda ws: _annotated(Sessions(ws).annotation(name, seq)))


@ROUTES.delete(_ANNOTATION, responses=documented(schema.Deleted))
async def remove_annotation(write: _Write, seq: schema.SeqPath) -> Response:
    """Takes a step's annotation away; `POST /undo` brings it back."""
    return await write.answer(
        lambda sessions, _: _deleted(sessions.remove_annotation(write.session, seq))
    )
