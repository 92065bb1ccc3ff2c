"""`experiment` on the command line."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

CHECK = f"\"{sys.executable}\" -c \"import sys; sys.exit(open('out').read() != 'good')\""


def writes(label: str, content: str) -> str:
    return f"{label}={sys.executable} -c \"open('out', 'w').write('{content}')\""


@pytest.fixture
def tried(folder: Path, run: Run) -> Any:
    """An experiment of which one candidate passes."""
    words = ["--try", writes("good", "good"), "--try", writes("bad", "bad")]
    return run("experiment", "run", "x", *words, "--check", CHECK, "--jobs", "2", "--json")


def test_run_gives_ranked_candidates(folder: Path, run: Run, tried: Any) -> None:
    """As the interface has it; nothing but the document."""
    assert tried.code == 0 and tried.err == ""
    form = tried.json
    assert (form["name"], form["into"], form["state"]) == ("x", "main", "done")
    first, second = form["candidates"]
    assert (first["label"], first["rank"], first["branch"]) == ("good", 1, "x/good")
    assert first["checks"]["exit_code"] == 0 and second["checks"]["exit_code"] == 1
    assert first["score"] > second["score"] and first["why"] and first["conflicts"] == []
    assert first["changes"] == {"files": 1, "added": 1, "deleted": 0}
    assert first["head"] == run("show", "x/good", "--json").json["id"]
    assert not (folder / "out").exists()
    assert run("experiment", "show", "x", "--json").json == form
    assert run("experiment", "rank", "x", "--json").json == form
    listed = run("experiment", "list", "--json").json["experiments"]
    assert [one["name"] for one in listed] == ["x"]


def test_it_reads_well(folder: Path, run: Run, tried: Any) -> None:
    """Ranks, reasons, and what to do next."""
    text = run("experiment", "show", "x").text
    assert "  1 ✓ good" in text and "  2 ✗ bad" in text
    assert "its check failed with status 1" in text
    assert "take the first over: stepwell experiment promote x good" in text
    assert "1 of 2 candidates passed, done" in run("experiment", "list").text


def test_a_list_has_columns(folder: Path, run: Run, tried: Any) -> None:
    """Whatever the names are."""
    longer = ("experiment", "run", "a-longer-name", "--try", writes("only", "good"))
    assert run(*longer, "--check", CHECK).code == 0
    lines = run("experiment", "list").text.splitlines()
    assert len({line.index("  from #") for line in lines}) == 1 and len(lines) == 2
    assert len({line.index(" of ") for line in lines}) == 1


def test_promote_merges_and_undo_takes_it_back(folder: Path, run: Run, tried: Any) -> None:
    """Asked first, like every verb that writes the folder."""
    assert run("experiment", "promote", "x", "good").code == 2
    assert run("experiment", "promote", "x", "good", "--dry-run").code == 0
    assert not (folder / "out").exists()
    done = run("experiment", "promote", "x", "good", "--yes", "--json")
    assert done.code == 0 and done.json["merged"] is True
    assert (folder / "out").read_text() == "good"
    assert run("undo", "--yes").code == 0 and not (folder / "out").exists()
    assert run("redo", "--yes").code == 0 and (folder / "out").exists()
    clash = run("experiment", "show", "x", "--json").json["candidates"][1]
    assert [one["kind"] for one in clash["conflicts"]] == ["add/add"]
    assert run("experiment", "promote", "x", "bad", "--yes").code == 4
    assert run("merge", "--abort", "--yes").code == 0


def test_what_a_failed_check_said_is_kept(folder: Path, run: Run) -> None:
    """Its end, without secrets and styles; of one that passes, nothing."""
    said = "token=" + "ghp_" + "a1B2" * 9
    check = f"sh -c 'echo first; echo {said}; printf \"\\033[31mno good\\033[0m\"; test -e ok'"
    tries = ["--try", "bad=true", "--try", "good=touch ok"]
    assert run("experiment", "run", "x", *tries, "--check", check).code == 0
    good, bad = run("experiment", "show", "x", "--json").json["candidates"]
    assert good["checks"]["output"] == ""
    kept = bad["checks"]["output"]
    assert kept.startswith("first\n") and "no good" in kept and "a1B2a1B2" not in kept
    text = run("experiment", "show", "x").text
    assert "      no good\n" in text and "a1B2a1B2" not in text


def test_weights_of_the_settings_rank(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every experiment; `--weight` has the last word; settings that make no sense are told."""
    config = tmp_path / "config.toml"
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    tries = [writes("long", "a" * 9 + "\\n" * 30), writes("short", "latency 9")]
    words = [word for one in tries for word in ("--try", one)]
    show = [sys.executable, "-c", "print(open('out').read())"]
    metric = ["--metric", r"latency=latency (\d+)"]
    ran = run("experiment", "run", "x", *words, "--check", shlex.join(show), *metric, "--json")
    assert [c["label"] for c in ran.json["candidates"]] == ["short", "long"]
    assert ran.json["candidates"][0]["checks"]["metrics"] == {"latency": 9.0}
    config.write_text("[experiments.weights]\nchecks = 0\nsize = 0\nduration = 0\nother = 3\n")
    refused = run("experiment", "show", "x")
    assert refused.code == 0, refused.err
    assert (
        run("experiment", "show", "x", "--weight", "size=5").text.splitlines()[1].split()[2]
        == "short"
    )
    config.write_text("[experiments.weights]\nsize = 'huge'\n")
    assert run("experiment", "show", "x").code == 2


def test_a_pruned_base_is_told(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not found, with how to bring it back; nothing is begun."""
    config = tmp_path / "config.toml"
    config.write_text(
        "[retention]\nkeep_last = 1\nhourly = 0\ndaily = 0\nper_session = 0\nsafety_days = 0\n"
    )
    monkeypatch.setenv("STEPWELL_CONFIG", str(config))
    for text in ("one", "two", "three"):
        (folder / "file").write_text(text)
        assert run("capture").code == 0
    assert run("prune").code == 0
    for base in ("#2", "#99"):
        ran = run("experiment", "run", "x", "--try", "a=true", "--base", base, "--json")
        assert ran.code == 3 and ran.json["error"]["code"] == "not_found", ran.err
    assert run("experiment", "list", "--json").json == {"experiments": []}


def test_picks_are_merged_and_taken_back(folder: Path, run: Run, tried: Any) -> None:
    """By LABEL:PATH and by hunk; asked first, like every verb that writes the folder."""
    assert run("experiment", "pick", "x", "good:out").code == 2
    shown = run("experiment", "pick", "x", "good:out", "--dry-run", "--json")
    assert shown.code == 0 and shown.json["applied"] is False and not (folder / "out").exists()
    done = run("experiment", "pick", "x", "good:out", "--yes", "--json")
    assert done.code == 0 and done.json["merged"] is True
    assert (folder / "out").read_text() == "good"
    assert run("undo", "--yes").code == 0 and not (folder / "out").exists()
    changes = run("diff", tried.json["base"], "x/bad", "--json").json["changes"]
    hunk = changes[0]["hunks"][0]["id"]
    ran = run("experiment", "pick", "x", "--hunk", hunk, "--yes")
    assert ran.code == 0 and "merge of 1 hunk of branch x/bad at #" in ran.text
    assert (folder / "out").read_text() == "bad"
    assert run("experiment", "pick", "x", "good:out", "--yes").code == 4
    ran = run("experiment", "pick", "x", "good:out", "--prefer", "theirs", "--yes")
    assert ran.code == 0 and (folder / "out").read_text() == "good"


def test_a_verdict_and_its_note_are_kept(folder: Path, run: Run, tried: Any) -> None:
    """Shown with the candidate, in JSON too; `none` takes the verdict away."""
    ran = run("experiment", "judge", "x", "good", "accepted", "--note", "as it should be")
    assert ran.code == 0 and "good of x is accepted" in ran.text
    text = run("experiment", "show", "x").text
    assert "accepted" in text and "note: as it should be" in text
    first, second = run("experiment", "show", "x", "--json").json["candidates"]
    assert first["verdict"] == "accepted" and second["verdict"] is None
    assert [note["text"] for note in first["notes"]] == ["as it should be"]
    tagged = run("log", "--all", "tag:accepted", "--json").json["steps"]
    assert [step["id"] for step in tagged] == [first["head"]]
    assert run("experiment", "judge", "x", "good", "none").code == 0
    assert run("experiment", "show", "x", "--json").json["candidates"][0]["verdict"] is None
    assert run("undo", "--yes").code == 0
    again = run("experiment", "list", "--json").json["experiments"][0]
    assert again["candidates"][0]["verdict"] == "accepted"


def test_drop_takes_it_away(folder: Path, run: Run, tried: Any) -> None:
    """And undo brings it back."""
    assert run("experiment", "drop", "x").code == 0
    assert run("experiment", "show", "x").code == 3
    assert run("undo", "--yes").code == 0
    assert run("experiment", "show", "x").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run"], 2),
        (["run", "x"], 2),
        (["run", "x", "--try", "no command"], 2),
        (["run", "x", "--try", "a=nope-nope"], 3),
        (["run", "main", "--try", "a=true"], 4),
        (["run", "-x", "--try", "a=true"], 2),
        (["run", "x", "--try", "a=true", "--base", "nope"], 3),
        (["run", "x", "--try", "a=true", "--timeout", "0"], 2),
        (["run", "x", "--try", "a=true", "--weight", "size=many"], 2),
        (["run", "x", "--try", "a=true", "--weight", "colour=1"], 2),
        (["show", "nope"], 3),
        (["promote", "x"], 2),
        (["promote", "x", "a", "--yes"], 3),
        (["pick"], 2),
        (["pick", "x", "a:b", "--yes"], 3),
        (["judge", "x", "a"], 2),
        (["judge", "x", "a", "accepted"], 3),
        (["judge", "x", "a", "splendid"], 2),
        (["dance"], 2),
    ],
)
def test_bad_input(folder: Path, run: Run, words: list[str], code: int) -> None:
    """One sentence and the right status; nothing is begun."""
    ran = run("experiment", *words)
    assert ran.code == code and ran.err.startswith("stepwell")
    assert run("experiment", "list", "--json").json == {"experiments": []}
