"""The collector of garbage rests while a state is parsed, and only then."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.store import StateSnapshots
from stepwell.store.model.errors import IntegrityError
from stepwell.store.state.chain import Chain
from stepwell.store.state.collecting import uncollected


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Has it on, and leaves it as it was."""
    was = gc.isenabled()
    gc.enable()
    yield
    if not was:
        gc.disable()


def test_it_rests_and_is_on_again_after_a_failure_too() -> None:
    """Also where one rest lies within another."""
    with pytest.raises(ValueError), uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
        raise ValueError
    assert gc.isenabled()


def test_whoever_turned_it_off_keeps_it_off() -> None:
    """Nobody asked for it to be turned on."""
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_reading_a_state_has_it_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large state's objects are not looked at while they come; a damaged one leaves it on, too."""
    seen: list[bool] = []
    decoded = Chain._decoded

    def noted(self: Chain, *arguments: object) -> object:
        seen.append(gc.isenabled())
        return decoded(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Chain, "_decoded", noted)
    with StateSnapshots(tmp_path / "state") as snapshots:
        one = snapshots.create("s", {"numbers": list(range(100))})
        assert snapshots.reconstruct_state(one) == {"numbers": list(range(100))}
        assert seen == [False] and gc.isenabled()
        for file in (tmp_path / "state").rglob(f"*{one.id}*"):
            file.write_bytes(b"")
        with pytest.raises(IntegrityError):
            snapshots.reconstruct_state(one)
    assert gc.isenabled()
