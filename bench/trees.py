"""The trees that everything is measured on: Django's sources, a part of them, and copies of them."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

DJANGO = "5.1.4"
COPIES = 15
SMALL = ("docs", "django/core", "django/db", "django/forms", "django/utils")
ABOUT = {
    "1k": f"a part of Django {DJANGO}'s sources: {', '.join(SMALL)}",
    "7k": f"Django {DJANGO}'s source distribution",
    "100k": f"{COPIES} copies of it, each file changed so that no two are the same",
}
IDENTITY = {
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.invalid",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.invalid",
}


def clean_environment() -> dict[str, str]:
    """Returns an environment in which git sees no configuration but its defaults."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return inherited | IDENTITY | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def make(kind: str, folder: Path) -> None:
    """Makes the tree as a git repository with one commit, as an agent would find it."""
    if kind.isdigit():
        generate(folder, int(kind))
    else:
        _from_django(kind, folder)
    for words in (["init", "-q"], ["config", "gc.auto", "0"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=folder, env=clean_environment(), check=True)
    words = ["commit", "-q", "-m", "base"]
    subprocess.run(["git", *words], cwd=folder, env=clean_environment(), check=True)
    subprocess.run(["git", "repack", "-adq"], cwd=folder, env=clean_environment(), check=True)


def copy(source: Path, target: Path) -> None:
    """Copies a tree with its repository, and lets that repository's index know the new files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    words = ["git", "update-index", "-q", "--refresh"]
    subprocess.run(words, cwd=target, env=clean_environment(), check=True)


def generate(folder: Path, files: int, seed: int = 1) -> None:
    """Writes a tree with the shape of a code base: folders of ~25 files, mostly 1 to 8 KB."""
    chance = random.Random(seed)
    words = [f"word{n}" for n in range(400)]
    for number in range(files):
        place = folder / f"package{number % 17}" / f"module{number // 25}"
        place.mkdir(parents=True, exist_ok=True)
        lines = int(chance.lognormvariate(4, 0.8))
        text = "\n".join(" ".join(chance.choices(words, k=6)) for _ in range(lines))
        (place / f"file{number}.py").write_text(text + "\n")


def _from_django(kind: str, folder: Path) -> None:
    sources = _django()
    if kind == "1k":
        for part in SMALL:
            shutil.copytree(sources / part, folder / part)
    elif kind == "7k":
        shutil.copytree(sources, folder)
    else:
        for number in range(COPIES):
            shutil.copytree(sources, folder / f"copy{number:02}")
            _make_different(folder / f"copy{number:02}", number)


def _make_different(folder: Path, number: int) -> None:
    for at, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(at, name), "ab") as file:
                file.write(b"\n# copy %d\n" % number)


def _django() -> Path:
    """Returns the unpacked source distribution; the package index is asked for it once."""
    cache = Path(platformdirs.user_cache_dir("stepwell-bench"))
    unpacked = cache / f"Django-{DJANGO}"
    if not unpacked.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        words = ["download", "--quiet", "--no-deps", "--no-binary", "Django", "--dest", str(cache)]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
        subprocess.run([*pip, f"Django=={DJANGO}"], check=True)
        with tarfile.open(next(cache.glob(f"[Dd]jango-{DJANGO}.tar.gz"))) as archive:
            archive.extractall(cache / "partial", filter="data")
        (cache / "partial" / unpacked.name).rename(unpacked)
    return unpacked


def files_of(root: Path) -> Iterator[Path]:
    """Yields the regular files outside `.git`, in an order that does not depend on the disk."""
    for at, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f != ".git")
        for name in sorted(names):
            if not os.path.islink(os.path.join(at, name)):
                yield Path(at, name)


def fingerprint(root: Path) -> str:
    """Returns a digest of all paths, modes and contents outside `.git`."""
    digest = hashlib.sha256()
    for path in files_of(root):
        mode = stat.S_IMODE(path.stat().st_mode)
        content = hashlib.sha1(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root)}\0{mode:o}\0{content}\n".encode())
    return digest.hexdigest()
