"""Choosing which steps stay: pure, of numbers and times alone.

Steps are ordered by their numbers, never by the clock. Hours and days are those of UTC, and only
such count in which there are steps, so that a week without work, or a change to summer time, costs
nothing. After what was chosen to go is gone, the same choice takes nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from stepwell.store.model.retention import Policy, StepFacts, Verdict

HOUR_NS = 3_600 * 1_000_000_000
DAY_NS = 24 * HOUR_NS


def choose(steps: Collection[StepFacts], policy: Policy, now: int) -> list[Verdict]:
    """Returns what becomes of each step, the newest first.

    The newest step, what is held, and safety steps that are fresh stay whatever the policy says.
    `now` is the latest time known, in nanoseconds; it matters for safety steps alone.
    """
    newest_first = sorted(steps, key=lambda one: -one.seq)
    counting = _Counting(policy)
    return [_verdict(one, counting, policy, now) for one in newest_first]


class _Counting:
    """Which rules still have room, going from the newest step to the oldest."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.taken = 0
        self._sessions: Counter[str] = Counter()
        self._hours: set[int] = set()
        self._days: set[int] = set()

    def reason(self, step: StepFacts) -> str:
        """Returns the rule that keeps a step, having counted it for all rules; empty: none does."""
        found = []
        self.taken += 1
        if self.taken <= max(self._policy.keep_last, 1):
            found.append(f"among the newest {max(self._policy.keep_last, 1)}")
        if step.session is not None:
            self._sessions[step.session] += 1
            if self._sessions[step.session] <= max(self._policy.per_session, 1):
                found.append("among the newest of its session")
        if _is_first(self._hours, step.time_ns // HOUR_NS, self._policy.hourly):
            found.append("the newest of its hour")
        if _is_first(self._days, step.time_ns // DAY_NS, self._policy.daily):
            found.append("the newest of its day")
        return found[0] if found else ""


def _is_first(periods: set[int], period: int, limit: int) -> bool:
    if period in periods or len(periods) >= limit:
        return False
    periods.add(period)
    return True


def _verdict(step: StepFacts, counting: _Counting, policy: Policy, now: int) -> Verdict:
    is_newest = counting.taken == 0
    rule = counting.reason(step)
    if step.held:
        return Verdict(step.step, step.seq, True, step.held, True)
    if is_newest:
        return Verdict(step.step, step.seq, True, "the newest step", True)
    if step.safety and now - step.time_ns < policy.safety_days * DAY_NS:
        reason = f"a safety step of the last {policy.safety_days} days"
        return Verdict(step.step, step.seq, True, reason, True)
    if step.imported and policy.imported:
        return Verdict(step.step, step.seq, True, "imported", True)
    return Verdict(step.step, step.seq, bool(rule), rule or _why_not(step, policy))


def _why_not(step: StepFacts, policy: Policy) -> str:
    if step.safety:
        return f"a safety step of more than {policy.safety_days} days before the latest work"
    own = f" and its session's newest {max(policy.per_session, 1)}" if step.session else ""
    newest = f"older than the newest {max(policy.keep_last, 1)}{own}"
    return f"{newest}, and not the last of an hour or day that is kept"


def over_limit(verdict: Verdict) -> Verdict:
    """Returns the verdict on a step that only the size limit takes."""
    reason = f"{verdict.reason}, but beyond the size limit"
    return Verdict(verdict.step, verdict.seq, False, reason)


def counted(verdicts: Iterable[Verdict]) -> tuple[tuple[str, int], ...]:
    """Returns for which reasons how many steps stay, the most first."""
    counts = Counter(one.reason for one in verdicts if one.keep)
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
