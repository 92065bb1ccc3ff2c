"""The maintainability index of Python sources, by radon; the one module that knows it.

0 to 100, more is better; radon itself calls 20 and more very maintainable, under 10 hardly.
"""

from __future__ import annotations

from typing import Any

from stepwell.store.engine.diff import is_binary
from stepwell.store.engine.objects import ObjectReader
from stepwell.store.model.ids import Oid

_LARGEST = 1_000_000


def maintainability(reader: ObjectReader, path: bytes, blob: Oid | None) -> float | None:
    """Returns the index of a stored Python source; None for anything else, or what does not parse."""
    if blob is None or not path.endswith(b".py"):
        return None
    content = reader.read(blob)[1]
    if len(content) > _LARGEST or is_binary(content):
        return None
    from radon import metrics

    library: Any = metrics
    try:
        return float(library.mi_visit(content.decode("utf-8", "replace"), True))
    except (SyntaxError, RecursionError, ValueError, ArithmeticError, AttributeError, TypeError):
        # It reads half-written sources, and was not made for them.
        return None
