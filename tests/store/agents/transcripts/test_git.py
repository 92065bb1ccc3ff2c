"""A git history becomes steps: the same files, the same shape, once, and nothing else moves."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.repositories import EPOCH, Repository, imported

from stepwell.store import Step, Workspace
from stepwell.store.agents.transcripts.git import branch_name, import_git, inspect_git
from stepwell.store.agents.transcripts.repository import UserRepository
from stepwell.store.engine.scan import CaptureConfig
from stepwell.store.engine.snapshots import entries
from stepwell.store.model.errors import (
    BusyError,
    NotFoundError,
    RefusedError,
    RepositoryUnreadableError,
)
from stepwell.store.model.text import printable_bytes

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def files(ws: Workspace, step: Step) -> dict[bytes, tuple[int, str]]:
    """Returns what a step holds as git would list it."""
    found = {}
    for path, mode, oid in entries(ws._journal, step.snapshot):
        if oid is not None:
            exact = 0o120000 if stat.S_ISLNK(mode) else 0o100755 if mode & 0o100 else 0o100644
            found[bytes(path)] = exact, oid.hex()
    return found


def test_every_step_holds_what_git_shows(busy: Repository, home: Path) -> None:
    """Each path, mode and byte of each commit; merges, renames, odd names and messages too."""
    with Workspace.init(busy.root, home=home) as ws:
        done = import_git(ws)
        steps = imported(ws)
        assert (done.imported, done.left_out) == (len(busy.commits()), ())
        assert set(steps) == set(busy.commits())
        for commit, step in steps.items():
            assert files(ws, step) == busy.files(commit)
            for path, (_, blob) in busy.files(commit).items():
                assert ws.read_file(step, path) == busy("cat-file", "blob", blob)
        assert ws.verify(full=True).ok


def test_every_step_says_what_git_says(busy: Repository, home: Path) -> None:
    """Parents in order, author, author's time, subject, message."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        steps = imported(ws)
        for commit, step in steps.items():
            asked = "--format=%P%x00%an <%ae>%x00%at%x00%B"
            shown = busy("log", "-1", "--encoding=UTF-8", asked, commit)[:-1]
            parents, author, seconds, message = shown.split(b"\0")
            assert step.parents == tuple(steps[p].id for p in parents.decode().split())
            assert step.author == author.decode()
            assert step.time_ns == int(seconds) * 1_000_000_000
            text = (ws.text(step.input) or "").encode("utf-8", "surrogateescape")
            assert text == message
            subject = printable_bytes(message.split(b"\n")[0].strip())
            assert step.title == (subject or "(no message)")
            assert step.kind == ("merge" if len(step.parents) > 1 else "capture")
            assert step.flags == ("imported",)
            assert all(ws.get_step(parent).seq < step.seq for parent in step.parents)


def test_counts_are_those_of_git(busy: Repository, home: Path) -> None:
    """Files and lines of each step against its first parent."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        for commit, step in imported(ws).items():
            parents = busy("log", "-1", "--format=%P", commit).decode().split()
            options = ("--numstat", "-M100%", "--ignore-submodules", (*parents, EMPTY)[0])
            lines = busy("diff", *options, commit).splitlines()
            counted = [line.split(b"\t") for line in lines]
            assert step.changes.files == len(counted)
            assert step.changes.added == sum(int(a) for a, _, _ in counted)
            assert step.changes.deleted == sum(int(d) for _, d, _ in counted)


def test_branches_end_where_gits_do_and_the_own_branch_stays(busy: Repository, home: Path) -> None:
    """Branches of git are in a folder of their own; log of the current branch shows none of it."""
    with Workspace.init(busy.root, home=home) as ws:
        head = ws.head()
        done = import_git(ws)
        steps, view = imported(ws), ws.view()
        assert done.branches[0] == "git/main"
        names = {"git/main": "main", "git/topic/one": "topic/one"}
        names |= {"git/three": "three", "git/island": "island"}
        assert set(done.branches) == set(names)
        for here, there in names.items():
            tip = busy("rev-parse", f"refs/heads/{there}").decode().strip()
            assert view.branches[here].head == steps[tip].id
        assert (view.current, ws.head()) == ("main", head)
        assert [step.id for step in ws.steps()] == [head.id]
        line = busy("rev-list", "--first-parent", "main").decode().split()
        assert [s.id for s in ws.steps(branch="git/main")] == [steps[c].id for c in line]
        assert all(steps[commit].branch == "git/main" for commit in line)


def test_an_octopus_has_all_its_arms(busy: Repository, home: Path) -> None:
    """The timeline joins a merge with every parent that git gives it."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        steps = imported(ws)
        shape = {
            steps[commit].seq: tuple(steps[parent].seq for parent in parents[1:])
            for commit, *parents in map(
                str.split, busy("rev-list", "--all", "--parents").decode().splitlines()
            )
            if len(parents) > 1
        }
        assert max(map(len, shape.values())) > 1
        assert ws.merges() == shape


def test_again_adds_only_what_is_new(busy: Repository, home: Path) -> None:
    """Idempotent to the operation; new commits go behind the old ones."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        before = ws.view().number
        again = import_git(ws)
        assert (again.imported, ws.view().number) == (0, before)
        busy.write("README", "three\n")
        tip = busy.commit("later")
        assert import_git(ws).imported == 1
        steps = imported(ws)
        assert set(steps) == set(busy.commits())
        assert ws.view().branches["git/main"].head == steps[tip].id
        assert len({step.session for step in steps.values()}) == 1


def test_a_rewritten_branch_moves_and_its_old_steps_stay(
    repository: Repository, home: Path
) -> None:
    """As a fetch of a forced push does."""
    repository.write("a", "1")
    old = repository.commit("old")
    with Workspace.init(repository.root, home=home) as ws:
        import_git(ws)
        new = repository.commit("new", "--amend")
        import_git(ws)
        steps = imported(ws)
        assert ws.view().branches["git/main"].head == steps[new].id
        assert old in steps


def test_only_the_newest(repository: Repository, home: Path) -> None:
    """The oldest of them lacks a parent and says so; what lies below it stays out for good."""
    ids = [repository.commit(f"c{number}") for number in range(6)]
    with Workspace.init(repository.root, home=home) as ws:
        assert import_git(ws, limit=3).imported == 3
        steps = imported(ws)
        assert set(steps) == set(ids[3:])
        assert steps[ids[3]].flags == ("imported", "partial")
        assert steps[ids[3]].parents == ()
        assert steps[ids[4]].flags == ("imported",)
        assert import_git(ws).imported == 0
        found = inspect_git(ws)
        assert (found.commits, found.imported) == (6, 3)


@pytest.mark.parametrize("name", ["git", "git/main", "git/main/more"])
def test_own_branches_of_that_name_are_left_alone(
    repository: Repository, home: Path, name: str
) -> None:
    """Neither is such a branch moved, nor does one hold the other; the next import finds its own."""
    repository.commit("one")
    with Workspace.init(repository.root, home=home) as ws:
        own = ws.create_branch(name)
        assert import_git(ws).branches == ("git-2/main",)
        tip = repository.commit("two")
        assert import_git(ws).branches == ("git-2/main",)
        assert ws.view().branches["git-2/main"].head == imported(ws)[tip].id
        assert ws.view().branches[name] == own


def test_an_imported_branch_takes_no_work(repository: Repository, home: Path) -> None:
    """A branch of one's own begins there instead, and no import moves that."""
    repository.commit("one")
    with Workspace.init(repository.root, home=home) as ws:
        import_git(ws)
        with pytest.raises(RefusedError, match="read-only"):
            ws.plan_switch("git/main")
        ws.create_branch("mine", at="git/main")
        ws.apply(ws.plan_switch("mine"))
        mine = ws.capture("mine", label="mine")
        repository.commit("two")
        assert import_git(ws).imported == 1
        assert ws.head() == mine


def test_going_back_to_a_commit_and_undo(busy: Repository, home: Path) -> None:
    """Any imported step is a place to go back to, and no other session's work."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        ignored = busy.write("debug.log", "kept")
        first = imported(ws)[busy("rev-list", "--max-parents=0", "main").decode().split()[-1]]
        before = files(ws, ws.capture("here"))
        planned = ws.plan_rollback(first)
        assert planned.plan.other_sessions == ()
        ws.apply(planned)
        assert (busy.root / "README").read_text() == "one\n"
        assert ignored.read_text() == "kept"
        assert ws.plan_rollback("#1").plan.other_sessions == ()
        ws.undo()
        assert files(ws, ws.capture("again")) == before


def test_the_working_tree_of_a_commit_differs_in_nothing(
    repository: Repository, home: Path
) -> None:
    """A capture and an import of the same files are the same snapshot, whatever the umask."""
    old = os.umask(0o002)
    try:
        repository.write("a/b", "x").chmod(0o664)
        repository.write("run", "x").chmod(0o775)
        repository.write(".gitmodules", '[submodule "x"]\n\tpath = x\n')
        tip = repository.commit()
        with Workspace.init(repository.root, home=home) as ws:
            import_git(ws)
            step = imported(ws)[tip]
            assert ws.diff(ws.head(), step) == ()
            assert step.snapshot == ws.head().snapshot
    finally:
        os.umask(old)


def test_a_detached_head_is_a_branch_of_its_own(repository: Repository, home: Path) -> None:
    """And it comes first."""
    repository.commit("one")
    repository("checkout", "--quiet", "--detach")
    loose = repository.commit("loose")
    with Workspace.init(repository.root, home=home) as ws:
        assert import_git(ws).branches == ("git/HEAD", "git/main")
        assert ws.view().branches["git/HEAD"].head == imported(ws)[loose].id


def test_a_repository_without_commits_gives_nothing(repository: Repository, home: Path) -> None:
    """HEAD names a branch that is not born yet."""
    with Workspace.init(repository.root, home=home) as ws:
        done = import_git(ws)
        assert (done.imported, done.branches, done.session) == (0, (), None)


def test_without_a_repository_the_error_says_so(tmp_path: Path, home: Path) -> None:
    """Exit code 3."""
    (tmp_path / "plain").mkdir()
    with Workspace.init(tmp_path / "plain", home=home) as ws, pytest.raises(NotFoundError):
        import_git(ws)


def test_a_shallow_clone_gives_what_it_has(busy: Repository, home: Path, tmp_path: Path) -> None:
    """The cut is marked, and is no error."""
    busy("clone", "--quiet", "--depth=2", f"file://{busy.root}", str(tmp_path / "shallow"))
    clone = Repository(tmp_path / "shallow")
    with Workspace.init(clone.root, home=home) as ws:
        done = import_git(ws)
        assert done.left_out == ()
        steps = imported(ws)
        assert set(steps) == set(clone.commits())
        cut = (clone.root / ".git" / "shallow").read_text().split()
        children = {c for c in cut if b"\nparent " in clone("cat-file", "commit", c)}
        assert {c for c, s in steps.items() if "partial" in s.flags} == children != set()


@pytest.mark.parametrize("packed", [False, True])
def test_a_linked_worktree_and_packed_references(
    busy: Repository, home: Path, tmp_path: Path, packed: bool
) -> None:
    """Its own HEAD, the common branches; loose references over packed ones."""
    busy("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    if packed:
        busy("pack-refs", "--all")
        busy("gc", "--quiet")
    linked = Repository(tmp_path / "linked")
    tip = linked.commit("on the side")
    with Workspace.init(linked.root, home=home) as ws:
        assert import_git(ws).branches[:2] == ("git/side", "git/island")
        steps = imported(ws)
        assert set(steps) == set(busy.commits())
        assert ws.view().branches["git/side"].head == steps[tip].id


def test_a_bare_repository(busy: Repository, home: Path, tmp_path: Path) -> None:
    """Has no working tree, and a history all the same."""
    busy("clone", "--quiet", "--bare", str(busy.root), str(tmp_path / "bare.git"))
    with Workspace.init(tmp_path / "bare.git", home=home) as ws:
        assert import_git(ws).imported == len(busy.commits())


def test_sha256_is_refused_in_one_sentence(tmp_path: Path, home: Path) -> None:
    """Not read wrongly, and nothing is recorded."""
    repository = Repository(tmp_path / "new", "--object-format=sha256")
    repository.commit("one")
    with Workspace.init(repository.root, home=home) as ws:
        with pytest.raises(RepositoryUnreadableError, match="SHA-256"):
            import_git(ws)
        assert ws.view().step_count == 1


def test_reftable_is_refused_in_one_sentence(repository: Repository, home: Path) -> None:
    """Its HEAD file says what git leaves there for programs that do not know the format."""
    (repository.root / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n")
    with Workspace.init(repository.root, home=home) as ws:
        with pytest.raises(RepositoryUnreadableError, match="reftable"):
            import_git(ws)


def test_a_submodule_is_left_out_and_named(busy: Repository, home: Path) -> None:
    """Its commit is no file; the rest of its step stands."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        covered = ws.covered(imported(ws)[busy.head()])
        assert [(c.path, c.reason) for c in covered] == [(b"vendor/inner", "repository")]


def test_large_files_are_left_out_and_named(repository: Repository, home: Path) -> None:
    """As a capture leaves them out."""
    repository.write("big", "x" * 5000)
    repository.write("small", "x")
    tip = repository.commit()
    config = CaptureConfig(cap_bytes=4000)
    with Workspace.init(repository.root, home=home, config=config) as ws:
        import_git(ws)
        step = imported(ws)[tip]
        assert set(files(ws, step)) == {b"small"}
        assert [(c.path, c.reason) for c in ws.covered(step)] == [(b"big", "capped")]
        assert (step.coverage.stored, step.coverage.skipped) == (1, 1)


def blob_entry(repository: Repository, mode: bytes, name: bytes) -> bytes:
    """Returns a raw tree entry."""
    oid = repository("hash-object", "-w", "--stdin", feed=b"evil\n").strip().decode()
    return mode + b" " + name + b"\0" + bytes.fromhex(oid)


@pytest.mark.parametrize("name", [b".git", b".GIT", b"git~1", b".git\xe2\x80\x8c"])
def test_no_commit_reaches_the_repositorys_own_folder(
    repository: Repository, home: Path, name: bytes
) -> None:
    """A name that some file system takes for `.git` is left out, and named."""
    plain = repository.commit("plain")
    hook = repository("mktree", feed=b"").strip().decode()
    tree = b"40000 hooks\0" + bytes.fromhex(hook)
    inner = repository("hash-object", "-w", "--stdin", "-t", "tree", "--literally", feed=tree)
    evil = b"40000 " + name + b"\0" + bytes.fromhex(inner.strip().decode())
    tip = repository.tree_commit(evil + blob_entry(repository, b"100644", b"z"), plain)
    with Workspace.init(repository.root, home=home) as ws:
        assert import_git(ws).left_out == ()
        step = imported(ws)[tip]
        assert set(files(ws, step)) == {b"z"}
        assert [(c.path, c.reason) for c in ws.covered(step)] == [(name, "repository")]


@pytest.mark.parametrize(
    "names", [(b"a", b"a"), (b"..",), (b".",), (b"",), (b"a/b",)], ids=lambda n: repr(n)
)
def test_a_malformed_tree_leaves_its_commit_out(
    repository: Repository, home: Path, names: tuple[bytes, ...]
) -> None:
    """It is named with the reason, and its children are joined to its parents."""
    good = repository.commit("good")
    raw = b"".join(blob_entry(repository, b"100644", name) for name in names)
    bad = repository.tree_commit(raw, good)
    child = repository.tree_commit(blob_entry(repository, b"100644", b"z"), bad)
    with Workspace.init(repository.root, home=home) as ws:
        done = import_git(ws)
        assert [one.source for one in done.left_out] == [f"git:{bad}"]
        steps = imported(ws)
        assert set(steps) == {good, child}
        assert steps[child].parents == (steps[good].id,)
        assert ws.verify(full=True).ok


def test_old_modes_and_cut_trees(repository: Repository, home: Path) -> None:
    """100664, as early versions of git wrote it, is an ordinary file; half a tree is none."""
    old = repository.tree_commit(blob_entry(repository, b"100664", b"f"))
    repository.tree_commit(blob_entry(repository, b"100644", b"f")[:-3], old)
    with Workspace.init(repository.root, home=home) as ws:
        assert len(import_git(ws).left_out) == 1
        step = imported(ws)[old]
        assert [mode for mode, _ in files(ws, step).values()] == [0o100644]
        assert ws.view().branches["git/main"].head == step.id


def test_a_tree_bomb_is_left_out_quickly(repository: Repository, home: Path) -> None:
    """Ten to the tenth files in ten small trees."""
    entry = blob_entry(repository, b"100644", b"f")
    for _ in range(10):
        oid = repository("hash-object", "-w", "--stdin", "-t", "tree", feed=entry).strip().decode()
        entry = b"".join(b"40000 d%d\0%b" % (n, bytes.fromhex(oid)) for n in range(10))
    repository.tree_commit(entry)
    with Workspace.init(repository.root, home=home) as ws:
        assert "files" in import_git(ws).left_out[0].reason


def test_missing_and_damaged_objects_leave_their_commits_out(
    repository: Repository, home: Path
) -> None:
    """As in a clone that promised to fetch them: nothing is fetched, and the rest is imported."""
    repository.write("a", "one\n")
    first = repository.commit("first")
    repository.write("a", "two\n")
    second = repository.commit("second")
    (repository.root / "a").write_text("three\n")
    third = repository.commit("third")
    blob = repository.files(second)[b"a"][1]
    path = repository.root / ".git" / "objects" / blob[:2] / blob[2:]
    path.unlink()
    with Workspace.init(repository.root, home=home) as ws:
        done = import_git(ws)
        assert [one.source for one in done.left_out] == [f"git:{second}"]
        assert set(imported(ws)) == {first, third}
        commit = repository.root / ".git" / "objects" / first[:2] / first[2:]
        commit.chmod(0o600)
        commit.write_bytes(b"rubbish")
        assert import_git(ws).imported == 0


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (b"main", "main"),
        (b"feature/x", "feature/x"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "caf%E9"),
        (b"x" * 240, "x" * 180),
    ],
)
def test_branch_names_are_made_usable(name: bytes, wanted: str) -> None:
    """What a branch of git may be called and one here may not."""
    assert branch_name(name) == wanted


def test_references_to_elsewhere_are_not_followed(repository: Repository, tmp_path: Path) -> None:
    """A reference names commits; no file outside is read for one."""
    tip = repository.commit("one")
    heads = repository.root / ".git" / "refs" / "heads"
    (heads / "alias").write_text("ref: refs/heads/main\n")
    (heads / "loop").write_text("ref: refs/heads/loop\n")
    (heads / "out").write_text("ref: refs/heads/../../../../secret\n")
    (tmp_path / "secret").write_text(tip + "\n")
    (heads / "away").symlink_to(tmp_path / "secret")
    (heads / "main.lock").write_text(tip + "\n")
    found = UserRepository.open(os.fsencode(repository.root)).branches
    assert [branch.name for branch in found] == [b"main", b"alias"]


def straight(repository: Repository, count: int) -> None:
    """Makes a line of so many commits at once."""
    lines = []
    for number in range(1, count + 1):
        lines += ["commit refs/heads/main", f"mark :{number}"]
        lines += [f"committer C <c@x> {EPOCH + number} +0000", "data 1", "m"]
        lines += [f"from :{number - 1}"] if number > 1 else []
        lines += [f"M 100644 inline f{number % 7}", f"data {len(str(number))}", f"{number}", ""]
    repository("fast-import", "--quiet", feed="\n".join(lines).encode())


IMPORT = """
import sys
from pathlib import Path
from stepwell.store import Workspace
from stepwell.store.agents.transcripts.git import import_git

def told(what, done, total):
    print(what, done, flush=True)

with Workspace.open(sys.argv[1], home=Path(sys.argv[2])) as ws:
    import_git(ws, progress=told)
"""


@pytest.mark.parametrize("kill_at", [0, 200, 400])
def test_a_killed_import_leaves_a_prefix_and_the_next_goes_on(
    repository: Repository, home: Path, kill_at: int
) -> None:
    """Every acknowledged batch stays, nothing comes twice, and the parents of all are there."""
    straight(repository, 700)
    Workspace.init(repository.root, home=home).close()
    command = [sys.executable, "-c", IMPORT, str(repository.root), str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        for line in victim.stdout:
            if line == f"importing commits {kill_at}\n":
                break
        victim.send_signal(signal.SIGKILL)
    line_of = repository("rev-list", "--reverse", "main").decode().split()
    with Workspace.open(repository.root, home=home) as ws:
        steps = imported(ws)
        assert list(steps)[::-1] == line_of[: len(steps)]
        assert kill_at <= len(steps) <= 700
        if steps:
            assert ws.view().branches["git/main"].head == steps[line_of[len(steps) - 1]].id
        assert import_git(ws).imported == 700 - len(steps)
        assert list(imported(ws))[::-1] == line_of
        assert ws.view().branches["git/main"].head == imported(ws)[line_of[-1]].id
        assert ws.verify(full=True).ok


def test_two_imports_at_once_do_not_double(repository: Repository, home: Path) -> None:
    """The slower one stops with an error; what it had recorded counts."""
    straight(repository, 450)
    Workspace.init(repository.root, home=home).close()
    with Workspace.open(repository.root, home=home) as one:

        def interfere(what: str, done: int, total: int) -> None:
            if done == 200:
                with Workspace.open(repository.root, home=home) as other:
                    assert import_git(other).imported == 250

        with pytest.raises(BusyError, match="another one is running"):
            import_git(one, progress=interfere)
        assert import_git(one).imported == 0
        assert len(imported(one)) == 450


def test_captures_go_on_during_an_import(repository: Repository, home: Path) -> None:
    """The lock is let go of between two batches."""
    straight(repository, 450)
    Workspace.init(repository.root, home=home).close()
    with Workspace.open(repository.root, home=home) as ws:

        def work(what: str, done: int, total: int) -> None:
            if done == 200:
                repository.write("new", "n")
                with Workspace.open(repository.root, home=home, wait_s=0) as other:
                    other.capture("meanwhile")

        import_git(ws, progress=work)
        assert len(imported(ws)) == 450
        assert ws.head().title == "meanwhile"
        seqs = [step.seq for step in ws.steps(limit=1000, all_branches=True)]
        assert seqs == sorted(set(seqs), reverse=True)


def test_the_catalogue_is_the_same_when_made_anew(busy: Repository, home: Path) -> None:
    """Imported steps are in the journal like any others."""
    with Workspace.init(busy.root, home=home) as ws:
        import_git(ws)
        before = ws.steps(limit=1000, all_branches=True)
        shutil.rmtree(ws.store / "catalogue")
        ws.rebuild()
        assert ws.steps(limit=1000, all_branches=True) == before
