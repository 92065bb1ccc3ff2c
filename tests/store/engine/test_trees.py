"""Trees as git stores them: one entry, found without decoding the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.objects import decode_tree, entry_named

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
