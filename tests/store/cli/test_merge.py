"""`merge` on the command line: each kind of conflict met, settled, concluded and taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.clashes import CLASHES, Clash, at_paths, begin, edited, sides_taken
from support.trees import contents

Run = Callable[..., Any]


def fork(run: Run, folder: Path, kind: Clash) -> None:
    begin(folder)
    assert run("capture", "-m", "base").code == 0
    assert run("branch", "create", "try").code == 0
    assert run("switch", "try", "--yes").code == 0
    kind.theirs(folder)
    assert run("capture", "-m", "theirs").code == 0
    assert run("switch", "main", "--yes").code == 0
    kind.ours(folder)
    assert run("capture", "-m", "ours").code == 0


@pytest.mark.parametrize("name", CLASHES)
def test_a_conflict_of_each_kind_is_settled(run: Run, folder: Path, name: str) -> None:
    """Listed by dry run, merge and status; concluded; the whole merge undone exactly."""
    kind = CLASHES[name]
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


SIDES = ("theirs", "base", "ours")


@pytest.mark.parametrize(
    ("name", "side"), [(name, SIDES[at % 3]) for at, name in enumerate(CLASHES)]
)
def test_a_side_of_each_kind_of_conflict_is_taken(
    run: Run, folder: Path, tmp_path: Path, name: str, side: str
) -> None:
    """Each of its paths has then what the side has; concluded, and the whole merge undone exactly."""
    clash = CLASHES[name]
    fork(run, folder, clash)
    before = contents(folder)
    wanted = sides_taken(clash, tmp_path / "sides")[side]
    assert run("merge", "try", "--yes").code == 4
    stopped = contents(folder)
    words = [word for path in sorted({clash.path, *clash.also}) for word in ("--resolve", path)]
    assert run("merge", *words, "--take", side).code == 2
    assert run("merge", *words, "--take", side, "--dry-run").code == 0
    assert contents(folder) == stopped
    done = run("merge", *words, "--take", side, "--yes", "--json")
    assert done.code == 0 and done.json["merged"] is False
    assert done.json["merge"]["branch"] == "try" and done.json["merge"]["unsettled"] == []
    assert at_paths(clash, folder) == wanted
    ended = run("merge", "--continue", "--json")
    assert ended.code == 0 and ended.json["merged"] is True
    assert at_paths(clash, folder) == wanted
    assert run(*ended.json["undo"].split()[1:], "--force").code == 0
    assert contents(folder) == before


def test_a_file_settles_a_conflict(run: Run, folder: Path, tmp_path: Path) -> None:
    """With the text that a person put together elsewhere, and the bits that ours has."""
    fork(run, folder, CLASHES["content"])
    assert run("merge", "try", "--yes").code == 4
    (tmp_path / "both").write_text(edited("ours and theirs"))
    ran = run("merge", "--resolve", "f", "--take", str(tmp_path / "both"), "--yes")
    assert ran.code == 0, ran.err
    assert "no markers are left; when all is as you want it: stepwell merge --continue" in ran.text
    assert (folder / "f").read_text() == edited("ours and theirs")
    assert run("undo", "--yes").code == 4
    back = ran.text.partition("take it back: stepwell ")[2].splitlines()[0]
    assert run(*back.split(), "--yes").code == 0
    assert "<<<<<<<" in (folder / "f").read_text()
    assert run("status", "--json").json["merge"]["unsettled"] == ["f"]
    assert run("merge", "--resolve", ".", "--take", "theirs", "--yes").code == 0
    assert (folder / "f").read_text() == edited("theirs")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--resolve", "f"], 2),
        (["--take", "ours"], 2),
        (["--resolve", "f", "--take", "ours", "--continue"], 2),
        (["try", "--resolve", "f", "--take", "ours", "--yes"], 2),
        (["--resolve", "bin", "--take", "ours", "--yes"], 3),
        (["--resolve", "f", "--take", "nope", "--yes"], 3),
        (["--resolve", "f", "--take", ".", "--yes"], 2),
        (["--resolve", "f", "--resolve", "f", "--take", "bin", "--yes"], 2),
    ],
)
def test_what_settles_nothing_is_told(run: Run, folder: Path, words: list[str], code: int) -> None:
    """One sentence and the right status; the merge is as it was. Without a merge: not found."""
    fork(run, folder, CLASHES["content"])
    assert run("merge", "--resolve", "f", "--take", "ours", "--yes").code == 3
    assert run("merge", "try", "--yes").code == 4
    before = contents(folder)
    ran = run("merge", *words)
    assert ran.code == code and ran.err.startswith("stepwell: ")
    assert contents(folder) == before


def test_a_merge_reads_as_a_sentence(run: Run, folder: Path) -> None:
    """Preview, result and the way back; conflicts with the two ways on."""
    fork(run, folder, CLASHES["content"])
    ran = run("merge", "try", "--yes")
    assert ran.code == 4
    assert "merge of branch try at #3" in ran.text and "stopped at 1 conflict" in ran.text
    assert "stepwell merge --continue" in ran.text and "stepwell merge --abort" in ran.text
    assert "the merge of try is under way" in run("status").text
    forced = run("merge", "--continue", "--force")
    assert forced.code == 0 and "take it back: stepwell undo" in forced.text


def test_an_aborted_merge_leaves_no_trace_on_disk(run: Run, folder: Path) -> None:
    """The disk is as before, and a side can be preferred instead."""
    fork(run, folder, CLASHES["content"])
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
    assert (folder / "f").read_text() == edited("theirs")
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
    fork(run, folder, CLASHES["mode"])
    before = contents(folder)
    ran = run(*words)
    assert ran.code == code and ran.err.startswith("stepwell: ")
    assert contents(folder) == before
    assert run("status", "--json").json["merge"] is None
