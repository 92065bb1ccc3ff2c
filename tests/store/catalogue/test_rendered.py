"""What is made of steps once: the same as when it is made each time, whatever happens to the files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.catalogue import Catalogue
from stepwell.store.catalogue import shards as shards_module
from stepwell.store.catalogue.blocks import Blocks, pack
from stepwell.store.catalogue.contents import NAME
from stepwell.store.catalogue.folderlock import locked_folder
from stepwell.store.catalogue.rendered import Rendering
from stepwell.store.engine.journal import Journal
from stepwell.store.model.steps import Account, AccountSet, Step, StepResult

SHARD = 20


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many shards without thousands of steps."""
    monkeypatch.setattr(shards_module, "SHARD_STEPS", SHARD)


def _text(step: Step) -> bytes:
    return json.dumps([step.id, step.title, step.model]).encode("ascii")


class _Counted:
    """A rendering that says how often it made something."""

    def __init__(self, kind: str = "a") -> None:
        self.made = 0
        self.rendering = Rendering(kind, self._make)

    def _make(self, step: Step) -> bytes:
        self.made += 1
        return _text(step)

    def check(self, catalogue: Catalogue, steps: list[Step]) -> None:
        """Every step's text is as it is made by itself."""
        seqs = [step.seq for step in reversed(steps)]
        found = catalogue.rendered(self.rendering, seqs)
        assert found == {step.seq: _text(step) for step in catalogue.numbered(seqs)}
        assert len(found) == len(steps)


def _growing(steps: list[Step]) -> int:
    """How many steps are in the newest file, which more come to: their texts are in no file."""
    return sum(step.seq // SHARD == steps[-1].seq // SHARD for step in steps)


@pytest.fixture
def catalogue(history: Any, journal: Journal, folder: Path) -> Catalogue:
    """A catalogue of a hundred steps."""
    history.record(100)
    journal.refresh()
    return Catalogue.open(folder, journal, writable=True)


def test_texts_are_made_once_for_all_processes(catalogue: Catalogue, history: Any) -> None:
    """But those of the newest steps, which more come to: once in each."""
    first, second, other = _Counted(), _Counted(), _Counted("b")
    for _ in range(2):
        first.check(catalogue, history.steps)
        assert first.made == 100
    second.check(catalogue, history.steps)
    assert 0 < second.made == _growing(history.steps) < 100
    other.check(catalogue, history.steps)
    assert other.made == 100


def test_of_the_newest_steps_only_those_that_changed_are_made_again(
    catalogue: Catalogue, history: Any, journal: Journal
) -> None:
    """A new one, and one that an agent's record told more of."""
    counted = _Counted()
    counted.check(catalogue, history.steps)
    newest = history.steps[-1]
    told = Account("a-model", StepResult(False, 1, 5), None, None)
    history.commit([AccountSet(newest.id, newest.seq, told)])
    history.record(1)
    journal.refresh()
    catalogue.catch_up()
    counted.check(catalogue, history.steps)
    assert counted.made == 102
    assert (
        b"a-model" in catalogue.rendered(counted.rendering, [newest.seq], at_hand=True)[newest.seq]
    )


def test_at_hand_is_what_was_made_or_read_before(catalogue: Catalogue, history: Any) -> None:
    """Nothing is made, nor read, for whoever has no time; a file that another one made is not read either."""
    seqs = [step.seq for step in history.steps]
    counted, other = _Counted(), _Counted()
    assert catalogue.rendered(counted.rendering, seqs, at_hand=True) == {}
    found = catalogue.rendered(counted.rendering, seqs)
    assert catalogue.rendered(counted.rendering, seqs, at_hand=True) == found != {}
    assert catalogue.rendered(other.rendering, seqs, at_hand=True) == {}
    assert other.made == 0


def test_samples_make_all_ready(catalogue: Catalogue, history: Any) -> None:
    """Asking for the samples makes everything."""
    counted = _Counted()
    catalogue.rendered(counted.rendering, catalogue.samples())
    made = counted.made
    counted.check(catalogue, history.steps)
    assert counted.made == made > 0


def test_what_is_told_of_a_step_later_is_in_its_text(
    catalogue: Catalogue,
    history: Any,
    journal: Journal,
    folder: Path,
) -> None:
    """Also where the catalogue's files cannot be written."""
    counted = _Counted()
    counted.check(catalogue, history.steps)
    early = history.steps[3]
    told = Account("a-model", StepResult(False, 1, 5), None, None)
    history.commit([AccountSet(early.id, early.seq, told)])
    journal.refresh()
    for writable in (False, True):
        later = Catalogue.open(folder, journal, writable=writable)
        found = later.rendered(counted.rendering, [early.seq])
        assert found.get(early.seq, b"a-model").count(b"a-model") == 1
    counted.check(later, history.steps)


def test_what_is_told_of_a_step_later_survives_a_kill_before_it_counts(
    catalogue: Catalogue, history: Any, journal: Journal, folder: Path
) -> None:
    """The step file was written anew, and the main file, whose commit says so, was not."""
    counted, main = _Counted(), folder / NAME
    counted.check(catalogue, history.steps)
    kept = main.read_bytes()
    early = history.steps[3]
    told = Account("a-model", StepResult(False, 1, 5), None, None)
    history.commit([AccountSet(early.id, early.seq, told)])
    journal.refresh()
    Catalogue.open(folder, journal, writable=True)
    assert main.read_bytes() != kept
    main.write_bytes(kept)
    Catalogue.open(folder, journal, writable=True)
    later = Catalogue.open(folder, journal, writable=True)
    assert b"a-model" in later.rendered(_Counted().rendering, [early.seq])[early.seq]
    assert later.numbered([early.seq])[0].model == "a-model"


def _flipped(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


DAMAGE: list[Callable[[bytes, random.Random], bytes]] = [
    _flipped,
    lambda content, chance: content[: chance.randrange(len(content))],
    lambda content, chance: content[chance.randrange(1, len(content)) :],
    lambda content, chance: b"",
]


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_is_made_anew(
    catalogue: Catalogue,
    history: Any,
    folder: Path,
    seed: int,
) -> None:
    """Whatever is wrong with it, and it is right afterwards."""
    chance = random.Random(seed)
    _Counted().check(catalogue, history.steps)
    for path in sorted(folder.glob("rows-*")):
        path.write_bytes(DAMAGE[seed % len(DAMAGE)](path.read_bytes(), chance))
    _Counted().check(catalogue, history.steps)
    last = _Counted()
    last.check(catalogue, history.steps)
    assert last.made == _growing(history.steps)


def test_without_room_for_files_the_texts_come_from_memory(
    catalogue: Catalogue,
    history: Any,
    folder: Path,
) -> None:
    """A folder is in the place of each."""
    for number in range(5):
        (folder / f"rows-1-{number:06d}" / "in the way").mkdir(parents=True)
    counted = _Counted()
    counted.check(catalogue, history.steps)
    made = counted.made
    counted.check(catalogue, history.steps)
    assert counted.made == made


def test_nothing_is_written_while_another_process_may_replace_the_files(
    catalogue: Catalogue, history: Any, folder: Path
) -> None:
    """It may remove them all for content that is to be gone; nor is it once they are removed."""
    with locked_folder(folder, True) as locked:
        assert locked
        _Counted().check(catalogue, history.steps)
    assert list(folder.glob("rows-*")) == []
    counted = _Counted()
    seqs = [step.seq for step in history.steps]
    catalogue.numbered(seqs)
    for path in folder.glob("steps-*"):
        path.unlink()
    assert len(catalogue.rendered(counted.rendering, seqs)) > 0
    assert list(folder.glob("rows-*")) == []


@given(st.dictionaries(st.integers(0, 2**32 - 1), st.binary().filter(lambda t: b"\n" not in t)))
def test_blocks_give_back_each_text(texts: dict[int, bytes]) -> None:
    """In any order, and nothing for a number that is not there."""
    blocks = Blocks(pack(b"x", sorted(texts.items())), b"x")
    assert blocks.texts(sorted(texts, reverse=True)) == texts
    absent = [number + 1 for number in texts if number + 1 not in texts]
    assert blocks.texts(absent) == {}


def test_blocks_of_something_else_are_refused() -> None:
    """So are those whose list of blocks is damaged."""
    content = pack(b"x", [(1, b"one"), (2, b"two")])
    for wrong, made_of in ((content, b"y"), (content[:30], b"x"), (_changed(content), b"x")):
        with pytest.raises(ValueError, match="the texts are"):
            Blocks(wrong, made_of)
    with pytest.raises(ValueError, match="a block"):
        Blocks(content[:-3], b"x").texts([1])


def _changed(content: bytes) -> bytes:
    return content[:34] + bytes([content[34] ^ 1]) + content[35:]
