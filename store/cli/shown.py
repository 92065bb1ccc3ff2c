"""What goes is what was shown: where it is looked at anew before it is done, nothing else may go."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.store.cli.output import Output
from stepwell.store.model.errors import RefusedError


def show(out: Output, going: Iterable[str], done: str) -> None:
    """Notes what a person is shown to go, or holds what goes to what was shown before.

    Raises:
        RefusedError: something would go that was not shown; nothing was `done`.
    """
    now = frozenset(going)
    if out.shown is not None and not now <= out.shown:
        raise RefusedError(
            f"nothing was {done}: more would go now than was shown",
            hint="give the command again to see it",
        )
    out.shown = now
