"""What a folder holds, for comparing it before and after."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Returns mode and bytes of everything below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = os.lstat(path).st_mode
        body = b""
        if stat.S_ISLNK(mode):
            body = os.readlink(os.fsencode(path))
        elif stat.S_ISREG(mode):
            body = path.read_bytes()
        found[str(path.relative_to(folder))] = (mode, body)
    return found
