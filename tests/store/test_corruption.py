"""Every sort of file of a data folder, corrupted in every way: told, never read as if it were good."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import corruption


def test_corruptions_are_told_and_no_wrong_byte_is_read(tmp_path: Path) -> None:
    """Steps, files, texts, a rollback on disk, a repair, the next capture, the catalogue anew."""
    report = corruption.main(tmp_path, 0, 30)
    assert report["wrong"] == []
    assert report["tried"] > 20
    assert report["told"] > 8


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_hundred_corruptions_are_told_and_no_wrong_byte_is_read(tmp_path: Path) -> None:
    """Enough seeds for three hundred that change something."""
    report = corruption.main(tmp_path, 1_000, 360)
    assert report["wrong"] == []
    assert report["tried"] >= 300
    assert len({name.partition(" ")[2] for name in report["of"]}) >= 17
