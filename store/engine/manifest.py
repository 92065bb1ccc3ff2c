"""The manifest: which segments are live, and what is sealed. Replaced whole; its check tells damage.

A store of which nothing was sealed has a manifest of format 1, and other versions can go on with
it. Format 2 says what is sealed too; who does not know it must not take the rest for everything.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.atomic import system_error, write_atomic
from stepwell.store.engine.codec import canonical_json
from stepwell.store.model.errors import FormatError

NAME = "manifest"
FORMAT = 1
SEALED_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Manifest:
    """The live segments, ascending, and the sealed history before them."""

    segments: tuple[int, ...]
    packs: tuple[str, ...] = ()
    """Names of the packs, in no order."""
    sealed: int = 0
    """Operations up to this number are in the packs; the segments' own copies of them are void."""
    operations: str = ""
    """Hex id of the commit whose tree holds the sealed operations; empty when there are none."""
    refs: str = ""
    """Checksum over the repository's own refs (engine/sealing/refs.py)."""
    void: tuple[str, ...] = ()
    """Packs that a removal has replaced: their files go, though what they hold is nowhere else."""


def write_manifest(store: Path, manifest: Manifest) -> None:
    """Replaces the manifest durably.

    Raises:
        FailedError: it cannot be written; the old one stays.
    """
    document: dict[str, Any] = {
        "format": SEALED_FORMAT if manifest.packs else FORMAT,
        "segments": list(manifest.segments),
        "packs": list(manifest.packs),
    }
    if manifest.packs:
        document |= {k: getattr(manifest, k) for k in ("sealed", "operations", "refs")}
    if manifest.void:
        document["void"] = list(manifest.void)
    document["check"] = _check(document)
    write_atomic(store / NAME, canonical_json(document) + b"\n")


def read_manifest(store: Path) -> Manifest | None:
    """Returns the manifest, or None when it is absent or damaged.

    Raises:
        FormatError: its format number is not known to this version.
        FailedError: it is there and cannot be read.
    """
    path = store / NAME
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise system_error(error, "reading", path) from error
    except (ValueError, RecursionError):
        return None
    return _decode(document, path)


def _decode(document: Any, path: Path) -> Manifest | None:
    if not isinstance(document, dict):
        return None
    number = document.get("format")
    if isinstance(number, int) and number not in (FORMAT, SEALED_FORMAT):
        raise unknown_format(path, number)
    check = document.pop("check", None)
    if check != _check(document):
        return None
    return Manifest(
        tuple(document["segments"]),
        tuple(document["packs"]),
        document.get("sealed", 0),
        document.get("operations", ""),
        document.get("refs", ""),
        tuple(document.get("void", ())),
    )


def unknown_format(path: Path, number: object) -> FormatError:
    """Returns the error for a file that another version has written."""
    return FormatError(
        f"{path} cannot be read: its format {number} is not known to this version",
        hint="upgrade stepwell",
        format=number,
        path=str(path),
    )


def _check(document: dict[str, Any]) -> str:
    return f"{zlib.crc32(canonical_json(document)):08x}"
