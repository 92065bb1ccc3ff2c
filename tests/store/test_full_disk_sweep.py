"""Disks of many sizes run out of room at any point: nothing acknowledged is lost, work goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import full_disk


@pytest.mark.parametrize("mount", [True, False])
def test_a_disk_that_runs_full_loses_nothing_and_goes_on_with_room(
    tmp_path: Path, mount: bool
) -> None:
    """A small one, as a file system of its own where that is permitted, and by a limit on files."""
    report = full_disk.main(tmp_path, 1_024, 1_024, 1, mount=mount)
    assert report["wrong"] == []
    assert report["said"]["capture: no_space"] > 0
    assert report["steps"] > 2


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_disks_of_all_sizes_lose_nothing(tmp_path: Path) -> None:
    """From 1 to 64 MiB by 256 KiB."""
    report = full_disk.main(tmp_path, 1_024, 65_536, 256)
    assert report["wrong"] == []
    assert report["sizes"] == 253
