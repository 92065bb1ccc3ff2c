"""The tiers that a step's content passes through; here the first, in memory."""

from stepwell.store.engine.tiers.recent import Ready, Recent

__all__ = ["Ready", "Recent"]
