"""Routes for steps, branches and operations, and for going back, merging and undoing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from stepwell.store.forms import (
    Form,
    branch_form,
    change_form,
    covered_form,
    operation_form,
    step_form,
    text_form,
    travel_form,
)
from stepwell.store.mergeforms import merge_form
from stepwell.store.model.paths import from_argument
from stepwell.store.model.plans import Applied, PlannedChanges
from stepwell.store.model.steps import Operation
from stepwell.store.service.http import schema
from stepwell.store.service.http.answers import answer, documented, looked, next_of, written
from stepwell.store.state.forms import state_change_form
from stepwell.store.statechanges import own_state_changes, state_changes
from stepwell.store.workspace import Workspace

ROUTES = APIRouter(tags=["steps"])

_Against = Annotated[
    str | None,
    Query(min_length=1, max_length=512, description="another step; without it, the one before"),
]


# A branch or a label may have slashes in its name.


@ROUTES.get("/steps/{step:path}/diff", responses=documented(schema.Diff))
async def diff_step(
    request: Request, step: schema.StepPath, against: _Against = None, hunks: bool = True
) -> Response:
    """What a step changed, or what leads to it from another, in files and in state.

    Without hunks only the files are told, however large the difference.
    """

    def diff(workspace: Workspace) -> Form:
        found = workspace.get_step(step)
        if against is None:
            states = own_state_changes(workspace, found)
            changes = workspace.step_changes(found, hunks=hunks)
        else:
            other = workspace.get_step(against)
            states = state_changes(workspace, other, found)
            changes = workspace.diff(other, found, hunks=hunks)
        return {
            "changes": [change_form(change) for change in changes],
            "state_changes": [state_change_form(change) for change in states],
        }

    return await looked(request, diff)


@ROUTES.get("/steps/{step:path}", responses=documented(schema.StepWhole))
async def show_step(request: Request, step: schema.StepPath) -> Response:
    """A step with its prompt, input, result and state; its change is below `/diff`."""

    def show(workspace: Workspace) -> Form:
        found = workspace.with_account(workspace.get_step(step))
        return {
            **step_form(found, workspace.tiers_of([found])[0]),
            "coverage": [covered_form(one) for one in workspace.covered(found)],
            "prompt": text_form(workspace.text(found.prompt)),
            "input": text_form(workspace.text(found.input)),
            "result_text": text_form(workspace.text(found.result_text)),
            "said": text_form(workspace.text(found.said)),
            "states": workspace.states(found),
        }

    return await looked(request, show)


@ROUTES.get("/branches", responses=documented(schema.BranchList))
async def list_branches(request: Request) -> Response:
    """The branches, kept ones last."""
    return await looked(
        request, lambda workspace: {"branches": [branch_form(row) for row in workspace.branches()]}
    )


@ROUTES.get("/operations", responses=documented(schema.OperationList))
async def list_operations(
    request: Request, limit: schema.Limit = 50, after: schema.After = None
) -> Response:
    """What changed the store, newest first."""

    def page(workspace: Workspace) -> Form:
        rows = workspace.operations(limit, before=after)
        forms = [
            operation_form(row.operation, undone=row.undone, undoable=row.undoable) for row in rows
        ]
        return {"operations": forms, "next": next_of(forms, limit, "number")}

    return await looked(request, page)


@ROUTES.post("/rollback", responses=documented(schema.Travelled))
async def rollback(
    request: Request, body: schema.RollbackIn, lease: schema.LeaseHeader = None
) -> Response:
    """Puts files and state back as they were at a step, behind a safety step."""

    def go(workspace: Workspace) -> Form:
        planned = workspace.plan_rollback(
            body.step,
            side=body.side,
            paths=[from_argument(path, workspace.root, workspace.root) for path in body.paths],
            only=body.only,
            files_only=body.files_only,
            session=body.session,
        )
        return travel_form(planned, *_gone(workspace, planned, body))

    return answer(await written(request, body.session, lease, go, dry_run=body.dry_run))


def _gone(
    workspace: Workspace, planned: PlannedChanges, body: schema.RestoreIn
) -> tuple[Applied | None, str | None]:
    """Carries a plan out unless it is a dry run; returns what came of it, and what takes it back."""
    if body.dry_run:
        return None, None
    done = workspace.apply(planned, force=body.force)
    return done, f"stepwell undo {done.operation} --yes" if done.applied else None


@ROUTES.post("/undo", responses=documented(schema.Travelled))
async def undo(request: Request, body: schema.UndoIn, lease: schema.LeaseHeader = None) -> Response:
    """Takes back the newest operation that can be, or the one named."""

    def go(workspace: Workspace) -> Form:
        planned = workspace.plan_undo(body.operation, session=body.session)
        if isinstance(planned, PlannedChanges):
            return travel_form(planned, *_gone(workspace, planned, body))
        done = None if body.dry_run else workspace.undo(planned.number, session=body.session)
        return _flipped(workspace, planned, done)

    return answer(await written(request, body.session, lease, go, dry_run=body.dry_run))


def _flipped(workspace: Workspace, planned: Operation, done: Applied | Operation | None) -> Form:
    """Returns the form of an operation that concerns no file."""
    head = workspace.head()
    return {
        **travel_form(None, None),
        "applied": done is not None,
        "step": head.id if done else None,
        "step_seq": head.seq if done else None,
        "operation": done.number if isinstance(done, Operation) else None,
        "undo": "stepwell redo --yes" if done else None,
        "summary": text_form(planned.summary),
    }


@ROUTES.post("/merge", responses=documented(schema.Merged))
async def merge(
    request: Request, body: schema.MergeIn, lease: schema.LeaseHeader = None
) -> Response:
    """Merges a branch into the current one; `conflicts` are on disk then, to be settled."""

    def go(workspace: Workspace) -> Form:
        planned = workspace.plan_merge(body.branch, prefer=body.prefer)
        return merge_form(planned, *_gone(workspace, planned, body))

    return answer(await written(request, body.session, lease, go, dry_run=body.dry_run))
