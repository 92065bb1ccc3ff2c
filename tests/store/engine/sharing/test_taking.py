"""What a pull holds a timeline against: what came of it before, and the steps that are here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.sharing import Make, forge, git, joined

from stepwell.store import IntegrityError, NotFoundError, Step, StepwellError, Workspace
from stepwell.store.engine.accounts import Finding
from stepwell.store.model.steps import Tokens

_OTHER = "00" * 8
"""A workspace that comes before all others."""


def _write(ws: Workspace, text: str) -> Step:
    Path(os.fsdecode(ws.root), "a").write_text(text)
    step = ws.capture(f"write {text}")
    assert step is not None
    return step


def _refs(server: Path, workspace: str) -> dict[str, str]:
    """Returns the ids of the refs of a workspace."""
    there = f"refs/stepwell/{workspace}/"
    told = git("-C", server, "for-each-ref", "--format=%(objectname) %(refname)", there)
    return {line.split()[1]: line.split()[0] for line in told.splitlines()}


def _set(server: Path, refs: dict[str, str], workspace: str) -> None:
    """Makes a workspace's refs these, wherever they were."""
    for name in _refs(server, workspace):
        git("-C", server, "update-ref", "-d", name)
    for name, oid in refs.items():
        rest = name.removeprefix("refs/stepwell/").partition("/")[2]
        git("-C", server, "update-ref", f"refs/stepwell/{workspace}/{rest}", oid)


def _claim(server: Path, lines: list[bytes], objects: dict[str, str]) -> None:
    """Has another workspace tell these operations, with all objects that some refs lead to."""
    heads = {f"refs/stepwell/x/heads/{number}": oid for number, oid in enumerate(objects.values())}
    _set(server, heads, _OTHER)
    forge(server, lines, _OTHER)


def _changed(lines: list[bytes], **fields: object) -> list[bytes]:
    """Returns the operations with those fields of their last step."""
    forms = [json.loads(line) for line in lines]
    told: list[dict[str, Any]] = [e["step"] for f in forms for e in f["effects"] if "step" in e]
    told[-1].update(fields)
    return [json.dumps(form).encode() for form in forms]


def _refused(ws: Workspace, why: str) -> StepwellError:
    with pytest.raises(IntegrityError, match=why) as caught:
        ws.pull("origin")
    return caught.value


def test_a_branch_goes_on_only_with_its_own_workspace(make: Make, server: Path) -> None:
    """One who passes the steps of another on as theirs gets a branch of their own for what follows."""
    ann, ben, eve = make("ann"), make("ben"), make("eve")
    ann.push("origin")
    ben.pull("origin")
    head = ben.get_step("origin/main")
    assert f"from:{ann.id}" in head.flags
    evil = _write(eve, "evil\n")
    eve.push("origin")
    refs = {**_refs(server, eve.id), **_refs(server, ann.id)}
    _claim(server, joined(ann, eve), refs)
    _set(server, {}, eve.id)
    assert ben.pull("origin").branches == ("origin-2/main", "origin/main")
    assert ben.get_step("origin/main").id == head.id
    assert ben.get_step("origin-2/main").id == evil.id
    assert f"from:{_OTHER}" in ben.get_step(evil.id).flags


def _ending(lines: list[bytes], ends: dict[str, str]) -> list[bytes]:
    """Returns the operations with one more, which makes branches end at those steps."""
    branches = [{"name": n, "head": h, "base": None, "kept": False} for n, h in ends.items()]
    effects = [{"do": "branch", "branch": branch} for branch in branches]
    form = {**json.loads(lines[-1]), "number": len(lines) + 1, "id": "e" * 32, "effects": effects}
    form.pop("inverse", None)
    return [*lines, json.dumps(form).encode()]


@pytest.mark.parametrize("stands", ["main", "origin/main"])
def test_a_branch_that_ends_where_theirs_does_is_not_theirs(
    make: Make, server: Path, stands: str
) -> None:
    """Whether it is checked out or not, two branches of that name do not make it go on."""
    ann, ben, eve = make("ann"), make("ben"), make("eve")
    ann.push("origin")
    ben.pull("origin")
    if stands != ben.view().current:
        ben.apply(ben.plan_switch(stands), force=True)
    head = ben.get_step("origin/main").id
    evil = _write(eve, "evil\n")
    eve.push("origin")
    refs = {**_refs(server, eve.id), **_refs(server, ann.id)}
    _claim(server, _ending(joined(ann, eve), {"main": head, "origin/main": head}), refs)
    _set(server, {}, eve.id)
    assert ben.pull("origin").imported == 2
    assert ben.get_step(evil.id).branch == "origin-2/main"
    assert ben.view().branches["origin/main"].head == head
    assert ben.verify(full=True).ok


def test_branches_of_one_name_stay_apart_while_one_is_checked_out(make: Make) -> None:
    """Nothing is new, so nothing moves."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    for name in ("origin/main", "main"):
        ben.apply(ben.plan_switch(name), force=True)
        _write(ben, f"on {name}\n")
    ben.push("origin")
    ann.pull("origin")
    ann.apply(ann.plan_switch("origin/main"), force=True)
    before = dict(ann.view().branches)
    assert ann.pull("origin").imported == 0
    assert ann.view().branches == before


def test_who_a_step_came_from_is_not_what_it_says(make: Make, server: Path) -> None:
    """It would be taken for one of somebody else's."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    first = joined(ann, ann)[:1]
    _claim(server, _changed(first, flags=[f"from:{ann.id}", "late"]), _refs(server, ann.id))
    _set(server, {}, ann.id)
    ben.pull("origin")
    flags = ben.get_step("origin/main").flags
    assert f"from:{ann.id}" not in flags and {f"from:{_OTHER}", "late"} <= set(flags)


@pytest.mark.parametrize("fields", [{"time_ns": 1}, {"title": "another"}, {"tool": "Bash"}])
def test_a_step_is_what_came_first(make: Make, server: Path, fields: dict[str, object]) -> None:
    """Another timeline that tells it otherwise is refused, by name; the others come in."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    before = ben.get_step("origin/main")
    _claim(server, _changed(joined(ann, ann)[:1], **fields), _refs(server, ann.id))
    newer = _write(ann, "newer\n")
    ann.push("origin")
    error = _refused(ben, f"{before.id[:8]} otherwise than workspace {ann.id} does")
    assert "--accept WORKSPACE" in error.hint
    assert [one["workspace"] for one in error.facts["refused"]] == [_OTHER]
    assert ben.get_step("origin/main").id == newer.id
    assert ben.pull("origin", accept=[_OTHER]).imported == 0
    assert ben.get_step(before.id) == before


def test_one_who_was_known_before_comes_first(make: Make, server: Path) -> None:
    """Whoever claims the newest steps of somebody known, and alters them, comes too late."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    newer = _write(ann, "newer\n")
    ann.push("origin")
    _claim(server, _changed(joined(ann, ann)[1:2], title="evil"), _refs(server, ann.id))
    _refused(ben, "otherwise than workspace")
    assert ben.get_step(newer.id).title == newer.title
    assert ben.get_step("origin/main").id == newer.id


@pytest.mark.parametrize("by", ["rewound", "another"])
def test_a_timeline_goes_on_from_what_came_before(make: Make, server: Path, by: str) -> None:
    """One that was put back or replaced is refused until that is accepted; all that came stays."""
    ann, ben, eve = make("ann"), make("ben"), make("eve")
    ann.push("origin")
    refs = _refs(server, ann.id)
    newer = _write(ann, "newer\n")
    ann.push("origin")
    ben.pull("origin")
    if by == "another":
        eve.push("origin")
        refs = _refs(server, eve.id)
        _set(server, {}, eve.id)
    _set(server, refs, ann.id)
    before = ben.view().number
    for _ in range(2):
        assert "--accept" in _refused(ben, "does not go on from what came of it before").hint
    assert ben.view().number == before
    told = ben.pull("origin", accept=[ann.id])
    assert told.imported == (1 if by == "another" else 0)
    assert ben.get_step(newer.id).title == newer.title
    assert ben.pull("origin").imported == 0
    with pytest.raises(NotFoundError, match="no timeline of a workspace"):
        ben.pull("origin", accept=["f" * 16])


def test_purging_and_removing_are_no_other_timeline(make: Make) -> None:
    """Neither where it is pushed nor where it was pulled."""
    from stepwell.store.model.retention import Policy

    ann, ben, eve = make("ann"), make("ben"), make("eve")
    for number in range(5):
        _write(ann, f"{number} secret enough to be looked for\n")
    ann.note_gap("what could not be read: 4 secret enough to be looked for")
    ann.push("origin")
    ben.pull("origin")
    eve.pull("origin")
    ann.prune(Policy(keep_last=2, hourly=0, daily=0, per_session=1))
    assert ann.gc(grace_minutes=0).swept.steps
    ann.purge(paths=[b"a"])
    newer = _write(ann, "newer\n")
    ann.push("origin")
    eve.purge(paths=[b"a"])
    for ws in (ben, eve):
        assert ws.pull("origin").imported == 1
        assert ws.get_step("origin/main").id == newer.id
        assert ws.verify(full=True).ok


def test_what_was_accepted_in_vain_changes_nothing(make: Make, server: Path) -> None:
    """The timeline still has to go on from what came of it before, if that can be read."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    before = _refs(server, ann.id)
    _write(ann, "newer\n")
    ann.push("origin")
    ben.pull("origin")
    forge(server, [b"null"], ann.id)
    with pytest.raises(IntegrityError, match="what was fetched was refused"):
        ben.pull("origin", accept=[ann.id])
    _set(server, before, ann.id)
    _refused(ben, "does not go on from what came of it before")
    (ben.store / "remotes" / "origin" / f"{ann.id}.json").write_text("{")
    forge(server, [b"null"], ann.id)
    with pytest.raises(IntegrityError, match="what was fetched was refused"):
        ben.pull("origin", accept=[ann.id])
    _set(server, before, ann.id)
    assert f"--accept {ann.id}" in _refused(ben, "cannot be read").hint
    assert ben.pull("origin", accept=[ann.id]).imported == 0


def test_what_was_refused_is_not_fetched_again(make: Make, server: Path) -> None:
    """Until it changes; what another version of Stepwell refused is looked at again."""
    ann, ben = make("ann"), make("ben")
    remote = ben.store / "remotes" / "origin"
    forge(server, [b"null"], ann.id)
    _refused(ben, "what was fetched was refused")
    assert not list(remote.glob("*.git"))
    for _ in range(2):
        _refused(ben, "was not fetched again: a sealed operation cannot be read")
        assert not list(remote.glob("*.git"))
    known = remote / f"{ann.id}.json"
    form = json.loads(known.read_bytes())
    known.write_text(json.dumps({**form, "by": "0.0.1"}))
    _refused(ben, "what was fetched was refused")
    ann.push("origin", force=True)
    assert ben.pull("origin").imported == 1
    known.write_text("{")
    assert f"--accept {ann.id}" in _refused(ben, "cannot be read").hint
    assert ben.pull("origin", accept=[ann.id]).imported == 0


def test_what_git_itself_refuses_is_fetched_once(make: Make, server: Path) -> None:
    """Objects that no repository may hold, though this one does; what came before stays."""
    ann, ben = make("ann"), make("ben")
    ann.push("origin")
    ben.pull("origin")
    blob = git("-C", server, "hash-object", "-w", "--stdin", feed=b"x")
    entry = b"100644 .git\0" + bytes.fromhex(blob)
    words = ("hash-object", "-w", "--literally", "-t", "tree", "--stdin")
    tree = git("-C", server, *words, feed=entry)
    person = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    commit = git("-C", server, *person, "commit-tree", tree, "-m", "x")
    git("-C", server, "update-ref", f"refs/stepwell/{ann.id}/operations", commit)
    _refused(ben, "refused by git.*hasDotgit")
    _refused(ben, "was not fetched again")
    assert ben.get_step("origin/main").title
    ann.push("origin", force=True)
    assert ben.pull("origin").imported == 0


def test_what_was_told_of_a_step_later_comes_along(make: Make) -> None:
    """Its model, its tokens, and what the model said."""
    ann, ben = make("ann"), make("ben")
    step = _write(ann, "a\n")
    found = Finding(step, model="a model", tokens=Tokens(1, 2, 3), said="so be it")
    ann.add_accounts("claude:s", [found])
    ann.push("origin")
    ben.pull("origin")
    told = ben.get_step(step.id)
    assert (told.model, told.tokens) == ("a model", Tokens(1, 2, 3))
    assert told.said is not None and ben.objects.read(told.said)[1] == b"so be it"


@pytest.mark.parametrize("limit", ["_MOST_TIMELINES", "_MOST_REFS"])
def test_a_server_with_more_than_anybody_shares_is_refused(
    make: Make, server: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Before anything of it is fetched."""
    ann = make("ann")
    for number in range(3):
        forge(server, [b"null"], f"{number:016x}")
    monkeypatch.setattr(f"stepwell.store.engine.sharing.transport.{limit}", 2)
    _refused(ann, "holds 3 timelines")
    assert not list((ann.store / "remotes" / "origin").glob("*.git"))
