"""Blotting purged content out of what was said: prompts, inputs, results, titles, notes.

Agents repeat files in their calls, whole or in part, with line numbers before them or escaped as
JSON. So a text is compared by stretches of 16 characters, as in Schleimer, Wilkerson and Aiken,
"Winnowing" (2003), but with all of them: every stretch that the content has is blotted out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

BLOT = "[purged]"

_STRETCH = 16
_SHORTEST = 6
"""A content of fewer characters is in too many texts by chance."""
_MANY_KINDS = 5
"""Stretches of fewer different characters (indents, rulers) tell nothing."""
_MOST = 4 << 20
_GRAM = _STRETCH // 2
"""Each stretch holds a whole one of those that begin at multiples of this in a text."""


class Blotter:
    """Finds stretches of some contents in texts."""

    def __init__(self, contents: Iterable[bytes]) -> None:
        """Contents that are no text are passed over: nothing that was said repeats them."""
        self._stretches: set[str] = set()
        self._grams: set[str] = set()
        """All parts of `_GRAM` characters of the stretches: most texts have none of them."""
        self._whole: list[str] = []
        self._documents: dict[object, list[Any]] = {}
        """Contents that are JSON objects or lists, by their shape."""
        self.left_out = False
        """True when there was too much text to look for all of it."""
        room = _MOST
        for content in contents:
            text = _text(content)
            room -= len(text)
            if room < 0:
                self.left_out = True
                return
            self._add(text)
            self._add_document(text)

    def _add_document(self, text: str) -> None:
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            if isinstance(document, dict | list) and document:
                self._documents.setdefault(_shape(document), []).append(document)

    def _add(self, text: str) -> None:
        if _SHORTEST <= len(text) < _STRETCH:
            self._whole.append(text)
        for form in {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
            for at in range(len(form) - _STRETCH + 1):
                stretch = form[at : at + _STRETCH]
                if len(set(stretch)) >= _MANY_KINDS:
                    self._stretches.add(stretch)
                    self._grams.update(stretch[i : i + _GRAM] for i in range(_GRAM + 1))

    def text(self, text: str) -> str:
        """Returns the text with every stretch of the contents blotted out."""
        for whole in self._whole:
            text = text.replace(whole, BLOT)
        pieces, done = [], 0
        for start, end in self._spans(text):
            pieces += [text[done:start], BLOT]
            done = end
        return "".join([*pieces, text[done:]]) if pieces else text

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Returns where the text repeats the contents, ascending and apart."""
        spans: list[tuple[int, int]] = []
        for at in range(len(text) - _STRETCH + 1) if self._may_repeat(text) else ():
            if text[at : at + _STRETCH] in self._stretches:
                start = spans.pop()[0] if spans and at <= spans[-1][1] else at
                spans.append((start, at + _STRETCH))
        return spans

    def _may_repeat(self, text: str) -> bool:
        grams = self._grams
        starts = range(0, len(text) - _GRAM + 1, _GRAM) if grams else ()
        return any(text[at : at + _GRAM] in grams for at in starts)

    def stored(self, content: bytes) -> bytes:
        """Returns a stored text blotted out; what is JSON stays JSON."""
        text = content.decode("utf-8", "surrogateescape")
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            if isinstance(document, dict | list):
                blotted = self.value(document)
                if blotted == document:
                    return content
                return json.dumps(blotted).encode("ascii")
        return self.text(text).encode("utf-8", "surrogateescape")

    def value(self, value: Any) -> Any:
        """Returns a JSON value with its texts blotted out, names of members too.

        A part of it that is the same value as a content which is JSON goes whole, however it is
        written; so does a number that has a stretch of a content.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict | list) and self._is_document(value):
            return BLOT
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(one) for name, one in value.items()}
        return self._number(value)

    def document(self, value: Any) -> Any:
        """Returns a JSON value as `value` does; one that is too deep for that goes whole."""
        try:
            return self.value(value)
        except RecursionError:
            text = json.dumps(value, sort_keys=True, separators=(",", ":"))
            return value if self.text(text) == text else BLOT

    def _number(self, value: Any) -> Any:
        if isinstance(value, bool) or value is None:
            return value
        digits = json.dumps(value)
        return value if self.text(digits) == digits else BLOT

    def _is_document(self, value: dict[str, Any] | list[Any]) -> bool:
        return bool(self._documents) and value in self._documents.get(_shape(value), ())


def _shape(value: dict[str, Any] | list[Any]) -> object:
    """Returns what equal values have in common and few others."""
    return tuple(sorted(value)) if isinstance(value, dict) else len(value)


def all_texts(document: Any) -> Iterator[str]:
    """Yields all texts of a JSON value, the names of its members too."""
    waiting: list[Any] = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def _text(content: bytes) -> str:
    return "" if b"\0" in content[:8000] else content.decode("utf-8", "surrogateescape").strip()
