"""The manifest: which segments are live. Replaced whole; a damaged one is told by its check."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.store.engine.atomic import system_error, write_atomic
from stepwell.store.engine.journal.frames import canonical_json
from stepwell.store.model.errors import FormatError

NAME = "manifest"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """The live segments, ascending; packs are sealed history."""

    segments: tuple[int, ...]
    packs: tuple[str, ...] = ()


def write_manifest(store: Path, manifest: Manifest) -> None:
    """Replaces the manifest durably.

    Raises:
        FailedError: it cannot be written; the old one stays.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "segments": list(manifest.segments),
        "packs": list(manifest.packs),
    }
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
    if isinstance(number, int) and number != FORMAT:
        raise unknown_format(path, number)
    check = document.pop("check", None)
    if check != _check(document):
        return None
    return Manifest(tuple(document["segments"]), tuple(document["packs"]))


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
