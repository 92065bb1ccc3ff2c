"""Where the command line comes in: puts the keys in force, then opens the screen.

Bindings are made with the classes that have them, so nothing here imports a screen before that.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.tui.keys.actions import put_in_force
from stepwell.tui.keys.keymap import keymap

if TYPE_CHECKING:
    from stepwell.store import CaptureConfig
    from stepwell.tui.source import Offers


def run(
    root: Path,
    home: Path,
    *,
    config: CaptureConfig | None = None,
    by: str = "",
    keys: Mapping[str, object] | None = None,
    weights: Callable[[], Mapping[str, float]] = dict,
    offers: Callable[[], Offers] | None = None,
    look: Mapping[str, object] | None = None,
) -> int:
    """Shows the workspace that holds `root` until the person leaves; returns an exit status.

    `config` says how this person captures, which the safety step before a rollback does, too; `by`
    signs notes; `keys` is the person's `[keys]` table, of which what makes no sense is left out and
    told on the screen. `weights` gives what counts how much among an experiment's figures; it is
    asked when one is looked at, and what it raises is shown. `offers` gives
    what is asked, in the background, for sessions from before that can be imported. `look` is the
    person's `[screen]` table: `theme`, one of those that `o` goes through, and
    `differ`, the command that compares two files.

    Raises:
        StepwellError: the workspace cannot be opened; the terminal was not touched.
    """
    # What is loaded until the first frame stays: looking for garbage in it only takes time.
    collects = gc.isenabled()
    gc.disable()
    try:
        found = keymap(keys or {})
        put_in_force(found.actions)
        from stepwell.tui.app import open_screen
        from stepwell.tui.look.themes import read_look

        seen = read_look(look or {})
        return open_screen(
            root,
            home,
            config=config,
            by=by,
            weights=weights,
            complaints=(*found.problems, *seen.problems),
            offers=offers,
            theme=seen.theme,
            differ=seen.differ,
        )
    finally:
        if collects:
            gc.enable()
