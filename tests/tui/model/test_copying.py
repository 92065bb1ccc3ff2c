"""What is copied is what is shown, without signs or as a patch, and harmless when pasted."""

from __future__ import annotations

from stepwell.tui.model.copying import LARGEST, code_text, hunk_text, patch_text, size_problem
from stepwell.tui.values import Change, Hunk

HUNK = Hunk("id", 1, 3, 1, 3, (b" a\n", b"-\told\n", b"+\tnew\x1b[31m\r\n", b" z\n"))


def test_code_has_no_signs_and_nothing_of_what_was_removed() -> None:
    """Tabs stay, control characters do not."""
    assert code_text(HUNK) == "a\n\tnew\\x1b[31m\nz\n"


def test_of_a_deletion_the_code_is_what_was_deleted() -> None:
    """There is nothing else to copy."""
    assert code_text(Hunk("id", 1, 2, 0, 0, (b"-a\n", b"-b\n"))) == "a\nb\n"


def test_a_hunk_and_a_patch_have_heads_and_signs() -> None:
    """As tools write them; a name that would act on a terminal is escaped."""
    hunk = "@@ -1,3 +1,3 @@\n a\n-\told\n+\tnew\\x1b[31m\n z\n"
    assert hunk_text(HUNK) == hunk
    change = Change(
        b"b\x1b", "R", old_path=b"a", old_mode=0o100644, new_mode=0o100644, hunks=(HUNK,)
    )
    patch = patch_text([change])
    assert patch.startswith("--- a/a\n+++ b/b\\x1b\n") and patch.endswith(hunk)
    assert patch_text([Change(b"x", "A", new_mode=0o100644)]).startswith("--- /dev/null\n+++ b/x\n")


def test_what_no_terminal_takes_is_refused_aloud() -> None:
    """A length that would be dropped without a word."""
    assert not size_problem("x" * LARGEST) and "too long" in size_problem("x" * (LARGEST + 1))
