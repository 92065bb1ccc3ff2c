"""Any sequence of what can be done with snapshots, beside a dictionary that does the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stepwell.store.state.documents import encode
from stepwell.store.state.snapshots import StateSnapshots
from stepwell.store.state.values import StateConfig, StateQuery, StorageType

KEPT = 4
STATES = st.dictionaries(
    st.sampled_from("abc"), st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=4), max_size=3
)


class Model(RuleBasedStateMachine):
    """Two sessions, few snapshots each, short chains: everything meets everything soon."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="stepwell-test-"))
        self.expected: dict[str, tuple[str, bytes, tuple[str, ...]]] = {}
        self.exported = b""
        self.ticks = 1_700_000_000_000_000_000

    def _clock(self) -> int:
        self.ticks += 1
        return self.ticks

    @initialize(kind=st.sampled_from(["memory", "disk", "hybrid"]), chain=st.integers(1, 4))
    def open(self, kind: StorageType, chain: int) -> None:
        self.config = StateConfig(storage_type=kind, max_snapshots=KEPT, full_every=chain)
        self.snapshots = StateSnapshots(self.folder / "s", self.config, clock=self._clock)

    @rule(
        session=st.sampled_from("xy"),
        state=STATES,
        kind=st.sampled_from([None, "full", "incremental"]),
    )
    def create(self, session: str, state: Any, kind: Any) -> None:
        made = self.snapshots.create(session, {**state, "pad": "p" * 40}, type=kind)
        self.expected[made.id] = (session, encode({**state, "pad": "p" * 40}), ())
        of_session = [one for one in self.expected if self.expected[one][0] == session]
        for identity in of_session[:-KEPT]:
            del self.expected[identity]

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        identity = data.draw(st.sampled_from(list(self.expected)))
        assert self.snapshots.delete(identity)
        del self.expected[identity]

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), tag=st.sampled_from("tu"))
    def tag(self, data: st.DataObject, tag: str) -> None:
        identity = data.draw(st.sampled_from(list(self.expected)))
        assert self.snapshots.tag(identity, add=[tag])
        session, state, tags = self.expected[identity]
        self.expected[identity] = (session, state, tuple(dict.fromkeys((*tags, tag))))

    @rule()
    def cleanup(self) -> None:
        assert self.snapshots.cleanup() == []
        assert not self.snapshots._storage.bases()

    @rule(session=st.sampled_from("xy"))
    def clear(self, session: str) -> None:
        self.snapshots.delete_all(StateQuery(session=session))
        self.expected = {i: one for i, one in self.expected.items() if one[0] != session}

    @precondition(lambda self: self.config.storage_type != "memory")
    @rule()
    def reopen(self) -> None:
        self.snapshots = StateSnapshots(self.folder / "s", self.config, clock=self._clock)

    @rule(overwrite=st.booleans())
    def carry_over(self, overwrite: bool) -> None:
        """What comes in over itself changes nothing."""
        content = self.snapshots.export_snapshots(format="binary")
        report = self.snapshots.import_snapshots(content, overwrite_existing=overwrite)
        assert report.errors == ()
        assert report.imported + report.skipped == len(self.expected)

    @invariant()
    def is_as_expected(self) -> None:
        if not hasattr(self, "snapshots"):
            return
        found = {
            one.id: (one.session, encode(self.snapshots.reconstruct_state(one)), one.tags)
            for one in self.snapshots.search()
        }
        assert found == self.expected
        assert self.snapshots.statistics().damaged == ()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestModel = Model.TestCase
