"""For all tests: how many run at once, and that no example of a property test has a deadline."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("stepwell", deadline=None)
settings.load_profile("stepwell")

_AT_ONCE = 2
"""On each core: those of the screen wait more than they compute."""


def pytest_xdist_auto_num_workers() -> int:
    """Returns the workers of `--numprocesses auto`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return _AT_ONCE * (cores or 1)
