"""Events as the system gives them, those of one name put together."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from stepwell.store.engine.live.inotify import (
    ATTRIB,
    CREATE,
    DELETE,
    DELETE_SELF,
    IGNORED,
    ISDIR,
    MOVED_FROM,
    MOVED_TO,
    Inotify,
)


def test_events_of_one_name_are_one_where_the_last_was(tmp_path: Path) -> None:
    """A folder's end comes after all that happened in it, whatever it was heard of before."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with closing(Inotify()) as inotify:
        wd = inotify.add(os.fsencode(folder))
        folder.chmod(0o700)
        os.symlink("nowhere", folder / "link")
        (folder / "below").mkdir()
        os.rename(folder / "link", folder / "moved")
        (folder / "below").rmdir()
        (folder / "moved").unlink()
        folder.rmdir()
        assert inotify.read() == [
            (wd, CREATE | MOVED_FROM, b"link"),
            (wd, CREATE | DELETE | ISDIR, b"below"),
            (wd, MOVED_TO | DELETE, b"moved"),
            (wd, ATTRIB | DELETE_SELF | IGNORED | ISDIR, b""),
        ]
        assert inotify.read() == []
