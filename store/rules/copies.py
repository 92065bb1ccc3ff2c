"""Scratch copies of steps, in which commands run: never in the workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.checks.process import Command
from stepwell.store.engine.atomic import system_error
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.engine.scratch import end_processes, remove_tree
from stepwell.store.experiments.roots import (
    add_extra,
    check_extra,
    environment_in,
    materialise,
)
from stepwell.store.model.errors import NotFoundError
from stepwell.store.model.paths import TrackedPath
from stepwell.store.model.steps import Snapshot


@dataclass(frozen=True, slots=True)
class Copies:
    """Where copies are made, and what each of them gets."""

    reader: ObjectReader
    workspace: bytes
    """The root of the workspace, from which `extras` are taken."""
    scratch: Path
    """A scratch folder of the store."""
    environment: Mapping[str, str]
    """All of the commands' environment, but for what marks them as working in a copy."""
    extras: tuple[TrackedPath, ...] = ()
    """Ignored folders of the workspace; those that are not there are left out."""

    @contextmanager
    def copy(self, snapshot: Snapshot, name: str = "0") -> Iterator[Path]:
        """Makes a snapshot's files anew in a folder of that name, and removes them at the end.

        What was started in it is ended first.

        Raises:
            FailedError: the system refuses.
            IntegrityError: an object is missing or damaged.
        """
        above = self.scratch / name
        try:
            above.mkdir(mode=0o700)
        except OSError as error:
            raise system_error(error, "making a scratch copy", above) from error
        root = above / os.fsdecode(os.path.basename(self.workspace) or b"root")
        try:
            materialise(self.reader, snapshot, root)
            for path in self.extras:
                with suppress(NotFoundError):
                    check_extra(self.workspace, path)
                    add_extra(self.workspace, root, path)
            yield root
        finally:
            end_processes(above)
            # What cannot be removed now is swept with the scratch folder.
            with suppress(OSError):
                remove_tree(above)

    def command(self, words: tuple[str, ...], root: Path, limit_s: float | None) -> Command:
        """Returns the command as it runs in a copy: without a shell, in a group of its own."""
        return Command(words, root, environment_in(self.environment, root), limit_s)
