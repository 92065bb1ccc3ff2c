"""Telling which steps fit a filter without reading most of them.

The graph's columns answer `kind:`, `status:`, `session:`, `since:` and `until:`, exactly or not at
all; of a word it is enough to see that a step's stored text has it nowhere. What is left is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

from stepwell.store.catalogue.graph import FAILED, FLAGS, KINDS, Graph
from stepwell.store.engine.filters import Filter, Term, is_part

NO, YES, MAYBE = 0, 1, 2
"""What is known of a step: it does not fit, it fits, or it has to be read."""

_SAFETY = 1 << FLAGS.index("safety")
_TURNED = bytes((YES, NO, MAYBE))
_EVERYWHERE = frozenset({"text", "tool", "branch", "by"})
"""Keys of what a step's own text holds, if anything does."""
_MARKS = frozenset({"tag", "note"})
"""Keys of what only a mark holds."""

_Verdicts = Callable[[int, int], bytes]


class Sieve:
    """One filter over one graph. Marked steps are always read: their texts hold no marks."""

    def __init__(
        self, wanted: Filter, graph: Graph, sessions: Mapping[int, str], marked: Set[int]
    ) -> None:
        """`sessions` gives names by number; `marked` are the rows of steps with a mark."""
        self._graph = graph
        self._marked = marked
        self._tests = [_test(term, graph, sessions) for term in wanted.terms]
        self._needles = [
            needles
            for term in wanted.terms
            if term.key in _EVERYWHERE and not term.negated and (needles := _needles(term))
        ]

    def verdicts(self, low: int, high: int) -> bytes:
        """Returns NO, YES or MAYBE for each row from `low` to before `high`."""
        found = bytearray(bytes((YES,)) * (high - low))
        for test in self._tests:
            found = bytearray(map(_BOTH.__getitem__, map(_index, found, test(low, high))))
        for row in self._marked:
            if low <= row < high:
                found[row - low] = MAYBE
        return bytes(found)

    def may_fit(self, row: int, text: bytes) -> bool:
        """Tells whether the step in a row, of which this is the stored text, may fit."""
        if not self._needles or row in self._marked or b"\\u" in text:
            return True
        lower = text.lower()
        return all(any(needle in lower for needle in needles) for needles in self._needles)


_BOTH = (NO, NO, NO, NO, YES, MAYBE, NO, MAYBE, MAYBE)


def _index(one: int, other: int) -> int:
    return 3 * one + other


def _needles(term: Term) -> Sequence[bytes]:
    """What must stand in the stored text, in lower case; nothing where that cannot be said.

    The text is JSON: quotes, backslashes and what is beyond ASCII are escaped in it. A pattern
    need not stand there as it is, and `#12` may mean a number.
    """
    found = []
    for value in term.values:
        plain = value.isascii() and value.isprintable() and not set(value) & set('"\\*?[')
        if not plain or value.startswith("#"):
            return ()
        found.append(value.lower().encode("ascii"))
    return found


def _test(term: Term, graph: Graph, sessions: Mapping[int, str]) -> _Verdicts:
    """Returns what tells the verdicts of one term for a stretch of unmarked steps."""
    test = _plain_test(term, graph, sessions)
    if not term.negated:
        return test
    return lambda low, high: test(low, high).translate(_TURNED + bytes(range(3, 256)))


def _plain_test(term: Term, graph: Graph, sessions: Mapping[int, str]) -> _Verdicts:
    match term.key:
        case "since":
            return lambda low, high: bytes(t >= term.bound_ns for t in graph.times[low:high])
        case "until":
            return lambda low, high: bytes(t < term.bound_ns for t in graph.times[low:high])
        case "kind":
            return _kind_test(term, graph)
        case "status":
            return _status_test(term, graph)
        case "session":
            return _session_test(term, graph, sessions)
    verdict = NO if term.key in _MARKS else MAYBE
    return lambda low, high: bytes((verdict,)) * (high - low)


def _kind_test(term: Term, graph: Graph) -> _Verdicts:
    values = {value.lower() for value in term.values}
    table = bytes(kind in values for kind in KINDS).ljust(256, b"\0")
    if "safety" not in values:
        return lambda low, high: graph.kinds[low:high].tobytes().translate(table)
    return lambda low, high: bytes(
        table[kind] or bool(flags & _SAFETY)
        for kind, flags in zip(graph.kinds[low:high], graph.flags[low:high], strict=True)
    )


def _status_test(term: Term, graph: Graph) -> _Verdicts:
    """A step that did not fail may have no result, and be complete or not: that is read."""
    values = {value.lower() for value in term.values}
    gap = KINDS.index("gap")
    rest = NO if values <= {"failed", "gap"} else MAYBE
    failed = YES if "failed" in values else MAYBE if "unstable" in values else NO
    gone = YES if "gap" in values else rest

    def verdict(kind: int, flags: int) -> int:
        if kind == gap and gone == YES:
            return YES
        return failed if flags & FAILED else rest

    return lambda low, high: bytes(map(verdict, graph.kinds[low:high], graph.flags[low:high]))


def _session_test(term: Term, graph: Graph, sessions: Mapping[int, str]) -> _Verdicts:
    fitting = {
        number
        for number, name in sessions.items()
        if any(is_part(value.casefold(), name.casefold()) for value in term.values)
    }
    return lambda low, high: bytes(number in fitting for number in graph.sessions[low:high])
