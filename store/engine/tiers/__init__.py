"""The tiers that a step's content passes through: newest in memory, a session's, what is sealed."""

from stepwell.store.engine.tiers.levels import DEFAULT, Thresholds
from stepwell.store.engine.tiers.ready import Ready, is_large, key_of, make_ready
from stepwell.store.engine.tiers.tiers import Tiers

__all__ = ["DEFAULT", "Ready", "Thresholds", "Tiers", "is_large", "key_of", "make_ready"]
