"""`prune` at the command line: what an owner reads, and what a program does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.cli.retention import grouped

Run = Callable[..., Any]

FEW = "[retention]\nkeep_last = 2\nhourly = 0\ndaily = 0\nper_session = 1\nsafety_days = 0\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings, which keep little."""
    path = tmp_path / "config.toml"
    path.write_text(FEW)
    monkeypatch.setenv("STEPWELL_CONFIG", str(path))
    return path


@pytest.fixture
def edited(folder: Path, run: Run, config: Path) -> Path:
    """A workspace with seven steps, one of them marked."""
    for number in range(6):
        (folder / "src" / "app.py").write_text(f"{number}\n" * 50)
        run("capture", "-m", f"edit {number}")
    run("mark", "#3", "--label", "good")
    return folder


def numbers(run: Run) -> list[int]:
    """Returns the numbers of the steps in the log, the oldest first."""
    return [step["seq"] for step in run("log", "--all", "--json").json["steps"]][::-1]


def test_a_dry_run_says_what_would_go_and_why(edited: Path, run: Run) -> None:
    """Each with its reason, the bytes, and what stays for which reason; nothing is changed."""
    before = run("operations", "--json").json
    text = run("prune", "--dry-run").text
    assert text.startswith("would drop  4 of 7 steps, of 2")
    assert "of content would come free" in text
    assert "edit 0" in text
    assert "older than the newest 2, and not the last of an hour or day that is kept" in text
    assert "would stay  3 steps, each counted for one reason:" in text
    assert "      1  marked" in text
    assert "rules  the newest 2, " in text
    assert "nothing was changed; without --dry-run" in text
    found = run("prune", "--dry-run", "--json").json
    assert [one["seq"] for one in found["dropped"]] == [1, 2, 4, 5]
    assert found["bytes_freed"] > 0
    assert found["applied"] is False
    assert {"reason": "marked", "steps": 1} in found["kept"]
    assert run("operations", "--json").json == before


def test_pruned_steps_come_back_with_the_undo_that_is_named(edited: Path, run: Run) -> None:
    """As the text says, and as the document does."""
    assert numbers(run) == [1, 2, 3, 4, 5, 6, 7]
    done = run("prune", "--json").json
    assert numbers(run) == [3, 6, 7]
    assert run("show", "#4").code == 3
    assert "was pruned" in run("show", "#4").err
    assert run(*done["undo"].split()[1:], "--yes").code == 0
    assert numbers(run) == [1, 2, 3, 4, 5, 6, 7]
    text = run("prune").text
    assert text.startswith("dropped  4 of 7 steps, of 2")
    assert "`stepwell undo " in text
    assert "\\" not in text
    assert run("prune").text.startswith("nothing to drop: ")


def test_a_long_list_is_told_in_sums(folder: Path, run: Run, config: Path) -> None:
    """All of it with --all."""
    for number in range(24):
        (folder / "README").write_text(f"{number}\n")
        run("capture", "-m", f"edit {number}")
    text = run("prune", "--dry-run").text
    first, *why = text.splitlines()[:3]
    assert first.startswith("would drop  23 of 25 steps, of 2")
    assert why == [
        "       23  older than the newest 2, and not the last of an hour or day that is",
        "           kept",
    ]
    assert max(map(len, text.splitlines())) <= 80
    assert "17 more between" in text
    assert "edit 1" in text and "edit 21" in text and "edit 3" not in text
    assert "edit 3" in run("prune", "--dry-run", "--all").text


def test_a_size_limit_that_cannot_be_reached_is_said(edited: Path, run: Run, config: Path) -> None:
    """By how much, and that what must stay is the cause."""
    config.write_text('[retention]\nmax_size = "10 B"\n')
    text = run("prune", "--dry-run").text
    assert "over the limit of 10 bytes by " in text
    assert "beyond the size limit" in text


def test_reasons_that_name_many_branches_are_told_in_one_line() -> None:
    """One is named as it is; of many the first ones, and how many more."""
    tips = [(f"the tip of branch b{n}", 1) for n in range(5)]
    told = [*grouped([("marked", 7), *tips, ("where branch b1 began", 1)])]
    assert told == [
        ("marked", 7),
        ("the tips of branches: b0, b1, b2 and 2 more", 5),
        ("where branch b1 began", 1),
    ]
    parted = [(f"where branch b{n} began", 1) for n in range(2)]
    assert [*grouped(parted)] == [("where branches began: b0, b1", 2)]


@pytest.mark.parametrize(
    "wrong",
    [
        "[retention]\nkeep_lost = 3\n",
        "[retention]\nkeep_last = -1\n",
        "[retention]\nkeep_last = true\n",
        "[retention]\nimported = 3\n",
        '[retention]\nmax_size = "much"\n',
        "retention = 3\n",
        "[retention\n",
        "\udcff",
    ],
)
def test_settings_that_make_no_sense_are_refused(
    edited: Path, run: Run, config: Path, wrong: str
) -> None:
    """Nothing is pruned by a policy that was not meant."""
    config.write_bytes(wrong.encode("utf-8", "surrogateescape"))
    done = run("prune")
    assert done.code == 2
    assert "config.toml" in done.err
    assert len(numbers(run)) == 7


def test_without_settings_young_history_is_kept(edited: Path, run: Run, config: Path) -> None:
    """The defaults drop nothing of it."""
    config.unlink()
    assert run("prune", "--dry-run", "--json").json["dropped"] == []


def test_folding_drops_nothing_outside_turns(edited: Path, run: Run) -> None:
    """Captures of a person are never folded, though the policy would drop some of them."""
    found = run("prune", "--fold", "--dry-run", "--json").json
    assert found["dropped"] == []
    assert found["folded"] == []
    assert {"reason": "nothing to fold", "steps": 5} in found["kept"]


def test_gc_removes_what_was_pruned_and_tells_of_a_limit_that_is_exceeded(
    edited: Path, run: Run, config: Path
) -> None:
    """At once with --now; without it the steps are still there to be undone."""
    run("prune")
    assert run("gc", "--json").json["removed"]["steps"] == 0
    config.write_text(FEW + 'max_size = "1 kB"\n')
    done = run("gc", "--now", "--json").json
    assert done["removed"]["steps"] == 4
    assert done["removed"]["bytes_after"] < done["removed"]["bytes_before"]
    assert done["over_bytes"] > 0
    assert "over the limit by " in run("gc").text
    assert run("undo", "--yes").code == 0
    assert numbers(run) == [3, 6, 7]
    assert run("verify", "--full").code == 0
