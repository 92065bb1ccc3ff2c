"""`keys`: the timeline's keys as the settings have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_keys_are_listed_as_the_settings_have_them(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clash is told on stderr, and is a failure only for `--check`."""
    config = tmp_path / "config.toml"
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    assert run("keys", "--check").code == 0
    config.write_text('[keys]\npreset = "lazygit"\n"timeline.tag" = "r"\n"files.tree" = false\n')
    ran = run("keys")
    assert ran.code == 0
    assert "r would be both timeline.restore and timeline.tag" in ran.err
    lines = ran.text.splitlines()
    assert any(line.split()[:2] == ["z", "everywhere.undo"] for line in lines)
    assert any(line.split()[:2] == ["-", "files.tree"] for line in lines)
    assert run("keys", "--check").code == 1
    form = run("keys", "--json").json
    assert len(form["problems"]) == 1
    assert {"name", "scope", "keys", "does"} == set(form["keys"][0])


def test_settings_that_cannot_be_read_are_named(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for every other command."""
    config = tmp_path / "config.toml"
    config.write_text("[keys\n")
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    ran = run("keys")
    assert ran.code == 2 and str(config) in ran.err
