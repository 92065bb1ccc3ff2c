"""`stats`: what an owner reads of tiers, memory and time, and what it warns of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from support.daemons import daemon_thread, until

from stepwell.store.cli.stats import smaller
from stepwell.store.engine.room import room_of
from stepwell.store.model.tiering import Room

Run = Callable[..., Any]
GB = 1_000_000_000


def test_the_tiers_are_told_with_their_figures(folder: Path, run: Run) -> None:
    """As a table, and as a document."""
    (folder / "src" / "app.py").write_text("edited\n")
    run("capture")
    run("mark", "@", "--milestone")
    run("gc")
    found = run("stats", "--json").json
    assert [one["name"] for one in found["tiers"]] == ["L1", "L2", "L3"]
    third = found["tiers"][2]
    assert (third["steps"], third["milestones"], third["bytes"] > 0) == (2, 1, True)
    assert found["memory"]["level"] == "calm" and found["memory"]["hit_rate"] is None
    assert found["room"]["warnings"] == [] and found["room"]["limit"] is None
    text = run("stats").text
    assert "each session's newest, ready in memory" in text
    assert "no limit is set" in text and "warning" not in text
    head = next(line for line in text.splitlines() if line.startswith("tier"))
    assert head.split() == ["tier", "steps", "size", "ratio", "ready", "reads", "p50", "p99"]


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.04, "as large as"),
        (0.96, "as large as"),
        (1.06, "1.1 times smaller"),
        (0.9, "takes more"),
    ],
)
def test_a_ratio_is_told_by_what_it_means(ratio: float, words: str) -> None:
    """Nothing is once as small."""
    assert words in smaller(ratio)


def test_the_growth_is_told_as_a_curve(folder: Path, run: Run) -> None:
    """It ends with all steps and what they wrote; the document has each moment."""
    for text in ("one\n", "two\n" * 900):
        (folder / "src" / "app.py").write_text(text)
        run("capture")
    found = run("stats", "--json").json
    moments = found["growth"]
    assert (moments[-1]["steps"], moments[-1]["bytes"]) == (found["steps"], found["stored_bytes"])
    assert [one["bytes"] for one in moments] == sorted(one["bytes"] for one in moments)
    line = next(one for one in run("stats").text.splitlines() if one.startswith("growth"))
    assert "█" in line and "written, first step to newest" in line
    assert len(line) <= 80


def test_it_warns_before_the_limit(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says what to do, as the first line."""
    config = tmp_path / "config.toml"
    config.write_text('[retention]\nmax_size = "900 B"\n')
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    text = run("stats").text
    assert text.startswith("warning: the history takes ")
    assert "`stepwell prune --dry-run` tells what would go" in text.splitlines()[0]
    assert len(run("stats", "--json").json["room"]["warnings"]) == 1


@pytest.mark.parametrize(
    ("room", "says"),
    [
        (Room(89, 100, 500 * GB, 900 * GB), []),
        (Room(90, 100, 500 * GB, 900 * GB), ["takes 90 %"]),
        (Room(150, 100, 500 * GB, 900 * GB), ["takes 150 %"]),
        (Room(5, None, GB // 2, 5 * GB), []),
        (Room(5, None, 10 * GB, 900 * GB), []),
        (Room(5, None, GB // 2, 900 * GB), ["the disk is nearly full: 0.1 %"]),
        (Room(5, None, 0, 0), []),
        (Room(99, 100, 0, GB), ["takes 99 %", "nearly full: 0.0 %"]),
    ],
)
def test_warnings_are_of_the_limit_and_of_the_disk(room: Room, says: list[str]) -> None:
    """Near the limit; and where little is left, absolutely and of the whole."""
    assert len(room.warnings) == len(says)
    assert all(part in text for part, text in zip(says, room.warnings, strict=True))


def test_the_room_is_what_the_disk_says(tmp_path: Path) -> None:
    """For this user."""
    room = room_of(tmp_path, 5, 10)
    assert (room.used, room.limit) == (5, 10) and 0 < room.free <= room.total


def test_the_tier_of_a_step_is_what_the_daemon_has(run: Run, folder: Path, home: Path) -> None:
    """L1 for what it has ready, in `log` and `show`; without it L2, and L3 once sealed."""
    with TemporaryDirectory(prefix="sw-") as runtime, daemon_thread(folder, home, Path(runtime)):
        (folder / "README").write_text("changed\n")
        assert run("capture").code == 0
        until(lambda: tiers(run) == ["L1", "L1"])
        until(lambda: run("show", "@", "--json").json["tier"] == "L1")
    assert tiers(run) == ["L2", "L2"]
    run("gc")
    assert tiers(run) == ["L3", "L3"]


def tiers(run: Run) -> list[str]:
    """Returns the tier of each step, newest first."""
    return [step["tier"] for step in run("log", "--json").json["steps"]]
