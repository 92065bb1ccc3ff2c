"""`stepwell session`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stepwell.store.engine.lock import peak_memory

from .conftest import Run


def test_access_is_taken_shown_and_released(run: Run, folder: Path) -> None:
    """It outlasts the command, and a second writer is refused with the holder's name."""
    first = run("session", "acquire", "claude:a", "--client", "me", "--json")
    assert first.code == 0
    assert first.json["granted"] and first.json["holder"] == "me"
    second = run("session", "acquire", "claude:a", "--client", "you", "--json")
    assert (second.code, second.json["granted"], second.json["holder"]) == (4, False, "me")
    assert "me may write it" in run("session", "acquire", "claude:a", "--client", "you").err
    assert run("session", "acquire", "claude:a", "--client", "you", "--read").code == 0
    shown = run("session", "access", "claude:a", "--json").json
    assert (shown["write_holder"], shown["locked"]) == ("me", True)
    assert [one["client_id"] for one in shown["clients"]] == ["me", "you"]
    assert run("session", "release", "claude:a", "--client", "me", "--json").json["released"]
    assert run("session", "access", "claude:a").text.startswith("you  reads until ")


def test_the_writer_is_listed_with_its_session(run: Run, folder: Path) -> None:
    """In `sessions` and `metrics`."""
    assert run("capture", "--session", "claude:a", "--tag", "x").code == 0
    assert run("sessions", "--json").json["sessions"][0]["writer"] is None
    run("session", "acquire", "claude:a", "--client", "me")
    assert run("sessions", "--json").json["sessions"][0]["writer"] == "me"


def test_what_cannot_be_asked_is_refused(run: Run, folder: Path) -> None:
    """With a sentence and exit status 2."""
    assert run("session", "acquire", "claude:a").code == 2
    assert run("session", "acquire", "claude:a", "--client", "me", "--ttl", "0").code == 2
    assert run("session", "dance", "claude:a").code == 2


def test_a_snapshot_is_taken_listed_compared_restored_and_deleted(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    """Files and state, as over HTTP."""
    plan, taken = tmp_path / "plan.json", []
    for number in (1, 2):
        plan.write_text(f'{{"n": {number}}}')
        (folder / "README").write_text(f"{number}\n")
        words = ("session", "snapshot", "me:s", "-m", f"number {number}", "--state", f"plan={plan}")
        taken.append(run(*words, "--tag", f"t{number}", "--json").json)
    first, second = (one["id"] for one in taken)
    assert [one["description"] for one in taken] == ["number 1", "number 2"]
    listed = run("session", "snapshots", "me:s", "--json").json["snapshots"]
    assert [one["id"] for one in listed] == [second, first]
    assert len(run("session", "snapshots", "--tag", "t1", "--json").json["snapshots"]) == 1
    assert run("session", "show", "me:s", first, "--json").json["state"] == {"plan": {"n": 1}}
    assert "number 1" in run("session", "show", "me:s", first).text
    versions = run("session", "versions", "me:s", "--json").json["versions"]
    assert [one["id"] for one in versions] == [first, second]
    between = run("session", "diff", "me:s", first, second, "--json").json
    assert [one["path"] for one in between["changes"]] == ["README"]
    assert "~ /me:s/plan/n  1 → 2" in run("session", "diff", "me:s", first, second).text
    assert "number 2" in run("session", "timeline", "me:s").text
    run("gc")
    steps = run("session", "timeline", "me:s", "--json").json["steps"]
    steps += [one["step"] for one in run("session", "snapshots", "--json").json["snapshots"]]
    assert {step["tier"] for step in steps} == {"L3"}

    assert run("session", "restore", "me:s", first).code == 2
    dry = run("session", "restore", "me:s", first, "--dry-run")
    assert dry.code == 0 and "~ /me:s/plan/n  2 → 1" in dry.text
    assert (folder / "README").read_text() == "2\n"
    done = run("session", "restore", "me:s", first, "--yes", "--json").json
    assert done["applied"] and done["state_changes"][0]["new"] == 1
    assert (folder / "README").read_text() == "1\n"
    assert run("session", "delete", "me:s", first).code == 0
    assert run("session", "show", "me:s", first).code == 3


def test_what_writes_is_held_to_the_lease(run: Run, folder: Path) -> None:
    """Without one it is done while nobody has write access; with a stale one never."""
    assert run("session", "snapshot", "me:s").code == 0
    lease = run("session", "acquire", "me:s", "--client", "editor", "--json").json["lease"]
    refused = run("session", "snapshot", "me:s", "--json")
    assert (refused.code, refused.json["error"]["holder"]) == (4, "editor")
    assert run("session", "restore", "me:s", "@", "--yes").code == 4
    assert run("session", "snapshot", "me:s", "--lease", str(lease)).code == 0
    assert run("session", "snapshot", "me:s", "--lease", str(lease - 1)).code == 4


def test_figures_tell_memory_and_access(run: Run, folder: Path) -> None:
    """Memory of a command that we ran, if it is more than our own; access also of who only asked for it."""
    size = (peak_memory(os.getpid()) or 0) + 50_000_000
    assert run("run", "--", "true").code == 0
    small = run("metrics", "--json").json["sessions"][0]
    assert (small["peak_memory_bytes"], small["peak_memory_of"]) == (None, None)
    assert run("run", "--", sys.executable, "-c", f"bytearray({size})").code == 0
    before = run("metrics", "--json").json["sessions"][0]
    name = before["name"]
    assert before["peak_memory_bytes"] > size and before["peak_memory_of"] == "command"
    assert "at most, a command" in run("metrics", name).text
    assert before["last_accessed"] == before["last"]
    run("session", "acquire", name, "--client", "editor", "--read")
    after = run("metrics", name, "--json").json["sessions"][0]
    assert after["last_accessed"] > before["last_accessed"]
    assert "accessed" in run("metrics", name).text
