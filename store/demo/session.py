"""The demo's session, act by act. Its tests really fail, and really get fixed."""

from __future__ import annotations

from stepwell.store.demo.acts import Act
from stepwell.store.demo.experiments import EXPERIMENTS
from stepwell.store.demo.first_half import CHOSEN_CODES, EXPIRY, VISITS
from stepwell.store.demo.second_half import DEAD_END, SECOND_ATTEMPT, TIDYING

AGENT_SESSION = "claude:demo-1"

ACTS: tuple[Act, ...] = (
    *EXPIRY,
    *CHOSEN_CODES,
    *VISITS,
    *DEAD_END,
    *SECOND_ATTEMPT,
    *TIDYING,
    *EXPERIMENTS,
)
