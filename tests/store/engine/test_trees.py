"""Trees as git stores them: one entry, found without decoding the others, and all of them undecoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.objects import decode_tree, entry_named, raw_entries

NAMES = st.binary(min_size=1, max_size=6).filter(lambda name: not {0, 47} & set(name))


@given(
    st.dictionaries(
        NAMES, st.tuples(st.sampled_from([0o100644, 0o40000]), st.binary(min_size=20, max_size=20))
    ),
    NAMES,
)
def test_an_entry_by_its_name_is_the_one_that_decoding_gives(
    entries: dict[bytes, tuple[int, bytes]], other: bytes
) -> None:
    """Whatever names and ids look like, one another included."""
    data = b"".join(b"%o %s\0%s" % (m, n, oid) for n, (m, oid) in sorted(entries.items()))
    decoded = {entry.name: entry for entry in decode_tree(data)}
    for name in (*entries, other):
        assert entry_named(data, name) == decoded.get(name)


@given(st.lists(st.tuples(NAMES, st.binary(min_size=20, max_size=20)), unique_by=lambda e: e[0]))
def test_entries_as_they_lie_there_are_those_that_decoding_gives(
    entries: list[tuple[bytes, bytes]],
) -> None:
    """Zero bytes, line feeds and spaces in ids divide nothing."""
    encoded = {b"100644 %s\0%s" % entry for entry in entries}
    assert raw_entries(b"".join(sorted(encoded))) == encoded


@pytest.mark.parametrize("rest", [b"100644 b", b"100644 b\0short", b"\0"])
def test_a_tree_that_breaks_off_has_no_entries(rest: bytes) -> None:
    """It is none, and must not be compared as if it were a shorter one."""
    with pytest.raises(ValueError, match="end with an entry"):
        raw_entries(b"100644 a\0" + b"x" * 20 + rest)
