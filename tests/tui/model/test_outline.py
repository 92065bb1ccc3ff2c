"""Which definition encloses a line."""

from __future__ import annotations

from stepwell.tui.model.outline import enclosing

PYTHON = """\
import os

class Session:
    def close(self):
        if self.open:
            self.store.clear()

    def names(self):
        return []

LIMIT = 3
""".splitlines()


def test_a_statement_is_in_its_function() -> None:
    """Through the `if` that holds it."""
    assert enclosing(PYTHON, 6) == "def close(self)"


def test_a_method_is_in_its_class() -> None:
    """The line's own definition does not enclose it."""
    assert enclosing(PYTHON, 8) == "class Session"


def test_a_line_at_the_margin_is_in_nothing() -> None:
    """Code after a class is not part of it."""
    assert enclosing(PYTHON, 11) == ""
    assert enclosing(PYTHON, 1) == ""


def test_braces_are_left_out() -> None:
    """As a heading, `fn main()` reads better than `fn main() {`."""
    assert enclosing(["pub fn main() {", "    go();", "}"], 2) == "pub fn main()"


def test_headings_enclose_in_documents_and_settings() -> None:
    """Told by the path: in code, `# text` at the margin is a comment."""
    lines = ["# Install", "", "Run it.", "[tool.ruff]", "line = 1"]
    assert enclosing(lines, 3, b"README.md") == "# Install"
    assert enclosing(lines, 5, b"pyproject.toml") == "[tool.ruff]"
    assert enclosing(lines, 3, b"x.py") == ""


def test_numbers_beyond_the_text_are_harmless() -> None:
    """A hunk of an older side may lie below the end."""
    assert enclosing([], 9) == ""
    assert enclosing(PYTHON, 99) == ""
