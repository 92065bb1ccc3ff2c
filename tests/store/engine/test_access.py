"""Leases on sessions: one writer, numbers that only grow, and nothing that comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store import UsageError
from stepwell.store.engine import access
from stepwell.store.engine.atomic import read_checked, write_checked
from stepwell.store.model.access import AccessMode, Fence, Keeper
from stepwell.store.model.errors import LeaseError


class _Time:
    """Both clocks, in milliseconds."""

    def __init__(self) -> None:
        self.wall, self.ticks = 1_700_000_000_000, 5_000

    def clock(self) -> int:
        return self.wall * 1_000_000

    def now(self) -> int:
        return self.ticks * 1_000_000


def _ask(
    store: Path,
    time: _Time,
    client: str,
    mode: AccessMode = "write",
    ttl_ms: int = 100,
    keeper: Keeper | None = None,
) -> int | None:
    wish = access.Wish("claude:s1", client, mode, ttl_ms, keeper)
    granted = access.grant(store, wish, time.clock, time.now)
    return granted.lease.number if granted.lease else None


def test_one_writes_and_any_number_read(tmp_path: Path) -> None:
    """The second writer is told who the first one is."""
    time = _Time()
    first = _ask(tmp_path, time, "a")
    assert first is not None
    assert _ask(tmp_path, time, "b") is None
    assert _ask(tmp_path, time, "b", "read") and _ask(tmp_path, time, "c", "read")
    found = access.access(tmp_path, "claude:s1", time.now)
    assert [one.client for one in found.clients] == ["a", "b", "c"]
    assert found.writer is not None and found.writer.number == first
    assert access.writers(tmp_path, time.now) == {"claude:s1": "a"}
    assert access.access(tmp_path, "claude:s2", time.now).clients == ()


def test_again_by_the_same_client_renews(tmp_path: Path) -> None:
    """The number stays and the time begins anew."""
    time = _Time()
    first = _ask(tmp_path, time, "a")
    time.ticks += 99
    assert _ask(tmp_path, time, "a") == first
    time.ticks += 99
    access.check_fence(tmp_path, Fence("claude:s1", first), time.now)


def test_an_ended_lease_is_taken_over_and_its_number_is_refused(tmp_path: Path) -> None:
    """A later lease has a larger number; the old holder's write is told who has it."""
    time = _Time()
    old = _ask(tmp_path, time, "a")
    time.ticks += 101
    time.wall -= 3_600_000  # a clock that is put back changes nothing
    new = _ask(tmp_path, time, "b")
    assert old is not None and new is not None and new > old
    with pytest.raises(LeaseError, match="b may write it") as caught:
        access.check_fence(tmp_path, Fence("claude:s1", old), time.now)
    assert caught.value.facts["holder"] == "b"
    access.check_fence(tmp_path, Fence("claude:s1", new), time.now)


def test_an_ended_lease_is_stale_also_when_nobody_took_over(tmp_path: Path) -> None:
    """The holder has to ask again, and gets another number."""
    time = _Time()
    old = _ask(tmp_path, time, "a")
    time.ticks += 101
    with pytest.raises(LeaseError, match="it has ended"):
        access.check_fence(tmp_path, Fence("claude:s1", old), time.now)
    assert _ask(tmp_path, time, "a") != old


def test_a_write_without_a_lease_is_refused_while_somebody_has_one(tmp_path: Path) -> None:
    """And done when nobody has."""
    time = _Time()
    access.check_fence(tmp_path, Fence("claude:s1", None), time.now)
    _ask(tmp_path, time, "a", "read")
    access.check_fence(tmp_path, Fence("claude:s1", None), time.now)
    _ask(tmp_path, time, "a")
    with pytest.raises(LeaseError, match="a may write it"):
        access.check_fence(tmp_path, Fence("claude:s1", None), time.now)
    assert access.release(tmp_path, "claude:s1", "a", time.now)
    assert not access.release(tmp_path, "claude:s1", "a", time.now)
    access.check_fence(tmp_path, Fence("claude:s1", None), time.now)


def test_no_lease_comes_back_after_a_boot_or_from_damage(tmp_path: Path) -> None:
    """Numbers go on above those given before, even when the table is lost."""
    time = _Time()
    first = _ask(tmp_path, time, "a")
    form = json.loads(read_checked(tmp_path / access.NAME) or b"")
    write_checked(tmp_path / access.NAME, json.dumps(form | {"boot": "another"}).encode())
    assert access.access(tmp_path, "claude:s1", time.now).clients == ()
    second = _ask(tmp_path, time, "b")
    assert first is not None and second is not None and second > first
    (tmp_path / access.NAME).write_bytes(b"torn")
    time.wall += 1
    third = _ask(tmp_path, time, "c")
    assert third is not None and third > first


def test_a_lease_ends_with_the_process_that_stands_for_its_client(tmp_path: Path) -> None:
    """Also when its process id is another's by now."""
    time = _Time()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        start = access._start_of(child.pid)
        assert start is not None
        assert _ask(tmp_path, time, "a", keeper=Keeper(child.pid, start))
        assert _ask(tmp_path, time, "b") is None
        child.kill()
        child.wait()
    assert _ask(tmp_path, time, "b", keeper=Keeper(os.getpid(), 1))
    assert _ask(tmp_path, time, "c", keeper=access.this_process())
    assert _ask(tmp_path, time, "d") is None


@pytest.mark.parametrize(
    ("client", "ttl_ms"), [("", 100), (" ", 100), ("x" * 257, 100), ("a", 0), ("a", 1 << 40)]
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, client: str, ttl_ms: int) -> None:
    """Nothing is granted."""
    with pytest.raises(UsageError):
        _ask(tmp_path, _Time(), client, ttl_ms=ttl_ms)
    assert not (tmp_path / access.NAME).exists()


_MOVES = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from(["read", "write", "release"]), st.integers(0, 150)
    ),
    max_size=30,
)


@given(moves=_MOVES)
def test_two_fences_never_hold_at_once(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, AccessMode, int]]
) -> None:
    """Whatever clients do, at most one number passes, and write numbers only grow."""
    store, time = tmp_path_factory.mktemp("store"), _Time()
    given: list[int] = []
    for client, what, later in moves:
        time.ticks += later
        if what == "release":  # type: ignore[comparison-overlap]
            access.release(store, "claude:s1", client, time.now)
            continue
        number = _ask(store, time, client, what)
        if what == "write" and number is not None and number not in given:
            assert number > max(given, default=0)
            given.append(number)
        passing = [n for n in given if _passes(store, n, time)]
        assert len(passing) <= 1


def _passes(store: Path, number: int, time: _Time) -> bool:
    try:
        access.check_fence(store, Fence("claude:s1", number), time.now)
    except LeaseError:
        return False
    return True
