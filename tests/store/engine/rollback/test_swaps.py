"""Somebody saves in the moment between the last look at a place and its change: it is not lost."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bench import PLAN_ID, Bench, Tree

from stepwell.store.engine.rollback import renaming, swaps
from stepwell.store.engine.rollback.apply import CHANGED
from stepwell.store.engine.rollback.recover import FOREIGN

FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

OLD, NEW, MINE = (FILE, b"old\n"), (FILE, b"new\n"), (FILE, b"mine\n")

ASIDE = b".stepwell-" + PLAN_ID[:8].encode() + b"-0.aside"

Save = Callable[[bytes], None]


def by_rename(place: bytes, content: bytes = b"mine\n") -> None:
    """Saves as editors do."""
    draft = place + b"~"
    Path(os.fsdecode(draft)).write_bytes(content)
    os.rename(draft, place)


def in_place(place: bytes) -> None:
    """Saves into the file that is there."""
    Path(os.fsdecode(place)).write_bytes(b"mine\n")


def as_folder(place: bytes) -> None:
    """Puts a folder with something in it there."""
    if os.path.lexists(place):
        os.unlink(place)
    os.mkdir(place)
    by_rename(place + b"/x")


@pytest.fixture
def after_last_look(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Returns a function that lets something happen once, right after the last look at a place."""

    def arrange(happens: Callable[[], None]) -> None:
        require, left = swaps.require, [happens]

        def looked(*arguments: object) -> None:
            require(*arguments)  # type: ignore[arg-type]
            while left:
                left.pop()()

        monkeypatch.setattr(swaps, "require", looked)

    return arrange


@pytest.mark.parametrize("save", [by_rename, in_place, as_folder])
@pytest.mark.parametrize("target", ["written", "deleted", "made", "linked"])
def test_a_save_after_the_last_look_stays(
    bench: Bench,
    after_last_look: Callable[[Callable[[], None]], None],
    save: Save,
    target: str,
) -> None:
    """It is at its name, listed, nothing else is left, and the rest of the plan is done."""
    if target != "made":
        bench.write({b"f": OLD})
    bench.write({b"z": OLD})
    after: Tree = {b"written": {b"f": NEW}, b"linked": {b"f": (LINK, b"z")}}.get(
        target.encode(), {b"f": NEW} if target == "made" else {}
    )
    plan = bench.plan({**after, b"z": NEW})
    after_last_look(lambda: save(bench.path(b"f")))
    outcome = bench.apply(plan)
    saved: Tree = {b"f": (FOLDER, None), b"f/x": MINE} if save is as_folder else {b"f": MINE}
    assert bench.walk() == {**saved, b"z": NEW}
    assert [(k.path, k.reason) for k in outcome.kept] == [(b"f", CHANGED)]


def test_what_vanished_after_the_last_look_is_not_made_again(
    bench: Bench, after_last_look: Callable[[Callable[[], None]], None]
) -> None:
    """Somebody deleted the file: that is a change, too."""
    for target in ({b"z": OLD, b"f": NEW}, {b"z": OLD}):
        bench.write({b"f": OLD, b"z": OLD})
        plan = bench.plan(target)
        after_last_look(lambda: os.unlink(bench.path(b"f")))
        outcome = bench.apply(plan)
        assert [(k.path, k.reason) for k in outcome.kept] == [(b"f", CHANGED)]
        assert bench.walk() == {b"z": OLD}


def test_two_saves_in_one_moment_are_both_kept(
    bench: Bench,
    after_last_look: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The newer is at its name; the older is left aside, and the report says where."""
    bench.write({b"f": OLD})
    plan, place, exchange = bench.plan({b"f": NEW}), bench.path(b"f"), renaming.exchange
    again = [b"newer\n"]

    def exchanged(*names: int | bytes, **at: int) -> bool:
        done = exchange(*names, **at)  # type: ignore[arg-type]
        while again and names[2] == b"f":
            by_rename(place, again.pop())
        return done

    after_last_look(lambda: by_rename(place))
    monkeypatch.setattr(renaming, "exchange", exchanged)
    (kept,) = bench.apply(plan).kept
    assert bench.walk() == {b"f": (FILE, b"newer\n"), ASIDE: MINE}
    assert ASIDE.decode() in kept.reason


@pytest.mark.parametrize("target", [{b"f": NEW}, {}])
def test_a_private_name_that_is_taken_stays(beside: Bench, target: Tree) -> None:
    """It is another's file: the path is listed, and both stay as they are."""
    beside.write({b"f": OLD})
    plan = beside.plan(target)
    beside.write({ASIDE: MINE})
    assert [k.path for k in beside.apply(plan).kept] == [b"f"]
    assert beside.walk() == {b"f": OLD, ASIDE: MINE}


@pytest.mark.parametrize("content", [OLD, NEW])
def test_what_a_step_holds_is_swept(bench: Bench, content: tuple[int, bytes]) -> None:
    """A draft before its exchange, what was replaced after it."""
    bench.write({b"f": OLD})
    plan = bench.plan({b"f": NEW})
    bench.write({ASIDE: content})
    done = bench.recover(plan)
    assert (done.kept, bench.walk()) == ((), {b"f": NEW})


@pytest.mark.parametrize("here", [OLD, NEW, None])
@pytest.mark.parametrize("saved", [MINE, (FILE, b""), (FILE, b"ne"), (LINK, b"x")])
def test_what_only_lies_aside_goes_back_to_its_name(
    bench: Bench, here: tuple[int, bytes] | None, saved: tuple[int, bytes]
) -> None:
    """Also when it looks like the beginning of what was to be written."""
    bench.write({b"f": OLD})
    plan = bench.plan({b"f": NEW})
    os.unlink(bench.path(b"f"))
    bench.write({ASIDE: saved} if here is None else {b"f": here, ASIDE: saved})
    done = bench.recover(plan)
    assert bench.walk() == {b"f": saved}
    assert [(k.path, k.reason) for k in done.kept] == [(b"f", FOREIGN)]


def test_a_folder_that_lies_aside_goes_back_whole(bench: Bench) -> None:
    """Somebody had put it in the place of the file."""
    bench.write({b"f": OLD})
    plan = bench.plan({b"f": NEW})
    bench.write({ASIDE: (FOLDER, None), ASIDE + b"/x": MINE})
    assert [k.path for k in bench.recover(plan).kept] == [b"f"]
    assert bench.walk() == {b"f": (FOLDER, None), b"f/x": MINE}


def test_with_something_newer_at_its_name_it_stays_aside(bench: Bench) -> None:
    """Neither is lost, and the report names both."""
    bench.write({b"f": OLD})
    plan = bench.plan({b"f": NEW})
    newer = (FILE, b"newer\n")
    os.unlink(bench.path(b"f"))
    bench.write({b"f": newer, ASIDE: MINE})
    (kept,) = bench.recover(plan).kept
    assert bench.walk() == {b"f": newer, ASIDE: MINE}
    assert kept.path == b"f"
    assert ASIDE.decode() in kept.reason


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.ENOTSUP])
def test_where_names_cannot_be_exchanged_a_rename_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Old kernels and some file systems: everything is still restored, and nothing is left."""
    monkeypatch.setattr(renaming, "_library_call", lambda: lambda *_: number)
    bench.write({b"f": OLD, b"gone": OLD, b"l": (LINK, b"f")})
    target: Tree = {b"f": NEW, b"l": NEW, b"made": OLD, b"link": (LINK, b"made")}
    assert bench.apply(bench.plan(target)).kept == ()
    assert bench.walk() == target


def test_without_exchange_a_new_file_still_replaces_nothing(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    after_last_look: Callable[[Callable[[], None]], None],
) -> None:
    """A link is made instead, which is refused where something is."""
    monkeypatch.setattr(renaming, "_library_call", lambda: None)
    bench.write({})
    plan = bench.plan({b"f": NEW})
    after_last_look(lambda: by_rename(bench.path(b"f")))
    assert [k.path for k in bench.apply(plan).kept] == [b"f"]
    assert bench.walk() == {b"f": MINE}
