"""What came to steps afterwards: in lists as if it had been there from the beginning."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell.store.catalogue import Catalogue, rebuild
from stepwell.store.catalogue import batch as batch_module
from stepwell.store.catalogue import shards as shards_module
from stepwell.store.catalogue.graph import FAILED
from stepwell.store.engine.accounts import with_account
from stepwell.store.engine.journal import Journal
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import Account, AccountSet, Effect, Step, StepResult, Tokens

Answers = Callable[[Catalogue], dict[str, object]]


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many shards and batches without thousands of steps."""
    monkeypatch.setattr(shards_module, "SHARD_STEPS", 50)
    monkeypatch.setattr(batch_module, "BATCH_STEPS", 35)


def account(chance: random.Random, step: Step | None = None) -> Account:
    """Returns one that has something of each kind now and then."""
    failed = chance.random() < 0.5
    result = StepResult(not failed, int(failed), 12) if step and step.result else None
    return Account(
        chance.choice((None, "a-model", "another")),
        chance.choice((None, result)),
        chance.choice((None, Tokens(1, 2, 3))),
        chance.choice((None, Oid(chance.randbytes(20)))),
    )


def tell(history: Any, count: int, chance: random.Random) -> None:
    """Commits accounts of steps of any age, some of them twice, and one of no step."""
    for _ in range(count):
        effects: list[Effect] = [AccountSet(StepId("00" * 16), 1, account(chance))]
        for at in chance.sample(range(len(history.steps)), k=2):
            step = history.steps[at]
            told = account(chance, step)
            history.steps[at] = with_account(step, told)
            effects.append(AccountSet(step.id, step.seq, told))
        history.commit(effects)


def test_whichever_way_they_are_folded_lists_have_them(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """One by one, in batches, in memory, anew; and after a step file was damaged."""
    chance = random.Random(5)
    kept = Catalogue.open(folder, journal, writable=True)
    for steps, told in ((60, 8), (1, 1), (90, 20), (20, 4)):
        history.record(steps)
        tell(history, told, chance)
        journal.refresh()
        kept.catch_up()
    expected = answers(kept)
    assert expected["steps"] == history.steps[::-1]
    assert answers(Catalogue.open(folder, journal, writable=True)) == expected
    assert answers(Catalogue.open(folder.with_name("no"), journal, writable=False)) == expected
    for path in sorted(folder.glob("steps-*")):
        path.write_bytes(path.read_bytes()[:-9])
    damaged = Catalogue.open(folder, journal, writable=True)
    damaged.page(None, 1_000)
    damaged.catch_up()
    assert answers(damaged) == expected
    rebuild(folder, journal)
    assert answers(Catalogue.open(folder, journal, writable=False)) == expected


def test_a_reader_without_the_lock_has_what_is_not_in_the_files_yet(
    history: Any, journal: Journal, folder: Path, answers: Answers
) -> None:
    """Files of before, and accounts since."""
    history.record(120)
    journal.refresh()
    Catalogue.open(folder, journal, writable=True)
    tell(history, 9, random.Random(6))
    history.record(3)
    journal.refresh()
    reader = Catalogue.open(folder, journal, writable=False)
    assert answers(reader)["steps"] == history.steps[::-1]
    assert answers(Catalogue.open(folder, journal, writable=True)) == answers(reader)


def test_a_call_that_failed_after_all_is_counted_and_filtered_as_failed(
    history: Any, journal: Journal, folder: Path
) -> None:
    """As with an agent whose hooks do not tell how a shell command ended."""
    history.record(70)
    ended = [
        s for s in history.steps if s.result and s.result.ok and s.session and s.kind == "tool"
    ]
    step: Step = ended[0]
    journal.refresh()
    catalogue = Catalogue.open(folder, journal, writable=True)
    before = {row.name: row.failed for row in catalogue.sessions()}
    told = AccountSet(step.id, step.seq, Account(result=StepResult(False, 3, 12)))
    history.commit([told])
    history.commit([told])
    journal.refresh()
    catalogue.catch_up()
    for seen in (catalogue, Catalogue.open(folder, journal, writable=False)):
        graph = seen.graph()
        row = graph.row_of(step.seq)
        assert row is not None and graph.flags[row] & FAILED
        now = {one.name: one.failed for one in seen.sessions()}
        assert now == {**before, step.session: before[step.session] + 1}
