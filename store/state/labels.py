"""What sessions, tags and descriptions may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepwell.store.model.errors import UsageError

SESSION_CHARACTERS = 1000
TAG_CHARACTERS = 1000
TAGS = 1000
DESCRIPTION_CHARACTERS = 100_000


def checked_session(session: Any) -> str:
    """Returns the session; raises UsageError when it is no text, empty or too long."""
    return _text(session, "a session", 1, SESSION_CHARACTERS)


def checked_description(description: Any) -> str:
    """Returns the description; raises UsageError when it is no text or too long."""
    return _text(description, "a description", 0, DESCRIPTION_CHARACTERS)


def checked_tags(tags: Iterable[Any]) -> tuple[str, ...]:
    """Returns the tags without repeats, in their order; raises UsageError for what cannot be one."""
    if isinstance(tags, str):
        raise UsageError("tags are several texts, not one", hint="as in tags=('milestone',)")
    found = tuple(dict.fromkeys(_text(tag, "a tag", 1, TAG_CHARACTERS) for tag in tags))
    if len(found) > TAGS:
        raise UsageError(f"{len(found)} tags are too many", hint=f"there may be {TAGS}")
    return found


def _text(value: Any, what: str, least: int, most: int) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{what} is text, not {type(value).__name__}", hint=f"give {what} as text")
    if not least <= len(value) <= most:
        raise UsageError(
            f"{what} of {len(value)} characters cannot be stored",
            hint=f"it takes {least} to {most}",
        )
    return value
