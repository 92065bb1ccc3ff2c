"""`state` through the command line."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.cli.main import main

Run = Callable[..., Any]


@pytest.fixture
def state(folder: Path, run: Run) -> Run:
    """Runs `stepwell state ... --json`, which must work, and returns the document."""

    def call(*arguments: str, code: int = 0) -> Any:
        ran = run("state", *arguments, "--json")
        assert ran.code == code, ran.err
        return ran.json

    return call


def put(folder: Path, state: Run, value: Any, *options: str) -> Any:
    (folder / "state.json").write_text(json.dumps(value))
    return state("put", "state.json", *options)


def test_a_state_is_put_listed_got_and_deleted(folder: Path, run: Run, state: Run) -> None:
    """With its labels; get prints the state alone, as JSON."""
    value = {"tasks": {"a/b": [1, 2.5, None, "\x1b[31mü"]}}
    made = put(folder, state, value, "--session", "me:s1", "--tag", "x", "-m", "before")
    assert (made["session"], made["tags"], made["description"]) == ("me:s1", ["x"], "before")
    assert made["type"] == "full" and made["checksum"]["algorithm"] == "sha256"
    assert state("list")["snapshots"] == state("search", "--tag", "x")["snapshots"] == [made]
    assert state("get", made["id"][:8]) == {**made, "state": value}
    assert json.loads(run("state", "get", made["id"]).out) == value
    shown = run("state", "list").text
    assert made["id"][:8] in shown and "+x" in shown and "before" in shown
    assert state("delete", made["id"])["deleted"] == [made["id"]]
    assert state("list")["snapshots"] == []
    assert run("status", "--json").json["steps"] == 1


def test_a_state_is_read_from_stdin(
    folder: Path, run: Run, state: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-` stands for it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"n": 1}')))
    made = state("put", "-", "--type", "full", "--compress")
    assert (made["session"], made["compressed"]) == ("default", True)
    assert state("get", made["id"])["state"] == {"n": 1}


def test_search_takes_times_tags_types_order_and_a_limit(
    folder: Path, run: Run, state: Run
) -> None:
    """In the words of the other commands."""
    made = [put(folder, state, {"n": [n] * 10 * (3 - n)}, "--tag", f"t{n}") for n in range(3)]
    ids = [one["id"] for one in made]

    def found(*options: str) -> list[str]:
        return [one["id"] for one in state("search", *options)["snapshots"]]

    assert found() == ids[::-1]
    assert found("--ascending", "-n", "2") == ids[:2]
    assert found("--sort", "size") == ids
    assert found("--since", made[1]["time"], "--until", made[1]["time"]) == [ids[1]]
    assert found("--since", "1h") == ids[::-1] and found("--until", "1h") == []
    assert found("--session", "nobody") == []
    assert state("nearest", made[0]["time"])["id"] == ids[0]
    assert state("nearest", "2000-01-01")["id"] == ids[0]
    text = run("state", "search", "--session", "nobody")
    assert (text.code, text.out) == (0, b"") and "no snapshot fits" in text.err


def test_compare_shows_paths_values_and_counts(folder: Path, run: Run, state: Run) -> None:
    """For programs and for people; hostile names are escaped."""
    a = put(folder, state, {"agents": {"a": {"n": 1}}, "\x1b]0;x": 1})
    b = put(folder, state, {"agents": {"a": {"n": 2}, "b": 1}})
    document = state("compare", a["id"], b["id"])
    assert document["changes"] == [
        {"op": "remove", "path": "/\x1b]0;x", "old": 1},
        {"op": "replace", "path": "/agents/a/n", "old": 1, "new": 2},
        {"op": "add", "path": "/agents/b", "new": 1},
    ]
    assert document["summary"]["total_changes"] == 3
    assert document["summary"]["collections"]["agents"]["items"] == 2
    shown = run("state", "compare", a["id"], b["id"]).text
    assert "agents  1 added, 1 changed" in shown and "~ /agents/a/n  1 → 2" in shown
    assert "\x1b" not in shown


def test_tags_change_afterwards_and_choices_are_deleted(folder: Path, run: Run, state: Run) -> None:
    """Several at once; a wrong id changes nothing."""
    made = [put(folder, state, {"n": n}, "--tag", "old")["id"] for n in range(3)]
    changed = state("tag", made[0], made[1], "--tag", "keep", "--untag", "old")["snapshots"]
    assert [one["tags"] for one in changed] == [["keep"], ["keep"]]
    state("tag", made[0], "ffffffff", "--tag", "no", code=3)
    state("delete", made[0], "ffffffff", code=3)
    assert state("delete", "--tag", "old")["deleted"] == [made[2]]
    assert {one["id"] for one in state("list")["snapshots"]} == set(made[:2])


@pytest.mark.parametrize("form", ["json", "binary"])
def test_snapshots_are_carried_to_another_workspace(
    folder: Path, run: Run, state: Run, tmp_path: Path, form: str
) -> None:
    """And errors of single items make exit code 7."""
    made = [put(folder, state, {"n": n, "text": "x" * 99})["id"] for n in range(2)]
    file = str(tmp_path / "out.bin")
    done = state("export", file, "--format", form)
    assert (done["snapshots"], done["bytes"]) == (2, os.path.getsize(file))
    assert state("import", file) == {"imported": 0, "skipped": 2, "errors": []}
    state("delete", *made)
    assert state("import", file)["imported"] == 2
    assert state("get", made[1])["state"]["n"] == 1
    assert state("import", file, "--overwrite")["imported"] == 2
    state("export", file, "--no-incrementals")
    document = json.loads(Path(file).read_text())
    document["snapshots"][0]["description"] = "edited"
    Path(file).write_text(json.dumps(document))
    report = state("import", file, "--overwrite", code=7)
    assert (report["imported"], report["errors"][0]["item"]) == (0, made[0])
    assert run("state", "import", file, "--overwrite").code == 7
    assert state("import", file, "--overwrite", "--no-validate")["imported"] == 1


def test_automatic_snapshots_of_a_file(folder: Path, run: Run, state: Run) -> None:
    """So many, or until it is interrupted; an unreadable moment is told and passes."""
    (folder / "live.json").write_text('{"n": 1}')
    done = state("auto", "live.json", "--interval", "0.01", "--count", "3")
    assert len(done["snapshots"]) == 3 and done["errors"] == []
    assert all(one["automatic"] for one in done["snapshots"])
    assert run("state", "auto", "-").code == 2


def test_automatic_snapshots_end_at_an_interrupt(folder: Path, run: Run, state: Run) -> None:
    """What was taken is reported, and the exit code is 0."""
    (folder / "live.json").write_text("not yet")
    script = "import sys; from stepwell.store.cli.main import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "state", "auto", "live.json", "--interval", "0.02"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert process.stdout is not None and process.stderr is not None
    assert "not taken" in process.stderr.readline()
    (folder / "live.json").write_text('{"n": 1}')
    while "default" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "stopped" in err
    assert state("list")["snapshots"]


def test_statistics(folder: Path, run: Run, state: Run) -> None:
    """Counts, bytes and the configuration that is in force."""
    put(folder, state, {"text": "x" * 9000}, "--tag", "t")
    document = state("stats")
    assert document["snapshots"]["total"] == document["snapshots"]["tagged"] == 1
    assert document["storage"]["compression_ratio"] > 10
    assert document["config"]["max_snapshots"] == 1000
    assert "1 (1 full, 0 incremental)" in run("state", "stats").text


def test_migration_takes_in_snapshots_and_configuration(folder: Path, run: Run, state: Run) -> None:
    """The configuration stays with the workspace, and is obeyed."""
    (folder / "old.json").write_text(
        json.dumps([{"id": "a", "timestamp": 1_700_000_000_000, "state": {"n": 1}}, {}])
    )
    (folder / "config.json").write_text('{"interval": 60000, "maxSnapshots": 2}')
    report = state("migrate", "old.json", "--session", "s", "--config", "config.json", code=7)
    assert (report["imported"], len(report["errors"])) == (1, 1)
    assert report["config"]["automatic_interval_ms"] == 60_000
    assert state("search", "--tag", "migration")["snapshots"][0]["time"].startswith("2023-11-14")
    for n in range(4):
        put(folder, state, n)
    assert len(state("list", "--session", "default")["snapshots"]) == 2
    assert state("migrate", "--config", "config.json")["imported"] == 0


def test_reconstruction_by_id_and_by_time(folder: Path, run: Run, state: Run) -> None:
    """With the events that were recorded since."""
    made = put(folder, state, {"n": 0}, "--session", "s")
    (folder / "patch.json").write_text('[{"op": "replace", "path": "/n", "value": 1}]')
    (folder / "merge.json").write_text('{"m": 2}')
    first = state("event", "patch.json", "--session", "s")
    second = state("event", "merge.json", "--session", "s", "--kind", "merge")
    assert state("reconstruct", made["id"])["state"] == {"n": 0}

    def at(time: str) -> Any:
        return state("reconstruct", "--at", time, "--session", "s")["state"]

    assert at(second["time"]) == at("0s") == {"n": 1, "m": 2}
    assert at(first["time"])["n"] == 1
    assert json.loads(run("state", "reconstruct", "--at", "0s", "-s", "s").out)["m"] == 2
    state("reconstruct", "--at", "2000-01-01", "--session", "s", code=3)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["put"], 2),
        (["put", "missing.json"], 3),
        (["put", "README"], 2),
        (["put", "nan.json"], 2),
        (["put", "."], 1),
        (["put", "one.json", "--since", "1h"], 2),
        (["get"], 2),
        (["get", "ffffffff"], 3),
        (["get", "../x"], 3),
        (["delete"], 2),
        (["delete", "ffffffff"], 3),
        (["delete", "ffffffff", "--tag", "x"], 2),
        (["list", "x"], 2),
        (["list", "-n", "-1"], 2),
        (["nearest", "1h"], 3),
        (["nearest", "someday"], 2),
        (["compare", "ffffffff"], 2),
        (["auto", "one.json", "--count", "0"], 2),
        (["auto", "one.json", "--interval", "0"], 2),
        (["auto", "one.json", "--interval", "nan"], 2),
        (["tag", "ffffffff"], 2),
        (["export", "no/such/folder/x"], 3),
        (["import", "one.json"], 2),
        (["import", "missing"], 3),
        (["migrate"], 2),
        (["migrate", "--config", "one.json"], 2),
        (["reconstruct"], 2),
        (["event", "nan.json"], 2),
        (["frobnicate"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_is_refused_in_a_sentence(
    folder: Path, run: Run, state: Run, arguments: list[str], code: int
) -> None:
    """With a hint, and nothing stored."""
    (folder / "nan.json").write_text('{"n": NaN}')
    (folder / "one.json").write_text('{"n": 1}')
    error = state(*arguments, code=code)["error"]
    assert error["message"] and error["hint"]
    assert state("list")["snapshots"] == []


def test_damage_is_exit_code_five_and_the_rest_goes_on(folder: Path, run: Run, state: Run) -> None:
    """And stats names it."""
    made = put(folder, state, {"n": 1})
    store = Path(run("status", "--json").json["store"])
    (store / "state" / "snapshots" / f"{made['id']}.snapshot").write_bytes(b"rubbish")
    assert state("get", made["id"], code=5)["error"]["code"] == "integrity"
    assert state("stats")["damaged"][0]["id"] == made["id"]
    assert put(folder, state, {"n": 2})["type"] == "full"
    assert state("delete", made["id"])["deleted"] == [made["id"]]


def test_without_a_workspace_nothing_is_written(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, as everywhere."""
    monkeypatch.chdir(tmp_path)
    assert main(["state", "list"]) == 3
    assert not home.exists()
