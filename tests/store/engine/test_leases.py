"""Telling whether a file is open for writing somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.store.engine.leases import is_being_written
from stepwell.store.engine.mounts import is_ours_alone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file on a file system that can tell."""
    if not is_ours_alone(os.stat(tmp_path).st_dev):
        pytest.skip("the file system of temporary files cannot tell")
    path = tmp_path / "file"
    path.write_text("content\n")
    return path


def asked(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY)
    try:
        return is_being_written(fd)
    finally:
        os.close(fd)


def test_a_writer_in_another_process_is_seen_while_it_has_the_file_open(file: Path) -> None:
    """And not before, nor after."""
    code = "import sys; f = open(sys.argv[1], 'r+'); print(flush=True); sys.stdin.read()"
    assert not asked(file)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None and writer.stdin is not None
        writer.stdout.readline()
        assert asked(file)
        writer.stdin.close()
    assert not asked(file)


def test_a_reader_is_no_writer_and_nothing_is_left_behind(file: Path) -> None:
    """The lease is given back at once: a writer need not wait, not even one that never would."""
    with open(file) as reader:
        assert not is_being_written(reader.fileno())
        os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))


def test_a_device_that_is_not_mounted_cannot_be_told() -> None:
    """As of a subvolume with a number of its own."""
    assert not is_ours_alone(os.makedev(4095, 7))
