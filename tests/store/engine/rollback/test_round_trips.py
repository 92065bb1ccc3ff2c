"""Any tree to any other tree and back, byte and mode exact."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.bench import FAST, Bench

from stepwell.store.engine.rollback import decode_plan, encode_plan

FILE, LINK, FOLDER = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755

Tree = dict[bytes, tuple[int, bytes | None]]

PATHS = st.sampled_from(
    [
        b"a",
        b"a/b",
        b"a/b/c",
        b"a-b",
        b"d",
        b"d/e",
        b"d/f",
        b"d/f/g",
        b"\xff",
        b".GIT",
        b".gitmodules",
    ]
)
FILES = st.tuples(
    st.sampled_from([0o644, 0o755, 0o600, 0o444, 0o1644]).map(lambda m: stat.S_IFREG | m),
    st.sampled_from([b"", b"one\n", b"two\n", b"\0\1"]),
)
LINKS = st.tuples(st.just(LINK), st.sampled_from([b"a", b"../out", b"/nowhere"]))
FOLDERS = st.tuples(
    st.sampled_from([0o755, 0o700, 0o555, 0o1777]).map(lambda m: stat.S_IFDIR | m), st.none()
)


def complete(tree: Tree) -> Tree:
    """Makes every prefix a folder."""
    found: Tree = dict(tree)
    for path in tree:
        while path := path.rpartition(b"/")[0]:
            if path not in found or not stat.S_ISDIR(found[path][0]):
                found[path] = (FOLDER, None)
    return found


TREES = st.dictionaries(PATHS, st.one_of(FILES, LINKS, FOLDERS), max_size=8).map(complete)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=TREES, after=TREES)
def test_there_and_back_again(before: Tree, after: Tree) -> None:
    """A rollback gives exactly the target, and the inverse plan exactly what was before."""
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        bench = Bench(os.fsencode(name))
        bench.write(before)
        plan = bench.plan(after)
        assert not plan.keep
        assert not plan.drift
        outcome = bench.apply(plan)
        assert outcome.kept == ()
        assert bench.walk() == after
        assert bench.apply(bench.plan(before)).kept == ()
        assert bench.walk() == before
        assert bench.plan(before).items == ()
        # For the temporary folder's own removal, when the tests run as an ordinary user.
        for folder in sorted(p for p, (m, _) in before.items() if stat.S_ISDIR(m)):
            os.chmod(bench.path(folder), 0o700)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=TREES, after=TREES)
def test_recovery_alone_carries_a_whole_plan_out(before: Tree, after: Tree) -> None:
    """Interrupted before its first change, a stored plan is finished, once."""
    with tempfile.TemporaryDirectory(dir=FAST) as name:
        bench = Bench(os.fsencode(name))
        bench.write(before)
        plan = bench.plan(after)
        steps = {s.id: s for s in (plan.target, plan.head)}
        stored = decode_plan(encode_plan(plan), steps.__getitem__)
        assert stored == replace(plan, disk=None)
        first = bench.recover(stored)
        assert first.finished
        assert first.kept == ()
        assert bench.walk() == after
        second = bench.recover(stored)
        assert (second.finished, second.kept, second.changed) == (True, (), 0)
        for folder in sorted(p for p, (m, _) in after.items() if stat.S_ISDIR(m)):
            os.chmod(bench.path(folder), 0o700)
