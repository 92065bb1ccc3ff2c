"""The one table of actions is sound: no key means two things in one place, nothing is dead."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from textual.binding import Binding

from stepwell.tui.keys.actions import ACTIONS, Scope, actions_for
from stepwell.tui.keys.bindings import HINTS, bindings_for, hints_for
from stepwell.tui.keys.names import spelled
from stepwell.tui.screens.branches import BranchList, DeleteForm
from stepwell.tui.screens.commanding import CommandScreen
from stepwell.tui.screens.conflicts import ConflictList
from stepwell.tui.screens.copymenu import CopyMenu
from stepwell.tui.screens.help import HelpScreen
from stepwell.tui.screens.judging import VerdictForm
from stepwell.tui.screens.main import MainScreen
from stepwell.tui.screens.marking import NoteForm
from stepwell.tui.screens.operations import OperationList
from stepwell.tui.screens.preview import RestorePreview
from stepwell.tui.screens.seeking import SeekScreen
from stepwell.tui.screens.sessions import SessionList
from stepwell.tui.screens.statistics import FigureList
from stepwell.tui.screens.verdicts import VerdictList
from stepwell.tui.widgets.diff import DiffView
from stepwell.tui.widgets.files import FileList
from stepwell.tui.widgets.linelist import LineList
from stepwell.tui.widgets.prompt import Prompt
from stepwell.tui.widgets.reviewtable import ReviewTable
from stepwell.tui.widgets.timeline import Timeline

OWNERS: dict[Scope, type] = {
    "everywhere": MainScreen,
    "list": LineList,
    "timeline": Timeline,
    "files": FileList,
    "diff": DiffView,
    "operations": OperationList,
    "preview": RestorePreview,
    "branches": BranchList,
    "conflicts": ConflictList,
    "review": ReviewTable,
    "verdict": VerdictForm,
    "rules": VerdictList,
    "copy": CopyMenu,
    "seek": SeekScreen,
    "sessions": SessionList,
    "figures": FigureList,
    "command": CommandScreen,
    "prompt": Prompt,
    "form": NoteForm,
    "note": NoteForm,
    "confirm": DeleteForm,
    "help": HelpScreen,
}
CHANGING = {"apply", "yes"}
"""Actions that change something, and only from what says so first."""


def test_every_action_has_its_method() -> None:
    """A key in the table that does nothing would be a lie in the help."""
    for action in ACTIONS:
        name = action.id.partition("(")[0]
        owner = MainScreen if action.of_screen else OWNERS[action.scope]
        assert callable(getattr(owner, f"action_{name}", None)), (owner.__name__, name)


def test_every_title_is_whole_at_80_columns() -> None:
    """The help has so much room beside the keys."""
    assert {action.name for action in ACTIONS if len(action.title) > 60} == set()


def test_no_key_has_two_meanings_in_a_scope() -> None:
    """Within one scope a key stands once."""
    for scope in OWNERS:
        keys = Counter(key for action in actions_for(scope) for key in action.keys)
        assert [key for key, times in keys.items() if times > 1] == []


@pytest.mark.parametrize("pane", ["timeline", "files", "diff"])
def test_panes_do_not_hide_keys_that_work_everywhere(pane: Scope) -> None:
    """A pane may take a list's key for a nearer meaning, never a key that works everywhere."""
    taken = [{key for a in actions_for(s) for key in a.keys} for s in (pane, "list", "everywhere")]
    assert taken[0] & taken[2] == set()
    assert taken[1] & taken[2] == set()


def test_only_a_preview_leads_to_the_disk() -> None:
    """The key that applies is in preview and question alone; elsewhere it opens no more than a menu of what to copy."""
    assert {a.scope for a in ACTIONS if a.id in CHANGING} == {"preview", "confirm"}
    applying = {key for a in ACTIONS if a.id in CHANGING for key in a.keys}
    opening = {key for a in ACTIONS if a.id not in CHANGING for key in a.keys}
    assert {a.id for a in ACTIONS if "y" in a.keys} - CHANGING == {"copy", "leave_copy"}
    assert applying == {"y"}
    assert applying & opening == {"y"}


@pytest.mark.parametrize("pane", ["timeline", "files", "diff"])
def test_the_footer_is_short_and_ends_with_the_help(pane: Scope) -> None:
    """A few hints, each key once, `?` last."""
    hints = hints_for(pane, "list", "everywhere")
    assert len(hints) <= HINTS
    assert hints[-1] == ("?", "keys")
    assert len({key for key, _ in hints}) == len(hints)


def test_bindings_carry_ids_and_keys() -> None:
    """Remapping needs the ids; terminals need keys that they can send."""
    unsendable = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j", "ctrl+left_square_bracket"}
    for scope in OWNERS:
        for binding in bindings_for(scope):
            assert isinstance(binding, Binding)
            assert binding.id and not set(binding.key.split(",")) & unsendable


def test_keys_are_spelled_as_people_read_them() -> None:
    """Not as the framework names them."""
    shown = {spelled(key) for action in ACTIONS for key in action.keys}
    assert not [name for name in shown if "_" in name[1:] or name in ("at", "slash", "escape")]


def test_ids_are_unique_in_their_scope() -> None:
    """Two rows of one scope never run the same method with different titles."""
    for one, other in combinations(ACTIONS, 2):
        assert (one.scope, one.id) != (other.scope, other.id)
