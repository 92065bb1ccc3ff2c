"""A small form at the bottom of the screen: a title, what is known, an entry, keys, an error.

Nothing is sent until its own key; esc leaves without a change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from stepwell.tui.gateway import Gateway
from stepwell.tui.keys.bindings import bindings_for
from stepwell.tui.look.glyphs import Glyphs
from stepwell.tui.look.palette import Paint, paint_for
from stepwell.tui.messages import ChangeDone, ChangeRefused, Failed
from stepwell.tui.model.remedies import told
from stepwell.tui.screens.above import Above
from stepwell.tui.source import Source
from stepwell.tui.values import StepwellError
from stepwell.tui.widgets.sentence import Sentence

Result = TypeVar("Result")
Line = Sequence[Segment]


class Lines(Widget):
    """A few lines, drawn as given."""

    def __init__(self, draw: Callable[[int, Paint], Sequence[Line]], *, id: str) -> None:
        """`draw` takes the width and the theme's paint."""
        super().__init__(id=id)
        self._draw = draw

    def render_line(self, y: int) -> Strip:
        paint = paint_for(self.app.current_theme)
        lines = self._draw(self.size.width, paint)
        base = paint("text", "panel")
        line = lines[y] if y < len(lines) else ()
        return Strip(line).apply_style(base).adjust_cell_length(self.size.width, base)


class Form(Above, ModalScreen[Result]):
    """Base of the forms: subclasses compose `body` and send a change."""

    BINDINGS = bindings_for("form", priority=True)

    def __init__(self, gateway: Gateway, glyphs: Glyphs, title: str) -> None:
        """`title` must have been through `printable`."""
        super().__init__()
        self.gateway = gateway
        self.glyphs = glyphs
        self.busy = False
        self._title = Sentence(id="form-title")
        self._error = Sentence(id="form-error")
        self._keys = Sentence(id="form-keys")
        self._title.say(title, "strong")

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield self._title
            yield from self.body()
            yield self._error
            yield self._keys

    def body(self) -> ComposeResult:
        """Yields what stands between title and keys."""
        raise NotImplementedError

    def tell_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Shows the keys."""
        self._keys.keys(keys)

    def send(self, what: str, call: Callable[[Source], ChangeDone]) -> None:
        """Has a change made; the form stays until it is done."""
        if not self.busy:
            self.busy = True
            self.gateway.change(self.post_message, what, call)

    def on_change_done(self, message: ChangeDone) -> None:
        """Leaves with what was done."""
        message.stop()
        self.busy = False
        self.done(message)

    def done(self, message: ChangeDone) -> None:
        """Leaves; subclasses say with what."""
        raise NotImplementedError

    def on_change_refused(self, message: ChangeRefused) -> None:
        """Says why; what was typed stays."""
        message.stop()
        self.refuse(message.error)

    def on_failed(self, message: Failed) -> None:
        """The store could not even be asked."""
        message.stop()
        self.refuse(message.error)

    def refuse(self, error: StepwellError) -> None:
        """Shows an error above the keys."""
        self.busy = False
        self.complain(told(error))

    def complain(self, sentence: str) -> None:
        """Shows a sentence (already printable) above the keys; an empty one hides it."""
        self.set_class(bool(sentence), "-refused")
        self._error.say(sentence, "failed")

    def action_leave_form(self) -> None:
        """Leaves without a change."""
        if not self.busy:
            self.dismiss(None)
