"""Purging: the content is nowhere in the store, the steps are where they were."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.daemons import daemon_thread, until
from support.pruning import FEW, edits
from support.sealed import assert_clean, copy_objects, git
from support.traces import traces

from stepwell.store import Workspace
from stepwell.store.engine.recording import Act
from stepwell.store.engine.scratch import scratch_folder
from stepwell.store.model.errors import NotFoundError, ObjectMissingError, RefusedError
from stepwell.store.model.experiments import Candidate, CheckResult, Experiment
from stepwell.store.model.ids import object_id
from stepwell.store.model.plans import Applied, PlannedChanges
from stepwell.store.model.rules import RuleVerdict
from stepwell.store.model.steps import (
    Covered,
    Effect,
    ExperimentSet,
    Mark,
    MarkSet,
    VerdictGiven,
)

KEY = "SERVICE_KEY=9f8a7b6c5d4e3f2a1b0c"
SECRET = f"# keys of the service\n{KEY}\nREGION=eu\n"
NEEDLE = b"9f8a7b6c5d4e3f2a"


def told(project: Path) -> dict[str, str | None]:
    """What an agent's calls said that wrote the secret, and read it."""
    call = {"file_path": str(project / ".env"), "content": SECRET}
    return {
        "prompt": f"please use {KEY} as the key",
        "input": json.dumps(call),
        "result_text": f"     1\t# keys of the service\n     2\t{KEY}\n",
    }


@pytest.fixture
def leaked(ws: Workspace, project: Path) -> Workspace:
    """A workspace with a secret in sealed and unsealed steps, a safety step, texts and marks."""
    (project / ".env").write_text(SECRET)
    act = Act(f"write {KEY}", "tool", session="claude:s", turn=1, tool="Write", **told(project))
    step = ws.record(act=act).step
    ws.mark(step, label="keyed", note=f"holds {KEY}", by="me")
    edits(ws, project, 3)
    ws.gc()
    (project / ".env").write_text(f"{SECRET}MORE=1\n")
    os.makedirs(project / "copies" / "deep")
    (project / "copies" / "deep" / "env").write_text(SECRET)
    ws.capture("copied")
    (project / "README.md").write_text("not recorded\n")
    ws.apply(ws.plan_rollback(ws.get_step("#2")), force=True)
    list(ws.search("SERVICE_KEY", datetime(2030, 1, 1, tzinfo=UTC)))
    assert traces(ws.store, NEEDLE)
    return ws


def test_no_byte_of_the_content_is_left_and_the_steps_are(leaked: Workspace, project: Path) -> None:
    """In packs, segments, indexes, catalogue and texts; titles and notes keep the rest."""
    before = [(s.id, s.seq, s.parents, s.kind) for s in leaked.steps(all_branches=True)]
    (project / ".env").unlink()
    done = leaked.purge(paths=[b".env"])
    assert traces(leaked.store, NEEDLE, b"keys of the service") == []
    after = leaked.steps(all_branches=True)
    assert [(s.id, s.seq, s.parents, s.kind) for s in after] == before
    assert {path for path, _ in done.paths} == {b".env", b"copies/deep/env"}
    assert done.also == (b"copies/deep/env",)
    assert len(done.blobs) == 2
    assert done.undo_ended
    assert done.unreached
    written = leaked.get_step("#2")
    assert written.title == "write [purged]"
    assert written.checkpoint is not None
    assert written.checkpoint.notes[0].text == "holds [purged]"
    assert leaked.text(written.prompt) == "please use [purged] as the key"
    assert json.loads(leaked.text(written.input) or "")["file_path"] == str(project / ".env")
    assert Covered(b".env", "purged") in leaked.covered(written)
    assert leaked.verify(full=True).ok
    assert_clean(leaked.store)
    assert leaked.operations(1)[0].operation.kind == "purge"


def test_a_rollback_keeps_what_is_on_disk_and_names_what_was_purged(
    leaked: Workspace, project: Path
) -> None:
    """Whether something lies there or not; other files come back exactly."""
    leaked.purge(paths=[b".env"])
    target = leaked.get_step("#3")
    (project / ".env").write_text("mine\n")
    for there in (True, False):
        if not there:
            (project / ".env").unlink()
        planned = leaked.plan_rollback(target)
        kept = {kept.path: kept.reason for kept in planned.plan.keep}
        assert kept[b".env"] == "cannot be restored: its content was purged from the history"
        done = leaked.apply(planned, force=True)
        assert b".env" in {kept.path for kept in done.not_restored}
        assert (project / ".env").exists() is there
        app = (project / "src" / "app.py").read_bytes()
        assert app == leaked.read_file(target, b"src/app.py")
    with pytest.raises(NotFoundError, match="purged"):
        leaked.read_file(target, b".env")


def test_the_same_content_is_captured_again_like_any_other(
    leaked: Workspace, project: Path, home: Path
) -> None:
    """The purge is of the past; this process and others store it whole again."""
    leaked.purge(blobs=[object_id("blob", SECRET.encode())], paths=[b".env"])
    for opened in (leaked, Workspace.open(project, home=home)):
        (project / "again").write_text(SECRET)
        step = opened.capture("again")
        assert opened.read_file(step, b"again") == SECRET.encode()
        assert opened.verify(full=True).ok
        (project / "again").unlink()
        opened.capture("gone again")
        opened.purge(paths=[b"again"])
    assert traces(leaked.store, NEEDLE) == []


def test_a_plan_tells_the_same_and_changes_nothing(leaked: Workspace) -> None:
    """What would go is what goes."""
    operations = len(leaked.operations(1000))
    planned = leaked.plan_purge(paths=[b"*env"])
    assert len(leaked.operations(1000)) == operations
    assert planned.operation is None
    done = leaked.purge(paths=[b"*env"])
    assert (done.paths, done.blobs, done.steps) == (planned.paths, planned.blobs, planned.steps)
    assert (done.in_workspace, done.undo_ended) == (planned.in_workspace, planned.undo_ended)


def test_names_folders_patterns_and_nothing(ws: Workspace, project: Path) -> None:
    """A folder stands for all below it; what no step has is an error, empty files are no content."""
    (project / "keys" / "old").mkdir(parents=True)
    for name in ("a.pem", "old/b.pem", "old/c.txt"):
        (project / "keys" / name).write_bytes(random.Random(name).randbytes(90))
    (project / "empty").write_bytes(b"")
    ws.capture("keys")
    assert len(ws.plan_purge(paths=[b"keys"]).blobs) == 3
    assert len(ws.plan_purge(paths=[b"**/*.pem"]).blobs) == 2
    assert len(ws.plan_purge(paths=[b"keys/old/c.txt"]).blobs) == 1
    for nothing in (b"nowhere", b"empty"):
        with pytest.raises(NotFoundError):
            ws.purge(paths=[nothing])
    assert ws.view().purging == ()


def test_the_id_of_what_is_no_file_is_refused_and_blocks_nothing(ws: Workspace) -> None:
    """A tree is no content: nothing is begun, and what comes after goes on as ever."""
    tree = ws.head().snapshot.tree
    for asked in (ws.plan_purge, ws.purge):
        with pytest.raises(NotFoundError):
            asked(blobs=[tree])
    assert ws.view().purging == ()
    assert ws.gc().sealed.steps


def test_what_was_said_in_the_very_bytes_of_a_content_goes_too(
    ws: Workspace, project: Path
) -> None:
    """However short it is: it is the same object."""
    (project / "VERSION").write_text("1.0\n")
    step = ws.record(act=Act("cat", "tool", session="claude:s", result_text="1.0\n")).step
    blob = object_id("blob", b"1.0\n")
    assert step.result_text == blob
    ws.purge(paths=[b"VERSION"])
    assert ws.text(ws.get_step(step.id).result_text) == "[purged]"
    with pytest.raises(ObjectMissingError):
        ws.blob(blob)


def test_undo_goes_on_where_it_does_not_need_the_content(ws: Workspace, project: Path) -> None:
    """A rollback that never touched the file can still be taken back."""
    edits(ws, project, 3)
    (project / "secret").write_bytes(random.Random(1).randbytes(500))
    ws.capture("secret")
    (project / "secret").unlink()
    ws.capture("no secret")
    ws.apply(ws.plan_rollback(ws.get_step("#3")))
    now = (project / "src" / "app.py").read_bytes()
    ws.purge(paths=[b"secret"])
    undone = ws.plan_undo()
    assert isinstance(undone, PlannedChanges)
    assert isinstance(ws.apply(undone), Applied)
    assert (project / "src" / "app.py").read_bytes() != now


def test_dropped_steps_lose_the_content_too(ws: Workspace, project: Path) -> None:
    """What prune took out of sight is not out of reach, and can still come back without it."""
    content = random.Random(2).randbytes(400)
    (project / "secret").write_bytes(content)
    ws.capture("secret")
    (project / "secret").unlink()
    edits(ws, project, 6)
    pruned = ws.prune(FEW)
    ws.purge(paths=[b"secret"])
    assert traces(ws.store, content[:40]) == []
    ws.undo(pruned.operation)
    assert ws.verify(full=True).ok


def test_a_purged_rule_file_leaves_rules_that_protect_everything(
    ws: Workspace, project: Path
) -> None:
    """Its text is in the rules of each step; without it a rollback must not delete by absence."""
    (project / ".gitignore").write_text("build-of-a-secret-project/\n")
    step = ws.capture("rules")
    (project / ".gitignore").unlink()
    (project / "later").write_text("x")
    ws.capture("later")
    ws.purge(paths=[b".gitignore"])
    assert traces(ws.store, b"build-of-a-secret-project") == []
    ws.apply(ws.plan_rollback(ws.get_step(step.id)))
    assert (project / "later").exists()


def test_names_that_git_refuses_and_large_files_go_too(ws: Workspace, project: Path) -> None:
    """They are kept beside the tree, or in pieces."""
    large = random.Random(3).randbytes(3 << 20)
    (project / "large").write_bytes(large)
    (project / "git~1").write_bytes(large[:600])
    ws.capture("odd")
    ws.purge(paths=[b"large", b"git~1"])
    assert traces(ws.store, large[:32], large[2_000_000:2_000_032]) == []
    reasons = {c.path: c.reason for c in ws.covered(ws.head())}
    assert reasons == {b"large": "purged", b"git~1": "purged"}
    assert_clean(ws.store)


def test_what_checks_and_experiments_said_is_blotted_out(ws: Workspace, project: Path) -> None:
    """A rule's verdict with its facts, a milestone's figures, a candidate's command and failures."""
    (project / ".env").write_text(SECRET)
    step = ws.capture("leak")
    (project / ".env").unlink()
    candidate = Candidate("a", "try/a", ("echo", KEY), step.id, reason=f"printed {KEY}")
    candidate = replace(candidate, check=CheckResult(False, 1, 5, failures=(f"test[{KEY}]",)))
    experiment = Experiment("e", step.id, "main", 1, ("check", KEY), (candidate,), state="done")
    verdict = RuleVerdict("r", step.id, False, "none", f"saw {KEY}", 1, facts={"out": [KEY]})
    effects: list[Effect] = [
        ExperimentSet("e", experiment),
        VerdictGiven(verdict),
        MarkSet(step.id, Mark(milestone={"quality": {"note": KEY}})),
    ]
    with ws._writer() as writer:
        writer.begin().commit("record", f"about {KEY}", effects, details={"line": KEY})
    ws.purge(paths=[b".env"])
    assert traces(ws.store, NEEDLE) == []
    assert ws.view().experiments["e"].candidates[0].command == ("echo", "[purged]")
    assert ws.verify(full=True).ok


def test_names_that_repeat_it_stay_and_are_named(ws: Workspace, project: Path) -> None:
    """Other things go by them: a branch, a label, a tag, a session; a gap's reason is no name."""
    (project / ".env").write_text(SECRET)
    step = ws.capture("leak", session=f"me:{KEY}")
    ws.create_branch(f"try-{KEY}")
    ws.mark(step, label=f"at-{KEY}", tags=(f"of-{KEY}",))
    ws.note_gap(f"could not read {KEY}")
    (project / ".env").unlink()
    ws.capture("gone")
    done = ws.purge(paths=[b".env"])
    named = {one.what for one in done.unreached if "a name" in one.reason}
    assert named == {f"me:{KEY}", f"try-{KEY}", f"at-{KEY}", f"of-{KEY}"}
    assert {"could not read [purged]"} == {s.reason for s in ws.steps(limit=9) if s.kind == "gap"}


def test_a_copy_in_which_a_process_works_is_named(leaked: Workspace, project: Path) -> None:
    """It is gone when that ends; what a killed one left goes at once."""
    (project / ".env").unlink()
    abandoned = leaked.store / "scratch" / "experiment-0"
    abandoned.mkdir(parents=True)
    (abandoned / ".env").write_text(SECRET)
    with scratch_folder(leaked.store, "experiment", os.urandom) as folder:
        (folder / ".env").write_text(SECRET)
        done = leaked.purge(paths=[b".env"])
        assert f"scratch/{folder.name}" in {one.what for one in done.unreached}
        assert set(traces(leaked.store, NEEDLE)) == {str(folder / ".env")}
    assert traces(leaked.store, NEEDLE) == []


def test_nothing_is_purged_in_the_middle_of_a_merge(ws: Workspace, project: Path) -> None:
    """Its conflicts name contents of both sides."""
    ws.create_branch("other")
    (project / "README.md").write_text("ours\n")
    ws.capture("ours")
    ws.apply(ws.plan_switch("other"))
    (project / "README.md").write_text("theirs\n")
    ws.capture("theirs")
    ws.apply(ws.plan_merge("main"))
    assert ws.view().merging is not None
    with pytest.raises(RefusedError, match="merge"):
        ws.purge(paths=[b"README.md"])
    assert ws.view().purging == ()


def test_with_a_daemon_that_follows_the_folder(
    alone: Workspace, project: Path, home: Path, runtime: Path
) -> None:
    """It knows the file as stored, and still stores it again; nor does its memory give it out."""
    content = random.Random(4).randbytes(800)
    with daemon_thread(project, home, runtime):
        (project / "secret").write_bytes(content)
        old = alone.capture("secret")
        alone.purge(paths=[b"secret"])
        assert traces(alone.store, content[:32]) == []
        (project / "README.md").write_text("other\n")
        step = alone.capture("both")
        assert alone.read_file(step, b"secret") == content
        planned = alone.plan_rollback(alone.get_step(old.id))
        assert b"secret" in {kept.path for kept in planned.plan.keep}
        assert alone.verify(full=True).ok


def test_events_that_are_not_recorded_yet_are_blotted_out(leaked: Workspace, project: Path) -> None:
    """Else the next daemon would bring the text back."""
    spool = leaked.store / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    payload = {"tool_input": {"file_path": "env", "content": SECRET}, "hook": "PostToolUse"}
    event = spool / "01700000000000000000-1"
    event.write_bytes(b"claude PostToolUse\n" + json.dumps(payload).encode())
    (project / ".env").unlink()
    leaked.purge(paths=[b".env"])
    head, _, rest = event.read_bytes().partition(b"\n")
    assert head == b"claude PostToolUse"
    assert json.loads(rest)["hook"] == "PostToolUse"
    assert traces(leaked.store, NEEDLE) == []


def test_state_documents_of_steps_lose_the_content(ws: Workspace, project: Path) -> None:
    """In sealed and unsealed steps, of all sessions, as text and as the same JSON; others stay."""
    (project / "keys.json").write_text('{\n  "a": "short",\n  "n": [1, 2]\n}\n')
    (project / ".env").write_text(f"{SECRET}4929123456789012\n")
    mixed = {"env": f"uses {KEY}", "card": 4929123456789012, "keys": {"n": [1, 2], "a": "short"}}
    step = ws.capture("leak", session="me:1", state={"mixed": mixed, "plan": {"todo": ["tests"]}})
    ws.gc()
    for name in (".env", "keys.json"):
        (project / name).unlink()
    ws.capture("gone", session="me:2", state={KEY: {"deep": [{"k": KEY}]}})
    done = ws.purge(paths=[b".env", b"keys.json"])
    assert done.documents == (("me:1", "mixed"), ("me:2", "[purged]"))
    assert traces(ws.store, NEEDLE) == []
    assert traces(ws.store, b"4929123456789012") == []
    assert traces(ws.store, b'"short"') == []
    blotted = {"env": "uses [purged]", "card": "[purged]", "keys": "[purged]"}
    for at in (ws.get_step(step.id), ws.head()):
        assert ws.state("me:1", at=at) == {"mixed": blotted, "plan": {"todo": ["tests"]}}
    assert ws.state("me:2") == {"[purged]": {"deep": [{"k": "[purged]"}]}}
    ws.apply(ws.plan_rollback(step.id), force=True)
    assert ws.state("me:1")["mixed"] == blotted
    assert ws.verify(full=True).ok
    assert not [one for one in done.unreached if "state" in one.what]


def test_the_id_of_a_state_takes_those_versions_of_its_documents_out(
    ws: Workspace, project: Path
) -> None:
    """And what was said of them; other versions and other documents stay."""
    first = ws.capture(session="me:1", state={"plan": {"key": KEY}, "n": 1})
    later = ws.capture(session="me:1", state={"plan": {"key": KEY}, "n": 2})
    other = ws.capture(session="me:1", state={"plan": {"key": "none"}, "n": 2})
    act = Act("told", "tool", session="me:1", result_text=f"the key is {KEY}")
    said = ws.record(act=act).step
    assert first.state is not None
    planned = ws.plan_purge(blobs=[first.state])
    assert planned.documents == (("me:1", "n"), ("me:1", "plan"))
    assert planned.paths == ()
    ws.purge(blobs=[first.state])
    assert traces(ws.store, NEEDLE) == []
    now = [ws.state("me:1", at=ws.get_step(one.id)) for one in (first, later, other)]
    assert now == [
        {"plan": "[purged]", "n": "[purged]"},
        {"plan": "[purged]", "n": 2},
        {"plan": {"key": "none"}, "n": 2},
    ]
    assert "[purged]" in (ws.text(ws.get_step(said.id).result_text) or "")
    purged = ws.get_step(first.id).state
    assert purged is not None
    with pytest.raises(NotFoundError):
        ws.purge(blobs=[purged])


def spooled(folder: Path, number: int, payload: object) -> Path:
    """Leaves an event as a hook does."""
    for one in (folder.parent, folder):
        one.mkdir(mode=0o700, exist_ok=True)
    event = folder / f"017000000000000000{number:02}-1"
    event.write_bytes(b"claude PostToolUse\n" + json.dumps(payload).encode())
    return event


def test_events_beside_the_socket_are_reached_and_what_speaks_of_the_path_is_emptied(
    leaked: Workspace, project: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they hold was perhaps never captured; others stay, and all are still counted."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    beside = runtime / f"stepwell-{os.geteuid()}" / f"{leaked.store.name}.spool"
    call = {"tool_name": "Write", "session_id": "s", "cwd": str(project / "src")}
    repeats = spooled(beside, 1, {**call, "tool_input": {"content": SECRET}, "tool_use_id": "1"})
    unseen = {"file_path": str(project / ".env"), "content": "NEVER_CAPTURED=1"}
    speaks = [
        spooled(beside, 2, {**call, "tool_input": unseen}),
        spooled(leaked.store / "spool", 3, {**call, "tool_input": {"command": "cat '../.env'"}}),
    ]
    other = spooled(beside, 4, {**call, "tool_input": {"command": "cat env \ud800"}})
    kept = other.read_bytes()
    remains = beside / f".01700000000000000005-999999999-{2**22 + 1}"
    remains.write_bytes(b"claude PostToolUse\n" + SECRET.encode())
    (project / ".env").unlink()
    assert leaked.plan_purge(paths=[b".env"]).events == 3
    assert leaked.purge(paths=[b".env"]).events == 3
    assert [one.read_bytes() for one in speaks] == [b"claude PostToolUse\n[purged]"] * 2
    assert json.loads(repeats.read_bytes().partition(b"\n")[2])["tool_use_id"] == "1"
    assert other.read_bytes() == kept
    assert not remains.exists()
    assert [*traces(leaked.store, NEEDLE), *traces_in(beside)] == []
    with daemon_thread(project, leaked.home, runtime):
        until(lambda: not list(beside.glob("017*")))
    leaked.refresh()
    gaps = [step for step in leaked.steps(limit=10) if step.kind == "gap"]
    assert "4 events" in (gaps[0].reason or "")


def test_a_folder_for_events_that_somebody_else_made_is_named_and_left_alone(
    leaked: Workspace, project: Path, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lead anywhere, such as to the home folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    beside = runtime / f"stepwell-{os.geteuid()}" / f"{leaked.store.name}.spool"
    beside.parent.mkdir(mode=0o700, exist_ok=True)
    person = tmp_path / "person"
    files = [spooled(person, 1, {"content": SECRET}), person / ".profile", person / "notes"]
    for file in files:
        file.write_text(f"{SECRET}\n")
    beside.symlink_to(person)
    (project / ".env").unlink()
    assert str(beside) in {one.what for one in leaked.plan_purge(paths=[b".env"]).unreached}
    assert str(beside) in {one.what for one in leaked.purge(paths=[b".env"]).unreached}
    assert [file.read_text() for file in files] == [f"{SECRET}\n"] * 3


def traces_in(folder: Path) -> list[Path]:
    """Returns which files of a folder hold the secret."""
    return [path for path in folder.iterdir() if NEEDLE in path.read_bytes()]


def test_an_event_of_a_path_that_no_step_has_is_purged(ws: Workspace, project: Path) -> None:
    """It may be all that ever was written there."""
    event = spooled(ws.store / "spool", 1, {"tool_input": {"file_path": "new.env", "content": KEY}})
    done = ws.purge(paths=[b"new.env"])
    assert (done.blobs, done.events) == ((), 1)
    assert NEEDLE not in event.read_bytes()
    with pytest.raises(NotFoundError):
        ws.purge(paths=[b"new.env"])


@pytest.mark.parametrize("how", ["beside", "instead", "strange"])
def test_copies_that_another_program_made_go_too(
    leaked: Workspace, project: Path, how: str, tmp_path: Path
) -> None:
    """Of packs and loose objects; a pack with more in it than the history stays, and is named."""
    repository = leaked.store / "repo.git"
    if how == "beside":
        copy_objects(repository)
    elif how == "instead":
        git(repository, "gc", "--quiet")
    else:
        (tmp_path / "text").write_text("somebody's\n")
        git(repository, "hash-object", "-w", str(tmp_path / "text"))
        listed = git(repository, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        (tmp_path / "list").write_text(listed)
        with open(tmp_path / "list", "rb") as source:
            base = str(repository / "objects/pack/pack")
            made = git(repository, "pack-objects", base, source=source)
    (project / ".env").unlink()
    planned = leaked.plan_purge(paths=[b".env"])
    done = leaked.purge(paths=[b".env"])
    packs = [one.what for one in done.unreached if one.what.startswith("pack-")]
    assert packs == ([f"pack-{made.strip()}"] if how == "strange" else [])
    assert planned.unreached == done.unreached
    assert bool(traces(leaked.store, NEEDLE)) is (how == "strange")
    assert leaked.verify(full=True).ok
    assert git(repository, "fsck", "--no-dangling", "--full") == ""
