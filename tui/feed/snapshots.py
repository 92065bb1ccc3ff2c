"""Taking a snapshot for whoever sits before the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from stepwell.tui.messages import ChangeDone
from stepwell.tui.source import Source

if TYPE_CHECKING:
    from stepwell.store import Workspace
    from stepwell.tui.gateway import Gateway, Post


def take_snapshot(gateway: Gateway, to: Post, text: str, session: str | None) -> None:
    """Captures and marks; ChangeDone or ChangeRefused to `to`."""
    gateway.change(to, "take the snapshot", lambda source: taken(source, text, session))


def taken(source: Source, text: str, session: str | None) -> ChangeDone:
    """Takes a snapshot of a session (None: of no session), and returns the news of it.

    Raises:
        LeaseError: a client has the session to write.
    """
    from stepwell.store.sessions import Sessions  # loaded when somebody takes one

    if session is None:
        step = source.capture(text or "snapshot", tags=("snapshot",))
        return ChangeDone(f"snapshot #{step.seq} taken, tagged snapshot", step)
    step = Sessions(cast("Workspace", source)).take_unheld(session, description=text)
    return ChangeDone(f"snapshot #{step.seq} of {session} taken", step)
