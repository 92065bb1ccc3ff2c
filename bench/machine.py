"""What kind of machine, and which versions: what somebody needs to judge the figures."""

from __future__ import annotations

import compileall
import os
import platform
import subprocess
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("stepwell", "pygit2", "tinydb", "textual", "gitpython", "pygments")


def describe(scratch: Path) -> dict[str, str]:
    """Returns the facts, as (name, text); none of them names a host, a person or a folder."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {_two_numbers(platform.release())}, {platform.machine()}",
        "file system": _file_system(scratch),
        "Python": platform.python_version(),
        "git": git.split()[2],
        "other work at the start": other_work(),
        **{name: version(name) for name in PACKAGES},
    }


def write_bytecode() -> None:
    """Compiles our packages, as an installer does: an editable installation may have no bytecode.

    Without it each measured process would compile what it imports, as no user's does.
    """
    for name in ("stepwell.store", "stepwell.tui"):
        folder = Path(str(import_module(name).__file__)).parent
        if not compileall.compile_dir(folder, quiet=1):
            raise RuntimeError(f"{folder} cannot be compiled")


def other_work() -> str:
    """Returns how busy the machine is; 0 when it does nothing."""
    return f"load average {os.getloadavg()[0]:.1f}"


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _two_numbers(release: str) -> str:
    return ".".join(release.split("-")[0].split(".")[:2])


def _file_system(folder: Path) -> str:
    """Returns the kind of file system of a folder, as the kernel calls it."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return "unknown"
    mounts = [line.split()[1:3] for line in lines]
    whole = str(folder.resolve())
    holding = [(at, kind) for at, kind in mounts if Path(whole).is_relative_to(at)]
    return max(holding, key=lambda m: len(m[0]))[1] if holding else "unknown"


def resident_mb(pid: int | str) -> float:
    """Returns the resident memory of a process in MB; not a number where there is no /proc."""
    return _status_mb(pid, "VmRSS:")


def peak_mb(pid: int | str) -> float:
    """As `resident_mb`, the most that it ever was."""
    return _status_mb(pid, "VmHWM:")


def _status_mb(pid: int | str, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    values = [float(line.split()[1]) for line in lines if line.startswith(name)]
    return values[0] * 1024 / 1e6 if values else float("nan")
