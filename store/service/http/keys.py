"""The two tokens of a server: new with each start, in files that only their owner can read."""

from __future__ import annotations

import contextlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stepwell.store.engine.atomic import create_file, full_write, system_error
from stepwell.store.model.ids import RandomBytes

Scope = Literal["read", "write"]

NAMES: dict[Scope, str] = {"write": "http.token", "read": "http-read.token"}
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client has to show; `read` lets it look only."""

    write: bytes
    read: bytes

    @classmethod
    def new(cls, randomness: RandomBytes) -> Keys:
        """Returns two new tokens of 256 bits."""
        return cls(*(randomness(_BYTES).hex().encode("ascii") for _ in range(2)))

    def scope_of(self, token: bytes) -> Scope | None:
        """Returns what a token is good for, in a time that tells nothing of it."""
        writes = hmac.compare_digest(token, self.write)
        reads = hmac.compare_digest(token, self.read)
        return "write" if writes else "read" if reads else None


def leave_keys(store: Path, keys: Keys) -> None:
    """Writes the tokens into the store, in place of those of an earlier server.

    Raises:
        FailedError: they cannot be written.
    """
    for scope, name in NAMES.items():
        path = store / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise system_error(error, "replacing the token", path) from error
        fd = create_file(path, os.O_EXCL)
        try:
            full_write(fd, getattr(keys, scope) + b"\n", path)
        finally:
            os.close(fd)


def take_keys(store: Path, keys: Keys) -> None:
    """Removes the tokens, unless another server has written its own since."""
    for scope, name in NAMES.items():
        path = store / name
        with contextlib.suppress(OSError):
            if path.read_bytes().strip() == getattr(keys, scope):
                path.unlink()
