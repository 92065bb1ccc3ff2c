"""Exporting steps to a bundle and importing one, for every front door."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.bundles import BundleLoad, Loaded, check_bundle, is_here, save_steps
from stepwell.store.engine.bundles.format import is_bundle
from stepwell.store.engine.context import Progress, no_progress
from stepwell.store.engine.replaceable import refuse_over
from stepwell.store.model.errors import NotFoundError, UsageError
from stepwell.store.model.reports import Repaired
from stepwell.store.model.steps import Step
from stepwell.store.reader import WorkspaceReader
from stepwell.store.workspace import Workspace


def export_bundle(
    workspace: WorkspaceReader,
    path: Path,
    steps: Iterable[Step],
    *,
    progress: Progress = no_progress,
) -> int:
    """Writes steps with all that they hold to a file, whole or not at all; returns how many.

    An earlier bundle is replaced once the new one is whole.

    Raises:
        NotFoundError: there is no step to write.
        RefusedError: something else than a bundle is there.
        NoSpaceError, FailedError: the file cannot be written.
        IntegrityError: something that a step holds is damaged.
    """
    chosen = sorted(steps, key=lambda step: step.seq)
    if not chosen:
        raise NotFoundError("there is no step to export", hint="`stepwell log QUERY` lists steps")
    refuse_over(path, is_bundle, "bundle")
    branches = {branch.name: branch.head for branch in workspace.view().branches.values()}
    save_steps(workspace.objects, path, chosen, branches, progress=progress)
    return len(chosen)


def import_bundle(
    workspace: Workspace, path: Path, *, dry_run: bool = False, progress: Progress = no_progress
) -> Loaded:
    """Checks a bundle wholly, then records its steps on branches `import/NAME`.

    With `dry_run` only says how many steps would be new. Files and own branches stay as they are.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: the bundle is refused; nothing was imported.
    """
    fd = _opened(path)
    try:
        contents = check_bundle(fd)
        if dry_run:
            here = sum(is_here(workspace.objects, step.id) for step, _ in contents.steps)
            return Loaded(len(contents.steps) - here, here, (), ())
        load, done = BundleLoad(contents), 0
        while done < len(contents.steps):
            progress("importing steps", done, len(contents.steps))
            done += workspace.record_import(load, contents.steps[done:])
        workspace.finish_import(load, contents.branches)
        return load.loaded
    finally:
        os.close(fd)


def repair_from(
    workspace: Workspace, path: Path | None, *, progress: Progress = no_progress
) -> Repaired:
    """Repairs a workspace's store, with a bundle as one of the sources when there is one.

    Raises: as `Workspace.repair`, and for the bundle as `import_bundle`.
    """
    if path is None:
        return workspace.repair(progress=progress)
    fd = _opened(path)
    try:
        return workspace.repair(check_bundle(fd).objects, progress=progress)
    finally:
        os.close(fd)


def _opened(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no file {path}", hint="name a bundle", path=str(path)
        ) from error
    except OSError as error:
        raise system_error(error, "opening", path) from error
    if not os.path.isfile(path):
        os.close(fd)
        raise UsageError(f"{path} is no file", hint="name a bundle")
    return fd
