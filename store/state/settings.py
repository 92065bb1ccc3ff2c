"""The configuration that goes with a folder of state snapshots, in `config.json` beside them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from stepwell.store.engine.atomic import make_private_folder, system_error, write_atomic
from stepwell.store.model.errors import UsageError
from stepwell.store.state.documents import encode, parse
from stepwell.store.state.migration import migrated_config
from stepwell.store.state.values import StateConfig

_NAME = "config.json"


def load_config(folder: Path) -> StateConfig:
    """Returns the folder's configuration; the default one when it has none.

    Raises:
        UsageError: the file is no configuration.
        FailedError: it cannot be read.
    """
    path = folder / _NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return StateConfig()
    except OSError as error:
        raise system_error(error, "reading", path) from error
    try:
        return migrated_config(parse(content, "it"))
    except UsageError as error:
        raise UsageError(f"{path} cannot be used: {error.message}", hint=error.hint) from error


def save_config(folder: Path, config: StateConfig) -> None:
    """Makes this the folder's configuration.

    Raises:
        FailedError: the system refused; the old one stays.
    """
    make_private_folder(folder)
    write_atomic(folder / _NAME, encode(asdict(config)) + b"\n")
