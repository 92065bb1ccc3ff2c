"""A record that is exchanged leaves all that is known as if the name had been looked at."""

from __future__ import annotations

import copy
import stat

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.live.folders import Folder, pack_file
from stepwell.store.engine.live.known import Known, Was
from stepwell.store.engine.looker import FileRow
from stepwell.store.model.ids import Oid

NAME = b"name"

modes = st.sampled_from([stat.S_IFREG | 0o644, stat.S_IFREG | 0o600, stat.S_IFLNK | 0o777])
rows = st.builds(
    lambda mode, content: FileRow(mode, (content, content), content, 7, Oid(bytes([content]) * 20)),
    modes,
    st.integers(1, 2),
)


@st.composite
def knowns(draw: st.DrawFn) -> Known:
    """Returns what is known of a folder with perhaps a file, in any of the ways to be stored."""
    known = Known(Folder(b"", b"", None))
    known.root.set_stat(stat.S_IFDIR | 0o755, (1, 1), 1)
    row = draw(st.none() | rows)
    if row is not None:
        shared, refused = draw(st.booleans()), draw(st.booleans())
        record = pack_file(row._replace(shared=shared))
        known.enter(known.root, NAME, record, shared=shared, refused=refused)
    if draw(st.booleans()):
        known.root.odd = {NAME: "unstable"}
        known.sums.odd_moved(known.root)
    if draw(st.booleans()):
        known.root.forced = {NAME}
        known.sums.forced_moved(known.root)
    if draw(st.booleans()):
        known.before = None
    return known


def told(known: Known) -> tuple[object, ...]:
    """Returns all that is known."""
    root, sums = known.root, known.sums
    folder = (root.files, root.odd or {}, root.forced or set(), root.refused or set())
    groups = (sums.with_odd, sums.with_again, sums.with_forced, known.stale)
    shared = {name for _, name in sums.shared}
    extras = copy.deepcopy(sums).extras(root)
    stale = list(known.stale.values())
    return folder, [len(g) for g in groups], shared, extras, sums.stored, stale, known.before


@given(knowns(), rows)
def test_exchanging_does_what_looking_does(known: Known, row: FileRow) -> None:
    """Or nothing at all; and it does it for a plain file whose mode stays."""
    looked, before, record = copy.deepcopy(known), told(known), pack_file(row)
    had = known.root.files.get(NAME)
    plain = not (known.root.odd or known.root.forced or known.root.refused or known.sums.shared)
    may = had is not None and plain and had[:4] == record[:4]
    assert known.exchange(known.root, NAME, record) == may
    was: Was = looked.take_out(looked.root, NAME)
    looked.enter(looked.root, NAME, record, shared=False, refused=False)
    looked.compare(looked.root, NAME, was)
    assert told(known) == (told(looked) if may else before)
