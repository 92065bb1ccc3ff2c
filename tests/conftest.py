"""For all tests: property tests have no deadline for one example, as the machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("stepwell", deadline=None)
settings.load_profile("stepwell")
