"""A key typed closely behind `esc` is two keys, unless somebody has given alt and that key a meaning.

A terminal writes alt and a key as an escape and the key, and Textual reads the two alike: a letter
behind `esc` as alt and the letter, a sign without the `esc`, a few as other keys. With a fast hand,
or over a line that brings both at once, `esc` was lost. Here the pair stays one event until its
turn comes, when it is known what has the focus.
"""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Set

from textual import events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.widget import Widget

_ESC = "\x1b"
_BEGIN_SEQUENCES = "[O"
"""What stands behind an escape in the sequences of other keys, which are read as before."""
_ONE_KEY = "\t"
"""Behind an escape: how the console of Linux writes shift and tab."""
_OF_TEXT = frozenset("bfd\x7f\x08\r")
"""Behind an escape, where text is typed: a word back, a word on, without the word behind or before,
and two keys that are what they are without alt."""
_CUT_IN_LINE, _CUT_IN_AREA = "ctrl+backspace", "alt+delete"
"""Textual's keys that take the word behind away, in `Input` and in `TextArea`; alt and `d` is none."""
_READ_BYTES = 4096
_LOOK_S = 0.1
"""How often an `esc` that nothing follows, and the end, are looked for."""


class EscapedKey(events.Key):
    """A key behind an escape: typed after `esc`, or with alt."""

    def __init__(self, plain: events.Key, usual: events.Key) -> None:
        """`plain` is the key alone, `usual` what Textual takes the two for."""
        super().__init__(f"alt+{plain.key}", plain.character)
        self._plain = plain
        self._usual = usual

    def keys(self, bound: Set[str], focused: Widget | None) -> tuple[events.Key, ...]:
        """Returns the keys that are meant. `bound` are those with alt that do something."""
        from textual.widgets import Input, TextArea  # large, and the first frame needs neither

        if isinstance(focused, Input | TextArea) and self._plain.character in _OF_TEXT:
            if self._plain.character == "d":
                is_line = isinstance(focused, Input)
                return (events.Key(_CUT_IN_LINE if is_line else _CUT_IN_AREA, None),)
            return (self._usual,)
        for name in (self.key, self._usual.key):
            if name in bound:
                return (events.Key(name, self._plain.character),)
        return (events.Key("escape", _ESC), self._plain)


class _Parser(XTermParser):
    _asked = ""
    """What a key was last looked for in: of a sequence that nothing followed, all that came."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        is_pair = len(sequence) == 2 and sequence[0] == _ESC
        if is_pair and sequence[1] not in _BEGIN_SEQUENCES + _ONE_KEY + _ESC:
            yield from self._pair(sequence[1], super()._sequence_to_key_events(sequence))
        elif alt and len(self._asked) == 2:
            yield from self._pair(sequence, ())
        else:
            # The start of a longer sequence that stalls is no `esc`: it must not leave a line.
            self._asked = self._asked if alt else sequence
            yield from super()._sequence_to_key_events(sequence, alt)

    def _pair(self, character: str, usual: Iterable[events.Key]) -> Iterator[events.Key]:
        plain = next(iter(super()._sequence_to_key_events(character)))
        named = next(iter(super()._sequence_to_key_events(character, alt=True)))
        yield EscapedKey(plain, next(iter(usual), named))


class EscapingDriver(LinuxDriver):
    """Reads the terminal as Textual does, with keys behind an escape as `EscapedKey`."""

    def run_input_thread(self) -> None:
        """Takes what is typed until the terminal is given back."""
        parser = _Parser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_LOOK_S):
                    typed = os.read(self.fileno, _READ_BYTES)
                    if not typed:  # nobody is at the terminal any more
                        self.exit_event.wait(_LOOK_S)
                    self._take(parser.feed(text) if (text := decode(typed)) else ())
                self._take(parser.tick())

    def _take(self, found: Iterable[Message]) -> None:
        for message in found:
            self.process_message(message)


def reading(driver: type[Driver]) -> type[Driver]:
    """Returns the driver that tells keys behind an escape; where there is none, the one given."""
    return EscapingDriver if driver is LinuxDriver else driver
