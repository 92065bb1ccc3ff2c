"""Runs the real command line in this process, over real workspaces."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.rights import bound_by_permissions

from stepwell.store.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """A text stream over bytes that can be read afterwards."""

    def __init__(self) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept, encoding="utf-8", write_through=True)


Run = Callable[..., Ran]


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Path]:
    """Binds the process by permissions, whoever runs the tests; returns an empty folder."""
    base = Path(tempfile.mkdtemp(prefix="stepwell-test-"))
    monkeypatch.setenv("STEPWELL_HOME", str(base / "home"))
    (base / "work").mkdir()
    with bound_by_permissions():
        yield base / "work"
    for folder, _, _ in os.walk(base):
        os.chmod(folder, 0o700)
    shutil.rmtree(base)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own; the user's own settings do not reach the test."""
    folder = tmp_path / "not" / "yet" / "there"
    monkeypatch.setenv("STEPWELL_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.delenv("STEPWELL_DEBUG", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Returns a function that runs `stepwell ARGUMENTS` without a terminal."""

    def call(*arguments: str | os.PathLike[str]) -> Ran:
        out, err = _Stream(), _Stream()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main([os.fspath(argument) for argument in arguments])
        return Ran(code, out.kept.getvalue(), err.kept.getvalue().decode())

    return call


@pytest.fixture
def folder(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registered workspace with one step, and the current folder."""
    root = tmp_path / "work"
    (root / "src").mkdir(parents=True)
    (root / "src" / "app.py").write_text("one\ntwo\nthree\n")
    (root / "README").write_text("hello\n")
    monkeypatch.chdir(root)
    assert run("init").code == 0
    return root
