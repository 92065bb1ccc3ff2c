"""What a process costs, from outside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """What the daemon costs at one moment."""

    rss_kb: int
    descriptors: int
    threads: int


def sample(pid: int) -> Sample:
    """Looks at a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return Sample(
        int(lines["VmRSS"].split()[0]),
        len(os.listdir(f"/proc/{pid}/fd")),
        int(lines["Threads"]),
    )


def most(samples: Sequence[Sample]) -> Sample:
    """Returns the most of each that was seen."""
    return Sample(
        max(one.rss_kb for one in samples),
        max(one.descriptors for one in samples),
        max(one.threads for one in samples),
    )
