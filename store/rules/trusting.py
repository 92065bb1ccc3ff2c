"""Trust in a workspace's rule file: by the hash of its content, kept in the store and nowhere else.

The file lies where an agent, or whoever wrote the project, can write. So nothing of it counts before
the person said so, and a file that changed has to be trusted anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from stepwell.store.engine.atomic import read_checked, write_checked
from stepwell.store.engine.files import failed
from stepwell.store.model.errors import NotFoundError, UsageError

NAME = b"stepwell.toml"
TRUSTED = "trusted"
"""Of the store: the digest of the file that is trusted."""
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A workspace's rule file as it was read."""

    content: bytes
    digest: str
    """SHA-256 of the content, in hex."""
    trusted: bool


def rule_file(root: bytes, store: Path) -> RuleFile | None:
    """Returns the workspace's rule file; None when there is none.

    What is judged is what was read: there is no second look between trust and use.

    Raises:
        UsageError: it is no regular file, or too large.
        FailedError: it cannot be read.
    """
    content = _content(os.path.join(root, NAME))
    if content is None:
        return None
    digest = hashlib.sha256(content).hexdigest()
    return RuleFile(content, digest, _kept(store) == digest)


def trust(root: bytes, store: Path) -> RuleFile:
    """Trusts the rule file as it is now, until it changes.

    Raises:
        NotFoundError: there is none.
        UsageError, FailedError: as `rule_file`.
    """
    found = rule_file(root, store)
    if found is None:
        raise NotFoundError(
            "there is no stepwell.toml in the workspace",
            hint="rules of your own can also be in your config.toml",
        )
    write_checked(store / TRUSTED, json.dumps({"format": 1, "sha256": found.digest}).encode())
    return RuleFile(found.content, found.digest, True)


def distrust(store: Path) -> bool:
    """Takes trust away; tells whether there was any."""
    path = store / TRUSTED
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise failed(error, "removing", os.fsencode(path)) from error
    return True


def _kept(store: Path) -> str | None:
    """Returns the trusted digest; None when nothing is trusted, or it cannot be told."""
    sealed = read_checked(store / TRUSTED)
    try:
        found = json.loads(sealed) if sealed else {}
    except ValueError:
        return None
    return found.get("sha256") if isinstance(found, dict) and found.get("format") == 1 else None


def _content(path: bytes) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise failed(error, "reading", path) from error
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UsageError("stepwell.toml is no file", hint="move it away")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise UsageError("stepwell.toml is larger than 1 MiB", hint="make it smaller")
    return content
