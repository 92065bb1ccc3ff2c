"""What a storage in memory offers so that its content can survive: an optional protocol."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Persistable(Protocol):
    """A storage whose whole content can be taken and put back."""

    def snapshot(self) -> Any:
        """Returns the content as JSON that nobody changes afterwards; called from any thread."""

    def restore(self, data: Any) -> None:
        """Makes `data`, which an earlier `snapshot` returned, the whole content."""


class DelegatesPersistence:
    """Mix-in of a storage that wraps another: offers what the other does, and nothing otherwise."""

    @property
    def persisted(self) -> object:
        """The storage behind, which may be another one at another time."""
        raise NotImplementedError

    def snapshot(self) -> Any:
        """Returns the content of the storage behind; None when that persists itself."""
        behind = persistable(self.persisted)
        return None if behind is None else behind.snapshot()

    def restore(self, data: Any) -> None:
        """Passes the content on to the storage behind; does nothing when that persists itself."""
        behind = persistable(self.persisted)
        if behind is not None:
            behind.restore(data)


def persistable(storage: object) -> Persistable | None:
    """Returns the storage when its content has to be kept by others; None when it sees to that.

    It sees to that when it lacks `snapshot` or `restore`, when it has a true `persists_itself`, or
    when it wraps such a one.
    """
    if getattr(storage, "persists_itself", False) or not isinstance(storage, Persistable):
        return None
    if isinstance(storage, DelegatesPersistence) and persistable(storage.persisted) is None:
        return None
    return storage
