"""Where sealed history lies, and the fixed text of its repository's configuration."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = "repo.git"
"""Below the store: an ordinary bare repository."""

HEADS = "refs/heads/"
"""Branches: each tip's derived commit."""
OPERATIONS = "refs/stepwell/operations"
"""A commit whose tree holds the operations as JSON lines, and `objects`, what no snapshot names."""
STEPS = "refs/stepwell/steps/"
"""Tips of the steps that no branch reaches; the name is the derived commit's id."""
OWN = (HEADS, "refs/stepwell/")
"""Refs that are derived; those with other names are left alone."""

CONFIG = b"""\
# Written by stepwell, and again whenever it differs.
[core]
\trepositoryFormatVersion = 0
\tfileMode = true
\tbare = true
\tsharedRepository = 0600
\tlogAllRefUpdates = false
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tfsync = all
\tfsyncMethod = fsync
\tbigFileThreshold = 64m
[gc]
\tauto = 0
[maintenance]
\tauto = false
[pack]
\tcompression = 9
\tthreads = 1
\twindowMemory = 256m
\twriteReverseIndex = false
\twriteBitmaps = false
[repack]
\twriteBitmaps = false
[receive]
\tautogc = false
\tunpackLimit = 1
[fetch]
\tunpackLimit = 1
"""


def repository_of(store: Path) -> Path:
    """Returns the repository's folder."""
    return store / REPOSITORY


def pack_folder(repository: Path) -> Path:
    """Returns the folder of the packs."""
    return repository / "objects" / "pack"
