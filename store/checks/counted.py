"""Counts of tests, whatever tool ran them."""

from __future__ import annotations

from dataclasses import dataclass

NAMED = 200
"""How many failures are named."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many tests did what; `total` counts skipped ones, too."""

    passed: int = 0
    failed: int = 0
    """Failures and errors."""
    skipped: int = 0
    """Skipped, expected to fail, or not implemented yet."""
    failures: tuple[str, ...] = ()
    """Names of failed tests, as far as the output names them, the first 200."""

    @property
    def total(self) -> int:
        """Returns the number of all tests."""
        return self.passed + self.failed + self.skipped
