"""Writing a plan: every file whole or not at all, what was there kept, its removal exact."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from stepwell.store.agents.installing.plan import Edit, Setup
from stepwell.store.engine.atomic import make_private_folder, system_error, write_atomic
from stepwell.store.model.errors import RefusedError

_FOLDER = "installed"


class Backups:
    """What files held before we changed them, in the data folder; one record a file."""

    def __init__(self, home: Path) -> None:
        self._folder = home / _FOLDER

    def keep(self, edit: Edit) -> Path:
        """Keeps what the file holds, unless it is our own work already; returns where."""
        path = self._path(edit.path)
        known = self._record(edit.path)
        if known is not None and _digest(edit.before) == known["after"]:
            before = known["before"]
        else:
            before = None if edit.before is None else base64.b64encode(edit.before).decode()
        record = {"path": str(edit.path), "before": before, "after": _digest(edit.after)}
        make_private_folder(self._folder.parent)
        make_private_folder(self._folder)
        write_atomic(path, json.dumps(record).encode())
        return path

    def original(self, edit: Edit) -> tuple[bytes | None] | None:
        """Returns what the file held before us, if it is still just as we left it; else None."""
        known = self._record(edit.path)
        if known is None or _digest(edit.before) != known["after"]:
            return None
        before = known["before"]
        return (None if before is None else base64.b64decode(before),)

    def forget(self, edit: Edit) -> None:
        """Drops a record."""
        with suppress(FileNotFoundError):
            self._path(edit.path).unlink()

    def _path(self, file: Path) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(file)).hexdigest()[:16]}.json"

    def _record(self, file: Path) -> dict[str, Any] | None:
        try:
            record = json.loads(self._path(file).read_bytes())
            return record if record["path"] == str(file) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def apply(setup: Setup, backups: Backups, *, remove: bool = False) -> list[Path]:
    """Writes the plan and returns where the old contents are kept (of a removal: nothing).

    A removal gives a file that nobody changed since its very bytes of before.

    Raises:
        RefusedError: a file changed since the plan was made; later ones are not written.
        FailedError: a file cannot be written.
    """
    kept = []
    for edit in setup.edits:
        _check_same(edit)
        if remove:
            original = backups.original(edit)
            _write(edit.path, original[0] if original else edit.after, edit.executable)
            backups.forget(edit)
        else:
            kept.append(backups.keep(edit))
            _write(edit.path, edit.after, edit.executable)
    return kept


def _check_same(edit: Edit) -> None:
    try:
        now = edit.path.read_bytes()
    except FileNotFoundError:
        now = None
    except OSError as error:
        raise system_error(error, "reading", edit.path) from error
    if now != edit.before:
        raise RefusedError(
            f"{edit.path} was left alone: it changed meanwhile",
            hint="run the command again",
            path=str(edit.path),
        )


def _write(path: Path, content: bytes | None, executable: bool) -> None:
    try:
        if content is None:
            with suppress(FileNotFoundError):
                path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = os.stat(path).st_mode & 0o777 if path.exists() else 0o755 if executable else 0o644
        write_atomic(path, content)
        os.chmod(path, mode)
    except OSError as error:
        raise system_error(error, "writing", path) from error
