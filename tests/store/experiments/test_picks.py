"""Picks of several candidates merged into the disk, and verdicts on candidates."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.trees import contents

from stepwell.store import NotFoundError, RefusedError, UsageError, Workspace
from stepwell.store.model.errors import ConflictError
from stepwell.store.model.experiments import Experiment

LINES = [f"line {number}\n" for number in range(1, 31)]


def text(**words: str) -> str:
    """Returns the lines with some replaced, as in `l3="three"`."""
    by_number = {int(name[1:]): word for name, word in words.items()}
    return "".join(
        f"{by_number[n]}\n" if n in by_number else line for n, line in enumerate(LINES, 1)
    )


def writes(**files: str | None) -> list[str]:
    """Returns a command that writes files, and deletes those that are None."""
    lines = [
        f"os.unlink({name!r})" if content is None else f"open({name!r}, 'w').write({content!r})"
        for name, content in files.items()
    ]
    return [sys.executable, "-c", "; ".join(["import os", *lines])]


@pytest.fixture
def ws(either: Workspace, project: Path) -> Iterator[Workspace]:
    """Two texts of thirty lines; alone, and with a daemon."""
    for name in ("one", "two"):
        (project / name).write_text(text())
    either.capture("base")
    yield either


@pytest.fixture
def tried(ws: Workspace) -> Experiment:
    """Three candidates that each change both texts, and come or go with a third file."""
    return ws.try_approaches(
        [
            ("a", writes(one=text(l3="a3", l20="a20"), two=text(l5="a5"), new="of a\n")),
            ("b", writes(one=text(l10="b10"), two=None)),
            ("c", writes(one=text(l3="c3"), new="of c\n")),
        ],
        name="x",
    )


def hunks(ws: Workspace, label: str, path: bytes) -> list[str]:
    base, tip = ws.get_step(ws.experiment("x").base), ws.get_step(f"x/{label}")
    change = next(one for one in ws.diff(base, tip) if one.path == path)
    return [hunk.id for hunk in change.hunks]


def test_picks_of_several_candidates_come_together_and_are_undone(
    ws: Workspace, project: Path, tried: Experiment
) -> None:
    """One hunk of one, another of the next, a deleted file, a new one; later work stays."""
    (project / "one").write_text(text(l28="later"))
    ws.capture("later")
    before = contents(project)
    chosen = [hunks(ws, "a", b"one")[1], *hunks(ws, "b", b"one")]
    planned = ws.plan_picks("x", paths=[("b", b"two"), ("c", b"new")], hunks=chosen)
    assert contents(project) == before
    done = ws.apply(planned)
    assert (project / "one").read_text() == text(l10="b10", l20="a20", l28="later")
    assert not (project / "two").exists() and (project / "new").read_text() == "of c\n"
    assert done.step.kind == "merge" and done.step.parents == (done.safety_step.id,)
    assert done.step.title == "merge of x/a, x/b, x/c: two, new, 2 hunks"
    after = contents(project)
    ws.undo()
    assert contents(project) == before
    ws.redo()
    assert contents(project) == after
    assert ws.verify(full=True).ok


def test_picks_that_clash_change_nothing(ws: Workspace, project: Path, tried: Experiment) -> None:
    """With each other, or with later work: listed, and refused."""
    both = [hunks(ws, "a", b"one")[0], *hunks(ws, "c", b"one")]
    planned = ws.plan_picks("x", hunks=both)
    assert [(c.path, c.kind) for c in planned.plan.conflicts] == [(b"one", "content")]
    planned = ws.plan_picks("x", paths=[("a", b"new"), ("c", b"new")])
    assert [(c.path, c.kind) for c in planned.plan.conflicts] == [(b"new", "add/add")]
    (project / "one").write_text(text(l10="mine"))
    before = contents(project)
    with pytest.raises(ConflictError, match=r"part of x/b cannot be merged on its own.* one"):
        ws.apply(ws.plan_picks("x", paths=[("b", b"one")]))
    assert contents(project) == before


def test_a_preferred_side_wins_where_picks_clash(
    ws: Workspace, project: Path, tried: Experiment
) -> None:
    """Only there: of texts the lines, of what came, went or is binary the whole."""
    (project / "two").write_text(text(l5="mine", l30="later"))
    ws.capture("later")
    before = contents(project)
    paths = [("a", b"two"), ("a", b"new"), ("b", b"two"), ("c", b"new")]
    ws.apply(ws.plan_picks("x", paths=paths, prefer="ours"))
    assert (project / "two").read_text() == text(l5="mine", l30="later")
    assert (project / "new").read_text() == "of a\n"
    ws.undo()
    ws.apply(ws.plan_picks("x", paths=paths[:2], prefer="theirs"))
    assert (project / "two").read_text() == text(l5="a5", l30="later")
    ws.undo()
    ws.apply(ws.plan_picks("x", paths=paths, prefer="theirs"))
    assert not (project / "two").exists() and (project / "new").read_text() == "of c\n"
    ws.undo()
    assert contents(project) == before


def test_all_of_one_candidate_is_what_its_promotion_gives(
    ws: Workspace, project: Path, tried: Experiment
) -> None:
    """File by file, hunk by hunk, the same bytes."""
    for label, paths in (("a", ("one", "two", "new")), ("b", ("one", "two"))):
        ws.promote("x", label)
        promoted = contents(project)
        ws.undo()
        ws.apply(ws.plan_picks("x", paths=[(label, path.encode()) for path in paths]))
        assert contents(project) == promoted
        ws.undo()
        ids = [i for path in paths for i in hunks(ws, label, path.encode())]
        ws.apply(ws.plan_picks("x", hunks=ids))
        assert contents(project) == promoted
        ws.undo()


def test_random_hunks_are_what_a_line_by_line_reading_says(ws: Workspace, project: Path) -> None:
    """Each candidate owns lines of its own; any choice of their hunks gives just these lines."""
    chance = random.Random(7)
    own = {
        label: {1 + at + 8 * n: f"{label}{n}" for n in range(4)} for at, label in enumerate("de")
    }
    tries = [
        (label, writes(one=text(**{f"l{k}": v for k, v in lines.items()})))
        for label, lines in own.items()
    ]
    ws.try_approaches(tries, name="x")
    by_id = {
        identity: line
        for label, lines in own.items()
        for identity, line in zip(hunks(ws, label, b"one"), lines.items(), strict=True)
    }
    for _ in range(6):
        chosen = [identity for identity in by_id if chance.random() < 0.4]
        if not chosen:
            continue
        planned = ws.plan_picks("x", hunks=chosen)
        clash = {c.path for c in planned.plan.conflicts}
        lines = {f"l{number}": word for number, word in map(by_id.__getitem__, chosen)}
        touching = any(f"l{int(name[1:]) + 1}" in lines for name in lines)
        assert bool(clash) == touching
        if not clash:
            ws.apply(planned)
            assert (project / "one").read_text() == text(**lines)
            ws.undo()


def test_bad_picks_are_told(ws: Workspace, project: Path, tried: Experiment) -> None:
    """Nothing picked, a candidate, path or hunk that is not there, an experiment that is not."""
    before = contents(project)
    with pytest.raises(UsageError, match="nothing is picked"):
        ws.plan_picks("x")
    with pytest.raises(NotFoundError, match="no candidate nope"):
        ws.plan_picks("x", paths=[("nope", b"one")])
    with pytest.raises(NotFoundError, match="x/c changes nothing at two"):
        ws.plan_picks("x", paths=[("c", b"two")])
    with pytest.raises(NotFoundError, match="no hunk of the candidates has the id"):
        ws.plan_picks("x", hunks=["0" * 16])
    with pytest.raises(NotFoundError, match="no experiment y"):
        ws.plan_picks("y", hunks=["0" * 16])
    assert contents(project) == before


def test_a_verdict_takes_the_place_of_the_one_before(ws: Workspace, tried: Experiment) -> None:
    """It is a tag of the newest step, with a note; undo takes it back."""
    marked = ws.judge("x", "a", "accepted", note="the shortest", by="me")
    assert marked.id == ws.get_step("x/a").id and marked.checkpoint is not None
    assert marked.checkpoint.tags == ("accepted",)
    assert [(n.text, n.by) for n in marked.checkpoint.notes] == [("the shortest", "me")]
    ws.mark(marked, tags=["mine"])
    again = ws.judge("x", "a", "rejected")
    assert again.checkpoint is not None and set(again.checkpoint.tags) == {"mine", "rejected"}
    ws.undo()
    back = ws.get_step("x/a").checkpoint
    assert back is not None and set(back.tags) == {"mine", "accepted"}
    bare = ws.judge("x", "a", None)
    assert bare.checkpoint is not None and bare.checkpoint.tags == ("mine",)


def test_what_cannot_be_judged_is_told(ws: Workspace, tried: Experiment) -> None:
    """No such candidate, an empty note or one too long, a candidate that made no step."""
    with pytest.raises(NotFoundError, match="no candidate nope"):
        ws.judge("x", "nope", "accepted")
    with pytest.raises(UsageError, match="note is empty"):
        ws.judge("x", "a", "accepted", note=" ")
    with pytest.raises(UsageError, match="longer than 100,000 characters"):
        ws.judge("x", "a", "accepted", note="x" * 100_001)
    with pytest.raises(KeyboardInterrupt):
        ws.try_approaches([("s", ["true"])], name="y", is_stopped=iter([False, True]).__next__)
    with pytest.raises(RefusedError, match="has no step of its own"):
        ws.judge("y", "s", "accepted")
