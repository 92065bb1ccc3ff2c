"""Commands run inside another program."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.store import Workspace
from stepwell.store.cli.inside import names, only_reads, tell
from stepwell.store.cli.main import COMMANDS

NOW = 1_783_087_339_000_000_000


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        ("log -n 3", True),
        ("cat @:soil.py", True),
        ("branch", True),
        ("branch create x", False),
        ("experiment list", True),
        ("experiment run", False),
        ("rollback @~1", False),
        ("rollback --help", True),
        ("run -- rm --help", False),
        ("undo", False),
        ("capture", False),
        ("gc", False),
        ("export x", False),
        ("mark @", False),
        ("", False),
    ],
)
def test_what_reads_is_told_from_what_changes(line: str, reads: bool) -> None:
    """A list of what is known to read; everything else counts as a change."""
    assert only_reads(line.split()) is reads


def test_the_text_is_that_of_the_command_line(tmp_path: Path) -> None:
    """Of the given folder and store, whatever the environment says; errors are text, too."""
    folder, home = tmp_path / "orchard", tmp_path / "home"
    folder.mkdir()
    (folder / "soil.py").write_bytes(b"DEPTH = 1\n\xff\n")
    Workspace.init(folder, home=home).close()
    told = tell(["cat", "@:soil.py"], str(folder), home, 80, NOW)
    assert (told.text, told.code) == ("DEPTH = 1\n\ufffd\n", 0)
    assert "first capture" in tell(["log"], str(folder), home, 80, NOW).text
    wrong = tell(["show", "#99"], str(folder), home, 80, NOW)
    assert wrong.code and wrong.text.startswith("stepwell: ")


def test_what_changes_is_not_run(tmp_path: Path) -> None:
    """A caller that did not ask first is in the wrong."""
    with pytest.raises(ValueError, match="rollback does more"):
        tell(["rollback", "@"], str(tmp_path), tmp_path, 80, NOW)


def test_every_command_has_a_name_to_complete() -> None:
    """In the order of the help."""
    assert names() == tuple(COMMANDS)


def test_a_repair_is_no_reading_however_it_is_spelled() -> None:
    """It writes to the store."""
    assert only_reads(["verify", "--full"])
    assert not any(only_reads(["verify", word]) for word in ("--repair", "--rep", "--repair=all"))
