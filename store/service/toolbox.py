"""What an agent may ask of a timeline, as plain functions from words to JSON values.

Names of steps and paths are those of the command line. Nothing here knows of MCP.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from stepwell.store import forms
from stepwell.store.engine import filters
from stepwell.store.environment import local_now
from stepwell.store.model.errors import NotFoundError, RefusedError
from stepwell.store.model.paths import TrackedPath, from_argument
from stepwell.store.model.steps import Step
from stepwell.store.workspace import Workspace

MOST_STEPS = 200
MOST_LINES = 1_000
_MOST_TEXT = 200_000
"""Characters of a file or patch that an answer holds: a model reads no more at once."""
_LOOKED_AT = 5_000


class Toolbox:
    """The questions and acts over one workspace; not thread-safe, as the workspace is not."""

    def __init__(self, workspace: Workspace, *, may_restore: bool) -> None:
        self._workspace = workspace
        self._may_restore = may_restore

    def list_steps(self, limit: int = 20, query: str = "", session: str = "") -> dict[str, Any]:
        """Returns the newest steps, newest first; `query` is a filter as of `stepwell log`."""
        wanted = filters.parse(query, local_now())
        found = []
        for step in self._newest(session):
            if wanted.matches(step, self._workspace.changed_paths):
                found.append(step)
            if len(found) >= min(limit, MOST_STEPS):
                break
        tiers = self._workspace.tiers_of(found)
        return {"steps": [forms.step_form(*one) for one in zip(found, tiers, strict=True)]}

    def show_step(self, step: str) -> dict[str, Any]:
        """Returns a step with its prompt, input, result and diff."""
        workspace = self._workspace
        chosen = workspace.with_account(self._step(step))
        texts = {
            "prompt": workspace.text(chosen.prompt),
            "input": workspace.text(chosen.input),
            "result_text": workspace.text(chosen.result_text),
            "said": workspace.text(chosen.said),
        }
        base = workspace.get_step(chosen.parents[0]).snapshot if chosen.parents else None
        changes = workspace.step_changes(chosen)
        form = forms.shown_step_form(chosen, changes, workspace.covered(chosen), texts, base)
        return {**form, "tier": workspace.tiers_of([chosen])[0]}

    def diff(self, older: str, newer: str = "", path: str = "") -> dict[str, Any]:
        """Returns the patch from one step to another, or to the disk as it is."""
        paths = [self._path(path)] if path else []
        other = self._step(newer) if newer else None
        patch = self._workspace.patch(self._step(older), other, paths=paths)
        return _cut("patch", patch)

    def file_at(self, step: str, path: str) -> dict[str, Any]:
        """Returns a file as it was at a step."""
        return _cut("text", self._workspace.read_file(self._step(step), self._path(path)))

    def find_change(self, text: str, path: str = "", limit: int = 20) -> dict[str, Any]:
        """Returns the steps whose titles, prompts, inputs, notes or changed lines hold a text, newest first."""
        query = filters.quoted(text) + (f" path:{filters.quoted(path)}" if path else "")
        found = self._workspace.search(query, local_now())
        hits = list(islice(found, min(limit, MOST_STEPS)))
        tiers = self._workspace.tiers_of([hit.step for hit in hits])
        return {"hits": [forms.hit_form(hit, tier) for hit, tier in zip(hits, tiers, strict=True)]}

    def blame(self, path: str, step: str = "@", first: int = 1, limit: int = 200) -> dict[str, Any]:
        """Returns the lines of a file at a step, each with the step, turn and agent that it came with."""
        lines = self._workspace.blame(self._path(path), self._step(step))
        chosen = lines[max(first, 1) - 1 :][: min(limit, MOST_LINES)]
        return {"lines": [forms.blame_form(line) for line in chosen], "of": len(lines)}

    def checkpoint(self, label: str, note: str = "", step: str = "@") -> dict[str, Any]:
        """Captures the disk when it is the newest step that is meant, and marks the step."""
        if step == "@":
            self._workspace.capture(f"checkpoint {label}")
        chosen = self._step(step)
        marked = self._workspace.mark(chosen, label=label, note=note or None, by="mcp")
        return forms.step_form(marked, *self._workspace.tiers_of([marked]))

    def restore(self, step: str, paths: Iterable[str] = (), dry_run: bool = True) -> dict[str, Any]:
        """Puts files back as they were at a step; only says what would change unless told otherwise.

        Raises:
            RefusedError: it may not change files, or the plan would lose something.
        """
        planned = self._workspace.plan_rollback(step, paths=[self._path(path) for path in paths])
        if dry_run:
            return {"dry_run": True, **forms.plan_form(planned)}
        if not self._may_restore:
            raise RefusedError(
                "files are not changed: this server was started without --allow-restore",
                hint="show the plan to the person, who can run `stepwell rollback`",
            )
        done = self._workspace.apply(planned)
        return {
            "dry_run": False,
            "safety_step": done.safety_step.id,
            "step": done.step.id,
            "undo": f"stepwell undo {done.operation}",
            "keep": [forms.kept_form(kept) for kept in planned.plan.keep],
            "not_restored": [forms.kept_form(kept) for kept in done.not_restored],
        }

    def _step(self, reference: str) -> Step:
        self._workspace.refresh()
        return self._workspace.get_step(reference)

    def _path(self, path: str) -> TrackedPath:
        root = self._workspace.root
        return from_argument(path, root, root)

    def _newest(self, session: str) -> Iterable[Step]:
        self._workspace.refresh()
        before, seen = None, 0
        while seen < _LOOKED_AT:
            page = self._workspace.steps(
                before_seq=before,
                limit=MOST_STEPS,
                all_branches=not session,
                session=session or None,
            )
            if not page:
                return
            yield from page
            before, seen = page[-1].seq, seen + len(page)


def _cut(name: str, content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8", "backslashreplace")
    if "\0" in text[:8000]:
        raise NotFoundError("that is no text", hint="ask for its size or its changes instead")
    return {name: text[:_MOST_TEXT], "cut": len(text) > _MOST_TEXT}
