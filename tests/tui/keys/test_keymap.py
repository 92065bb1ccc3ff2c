"""Keys as a person's settings have them: what makes no sense is told, and costs nothing else."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.tui.keys.actions import ACTIONS
from stepwell.tui.keys.keymap import TOGETHER, Keymap, keymap
from stepwell.tui.keys.listing import listed
from stepwell.tui.keys.names import key_named, spelled
from stepwell.tui.keys.presets import PRESETS

DEFAULTS = {action.name: action.keys for action in ACTIONS}


def keys_of(found: Keymap) -> dict[str, tuple[str, ...]]:
    return {action.name: action.keys for action in found.actions}


def test_names_are_unique_and_can_be_written_in_settings() -> None:
    """Bare keys of TOML, a scope and what is done."""
    assert len(DEFAULTS) == len(ACTIONS)
    assert all(name.replace(".", "").replace("_", "").isalnum() for name in DEFAULTS)
    assert {"everywhere.pane_files", "everywhere.find_next_back", "diff.split"} <= set(DEFAULTS)


def test_an_action_gets_other_keys_or_none() -> None:
    """Everything else stays as it is."""
    found = keymap({"timeline.restore": "x", "diff.split": ["|", "F5"], "files.tree": False})
    assert keymap({"timeline.restore": "x"}).problems == ()
    changed = {name: keys for name, keys in keys_of(found).items() if keys != DEFAULTS[name]}
    assert changed["timeline.restore"] == ("x",) and changed["files.tree"] == ()
    assert set(changed) <= {"timeline.restore", "diff.split", "files.tree"}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_presets_have_no_problem(preset: str) -> None:
    """Each of their names is an action's, and no key means two things."""
    assert keymap({"preset": preset}).problems == ()


def test_the_lazygit_preset_undoes_with_z() -> None:
    """And goes to the ends with `<` and `>`; a person's own keys come on top."""
    keys = keys_of(keymap({"preset": "lazygit", "everywhere.seek": "ctrl+g"}))
    assert keys["everywhere.undo"] == ("z",) and keys["list.to_top"][0] == "less_than_sign"
    assert keys["everywhere.seek"] == ("ctrl+g",)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"timeline.fly": "x"}, "timeline.fly: there is no such action"),
        ({"preset": "emacs"}, "there is no preset emacs; there are default, lazygit"),
        ({"timeline.restore": 3}, "it must be a key, a list of keys, or false"),
        ({"timeline.restore": []}, "it must be a key, a list of keys, or false"),
        ({"timeline.restore": "ctrl+i"}, "cannot be told from tab"),
        ({"timeline.restore": "hyper+x"}, "hyper+x is no key"),
        ({"timeline.restore": "bogus"}, "bogus is no key"),
        ({"everywhere.leave": False}, "no way out"),
        ({"preview.cancel": False}, "no way out"),
        ({"seek.go": "x"}, "seek.go: x is text there"),
        ({"timeline.restore": "t"}, "t would be both timeline.restore and timeline.tag"),
        ({"timeline.fold": "u"}, "u would be both everywhere.undo and timeline.fold"),
        ({"preview.apply": "r"}, "r would be both preview.apply and timeline.restore"),
        ({"timeline.restore": "y"}, "y would be both"),
    ],
)
def test_what_makes_no_sense_is_told_and_left_out(settings: dict[str, Any], said: str) -> None:
    """What it was about keeps its own keys."""
    found = keymap(settings)
    assert any(said in problem for problem in found.problems)
    assert keys_of(found) == DEFAULTS


def test_keys_may_be_exchanged() -> None:
    """Only what would really mean two things is a clash."""
    found = keymap({"timeline.restore": "t", "timeline.tag": "r"})
    assert found.problems == ()
    assert keys_of(found)["timeline.tag"] == ("r",)


NAMES = st.sampled_from(sorted(DEFAULTS))
KEYS = st.sampled_from(
    [*"abcruyzq<>?/{}=", "space", "enter", "esc", "ctrl+w", "F2", "", "x+y", "é"]
)
SETTINGS = st.dictionaries(NAMES, st.one_of(KEYS, st.lists(KEYS, max_size=3), st.just(False)))


@given(SETTINGS, st.sampled_from(["default", "lazygit"]))
def test_no_settings_give_a_key_two_meanings(settings: dict[str, Any], preset: str) -> None:
    """Nor keep anybody from leaving; what is in force never clashes beyond the table itself."""
    found = keymap({"preset": preset, **settings})
    keys = keys_of(found)
    for scopes in TOGETHER:
        group = [action for action in found.actions if action.scope in scopes]
        for number, one in enumerate(group):
            for other in group[number + 1 :]:
                meant = set(DEFAULTS[one.name]) & set(DEFAULTS[other.name])
                assert set(one.keys) & set(other.keys) <= meant
    assert all(action.keys for action in found.actions if action.is_way_out)
    applying = {*keys["preview.apply"], *keys["confirm.yes"]}
    opening = {
        key for a in found.actions if a.scope in ("timeline", "files", "list") for key in a.keys
    }
    assert not applying & opening


@pytest.mark.parametrize(
    ("written", "key"),
    [("?", "question_mark"), ("+", "plus"), ("ctrl++", "ctrl+plus"), ("CTRL+w", "ctrl+w"),
     ("PgDn", "pagedown"), (" ", "space"), ("A", "A"), ("f12", "f12"), ("é", "é")],
)  # fmt: skip
def test_keys_are_written_as_people_read_them(written: str, key: str) -> None:
    """Signs, names and modifiers."""
    assert key_named(written) == key


def test_what_is_shown_can_be_written() -> None:
    """Every key of the table can be given back by the name that the help shows; arrows have names."""
    for key in {key for keys in DEFAULTS.values() for key in keys}:
        shown = spelled(key)
        assert key_named(key if shown in "↓↑←→" else shown) == key


def test_listing_keys_loads_no_screen() -> None:
    """`stepwell keys` answers as fast as any command."""
    code = (
        "import sys; from stepwell.tui.keys.listing import listed; listed({});"
        "print('textual' in sys.modules or 'rich' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
    rows, problems = listed({"timeline.restore": "x", "timeline.fly": "y"})
    assert [row["keys"] for row in rows if row["name"] == "timeline.restore"] == [["x"]]
    assert len(problems) == 1


def test_every_place_is_looked_at() -> None:
    """A new scope is told which others work beside it."""
    assert {action.scope for action in ACTIONS} == {scope for group in TOGETHER for scope in group}
