"""Remedies of the library in the words of the screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stepwell.tui.model.remedies import _ON_SCREEN, remedy, told
from stepwell.tui.values import RefusedError

STORE = Path(__file__).resolve().parents[3] / "store"


def test_commands_are_named_as_the_screen_takes_them() -> None:
    """After `:`; what needs a shell stays as it is."""
    assert remedy("run `stepwell capture` first") == "run `:capture` first"
    assert remedy("run `stepwell init` again") == "run `stepwell init` again"
    refused = RefusedError("not done\x1b", hint="see `stepwell operations`")
    assert told(refused) == "not done\\x1b (in the timeline O lists what was done)"
    assert told(RefusedError("not done")) == "not done"


@pytest.mark.parametrize("hint", _ON_SCREEN)
def test_what_is_put_into_keys_is_what_the_library_says(hint: str) -> None:
    """Word for word: another wording there would bring the command of a shell back."""
    texts = (path.read_text() for path in STORE.rglob("*.py"))
    assert any(re.search(f'hint="{re.escape(hint)}"', text) for text in texts)
    assert "stepwell" not in remedy(hint) and "--" not in remedy(hint)
