"""`merge` on the command line: each kind of conflict met, settled, concluded and taken back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.trees import contents

Run = Callable[..., Any]

TEXT = "".join(f"line {number}\n" for number in range(1, 13))


def edit(word: str) -> str:
    return TEXT.replace("line 6\n", f"{word}\n")


@dataclass(frozen=True)
class Kind:
    """How two sides come into a conflict, and how a person settles it."""

    path: str
    ours: Callable[[Path], object]
    theirs: Callable[[Path], object]
    settle: Callable[[Path], object]
    also: frozenset[str] = frozenset()
    """Other paths that are part of the same conflict."""


def move(folder: Path, name: str) -> None:
    (folder / "f").rename(folder / name)


def to_folder(folder: Path) -> None:
    (folder / "new").mkdir()
    (folder / "new" / "inside").write_text("in\n")


def keep_only(*names: str) -> Callable[[Path], None]:
    def settle(folder: Path) -> None:
        for name in ("theirs-name", "new~main"):
            if name not in names:
                (folder / name).unlink(missing_ok=True)

    return settle


KINDS = {
    "content": Kind(
        "f",
        lambda p: (p / "f").write_text(edit("ours")),
        lambda p: (p / "f").write_text(edit("theirs")),
        lambda p: (p / "f").write_text(edit("both")),
    ),
    "add/add": Kind(
        "new",
        lambda p: (p / "new").write_text("ours\n"),
        lambda p: (p / "new").write_text("theirs\n"),
        lambda p: (p / "new").write_text("ours\ntheirs\n"),
    ),
    "modify/delete": Kind(
        "f",
        lambda p: (p / "f").write_text(edit("ours")),
        lambda p: (p / "f").unlink(),
        lambda p: (p / "f").unlink(),
    ),
    "rename/rename": Kind(
        "f",
        lambda p: move(p, "our-name"),
        lambda p: move(p, "theirs-name"),
        keep_only("our-name"),
        frozenset({"our-name", "theirs-name"}),
    ),
    "mode": Kind(
        "f",
        lambda p: os.chmod(p / "f", 0o600),
        lambda p: os.chmod(p / "f", 0o640),
        lambda p: os.chmod(p / "f", 0o660),
    ),
    "binary": Kind(
        "bin",
        lambda p: (p / "bin").write_bytes(b"\0ours"),
        lambda p: (p / "bin").write_bytes(b"\0theirs"),
        lambda p: (p / "bin").write_bytes(b"\0both"),
    ),
    "file/directory": Kind(
        "new~main",
        lambda p: (p / "new").write_text("a file\n"),
        to_folder,
        keep_only(),
    ),
}


def fork(run: Run, folder: Path, kind: Kind) -> None:
    (folder / "f").write_text(TEXT)
    (folder / "bin").write_bytes(b"\0base")
    assert run("capture", "-m", "base").code == 0
    assert run("branch", "create", "try").code == 0
    assert run("switch", "try", "--yes").code == 0
    kind.theirs(folder)
    assert run("capture", "-m", "theirs").code == 0
    assert run("switch", "main", "--yes").code == 0
    kind.ours(folder)
    assert run("capture", "-m", "ours").code == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_conflict_of_each_kind_is_settled(run: Run, folder: Path, name: str) -> None:
    """Listed by dry run, merge and status; concluded; the whole merge undone exactly."""
    kind = KINDS[name]
    fork(run, folder, kind)
    before = contents(folder)
    for options in (["--dry-run"], ["--yes"]):
        ran = run("merge", "try", "--json", *options)
        assert ran.code == 4 and ran.json["merged"] is False
        found = {one["path"]: one["kind"] for one in ran.json["conflicts"]}
        assert found[kind.path] == name and set(found) == {kind.path, *kind.also}
    status = run("status", "--json").json["merge"]
    assert status["branch"] == "try" and {c["path"] for c in status["conflicts"]} == set(found)
    with_markers = name in ("content", "add/add")
    assert status["unsettled"] == ([kind.path] if with_markers else [])
    if with_markers:
        refused = run("merge", "--continue", "--json")
        assert refused.code == 4 and refused.json["error"]["code"] == "conflict"
        assert [c["path"] for c in refused.json["conflicts"]] == [kind.path]
    kind.settle(folder)
    settled = contents(folder)
    done = run("merge", "--continue", "--json")
    assert done.code == 0 and done.json["merged"] is True and done.json["conflicts"] == []
    assert contents(folder) == settled
    step = run("show", "@", "--json").json
    theirs = run("show", "try", "--json").json
    assert step["id"] == done.json["step"] and step["parents"][1] == theirs["id"]
    assert run(*done.json["undo"].split()[1:], "--force").code == 0
    assert contents(folder) == before
    assert run("redo", "--yes", "--force").code == 0
    assert contents(folder) == settled
    assert run("verify", "--full").code == 0


def test_a_merge_reads_as_a_sentence(run: Run, folder: Path) -> None:
    """Preview, result and the way back; conflicts with the two ways on."""
    fork(run, folder, KINDS["content"])
    ran = run("merge", "try", "--yes")
    assert ran.code == 4
    assert "merge of branch try at #3" in ran.text and "stopped at 1 conflict" in ran.text
    assert "stepwell merge --continue" in ran.text and "stepwell merge --abort" in ran.text
    assert "the merge of try is under way" in run("status").text
    forced = run("merge", "--continue", "--force")
    assert forced.code == 0 and "take it back: stepwell undo" in forced.text


def test_an_aborted_merge_leaves_no_trace_on_disk(run: Run, folder: Path) -> None:
    """The disk is as before, and a side can be preferred instead."""
    fork(run, folder, KINDS["content"])
    before = contents(folder)
    assert run("merge", "try", "--yes").code == 4
    (folder / "f").write_text("half settled\n")
    assert run("merge", "--abort").code == 2
    assert run("merge", "--abort", "--yes").code == 0
    assert contents(folder) == before
    assert run("merge", "--abort", "--yes").code == 3
    assert run("merge", "--continue").code == 3
    ran = run("merge", "try", "--prefer", "theirs", "--yes", "--json")
    assert ran.code == 0 and ran.json["merged"] is True and ran.json["plan"]["kind"] == "merge"
    assert (folder / "f").read_text() == edit("theirs")
    again = run("merge", "try", "--yes")
    assert again.code == 0 and "branch try is merged already" in again.text


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["merge"], 2),
        (["merge", "try"], 2),
        (["merge", "try", "--continue"], 2),
        (["merge", "--continue", "--prefer", "ours"], 2),
        (["merge", "main", "--yes"], 2),
        (["merge", "nope", "--yes"], 3),
        (["merge", "try", "--prefer", "mine", "--yes"], 2),
        (["merge", "try", "--hunk", "0123456789ab", "--yes"], 3),
        (["merge", "try", "--path", "nope", "--yes"], 3),
    ],
)
def test_bad_input_changes_nothing(run: Run, folder: Path, words: list[str], code: int) -> None:
    """One sentence and the right status."""
    fork(run, folder, KINDS["mode"])
    before = contents(folder)
    ran = run(*words)
    assert ran.code == code and ran.err.startswith("stepwell: ")
    assert contents(folder) == before
    assert run("status", "--json").json["merge"] is None
