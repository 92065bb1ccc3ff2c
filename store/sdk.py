"""The Workspace that the library offers: the facade with everything above it."""

from __future__ import annotations

from stepwell.store.experiments.verbs import ExperimentVerbs


class Workspace(ExperimentVerbs):
    """A folder under care and its private store; use as a context manager, or call `close`."""
