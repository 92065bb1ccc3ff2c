"""Timelines shared through a git server: what goes, what comes, and what is refused."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repository
from support.sharing import Make, forge, git, joined

from stepwell.store import (
    Act,
    FailedError,
    IntegrityError,
    RefusedError,
    Step,
    Workspace,
)
from stepwell.store.agents.transcripts.git import import_git


def _write(ws: Workspace, name: str, text: str) -> Step:
    Path(os.fsdecode(ws.root), name).write_text(text)
    step = ws.capture(f"write {name}")
    assert step is not None
    return step


def test_each_gets_the_others_steps_once(make: Make) -> None:
    """With their files, on branches of the remote's name; what a third one pulled is left out."""
    ann, ben, eve = make("ann"), make("ben"), make("eve")
    written = _write(ann, "plan", "of ann\n")
    ann.push("origin")
    ben.pull("origin")
    _write(ben, "plan", "of ben\n")
    ben.push("origin")
    told = eve.pull("origin")
    assert told.imported == 4
    assert told.branches == ("origin-2/main", "origin/main")
    assert eve.read_file(eve.get_step(written.id), b"plan") == b"of ann\n"
    again = eve.pull("origin")
    assert (again.imported, again.skipped) == (0, 4)
    back = ann.pull("origin")
    assert (back.imported, back.branches) == (2, ("origin/main",))
    for ws in (ann, ben, eve):
        assert ws.verify(full=True).ok
        ws.gc()
        assert ws.verify(full=True).ok


def test_work_goes_on_from_one_to_the_other(make: Make) -> None:
    """A step made on top of a pulled one comes back as its child."""
    ann, ben = make("ann"), make("ben")
    begun = _write(ann, "story", "once\n")
    ann.push("origin")
    ben.pull("origin")
    ben.apply(ben.plan_switch("origin/main"), force=True)
    _write(ben, "story", "once upon a time\n")
    ben.push("origin")
    ann.pull("origin")
    told = [step for step in ann.steps(all_branches=True) if step.title == "write story"]
    newest = next(step for step in told if step.id != begun.id)
    ancestors = {newest.id}
    for step in ann.steps(all_branches=True):
        if step.id in ancestors:
            ancestors.update(step.parents)
    assert begun.id in ancestors
    assert ann.read_file(newest, b"story") == b"once upon a time\n"
    assert "partial" not in newest.flags


def test_what_others_say_of_a_commit_does_not_stand_for_it(make: Make, tmp_path: Path) -> None:
    """The own repository is imported whole, and on its own branches, though theirs came first."""
    ann, ben = make("ann"), make("ben")
    tip = Repository(tmp_path / "ann").commit("of both")
    shutil.copytree(tmp_path / "ann" / ".git", tmp_path / "ben" / ".git")
    import_git(ann)
    ann.push("origin")
    ben.add_remote("git", ben.remotes()[0].url)
    ben.pull("git")
    before = {name: branch.head for name, branch in ben.view().branches.items()}
    assert import_git(ben).imported == 1
    after = {name: branch.head for name, branch in ben.view().branches.items()}
    (new,) = after.keys() - before.keys()
    assert {**after, new: None} == {**before, new: None}
    step = ben.get_step(new)
    assert step.source == f"git:{tip}" and "pulled" not in step.flags
    assert ben.pull("git").imported == 0 and import_git(ben).imported == 0


def test_branches_that_would_be_called_the_same_stay_apart(make: Make) -> None:
    """A person's own, and the one on which they went on from a pulled one; from pull to pull."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    for number in range(2):
        for name in ("origin/main", "main"):
            ben.apply(ben.plan_switch(name), force=True)
            _write(ben, "a", f"{number} on {name}\n")
        ben.push("origin")
        told = ann.pull("origin")
        assert told.branches == ("origin-2/main", "origin/main")
        assert ann.get_step("origin/main").id == ben.get_step("main").id
        assert ann.get_step("origin-2/main").id == ben.get_step("origin/main").id
    assert ann.verify(full=True).ok


def test_marks_come_along_and_own_branches_stay(make: Make) -> None:
    """A label that is taken here is left out, and told."""
    ann, ben = make("ann"), make("ben")
    ann.mark(_write(ann, "a", "a\n"), label="good", note="it works")
    ben.mark(_write(ben, "b", "b\n"), label="good")
    head = ben.head().id
    ann.push("origin")
    told = ben.pull("origin")
    assert len(told.errors) == 1
    tip = ben.get_step("origin/main")
    assert tip.checkpoint is not None and tip.checkpoint.notes[0].text == "it works"
    assert ben.head().id == head and ben.get_step("good").id == head


def test_pruned_steps_do_not_travel(make: Make) -> None:
    """What followed them follows what they followed."""
    from stepwell.store.model.retention import Policy

    ann, ben = make("ann"), make("ben")
    for number in range(6):
        _write(ann, "a", f"{number}\n")
    plan = ann.prune(Policy(keep_last=2, hourly=0, daily=0, per_session=1))
    assert plan.dropped
    ann.push("origin")
    told = ben.pull("origin")
    assert told.imported == len(ann.steps(all_branches=True))
    assert not any("partial" in step.flags for step in ben.steps(all_branches=True))


def test_a_history_that_was_pushed_elsewhere_is_not_replaced(make: Make, server: Path) -> None:
    """Unless that is asked for: a store put back from a backup must not take newer steps away."""
    ann = make("ann")
    _write(ann, "a", "newest\n")
    ann.push("origin")
    before = git("-C", server, "for-each-ref")
    ann.remove_remote("origin")
    ann.add_remote("origin", str(server))
    _write(ann, "a", "other\n")
    with pytest.raises(RefusedError, match="not pushed"):
        ann.push("origin")
    assert git("-C", server, "for-each-ref") == before
    ann.push("origin", force=True)
    assert git("-C", server, "for-each-ref") != before


def test_other_refs_of_the_server_stay(make: Make, server: Path, tmp_path: Path) -> None:
    """Branches and tags of a project, and timelines of others; branches that are gone here go."""
    git("init", "--quiet", tmp_path / "code")
    person = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    git("-C", tmp_path / "code", *person, "commit", "--quiet", "--allow-empty", "-m", "code")
    git("-C", tmp_path / "code", "push", "--quiet", server, "HEAD:refs/heads/main")
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.create_branch("side")
    ben.push("origin")
    refs = set(git("-C", server, "for-each-ref", "--format=%(refname)").split())
    assert "refs/heads/main" in refs and f"refs/stepwell/{ann.id}/operations" in refs
    assert f"refs/stepwell/{ben.id}/heads/side" in refs
    ben.delete_branch("side")
    ben.push("origin")
    refs = set(git("-C", server, "for-each-ref", "--format=%(refname)").split())
    assert "refs/heads/main" in refs and f"refs/stepwell/{ann.id}/operations" in refs
    assert f"refs/stepwell/{ben.id}/heads/side" not in refs
    assert git("-C", server, "fsck", "--strict", "--no-dangling") == ""


def test_git_signs_in_as_the_person_does_and_runs_no_hook_of_theirs(
    make: Make, server: Path, tmp_path: Path
) -> None:
    """Their configuration is read for where and how, and for nothing that would run or go along."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-push").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "pre-push").chmod(0o755)
    (tmp_path / "gitconfig").write_text(
        f'[core]\n\thooksPath = {hooks}\n[url "{server}"]\n\tinsteadOf = https://example.org/app\n'
        "[push]\n\tgpgSign = true\n\tfollowTags = true\n"
    )
    ann = make("ann")
    ann.add_remote("web", "https://example.org/app")
    assert ann.push("web").changed
    assert not (tmp_path / "ran").exists()
    assert f"refs/stepwell/{ann.id}/operations" in git("-C", server, "for-each-ref")


def _hostile(ws: Workspace, **changed: object) -> bytes:
    """Returns the line of an operation that records a step like the head, but for those fields."""
    from stepwell.store.engine import codec

    operation = ws.operations(1)[0].operation
    form = codec.operation_to_json(operation)
    step = next(effect for effect in form["effects"] if "step" in effect)["step"]
    step.update({"id": "0" * 32, "parents": [], **changed})
    return json.dumps(form).encode()


@pytest.mark.parametrize(
    "changed",
    [
        {},  # its tree is not there
        {"id": "../../etc"},
        {"seq": "one"},
        {"time_ns": -1},
        {"kind": "shell"},
        {"title": "x" * 200_000},
        {"flags": [1]},
        {"branch": None},
        {"branch": "\ud800"},
        {"title": None},
        {"call": [1]},
        {"result": {"ok": "yes"}},
        {"result": {"ok": True, "exit_code": "0"}},
        {"tokens": ["a", 1, 1]},
        {"turn": True},
        {"snapshot": None},
    ],
)
def test_a_hostile_timeline_is_refused_whole(
    make: Make, server: Path, changed: dict[str, object]
) -> None:
    """Nothing of it is recorded, whatever is wrong with it."""
    ann = make("ann")
    _write(ann, "a", "a\n")
    forge(server, [_hostile(ann, **changed)])
    before = ann.view().number
    with pytest.raises(IntegrityError, match="what was fetched was refused"):
        ann.pull("origin")
    assert ann.view().number == before and ann.verify(full=True).ok


def test_text_that_is_no_operation_is_refused(make: Make, server: Path) -> None:
    """Deeply nested, empty or of another kind."""
    ann = make("ann")
    for line in (b"[" * 100_000, b"null", b"{}", b'{"number": 1}', b"\xff\xfe"):
        forge(server, [line])
        with pytest.raises(IntegrityError, match="what was fetched was refused"):
            ann.pull("origin")


def test_a_purge_takes_the_mirrors_along_and_names_the_remotes(make: Make) -> None:
    """What was fetched can be fetched again; what was pushed is beyond reach, and said to be."""
    ann, ben = make("ann"), make("ben")
    secret = "0123456789 abcdefghij a secret that went too far\n"
    _write(ann, "key", secret)
    ann.push("origin")
    _write(ben, "b", "b\n")
    ben.push("origin")
    ben.pull("origin")
    assert list((ben.store / "remotes").glob("*/*.git"))
    done = ben.purge(paths=[b"key"])
    assert not list((ben.store / "remotes").glob("*/*.git"))
    assert any(one.what == "the remote origin" for one in done.unreached)
    again = ben.pull("origin")
    assert again.imported == 0
    assert ben.verify(full=True).ok


def test_a_server_that_forgets_is_noticed(make: Make, server: Path) -> None:
    """A push that the server turned away is no push."""
    (server / "hooks").mkdir(exist_ok=True)
    (server / "hooks" / "pre-receive").write_text("#!/bin/sh\necho no room here\nexit 1\n")
    (server / "hooks" / "pre-receive").chmod(0o755)
    ann = make("ann")
    with pytest.raises(FailedError, match="no room here"):
        ann.push("origin")
    assert ann.remotes()[0].pushed is None


def test_a_pull_leaves_the_checked_out_branch_where_it_is(make: Make) -> None:
    """What belongs on it goes beside it; the files are still those of its head."""
    ann, ben = make("ann"), make("ben")
    _write(ann, "a", "1\n")
    ann.push("origin")
    ben.pull("origin")
    ben.apply(ben.plan_switch("origin/main"), force=True)
    head = ben.head().id
    newer = _write(ann, "a", "2\n")
    ann.push("origin")
    told = ben.pull("origin")
    assert (told.imported, told.branches) == (1, ("origin-2/main",))
    assert ben.head().id == head and ben.view().current == "origin/main"
    assert ben.get_step("origin-2/main").id == newer.id
    unchanged = ben.capture("nothing changed")
    assert unchanged is not None and unchanged.id == head
    ben.apply(ben.plan_switch("main"), force=True)
    last = _write(ann, "a", "3\n")
    ann.push("origin")
    ben.pull("origin")
    assert ben.get_step("origin/main").id == last.id
    assert ben.verify(full=True).ok


def test_a_remote_that_claims_own_steps_moves_no_branch(make: Make, server: Path) -> None:
    """A branch of the remote's name that ends with a step of this workspace is its own."""
    ann, eve = make("ann"), make("eve")
    _write(ann, "a", "mine\n")
    ann.create_branch("origin/main")
    head = ann.get_step("origin/main").id
    _write(eve, "a", "evil\n")
    ann.push("origin")
    eve.push("origin")
    # Whoever reads the remote has all objects of it, and can push them again as theirs.
    listed = git("-C", server, "for-each-ref", "--format=%(objectname) %(refname)")
    for number, (commit, ref) in enumerate(line.split() for line in listed.splitlines()):
        git("-C", server, "update-ref", f"refs/stepwell/{'ab' * 8}/heads/{number}", commit)
        if eve.id in ref:
            git("-C", server, "update-ref", "-d", ref)
    forge(server, joined(ann, eve))
    told = ann.pull("origin")
    assert (told.imported, told.branches) == (2, ("origin-2/main",))
    assert ann.get_step("origin/main").id == head


def test_a_timeline_that_is_refused_keeps_none_of_the_others_back(make: Make, server: Path) -> None:
    """They come in, before the one error names those that did not."""
    ann, ben = make("ann"), make("ben")
    written = _write(ann, "a", "a\n")
    ann.push("origin")
    for workspace in ("00" * 8, "ff" * 8):
        forge(server, [_hostile(ben)], workspace)
    with pytest.raises(IntegrityError, match="2 timelines of origin") as caught:
        ben.pull("origin")
    facts = caught.value.facts
    assert [one["workspace"] for one in facts["refused"]] == ["00" * 8, "ff" * 8]
    assert (facts["imported"], facts["branches"]) == (2, ["origin/main"])
    assert ben.get_step("origin/main").id == written.id
    assert ben.verify(full=True).ok


def _marked(ws: Workspace, **changed: object) -> bytes:
    """Returns the line of an operation that marks a step of its own, but for those fields."""
    form = json.loads(_hostile(ws))
    note = {"id": "n", "text": "t", "by": "b", "time_ns": 1, "path": None, "line": None}
    mark = {"label": None, "tags": [], "milestone": None, "notes": [note]}
    for name, value in changed.items():
        (note if name in note and name != "by" else mark)[name] = value
    form["effects"].append({"do": "mark", "step": "0" * 32, "mark": mark})
    return json.dumps(form).encode()


def _deep(levels: int) -> dict[str, Any]:
    return {"more": _deep(levels - 1)} if levels else {}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"milestone": "x"}, "a milestone"),
        ({"milestone": {"quality": 1}}, "a milestone"),
        ({"milestone": {"quality": {"functions": 2}}}, "a milestone"),
        ({"milestone": {"quality": {"checks": {"t": {"duration_ms": "x"}}}}}, "a milestone"),
        ({"milestone": {"project_state": {"files": "x"}}}, "a milestone"),
        ({"milestone": {"project_state": {"files": 1, "kinds": []}}}, "a milestone"),
        ({"milestone": {"history": {"steps": []}}}, "a milestone"),
        ({"milestone": {"baseline": {"duration_ms": 10**400}}}, "a milestone"),
        ({"milestone": {"x": float("nan")}}, "a milestone"),
        ({"milestone": _deep(40)}, "a milestone"),
        ({"milestone": {"x": ["y" * 50_000] * 50}}, "a milestone"),
        ({"created_ns": "now"}, "a number"),
        ({"created_ns": 1.5}, "a number"),
        ({"by": 7}, "no text"),
        ({"label": 7}, "a label"),
        ({"label": "\ud800"}, "a label"),
        ({"tags": [None]}, "no text"),
        ({"text": None}, "no text"),
        ({"id": 7}, "no text"),
        ({"time_ns": None}, "a number"),
        ({"line": "1"}, "a number"),
        ({"path": "../../etc/passwd"}, "a note"),
        ({"path": "/etc/passwd"}, "a note"),
        ({"path": 7}, "cannot be read"),
        ({"notes": 7}, "cannot be read"),
    ],
)
def test_a_hostile_mark_is_refused(
    make: Make, server: Path, changed: dict[str, object], why: str
) -> None:
    """Whatever of it would be shown later, and is not what that takes it for."""
    ann = make("ann")
    # Its mark is looked at before it is missed that the objects of the step are not there.
    forge(server, [_marked(ann, **changed)])
    before = ann.view().number
    with pytest.raises(IntegrityError, match=why):
        ann.pull("origin")
    assert ann.view().number == before


def test_a_milestone_comes_along_as_it_is(make: Make) -> None:
    """With all that was measured of it."""
    from stepwell.store.rules.milestones import measured

    ann, ben = make("ann"), make("ben")
    step = _write(ann, "a.py", "def f(x):\n    return 1 if x else 2\n")
    ann.mark(step, milestone=measured(ann, step), note="well", path=b"a.py", line=1, by="ann")
    ann.push("origin")
    ben.pull("origin")
    assert ben.get_step(step.id).checkpoint == ann.get_step(step.id).checkpoint


def test_steps_that_were_removed_here_stay_away(make: Make) -> None:
    """What follows them there follows here what they followed."""
    from stepwell.store.model.retention import Policy

    ann, ben = make("ann"), make("ben")
    for number in range(6):
        _write(ann, "a", f"{number}\n")
    ann.push("origin")
    assert ben.pull("origin").imported == 7
    _write(ben, "b", "b\n")
    ben.delete_branch("origin/main")
    few = Policy(keep_last=1, hourly=0, daily=0, per_session=1, imported=False)
    assert ben.prune(few).dropped
    assert ben.pull("origin").imported == 0
    assert ben.gc(grace_minutes=0).swept.steps
    left = {step.id for step in ben.steps(all_branches=True)}
    assert not left & {step.id for step in ann.steps(all_branches=True)}
    told = ben.pull("origin")
    assert (told.imported, told.branches) == (0, ())
    newest = _write(ann, "a", "newest\n")
    ann.push("origin")
    told = ben.pull("origin")
    assert (told.imported, told.branches) == (1, ("origin/main",))
    assert {step.id for step in ben.steps(all_branches=True)} == left | {newest.id}
    assert ben.get_step(newest.id).parents == ()
    assert ben.verify(full=True).ok


@pytest.mark.parametrize(
    ("limit", "value", "why"),
    [
        ("LARGEST_ENTRY", 50_000, "too large"),
        ("LARGEST_STEPS", 500, "operations are too large"),
        ("MOST_BYTES", 90_000, "holds more than"),
        ("MOST_STEPS", 1, "too many steps"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, why: str
) -> None:
    """The size of an object before it is read; of all objects, and the steps, as they are."""
    ann, ben = make("ann"), make("ben")
    _write(ann, "large", "x" * 100_000)
    ann.push("origin")
    before = ben.view().number
    with monkeypatch.context() as patch:
        patch.setattr(f"stepwell.store.engine.sharing.fetched.{limit}", value)
        with pytest.raises(IntegrityError, match=why):
            ben.pull("origin")
    assert ben.view().number == before
    assert ben.pull("origin", accept=[ann.id]).imported == 2


def test_a_damaged_mirror_is_found_before_anything_is_recorded(make: Make) -> None:
    """Every object that is needed is hashed beforehand, contents too; the mirror is fetched anew."""
    from stepwell.store.engine.journal import Journal
    from stepwell.store.engine.sharing.fetched import read_mirror
    from stepwell.store.engine.sharing.fetching import fetch_and_read
    from stepwell.store.engine.sharing.here import Here

    ann, ben = make("ann"), make("ben")
    _write(ann, "noise", random.Random(1).randbytes(100_000).hex())
    ann.push("origin")
    where = (ben.store, ben.remotes()[0], ann.id)
    mirror = fetch_and_read(*where, lambda path: path, os.urandom)
    (pack,) = (mirror / "objects" / "pack").glob("*.pack")
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    with Journal.open(ben.store) as journal:
        with pytest.raises(IntegrityError, match="what was fetched was refused"):
            read_mirror(mirror, Here(journal), None)
    assert ben.pull("origin").imported == 2
    assert ben.verify(full=True).ok


def test_sessions_keep_their_names_from_pull_to_pull(make: Make) -> None:
    """Those of two workspaces that have the same name are told apart."""
    ann, ben, eve = make("ann"), make("ben"), make("eve")
    for number in range(2):
        for ws in (ann, ben, eve):
            Path(os.fsdecode(ws.root), "a").write_text(f"{ws.id} {number}\n")
            ws.record(act=Act("x", "tool", session="claude:s"))
        ann.push("origin")
        ben.push("origin")
        eve.pull("origin")
        names = {row.name: row.steps for row in eve.sessions()}
        assert names == {
            "claude:s": number + 1,
            "claude:s+imported": number + 1,
            "claude:s+imported-2": number + 1,
        }
