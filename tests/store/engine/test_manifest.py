"""The manifest: reads back, tells damage from absence of knowledge, refuses other formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell.store.engine.manifest import Manifest, read_manifest, write_manifest
from stepwell.store.model.errors import FormatError


def test_a_manifest_reads_back(tmp_path: Path) -> None:
    """Segments and packs survive."""
    write_manifest(tmp_path, Manifest((1, 2, 5), ("pack-a",)))
    assert read_manifest(tmp_path) == Manifest((1, 2, 5), ("pack-a",))


def test_an_absent_manifest_is_none(tmp_path: Path) -> None:
    """There may be none."""
    assert read_manifest(tmp_path) is None


def test_a_damaged_manifest_is_none_or_refused(tmp_path: Path) -> None:
    """No flipped byte leads to other segments being read."""
    write_manifest(tmp_path, Manifest((1, 2)))
    path = tmp_path / "manifest"
    good = path.read_bytes().rstrip()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        try:
            assert read_manifest(tmp_path) is None
        except FormatError:
            assert chr(good[at]).isdigit()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """A manifest of a newer version is not guessed at."""
    (tmp_path / "manifest").write_text(json.dumps({"format": 3, "segments": [1]}))
    with pytest.raises(FormatError, match="format 3") as caught:
        read_manifest(tmp_path)
    assert caught.value.hint
