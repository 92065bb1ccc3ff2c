"""Long texts compared by a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store import Workspace
from stepwell.store.engine import beside, lines, linework
from stepwell.store.engine.beside import Helper, LostError
from stepwell.store.engine.gitobjects import GitObjects
from stepwell.store.engine.lines import LONG, Compared, Side, compare, regions, tell
from stepwell.store.engine.told import Texts
from stepwell.store.model.patchlines import PatchLines

OLD = b"".join(b"line %d of many\r\n" % n for n in range(16_000))
NEW = OLD.replace(b"7 of many\r", b"7 of more")
WANTED = st.sampled_from(["counts", "places", "lines"])
TEXT = st.lists(st.sampled_from([b"a\n", b"\n", b" b\n", b"\\\n"]), max_size=40).map(b"".join)


@pytest.fixture
def helper() -> Iterator[Helper]:
    made = Helper()
    yield made
    made.close()


def compared(old: bytes, new: bytes, **named: bool) -> Compared:
    return compare(b"p", Side(None, old), Side(None, new), hunks=True, context=3, **named)


def process_of(helper: Helper) -> subprocess.Popen[bytes]:
    process = helper._process
    assert process is not None
    return process


@pytest.mark.parametrize("ignore_space", [False, True])
def test_long_texts_are_told_as_here(ignore_space: bool) -> None:
    """Hunks, lines, counts and regions are the same whoever compares."""
    assert len(OLD) + len(NEW) > LONG
    here = compared(OLD, NEW, ignore_space=ignore_space), regions(OLD, NEW)
    with beside.used():
        there = compared(OLD, NEW, ignore_space=ignore_space), regions(OLD, NEW)
    assert there == here
    bodies = [hunk.lines for hunk in there[0].hunks]
    assert all(isinstance(body, PatchLines) and body.is_deflated for body in bodies)


@given(TEXT, TEXT, WANTED)
def test_an_answer_is_the_same_when_it_is_packed(old: bytes, new: bytes, wanted: str) -> None:
    """Of whatever two texts, and with what makes the lines of long hunks quick to reach."""
    plain = tell(Texts(old, new, 1, wanted=wanted))  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linework, "LONG_LINES", 2)
        packed = linework.packed(plain)
    assert (packed.added, packed.deleted, packed.numbers) == (
        plain.added,
        plain.deleted,
        plain.numbers,
    )
    assert packed.patch[:] == plain.patch
    hunks = [list(lines._hunks(b"p", None, None, told, 4)) for told in (packed, plain)]
    for mine, own in zip(*hunks if wanted == "lines" else ([], []), strict=True):
        assert mine == own
        assert [mine.lines[at] for at in range(len(mine.lines))] == list(own.lines)


def test_short_texts_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take less time than asking."""
    monkeypatch.setattr(Helper, "tell", lambda *_: pytest.fail("a process was asked"))
    with beside.used():
        assert compared(b"a\n", b"b\n").added == 1
        assert compared(OLD, OLD + b"one more\n").added == 1


def test_one_that_was_killed_is_replaced(helper: Helper) -> None:
    """Between two texts, and nobody notices."""
    wanted = Texts(OLD, NEW, 3, False, "lines")
    first = helper.tell(wanted)
    os.kill(process_of(helper).pid, signal.SIGKILL)
    assert helper.tell(wanted).numbers == first.numbers == tell(wanted).numbers


def test_without_a_process_texts_are_compared_here(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it ends at once each time, and when it cannot be started."""
    here = compared(OLD, NEW)
    monkeypatch.setattr(beside, "_WORK", "stepwell.store.engine.no_such_module")
    with beside.used():
        assert compared(OLD, NEW) == here
        monkeypatch.setattr(beside.sys, "executable", "/no/such/interpreter")
        beside.expect()
        assert compared(OLD, NEW) == here
    with pytest.raises(LostError):
        helper.tell(Texts(OLD, NEW))


def test_it_ends_when_nothing_is_asked(helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, and with the one that started it; another one is started for what comes next."""
    helper.start()
    process = process_of(helper)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0
    assert helper.tell(Texts(b"a\n", b"b\n")).added == 1
    assert process_of(helper) is not process
    monkeypatch.setattr(linework, "_IDLE_S", 0.0)
    read, write = os.pipe()
    with os.fdopen(read, "rb") as asked, os.fdopen(write, "wb"):
        monkeypatch.setattr(linework.sys, "stdin", type("Pipe", (), {"buffer": asked}))
        assert linework.main() == 0


def test_closing_does_not_wait_for_what_is_compared(helper: Helper) -> None:
    """Whoever asked hears of it; no other process is started."""
    helper.start()
    process = process_of(helper)
    os.kill(process.pid, signal.SIGSTOP)
    lost = []

    def ask() -> None:
        try:
            helper.tell(Texts(OLD, NEW))
        except LostError:
            lost.append(True)

    asking = threading.Thread(target=ask)
    asking.start()
    helper.close()
    asking.join(30)
    assert lost == [True]
    assert helper._process is None and process.returncode is not None


def test_large_sealed_objects_are_read_in_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without libgit2, which would do it in one."""
    root = tmp_path / "orchard"
    root.mkdir()
    with Workspace.init(root, home=tmp_path / "home") as workspace:
        for text in (OLD, NEW):
            (root / "data").write_bytes(text)
            workspace.capture()
        workspace.seal()
    with Workspace.open(root, home=tmp_path / "home") as workspace:
        step = workspace.get_step("@")
        (change,) = workspace.changed_files(step)
        plain = workspace.with_lines(change)
        monkeypatch.setattr(GitObjects, "read", lambda *_: pytest.fail("libgit2 was asked"))
        with beside.used():
            assert workspace.with_lines(change) == plain
