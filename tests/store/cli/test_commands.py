"""What each command does and reports, over a real workspace and without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_init_reports_where_things_are(tmp_path: Path, home: Path, run: Run) -> None:
    """A fresh folder gets a store and a first step; again changes nothing."""
    root = tmp_path / "fresh"
    root.mkdir()
    (root / "f").write_text("x")
    first = run("-C", root, "init", "--json")
    assert first.code == 0
    assert first.json["root"] == str(root)
    assert Path(first.json["store"]).is_relative_to(home)
    assert (Path(first.json["store"]).stat().st_mode & 0o777) == 0o700
    assert run("-C", root, "init", "--json").json == first.json
    assert run("show", first.json["step"], "-C", root, "--json").json["seq"] == 1


def test_init_takes_the_git_root_and_status_finds_it_from_below(tmp_path: Path, run: Run) -> None:
    """As git does."""
    root = tmp_path / "repo"
    (root / "a" / "b").mkdir(parents=True)
    (root / ".git").mkdir()
    assert run("-C", root / "a", "init", "--json").json["root"] == str(root)
    assert run("-C", root / "a" / "b", "status", "--json").json["root"] == str(root)


def test_init_refuses_a_home_folder_unless_forced(tmp_path: Path, run: Run) -> None:
    """Exit code 4 and a hint; nothing is registered."""
    person = tmp_path / "person"
    person.mkdir()
    refused = run("init", "-C", person, "--json")
    assert refused.code == 4
    assert "--force" in refused.json["error"]["hint"]
    assert run("status", "-C", person).code == 3
    assert run("init", "-C", person, "--force").code == 0


def test_what_is_too_large_to_store_is_told_and_never_passed_over(folder: Path, run: Run) -> None:
    """Who captures, or asks for the status, learns which files are in no step."""
    run("init")
    with open(folder / "disk.img", "wb") as file:
        file.truncate(50 * 1024 * 1024 + 1)
    told = "disk.img, larger than the limit for new files"
    assert told in run("capture", "-m", "as it is").err
    assert "disk.img  larger than the limit" in run("status").text
    left_out = run("status", "--json").json["not_stored"]
    assert left_out == [{"path": "disk.img", "reason": "capped"}]
    (folder / "disk.img").unlink()
    assert run("capture").err == ""
    assert run("status", "--json").json["not_stored"] == []


def test_status_says_what_differs_on_disk(folder: Path, run: Run) -> None:
    """Clean at first, then one change of each sort."""
    clean = run("status", "--json").json
    assert clean["dirty"] == []
    assert clean["branch"] == "main"
    assert clean["pending_recovery"] is None
    assert clean["daemon"]["running"] is False
    assert clean["head"] == run("log", "--json").json["steps"][0]["id"]
    assert "nothing to capture" in run("status").text
    (folder / "README").unlink()
    (folder / "new").write_text("1\n2\n")
    (folder / "src" / "app.py").write_text("one\n2\nthree\n")
    dirty = {c["path"]: c["status"] for c in run("status", "--json").json["dirty"]}
    assert dirty == {"README": "D", "new": "A", "src/app.py": "M"}
    text = run("status").text
    assert "A new" in text and "3 files changed" in text and "stepwell rollback @" in text


def test_capture_records_a_step_and_says_when_there_is_nothing_to_record(
    folder: Path, run: Run
) -> None:
    """A Step, or `unchanged` with the head; a tag makes a step of an unchanged folder."""
    (folder / "new").write_text("1\n")
    made = run("capture", "-m", "add new", "--session", "me:s1", "--json").json
    assert (made["seq"], made["title"], made["session"]) == (2, "add new", "me:s1")
    assert made["agent"] == "me"
    assert made["changes"] == {"files": 1, "added": 1, "deleted": 0}
    again = run("capture", "--json")
    assert again.code == 0
    assert again.json == {"unchanged": True, "head": {**made}}
    tagged = run("capture", "--tag", "green", "--label", "v1", "--json").json
    assert tagged["checkpoint"]["tags"] == ["green"]
    assert (tagged["type"], tagged["changes"]["files"]) == ("checkpoint", 0)
    assert "nothing changed since #3" in run("capture").text


def test_a_file_that_cannot_be_read_is_listed_and_ends_in_7(ordinary: Path, run: Run) -> None:
    """The step stands without it, and says so again when nothing else changed."""
    (ordinary / "plain").write_text("x")
    (ordinary / "locked").write_text("x")
    (ordinary / "locked").chmod(0)
    run("-C", ordinary, "init")
    (ordinary / "plain").write_text("y")
    done = run("-C", ordinary, "capture", "--json")
    assert (done.code, done.json["changes"]["files"]) == (7, 1)
    assert "locked" in done.err and "cannot be read" in done.err
    again = run("-C", ordinary, "capture", "--json")
    assert (again.code, again.json["unchanged"]) == (7, True)
    (ordinary / "locked").chmod(0o600)
    assert run("-C", ordinary, "capture").code == 0


def test_what_policy_leaves_out_is_in_the_coverage_and_no_failure(folder: Path, run: Run) -> None:
    """A pipe and an ignored file."""
    os.mkfifo(folder / "pipe")
    (folder / ".gitignore").write_text("*.tmp\n")
    (folder / "x.tmp").write_text("x")
    assert run("capture").code == 0
    coverage = run("show", "@", "--json").json["coverage"]
    assert {"path": "pipe", "reason": "special"} in coverage
    assert {"path": "x.tmp", "reason": "ignored"} in coverage
    assert "pipe" in run("show", "@").text


def test_the_persons_own_ignore_file_counts(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The default place of git's global one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "git").mkdir(parents=True)
    (tmp_path / "config" / "git" / "ignore").write_text("*.scratch\n")
    (folder / "a.scratch").write_text("x")
    assert run("capture", "--json").json["unchanged"] is True


def _history(folder: Path, run: Run) -> None:
    """Steps 2 to 4 over the first one; step 3 is a checkpoint."""
    (folder / "src" / "app.py").write_text("one\n2\nthree\n")
    run("capture", "-m", "change two", "--session", "claude:s1")
    (folder / "new").write_text("n\n")
    run("capture", "-m", "add new", "--session", "codex:s2", "--label", "green", "--tag", "t")
    (folder / "README").unlink()
    run("capture", "-m", "drop the readme")


def test_log_lists_newest_first_and_filters(folder: Path, run: Run) -> None:
    """By number, session, branch and query."""
    _history(folder, run)

    def listed(*arguments: str) -> list[int]:
        return [step["seq"] for step in run("log", "--json", *arguments).json["steps"]]

    assert listed() == [4, 3, 2, 1]
    assert listed("-n", "2") == [4, 3]
    assert listed("-n2", "--all") == [4, 3]
    assert listed("--session", "claude:s1") == [2]
    assert listed("--branch", "main", "add") == [3]
    assert listed("--branch", "main", "--session", "codex:s2") == [3]
    assert listed("--session", "nobody:s9") == []
    assert listed("path:src/") == [2, 1]
    assert listed("kind:checkpoint", "-n", "5", "tag:t") == [3]
    assert listed("--", "-new", "-readme") == [2, 1]
    assert listed("-n", "1", "path:README") == [4]
    assert run("log", "nothing-like-it").err.strip() == "no step fits"
    assert run("log", "--branch", "nope").code == 3
    wrong = run("log", "kind:nope", "--json")
    assert (wrong.code, wrong.json["error"]["position"]) == (2, 5)


def test_log_reads_as_lines(folder: Path, run: Run) -> None:
    """Number, id, age, kind, size, title, mark and branch of each step."""
    _history(folder, run)
    lines = run("log").text.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("◉  #4") and lines[0].endswith("drop the readme  ↱ main")
    assert lines[1].startswith("●  #3") and lines[1].endswith("add new  ⚑green +t")
    assert "+1 −1" in lines[2]
    assert "\x1b" not in "".join(lines)


def test_log_of_all_branches_draws_their_lanes(folder: Path, run: Run) -> None:
    """After a rollback the kept future stands beside the new line."""
    _history(folder, run)
    assert run("rollback", "green", "--yes").code == 0
    lines = run("log", "--all").text.splitlines()
    assert [line.partition("#")[0].strip() for line in lines] == ["◉", "│ ●", "├─╯", "●", "●", "●"]
    assert "↱ main.1" in lines[1]


def test_show_tells_everything_about_a_step(folder: Path, run: Run) -> None:
    """JSON with diff, coverage and patch record; text with the hunks."""
    _history(folder, run)
    form = run("show", "#2", "--json").json
    assert [change["path"] for change in form["diff"]] == ["src/app.py"]
    assert form["diff"][0]["hunks"][0]["lines"] == [" one", "-two", "+2", " three"]
    first = run("show", "#1", "--json").json
    assert form["patch"] == {"hash": first["snapshot"]["tree"], "files": ["src/app.py"]}
    assert first["patch"]["hash"] is None
    assert (form["prompt"], form["input"], form["result_text"]) == (None, None, None)
    text = run("show", "#2").text
    assert "-two" in text and "+2" in text and "claude:s1" in text
    assert "✎ fine" in run("mark", "#2", "--note", "fine").text or run("show", "#2").text


def test_diff_compares_steps_and_the_disk(folder: Path, run: Run) -> None:
    """B defaults to the disk, A to the newest step; paths narrow it down."""
    _history(folder, run)
    (folder / "new").write_text("n\nm\n")

    def changed(*arguments: str) -> list[str]:
        return [c["path"] for c in run("diff", "--json", *arguments).json["changes"]]

    assert changed() == ["new"]
    assert changed("#1", "#2") == ["src/app.py"]
    assert changed("#1") == ["README", "new", "src/app.py"]
    assert changed("#1", "--", "src", "new") == ["new", "src/app.py"]
    assert changed("-C", "src", "#1", "--", "app.py") == ["src/app.py"]
    assert changed("@", "@") == []
    assert run("diff", "@", "@").text == "no difference\n"
    assert "1 file changed, +1\n" in run("diff", "--stat").text
    assert run("diff", "--", "../elsewhere").code == 2
    assert run("diff", "#1", "#2", "#3").code == 2
    assert run("diff", "--stat", "--patch").code == 2


def test_diff_leaves_out_changes_of_white_space(folder: Path, run: Run) -> None:
    """On request; a patch without them would not apply, and is refused."""
    app = folder / "src" / "app.py"
    run("init")
    app.write_text(app.read_text().replace("two", "  two").replace("three", "3"))
    found = run("diff", "-w", "--json").json["changes"][0]["hunks"]
    assert [line for hunk in found for line in hunk["lines"] if line[0] != " "] == ["-three", "+3"]
    assert "-two" in run("diff").text and "-two" not in run("diff", "-w").text
    assert run("diff", "-w", "--patch").code == 2


def test_a_patch_is_what_git_takes(folder: Path, run: Run, tmp_path: Path) -> None:
    """Applied to the old content, it gives the new one."""
    _history(folder, run)
    old = tmp_path / "old"
    (old / "src").mkdir(parents=True)
    (old / "src" / "app.py").write_text("one\ntwo\nthree\n")
    (old / "README").write_text("hello\n")
    patch = run("diff", "#1", "@", "--patch").out
    subprocess.run(["git", "apply"], input=patch, cwd=old, check=True)
    assert (old / "src" / "app.py").read_text() == "one\n2\nthree\n"
    assert (old / "new").read_text() == "n\n"
    assert not (old / "README").exists()


def test_cat_gives_the_exact_bytes(folder: Path, run: Run) -> None:
    """Of any file of any step, by any spelling of its path."""
    raw = bytes(range(256)) * 3
    (folder / "src" / "raw").write_bytes(raw)
    odd = os.fsdecode(b"odd\xff \\name")
    (folder / odd).write_bytes(b"odd")
    run("capture")
    assert run("cat", "@:src/raw").out == raw
    assert run("cat", "-C", "src", "@:./raw").out == raw
    assert run("cat", f"@:{folder}/src/raw").out == raw
    assert run("cat", f"@:{odd}").out == b"odd"
    assert run("cat", r"@:odd\xff \\name").out == b"odd"
    assert run("cat", "@~1:README").out == b"hello\n"
    assert run("cat", "@~1:src/raw").code == 3
    assert run("cat", "@:src").code == 3
    assert run("cat", "README").code == 2
    assert run("cat", "@:../x").code == 2 or run("cat", "@:../x").code == 3


def test_rollback_puts_the_folder_back_and_undo_and_redo_move_it(folder: Path, run: Run) -> None:
    """Each reports the plan, the safety step and how to take it back."""
    _history(folder, run)
    dry = run("rollback", "#1", "--dry-run", "--json")
    assert (dry.code, dry.json["applied"], dry.json["step"]) == (0, False, None)
    assert [c["path"] for c in dry.json["plan"]["changes"]] == ["README", "new", "src/app.py"]
    assert (folder / "new").exists()
    done = run("rollback", "#1", "--yes", "--force", "--json").json
    assert done["applied"] is True
    assert done["not_restored"] == []
    assert done["plan"]["target"] == run("show", "#1", "--json").json["id"]
    assert done["safety_seq"] == 4
    assert (folder / "README").read_text() == "hello\n"
    assert not (folder / "new").exists()
    assert run("status", "--json").json["head"] == done["step"]
    undone = run(*done["undo"].split()[1:], "--json").json
    assert undone["applied"] is True
    assert (folder / "new").exists() and not (folder / "README").exists()
    again = run(*undone["undo"].split()[1:], "--json").json
    assert again["applied"] is True
    assert not (folder / "new").exists()
    assert run(*again["undo"].split()[1:]).code == 0
    assert (folder / "new").exists()


def test_rollback_reads_as_a_preview_and_a_truthful_last_line(folder: Path, run: Run) -> None:
    """Where the folder stands now, what holds the disk as it was, and how to go back."""
    _history(folder, run)
    text = run("rollback", "@~1", "--yes").text
    assert text.startswith("rollback to #3 ")
    assert "A README" in text
    last = text.splitlines()[-1]
    assert last.startswith("now at #5; your disk is saved as #4; take it back: stepwell undo")
    assert "nothing was changed" in run("rollback", "#1", "--dry-run", "--force").text
    same = run("rollback", "@", "--yes")
    assert same.code == 0
    assert same.text.splitlines()[-1].startswith("nothing had to change")
    (folder / "src" / "app.py").unlink()
    os.mkfifo(folder / "src" / "app.py")
    blocked = run("rollback", "@", "--yes", "--force")
    assert blocked.code == 7
    assert blocked.text.splitlines()[-1].startswith("nothing was changed: 1 path could not")


def test_before_means_the_side_before_the_step(folder: Path, run: Run) -> None:
    """The parent's content; the first step has none."""
    _history(folder, run)
    assert run("rollback", "#4", "--before", "--yes").code == 0
    assert (folder / "README").exists()
    assert run("rollback", "#1", "--before", "--yes").code == 3


def test_without_a_terminal_nothing_is_written_without_consent(folder: Path, run: Run) -> None:
    """Exit code 2, for each of the three; --dry-run needs none."""
    _history(folder, run)
    for command in (["rollback", "#3"], ["undo"], ["redo"]):
        refused = run(*command, "--json")
        assert refused.code == 2
        assert refused.json["error"]["code"] == "no_terminal"
        assert "--yes" in refused.json["error"]["hint"]
        assert run(*command, "--dry-run").code == 0
        assert run("--yes", *command).code == 0


def test_drift_is_refused_with_its_list_and_saved_when_forced(folder: Path, run: Run) -> None:
    """Exit code 4, the folder untouched; with --force the edit is in the safety step."""
    _history(folder, run)
    (folder / "src" / "app.py").write_text("unsaved\n")
    refused = run("rollback", "#1", "--yes", "--json")
    assert refused.code == 4
    error = refused.json["error"]
    assert error["code"] == "drift"
    assert [one["path"] for one in error["drift"]] == ["src/app.py"]
    assert (folder / "src" / "app.py").read_text() == "unsaved\n"
    assert "--force" in run("rollback", "#1", "--dry-run").text.splitlines()[-1]
    done = run("rollback", "#1", "--yes", "--force", "--json").json
    assert done["applied"] is True
    assert run("cat", f"{done['safety_step']}:src/app.py").out == b"unsaved\n"
    assert run("undo", "--yes").code == 0
    assert (folder / "src" / "app.py").read_text() == "unsaved\n"


def test_another_sessions_work_is_not_taken_back_unasked(folder: Path, run: Run) -> None:
    """Exit code 4 with the sessions."""
    _history(folder, run)
    refused = run("rollback", "#2", "--yes", "--json")
    assert refused.code == 4
    assert refused.json["error"]["other_sessions"] == [{"session": "codex:s2", "steps": 1}]
    assert run("rollback", "#2", "--yes", "--force").code == 0


def test_marks_come_and_go_and_come_back(folder: Path, run: Run) -> None:
    """Label, notes, tags, milestone; unmark takes some or all; undo brings them back."""
    made = run(
        "mark",
        "@",
        "--label",
        "v1",
        "--note",
        "why",
        "--tag",
        "a",
        "--tag",
        "b",
        "--milestone",
        "--json",
    ).json
    mark = made["checkpoint"]
    assert (mark["label"], mark["note"], mark["tags"]) == ("v1", "why", ["a", "b"])
    assert (made["type"], mark["milestone"]["quality"]["functions"]) == ("milestone", 0)
    assert run("show", "v1", "--json").json["id"] == made["id"]
    less = run("unmark", "v1", "--label", "--tag", "a", "--json").json["checkpoint"]
    assert (less["label"], less["tags"]) == (None, ["b"])
    assert run("unmark", "@", "--json").json["checkpoint"] is None
    back = run("undo", "--yes", "--json").json
    assert (back["applied"], back["plan"]) == (True, None)
    assert run("show", "@", "--json").json["checkpoint"]["tags"] == ["b"]
    assert run(*back["undo"].split()[1:]).code == 0
    assert run("show", "@", "--json").json["checkpoint"] is None
    assert "no file changes" in run("undo", "--dry-run").text


@pytest.mark.parametrize("label", ["two words", "a:b", "@", "#1", "", "x..y"])
def test_labels_follow_gits_rules(folder: Path, run: Run, label: str) -> None:
    """On capture and on mark; nothing is recorded with a bad one."""
    assert run("mark", "@", "--label", label).code == 2
    assert run("capture", "--label", label).code == 2
    assert len(run("log", "--json").json["steps"]) == 1


def test_labels_cannot_lie_above_each_other_nor_be_taken_twice(folder: Path, run: Run) -> None:
    """Exit code 4; the step that has a label may keep it or trade it."""
    _history(folder, run)
    assert run("mark", "#1", "--label", "green").code == 4
    assert run("mark", "#1", "--label", "green/er").code == 4
    assert run("capture", "--label", "green").code == 4
    assert run("mark", "green", "--label", "green", "--tag", "x").code == 0
    assert run("mark", "green", "--label", "green/er").code == 0
    assert run("mark", "#1", "--label", "green").code == 4


def test_operations_lists_what_changed_the_store(folder: Path, run: Run) -> None:
    """Newest first, with what undo would take."""
    _history(folder, run)
    run("mark", "#1", "--tag", "x")
    rows = run("operations", "--json", "-n", "3").json["operations"]
    assert [row["kind"] for row in rows] == ["mark", "record", "record"]
    assert [row["undoable"] for row in rows] == [True, False, False]
    assert rows[0].keys() == {
        "id", "number", "kind", "time", "session", "summary", "undone", "undoable",
    }  # fmt: skip
    assert run("undo", rows[0]["id"][:8], "--yes").code == 0
    rows = run("operations", "--json").json["operations"]
    assert [row["kind"] for row in rows][:2] == ["undo", "mark"]
    assert rows[1]["undone"] is True
    assert "undone" in run("operations").text
    assert run("undo", "99", "--yes").code == 3
    assert run("undo", "zzzz", "--yes").code == 3


def test_verify_finds_damage_and_names_what_needs_it(folder: Path, run: Run) -> None:
    """Whole at first; after a flipped byte exit code 5 with the steps."""
    _history(folder, run)
    whole = run("verify", "--full", "--json")
    assert (whole.code, whole.json["ok"], whole.json["damaged"]) == (0, True, [])
    assert whole.json["checked"] > 0
    assert run("verify").text.startswith("whole")
    store = Path(run("status", "--json").json["store"])
    segment = next((store / "journal").glob("*.segment"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    broken = run("verify", "--full", "--json")
    assert broken.code == 5
    assert "error" in broken.json or broken.json["damaged"]


def test_rebuild_makes_the_same_list_anew(folder: Path, run: Run) -> None:
    """Even when the catalogue is gone."""
    _history(folder, run)
    before = run("log", "--all", "--json").json
    catalogue = Path(run("status", "--json").json["store"]) / "catalogue"
    for file in catalogue.rglob("*"):
        if file.is_file():
            file.unlink()
    assert run("rebuild", "--json").json == {"steps": 4}
    assert run("log", "--all", "--json").json == before


def test_gc_seals_and_says_what_it_did(folder: Path, run: Run) -> None:
    """And nothing the second time; lists, files and differences stay as they were, but the tier."""
    _history(folder, run)
    asked = (("log", "--all", "--json"), ("show", "@", "--json"), ("operations", "--json"))
    before = [run(*one).json for one in asked]
    for step in (*before[0]["steps"], before[1]):
        assert step["tier"] == "L2"
        step["tier"] = "L3"
    done = run("gc", "--json").json
    assert (done["packs"], done["sealed"]["steps"]) == (1, 4)
    assert done["sealed"]["operations"] == len(before[2]["operations"])
    assert done["sealed"]["bytes_before"] > 0 < done["sealed"]["bytes_after"]
    assert done["took_ms"] >= 0
    assert [run(*one).json for one in asked] == before
    assert run("gc").text == "nothing to seal: everything that was recorded is sealed\n"
    assert run("verify", "--full").code == 0
    (folder / "more").write_text("more\n")
    run("capture")
    assert "sealed 1 step, 1 operation: " in run("gc").text
    assert run("stats", "--json").json["sealed_steps"] == 5


def test_stats_counts_what_is_there(folder: Path, run: Run) -> None:
    """Numbers in JSON, words on paper."""
    _history(folder, run)
    stats = run("stats", "--json").json
    assert (stats["steps"], stats["checkpoints"], stats["sessions"]) == (4, 1, 2)
    assert stats["store_bytes"] > stats["stored_bytes"] > 0
    assert stats["compression_ratio"] > 0
    assert "whole store" in run("stats").text


def test_the_bare_command_lists_steps_when_there_is_no_terminal(folder: Path, run: Run) -> None:
    """Options may come with it."""
    assert run().out == run("log").out
    assert run("--json").json == run("log", "--json").json
    assert run("-C", folder / "src").out == run("log").out


def test_the_demo_is_a_real_history_that_every_command_can_read(tmp_path: Path, run: Run) -> None:
    """Built without a terminal, it says where it is; a folder in use is left alone."""
    folder = tmp_path / "demo"
    built = run("demo", "--no-open", folder, "--json")
    assert (built.code, built.json["folder"]) == (0, str(folder))
    assert built.json["step_count"] >= 55
    assert built.json["steps"] == run("-C", folder, "log", "-n", "10", "--json").json["steps"]
    kinds = {step["kind"] for step in run("-C", folder, "log", "--all", "--json").json["steps"]}
    assert {"prompt", "tool", "outside", "rollback"} <= kinds
    assert run("demo", "--no-open", folder).code == 4
    assert run("demo", "--open", tmp_path / "other").code == 2


def test_the_demo_goes_on_with_a_rule(tmp_path: Path, run: Run) -> None:
    """It says where to read what the rule found."""
    folder = tmp_path / "demo"
    assert f"stepwell -C {folder} rules" in run("demo", "--rules", "--no-open", folder).text
    (rule,) = run("-C", folder, "rules", "--json").json["rules"]
    assert rule["last"]["ok"] is False and rule["last"]["action"] == "suggest"


def test_state_is_captured_shown_and_brought_back(run: Run, folder: Path, tmp_path: Path) -> None:
    """Beside the files, with what differs from the step before."""
    document = tmp_path / "plan.json"
    for number in (1, 2):
        document.write_text(json.dumps({"step": number, "name": "x\u202ey"}))
        made = run("capture", "--session", "me:a", "--state", f"plan={document}", "--json")
        assert made.code == 0 and made.json["state"]
    shown = run("show", "@", "--json").json
    assert shown["states"] == {"me:a": {"plan": {"step": 2, "name": "x\u202ey"}}}
    assert shown["state_changes"] == [
        {"op": "replace", "path": "/me:a/plan/step", "old": 1, "new": 2}
    ]
    assert "~ /me:a/plan/step  1 → 2" in run("show", "@").text
    assert "\u202e" not in run("show", "@~1").text
    assert run("rollback", "@~1", "--yes").code == 0
    assert run("show", "@", "--json").json["states"]["me:a"]["plan"]["step"] == 1
    assert run("capture", "--state", "plan").code == 2
    assert run("capture", "--state", f"plan={tmp_path / 'none'}").code == 3
    document.write_text("{")
    assert run("capture", "--state", f"plan={document}").code == 2
