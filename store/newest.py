"""The newest steps, read with as little code as that takes: what a screen shows first.

The facade knows every verb, and loading it takes longer than reading these.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from stepwell.store.catalogue import Catalogue
from stepwell.store.engine.journal import Journal
from stepwell.store.engine.view import with_mark
from stepwell.store.model.steps import Step, View


def newest_steps(store: Path, root: bytes, limit: int) -> tuple[View, list[Step]]:
    """Returns the View, and up to `limit` steps of all branches, newest first.

    They are what `Workspace.view` and `Workspace.steps` would give at this moment.

    Raises:
        FormatError: there is no journal, or its format is not known to this version.
        IntegrityError: no operation can be read, or the journal is damaged.
        FailedError: the system refuses to read it.
    """
    with closing(Journal.open(store)) as journal:
        if not journal.last_number:
            from stepwell.store.engine.recording import require_head  # a sound store never needs it

            require_head(None, root)
        with closing(Catalogue.open(store / "catalogue", journal, writable=True)) as catalogue:
            view = journal.view()
            return view, [with_mark(step, view) for step in catalogue.page(None, limit)]
