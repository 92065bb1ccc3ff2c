"""The wheel holds every folder and every file that the program needs."""

from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"stepwell.store": ROOT / "store", "stepwell.tui": ROOT / "tui"}
IN_ROOT = {
    ".ci",
    ".dev",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "bench",
    "docs",
    "pyproject.toml",
    "screenshots",
    "store",
    "tests",
    "tui",
}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _source_files() -> list[tuple[str, Path]]:
    """Every file of the two packages as (package, path within it)."""
    return [
        (name, path.relative_to(folder))
        for name, folder in FOLDERS.items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]


def test_every_folder_with_code_is_listed_as_a_package() -> None:
    """A package that is missing from the list is silently left out of the wheel."""
    found = {
        ".".join((name, *path.parent.parts))
        for name, path in _source_files()
        if path.suffix == ".py"
    }
    assert sorted(found) == _project()["tool"]["setuptools"]["packages"]


def test_every_package_has_an_init_file() -> None:
    """A folder without one would become a namespace package, open to others' files."""
    for name in _project()["tool"]["setuptools"]["packages"]:
        top = ".".join(name.split(".")[:2])
        folder = FOLDERS[top].joinpath(*name.split(".")[2:])
        assert (folder / "__init__.py").is_file(), name


def test_every_other_file_is_package_data() -> None:
    """Style sheets, type markers and the like travel with the wheel."""
    patterns = _project()["tool"]["setuptools"]["package-data"]
    for name, path in _source_files():
        if path.suffix == ".py":
            continue
        package = ".".join((name, *path.parent.parts))
        matching = [p for p in patterns.get(package, []) if fnmatch(path.name, p)]
        assert matching, f"{package} does not ship {path.name}"


def test_the_root_holds_what_is_known_and_nothing_else() -> None:
    """Files that a tool or a hand left behind do not become part of the project."""
    if not (ROOT / ".git").exists():
        pytest.skip("only git tells what is part of the project")
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {name.partition("/")[0] for name in listed.split("\0") if name} == IN_ROOT


def test_both_packages_are_marked_as_typed() -> None:
    """Type checkers read a package's annotations only beside a py.typed."""
    assert all((folder / "py.typed").is_file() for folder in FOLDERS.values())


def test_every_entry_point_leads_to_a_function() -> None:
    """The console script and the screen that the bare command opens can be loaded."""
    scripts = {e.name: e.load() for e in entry_points(group="console_scripts", name="stepwell")}
    screens = {e.name: e.load() for e in entry_points(group="stepwell.screens")}
    assert callable(scripts["stepwell"])
    assert callable(screens["timeline"])


def test_the_installed_version_is_the_projects() -> None:
    """One number, in the package's metadata and in the library."""
    from stepwell.store import __version__

    assert __version__ == _project()["project"]["version"]
