"""The files of what the screen remembers."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stepwell.store.engine.pruning.beside import Document
from stepwell.store.engine.pruning.blot import Blotter
from stepwell.tui.feed.memory import Keeper, Memory
from stepwell.tui.model.remembered import Place, Taste
from stepwell.tui.values import FailedError

KEY = "SERVICE_KEY=9f8a7b6c5d4e3f2a1b0c"


def test_each_workspace_has_its_place_and_all_have_one_taste(tmp_path: Path) -> None:
    """Private files, replaced whole."""
    one, other = Keeper(tmp_path, b"/work/\xff"), Keeper(tmp_path, b"/work/b")
    assert one.recall() == Memory()
    one.keep(Memory(Taste(wrap=True), Place(seq=7, marks={"a": 3})))
    other.keep(Memory(Taste(wrap=True, tree=True), Place(seq=9)))
    assert one.recall() == Memory(Taste(wrap=True, tree=True), Place(seq=7, marks={"a": 3}))
    files = list((tmp_path / "screen").iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_lines_stay_as_they_are_in_the_file(tmp_path: Path) -> None:
    """What a purge blots out while the screen runs does not come back when it ends."""
    keeper = Keeper(tmp_path, b"/work")
    keeper.keep_line("log")
    keeper.keep_line(f"mark @ --note '{KEY}'")
    memory = keeper.recall()
    (file,) = (tmp_path / "screen").iterdir()
    Document(file, "screen file").purge(Blotter([KEY.encode()]))
    keeper.keep(memory)
    assert keeper.recall().place.commands == ("log", "mark @ --note '[purged]'")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"[" * 100_000])
def test_a_file_that_makes_no_sense_is_forgotten(tmp_path: Path, content: bytes) -> None:
    """Nothing depends on it."""
    keeper = Keeper(tmp_path, b"/work")
    keeper.keep(Memory(Taste(wrap=True), Place(seq=7)))
    for file in (tmp_path / "screen").iterdir():
        file.write_bytes(content)
    assert keeper.recall() == Memory()


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    """In one sentence that names the folder."""
    (tmp_path / "screen").write_text("in the way")
    with pytest.raises(FailedError, match=r"cannot be kept in .*screen"):
        Keeper(tmp_path, b"/work").keep(Memory())
    with pytest.raises(FailedError, match=r"cannot be kept in .*screen"):
        Keeper(tmp_path, b"/work").keep_line("log")
