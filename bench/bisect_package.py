"""Bisects a real package: 200 steps of edits, one of which breaks its own tests.

    python bench/bisect_package.py [--jobs N]

The package's source, with its tests, comes from the package index. Prints what was found, and fails
when it is another step than the one that broke it.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from stepwell.store import Act, Workspace
from stepwell.store.service.held import HeldWorkspace

STEPS, BROKEN = 200, 137
PACKAGE = "toolz==1.0.0"
FILE, OLD, NEW = "toolz/itertoolz.py", "itertools.islice(seq, n)", "itertools.islice(seq, n + 1)"


def fetched(package: str, into: Path) -> Path:
    """Returns the folder of the package's source, unpacked."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download"]
    command = [*pip, "--no-deps", "--no-binary", ":all:", "-d", str(into), package]
    subprocess.run(command, check=True)
    (archive,) = into.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return next(path for path in into.iterdir() if path.is_dir())


def recorded(root: Path, home: Path) -> list[str]:
    """Records steps that edit remarks, one of which also breaks the code; returns their ids."""
    Workspace.init(root, home=home).close()
    chance, ids = random.Random(7), list[str]()
    sources = sorted(root.glob("toolz/*.py"))
    with HeldWorkspace.open(root, home=home) as workspace:
        workspace.hold(5.0)
        for number in range(STEPS):
            path = chance.choice(sources)
            path.write_text(f"{path.read_text()}# remark {number}\n")
            if number == BROKEN:
                file = root / FILE
                text = file.read_text()
                assert OLD in text, "the package is not what it was"
                file.write_text(text.replace(OLD, NEW))
            act = Act(f"edit {number}", "tool", session="bench:1", tool="Edit")
            ids.append(workspace.record(act=act).step.id)
    return ids


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stepwell-bisect-") as scratch:
        root = fetched(PACKAGE, Path(scratch, "source"))
        ids = recorded(root, Path(scratch, "home"))
        options = ["-q", "-x", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
        command = [sys.executable, "-m", "pytest", *options, "toolz"]
        began = time.monotonic()
        with Workspace.open(root, home=Path(scratch, "home")) as workspace:
            found = workspace.bisect(ids[0], ids[-1], command, jobs=given.jobs, limit_s=600)
        took = time.monotonic() - began
    right = found.first_bad.id == ids[BROKEN]
    print(f"{PACKAGE}: {STEPS} steps, broken at {BROKEN}; found {found.first_bad.title}")
    print(
        f"tried {found.tried}, skipped {found.skipped}, {took:.0f} s, {'right' if right else 'WRONG'}"
    )
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
