"""Elements of a page or a drawing, as values that escape themselves when they are serialised."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element


def element(
    tag: str, *parts: Element | str | Mapping[str, str], **attributes: str | float
) -> Element:
    """Returns an element with children, texts and attributes in the order given.

    A mapping among the parts holds attributes whose names are no Python names.
    """
    made = Element(tag, {name: _number(value) for name, value in attributes.items()})
    last: Element | None = None
    for part in parts:
        if isinstance(part, Element):
            made.append(part)
            last = part
        elif isinstance(part, str):
            if last is None:
                made.text = (made.text or "") + part
            else:
                last.tail = (last.tail or "") + part
        else:
            for name, value in part.items():
                made.set(name, value)
    return made


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
