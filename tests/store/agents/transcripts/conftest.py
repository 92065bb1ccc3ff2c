"""Repositories made by the real git."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repositories import Repository


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "project")


@pytest.fixture
def busy(repository: Repository, tmp_path: Path) -> Repository:
    """A repository with everything that a history may have."""
    repo = repository
    repo.write("README", "one\n")
    repo.write("src/run.sh", "#!/bin/sh\n").chmod(0o755)
    repo.write(".gitignore", "*.log\n")
    (repo.root / "link").symlink_to("README")
    repo.commit("first\n\nwith a body\n")
    repo.write("README", "one\ntwo\n")
    repo.write(b"caf\xe9", "latin\n")
    repo.commit(b"caf\xe9 in no encoding")
    repo(
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "--quiet",
        "--allow-empty",
        "-F-",
        feed=b"gr\xfc\xdfe",
    )
    repo("checkout", "--quiet", "-b", "topic/one")
    (repo.root / "src" / "run.sh").rename(repo.root / "src" / "go.sh")
    repo.commit("renamed")
    repo("checkout", "--quiet", "-b", "two", "main")
    (repo.root / "link").unlink()
    repo.commit("deleted a link")
    repo("checkout", "--quiet", "-b", "three", "main")
    repo.write("three/deep/file", "3")
    repo.commit("")
    repo("checkout", "--quiet", "main")
    repo.commit("empty")
    repo.merge("topic/one", "two", "three")
    inner = Repository(tmp_path / "inner")
    inner.write("inside", "x")
    inner.commit("inner")
    repo("submodule", "--quiet", "add", str(inner.root), "vendor/inner")
    repo.commit("a submodule")
    repo("checkout", "--quiet", "--orphan", "island")
    repo("rm", "-rfq", ".")
    repo.write("alone", "a\r\nb")
    repo.commit("another root")
    repo("checkout", "--quiet", "main")
    repo.minute += 1
    repo("merge", "--quiet", "--allow-unrelated-histories", "-m", "join", "island")
    repo("branch", "-D", "-q", "two")
    return repo
