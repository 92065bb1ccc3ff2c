"""Putting our hooks into agents' configurations, and taking exactly them out again.

A plan says what each file is to hold; `apply` writes it and keeps what was there before.
"""

from stepwell.store.agents.installing.apply import Backups, apply
from stepwell.store.agents.installing.plan import Setup, plan_install, plan_uninstall
from stepwell.store.agents.installing.targets import AGENTS, Door, Scope, Target, target_of

__all__ = [
    "AGENTS",
    "Backups",
    "Door",
    "Scope",
    "Setup",
    "Target",
    "apply",
    "plan_install",
    "plan_uninstall",
    "target_of",
]
