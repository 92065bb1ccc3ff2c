"""The workspace held in memory and followed by a watcher, so that a capture costs what changed."""

from stepwell.store.engine.live.sight import LiveSight

__all__ = ["LiveSight"]
