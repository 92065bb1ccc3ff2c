"""State documents that are named on the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from stepwell.store.cli.command import Call, plain_text
from stepwell.store.model.errors import NotFoundError, UsageError


def documents(call: Call, given: list[str] | None) -> dict[str, Any] | None:
    """Returns the state documents of `NAME=FILE` arguments, relative to the folder; None without any.

    Raises:
        UsageError, NotFoundError: an argument names no file, or the file is no JSON.
    """
    if given is None:
        return None
    found = {}
    for argument in given:
        name, equals, file = argument.partition("=")
        if not (name and equals):
            raise UsageError(f"{argument} names no state", hint="as in --state plan=plan.json")
        try:
            found[plain_text(name) or ""] = json.loads(
                Path(os.fsdecode(call.folder), file).read_bytes()
            )
        except OSError as error:
            raise NotFoundError(
                f"{file} cannot be read: {error.strerror}", hint="name a file that holds JSON"
            ) from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{file} is no JSON: {error}", hint="mend the file") from error
    return found
