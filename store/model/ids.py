"""Identities: of objects (git's SHA-1), steps and operations (random), and their short forms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NewType

Oid = NewType("Oid", bytes)
"""A git object id: 20 raw bytes. Hex only in JSON and on screens."""

StepId = NewType("StepId", str)
"""32 lower-case hex digits, minted at capture, never derived from content."""

OperationId = NewType("OperationId", str)
"""32 lower-case hex digits."""

RandomBytes = Callable[[int], bytes]
"""Source of randomness, e.g. `os.urandom`."""

Clock = Callable[[], int]
"""Nanoseconds since the epoch, e.g. `time.time_ns`."""

SHORT = 8
"""How many digits of an id a person is shown."""


def mint_step_id(randomness: RandomBytes) -> StepId:
    """Returns a fresh step id."""
    return StepId(randomness(16).hex())


def mint_operation_id(randomness: RandomBytes) -> OperationId:
    """Returns a fresh operation id."""
    return OperationId(randomness(16).hex())


def object_id(kind: str, data: bytes) -> Oid:
    """Returns git's id of an object: SHA-1 of `KIND SIZE NUL DATA`."""
    digest = hashlib.sha1(f"{kind} {len(data)}\0".encode(), usedforsecurity=False)
    digest.update(data)
    return Oid(digest.digest())


def oid_from_hex(text: str) -> Oid:
    """Returns the raw id; raises ValueError when `text` is not 40 hex digits."""
    raw = bytes.fromhex(text)
    if len(raw) != 20:
        raise ValueError(f"not an object id: {text!r}")
    return Oid(raw)


def short(identity: str) -> str:
    """Returns the digits that a person is shown."""
    return identity[:SHORT]
