"""`stepwell remote`, `push` and `pull`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.servers import git_daemon

from .conftest import Run


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """An empty bare repository, as a git server has it."""
    path = tmp_path / "server.git"
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    return path


def test_a_timeline_goes_out_and_comes_in(
    run: Run, folder: Path, tmp_path: Path, server: Path
) -> None:
    """To a branch of its own in another workspace; a second push and pull bring what is new."""
    (folder / "README").write_text("more\n")
    assert run("capture", "-m", "more", "--session", "claude:s", "--label", "good").code == 0
    assert "origin" in run("remote", "add", "origin", "../server.git").text
    assert "nothing was sent" in run("push", "origin", "--dry-run").text
    assert run("push", "origin", "--json").json == {
        "remote": "origin",
        "url": str(server),
        "steps": 2,
        "branches": 1,
        "changed": True,
    }
    assert "has it all already" in run("push", "origin").text
    other = tmp_path / "other"
    other.mkdir()
    assert run("-C", other, "init").code == 0
    assert run("-C", other, "remote", "add", "team", server).code == 0
    told = run("-C", other, "pull", "team", "--json").json
    assert (told["imported"], told["branches"], told["errors"]) == (2, ["team/main"], [])
    steps = run("-C", other, "log", "--branch", "team/main", "--json").json["steps"]
    assert steps[0]["title"] == "more"
    assert {"imported", "pulled"} <= set(steps[0]["flags"])
    assert run("-C", other, "cat", "good:README").out == b"more\n"
    (folder / "new").write_text("new\n")
    run("capture", "-m", "newer")
    assert run("push", "origin").text.startswith("pushed 3 steps on 1 branch")
    again = run("-C", other, "pull", "team")
    assert again.text.strip() == "pulled 1 step to team/main; 2 are here already"
    assert run("-C", other, "rollback", "team/main", "--yes").code == 0
    assert (other / "new").read_text() == "new\n"


def test_remotes_are_listed_and_forgotten(run: Run, folder: Path, server: Path) -> None:
    """By name, with what was pushed."""
    assert "no remotes" in run("remote").err
    run("remote", "add", "b", server)
    run("remote", "add", "a", "https://example.org/app.git")
    listed = run("remote", "list", "--json").json["remotes"]
    assert [(one["name"], one["pushed"]) for one in listed] == [("a", None), ("b", None)]
    assert "nothing was pushed yet" in run("remote").text
    assert run("remote", "remove", "a").code == 0
    assert [one["name"] for one in run("remote", "--json").json["remotes"]] == ["b"]
    assert run("remote", "remove", "a").code == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("remote", "add", "x"), 2),
        (("remote", "list", "x"), 2),
        (("remote", "add", "../x", "/tmp/x"), 2),
        (("remote", "add", "import", "/tmp/x"), 2),
        (("remote", "add", "x", "ext::sh -c true"), 2),
        (("remote", "add", "x", "--upload-pack=true"), 2),
        (("remote", "add", "x", "ssh://-oProxyCommand=true/x"), 2),
        (("remote", "add", "x", "me@-oProxyCommand=true:x"), 2),
        (("remote", "add", "x", "EXT::sh -c true"), 2),
        (("remote", "add", "x", "fd::17"), 2),
        (("remote", "add", "x", "ftp://example.org/x"), 2),
        (("remote", "add", "x", "https://me:secret@example.org/x"), 2),
        (("remote", "add", "x", "a\x1b[2Jb"), 2),
        (("remote", "add", "x", "."), 4),
        (("push", "x"), 3),
        (("pull", "../x"), 3),
    ],
)
def test_what_cannot_be_a_remote(run: Run, folder: Path, words: tuple[str, ...], code: int) -> None:
    """Each with its exit status, and nothing is written."""
    ran = run(*words)
    assert ran.code == code, ran.err
    assert "secret" not in ran.err and "\x1b" not in ran.err
    assert run("remote", "--json").json["remotes"] == []


def test_what_a_server_says_reaches_no_terminal_raw(run: Run, folder: Path, server: Path) -> None:
    """Neither as text nor in the JSON."""
    (server / "hooks").mkdir(exist_ok=True)
    hook = server / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nprintf 'no \\033]52;c;aGk=\\007 \\033[2J\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    run("remote", "add", "origin", server)
    for words in (("push", "origin"), ("push", "origin", "--json")):
        ran = run(*words)
        assert ran.code == 1 and "no " in ran.err + ran.text
        assert "\x1b" not in ran.err + ran.text and "\x07" not in ran.err + ran.text


def test_two_people_go_on_from_each_other(
    run: Run, folder: Path, tmp_path: Path, server: Path
) -> None:
    """By git's own server, both with a branch of one name; a third gets both beside each other."""
    people = {"ann": folder, "ben": tmp_path / "ben", "eve": tmp_path / "eve"}
    with git_daemon(tmp_path) as port:
        for name, place in people.items():
            place.mkdir(exist_ok=True)
            run("-C", place, "init")
            run("-C", place, "remote", "add", "team", f"git://127.0.0.1:{port}/server.git")
            (place / "plan").write_text(f"of {name}\n")
            run("-C", place, "capture", "-m", f"the plan of {name}")
            run("-C", place, "branch", "create", "try-lock")
        ann, ben, eve = (("-C", place) for place in people.values())
        assert "nothing was sent" in run(*ann, "push", "team", "--dry-run").text
        assert run(*ann, "push", "team").text.startswith("pushed")
        assert "team/main, team/try-lock" in run(*ben, "pull", "team").text
        assert "the plan of ann" in run(*ben, "log", "--branch", "team/main").text
        assert "-of ben\n+of ann" in run(*ben, "diff", "@", "team/main").text
        assert (people["ben"] / "plan").read_text() == "of ben\n"
        assert run(*ben, "switch", "team/try-lock", "--yes").code == 0
        (people["ben"] / "plan").write_text("of both\n")
        run(*ben, "capture", "-m", "the plan of both")
        assert run(*ben, "push", "team").code == 0
        # Both of ben's go on beside each other: his own, and the one that goes on from hers.
        assert "team-2/try-lock, team/main, team/try-lock" in run(*ann, "pull", "team").text
        assert run(*ann, "merge", "team-2/try-lock", "--yes").code == 0
        assert (folder / "plan").read_text() == "of both\n"
        assert run(*ann, "push", "team").code == 0
        assert run(*eve, "pull", "team").code == 0
        names = {one["name"] for one in run(*eve, "branch", "--json").json["branches"]}
        assert {"main", "try-lock", "team/main", "team/try-lock", "team-2/main"} <= names
        plans = {run(*eve, "cat", f"{one}/main:plan").text for one in ("team", "team-2")}
        assert plans == {"of both\n", "of ben\n"}
        for place in people.values():
            assert run("-C", place, "verify", "--full").code == 0


def test_a_server_that_is_not_there(run: Run, folder: Path, tmp_path: Path) -> None:
    """Status 1, and the sentence says which one."""
    run("remote", "add", "gone", tmp_path / "nowhere.git")
    for verb in ("push", "pull"):
        ran = run(verb, "gone")
        assert ran.code == 1 and "the remote gone" in ran.err
