"""The choice of what stays: what it never lets go, whatever the numbers and times are."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stepwell.store.engine.pruning.choose import DAY_NS, HOUR_NS, choose
from stepwell.store.model.ids import StepId
from stepwell.store.model.retention import Policy, StepFacts, Verdict

START = 1_700_000_000_000_000_000
NOW = START + 400 * DAY_NS

times = st.one_of(
    st.integers(START, NOW), st.integers(START, START + 3 * HOUR_NS), st.integers(0, 2**62)
)


@st.composite
def histories(draw: st.DrawFn) -> list[StepFacts]:
    """Steps with any times, sessions and reasons to stay."""
    seqs = sorted(draw(st.sets(st.integers(1, 500), min_size=1, max_size=60)))
    return [
        StepFacts(
            StepId(f"{seq:032x}"),
            seq,
            draw(times),
            draw(st.sampled_from([None, "a:1", "b:2"])),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.sampled_from(["", "", "", "marked", "the tip of branch main"])),
        )
        for seq in seqs
    ]


policies = st.builds(
    Policy,
    keep_last=st.integers(0, 8),
    hourly=st.integers(0, 6),
    daily=st.integers(0, 6),
    per_session=st.integers(0, 4),
    safety_days=st.integers(0, 500),
    imported=st.booleans(),
)


def kept(verdicts: list[Verdict]) -> set[int]:
    """Returns the numbers of the steps that stay."""
    return {one.seq for one in verdicts if one.keep}


@given(histories(), policies)
def test_the_newest_the_held_and_fresh_safety_steps_stay(
    steps: list[StepFacts], policy: Policy
) -> None:
    """However small the numbers of the policy are; and each verdict has a reason."""
    verdicts = choose(steps, policy, NOW)
    stays = kept(verdicts)
    assert max(step.seq for step in steps) in stays
    assert {step.seq for step in steps if step.held} <= stays
    limit = NOW - policy.safety_days * DAY_NS
    assert {step.seq for step in steps if step.safety and step.time_ns > limit} <= stays
    assert all(one.reason for one in verdicts)
    assert sorted(one.seq for one in verdicts) == sorted(step.seq for step in steps)


@given(histories(), policies)
def test_choosing_again_takes_nothing_more(steps: list[StepFacts], policy: Policy) -> None:
    """What was left by one prune is left by the next."""
    stays = kept(choose(steps, policy, NOW))
    left = [step for step in steps if step.seq in stays]
    assert kept(choose(left, policy, NOW)) == stays


@given(histories(), policies, st.randoms(use_true_random=False))
def test_the_order_in_which_steps_are_given_does_not_matter(
    steps: list[StepFacts], policy: Policy, chance: random.Random
) -> None:
    """They are told apart by their numbers."""
    mixed = list(steps)
    chance.shuffle(mixed)
    assert choose(mixed, policy, NOW) == choose(steps, policy, NOW)


@given(histories(), policies, st.integers(1, 5))
def test_a_larger_policy_keeps_all_that_a_smaller_one_keeps(
    steps: list[StepFacts], policy: Policy, more: int
) -> None:
    """Raising a number never takes a step."""
    larger = replace(
        policy,
        keep_last=policy.keep_last + more,
        daily=policy.daily + more,
        safety_days=policy.safety_days + more,
    )
    assert kept(choose(steps, policy, NOW)) <= kept(choose(steps, larger, NOW))


def test_hours_and_days_without_steps_do_not_count() -> None:
    """After a month away, the same hours stand as before."""
    steps = [
        StepFacts(StepId(f"{seq:032x}"), seq, START + (seq * 40 * DAY_NS if seq > 4 else seq))
        for seq in range(1, 7)
    ]
    policy = Policy(keep_last=1, hourly=3, daily=0, per_session=1)
    assert kept(choose(steps, policy, NOW)) == {4, 5, 6}
