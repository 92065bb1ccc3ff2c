"""Routes below `/sessions`: access, snapshots, annotations, timeline, figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

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

_SnapshotPath = Annotated[str, Path(min_length=1, max_length=512, description="its id")]
_Reference = Annotated[str, Query(min_length=1, max_length=512, description="a snapshot's id")]


# --- access --------------------------------------------------------------------------------------


@ROUTES.post("/sessions/{name}/access", responses=documented(schema.Granted))
async def acquire_access(
    request: Request, name: schema.SessionPath, body: schema.AccessIn
) -> Response:
    """Gives a client access; again by the same client renews it. Not granted: `holder` writes."""
    parts = parts_of(request)

    def grant(workspace: Workspace) -> Form:
        wish = Wish(name, body.client_id, body.mode, body.ttl_ms, parts.keeper)
        return granted_form(workspace.grant(wish))

    return answer(await parts.workers.write(grant))


@ROUTES.get("/sessions/{name}/access", responses=documented(schema.Access))
async def show_access(request: Request, name: schema.SessionPath) -> Response:
    """Who has access, and who may write."""
    return await looked(request, lambda workspace: access_form(workspace.access(name)))


@ROUTES.delete("/sessions/{name}/access/{client_id}", responses=documented(schema.Released))
async def release_access(
    request: Request,
    name: schema.SessionPath,
    client_id: Annotated[str, Path(min_length=1, max_length=256)],
) -> Response:
    """Ends a client's access; `released` is false when it had none."""

    def release(workspace: Workspace) -> Form:
        return {"released": workspace.release_access(name, client_id)}

    return answer(await parts_of(request).workers.write(release))


# --- figures -------------------------------------------------------------------------------------


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


# --- snapshots -----------------------------------------------------------------------------------


@ROUTES.post(
    "/sessions/{name}/snapshots",
    status_code=201,
    responses=documented(schema.Snapshot, status=201, described="The snapshot."),
)
async def take_snapshot(
    request: Request,
    name: schema.SessionPath,
    body: schema.SnapshotIn,
    lease: schema.LeaseHeader = None,
) -> Response:
    """Captures files, and the session's state, to come back to."""

    def take(workspace: Workspace) -> Form:
        step = Sessions(workspace).take(
            name,
            description=body.description,
            tags=body.tags,
            state=body.state,
            by=_writer(workspace, name),
        )
        return snapshot_form(step)

    return answer(await written(request, name, lease, take), 201)


def _writer(workspace: Workspace, name: str) -> str:
    return workspace.writers().get(name, "")


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
    forms = [snapshot_form(step) for step in older[:limit]]
    return {"snapshots": forms, "next": next_of(forms, limit, "seq")}


@ROUTES.get("/sessions/{name}/snapshots/{snapshot}", responses=documented(schema.SnapshotWhole))
async def show_snapshot(
    request: Request, name: schema.SessionPath, snapshot: _SnapshotPath
) -> Response:
    """A snapshot with the session's state."""

    def show(workspace: Workspace) -> Form:
        step = Sessions(workspace).snapshot(name, snapshot)
        return {**snapshot_form(step), "state": workspace.state(name, at=step)}

    return await looked(request, show)


@ROUTES.delete("/sessions/{name}/snapshots/{snapshot}", responses=documented(schema.Deleted))
async def delete_snapshot(
    request: Request,
    name: schema.SessionPath,
    snapshot: _SnapshotPath,
    lease: schema.LeaseHeader = None,
) -> Response:
    """Makes a snapshot an ordinary step again; `POST /undo` takes that back."""

    def delete(workspace: Workspace) -> Form:
        return {"deleted": True, "id": Sessions(workspace).delete(name, snapshot).id}

    return answer(await written(request, name, lease, delete))


@ROUTES.post("/sessions/{name}/snapshots/{snapshot}/restore", responses=documented(schema.Restored))
async def restore_snapshot(
    request: Request,
    name: schema.SessionPath,
    snapshot: _SnapshotPath,
    body: schema.RestoreIn,
    lease: schema.LeaseHeader = None,
) -> Response:
    """Brings files and state back behind a safety step; a dry run only tells what it would do."""

    def restore(workspace: Workspace) -> Form:
        sessions = Sessions(workspace)
        planned = sessions.plan_restore(name, snapshot)
        done = None if body.dry_run else sessions.restore(planned, force=body.force)
        return _restored(planned, done)

    return answer(await written(request, name, lease, restore, dry_run=body.dry_run))


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


# --- annotations ---------------------------------------------------------------------------------

_ANNOTATION = "/sessions/{name}/checkpoints/{seq}/annotation"


def _annotated(step: Step) -> Form:
    return {"seq": step.seq, "step": step.id, "annotation": annotation_form(step)}


@ROUTES.post(_ANNOTATION, responses=documented(schema.Annotating))
async def annotate(
    request: Request,
    name: schema.SessionPath,
    seq: schema.SeqPath,
    body: schema.AnnotationIn,
    lease: schema.LeaseHeader = None,
) -> Response:
    """Makes this a step's annotation, in place of what it was; earlier descriptions stay as notes."""

    def mark(workspace: Workspace) -> Form:
        step = Sessions(workspace).annotate(
            name,
            seq,
            label=body.label,
            description=body.description,
            tags=body.tags,
            by=_writer(workspace, name),
        )
        return _annotated(step)

    return answer(await written(request, name, lease, mark))


@ROUTES.get(_ANNOTATION, responses=documented(schema.Annotating))
async def show_annotation(
    request: Request, name: schema.SessionPath, seq: schema.SeqPath
) -> Response:
    """A step's annotation."""
    return await looked(request, lambda ws: _annotated(Sessions(ws).annotation(name, seq)))


@ROUTES.delete(_ANNOTATION, responses=documented(schema.Deleted))
async def remove_annotation(
    request: Request,
    name: schema.SessionPath,
    seq: schema.SeqPath,
    lease: schema.LeaseHeader = None,
) -> Response:
    """Takes a step's annotation away; `POST /undo` brings it back."""

    def remove(workspace: Workspace) -> Form:
        return {"deleted": True, "id": Sessions(workspace).remove_annotation(name, seq).id}

    return answer(await written(request, name, lease, remove))


# --- timeline ------------------------------------------------------------------------------------


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

    def page(workspace: Workspace) -> tuple[int, bytes]:
        # What comes while the page is made must not seem to be on it.
        number, sessions = workspace.view().number, Sessions(workspace)
        if tag is None:
            sessions.require(name)
            return number, parts.fragments.page(workspace, name, limit, after)
        found = sessions.timeline(name, tag=tag, limit=limit, before=after)
        return number, parts.fragments.of_steps(found, limit)

    body = parts.pages.find(asked)
    if body is None:
        made = await parts.workers.read(page)
        parts.pages.keep(asked, *made)
        body = made[1]
    return Response(body, media_type="application/json")
