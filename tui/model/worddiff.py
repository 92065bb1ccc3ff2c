"""Which words differ between a removed line and the added line that replaced it.

Costs are bounded: common ends are trimmed first, and a middle of more than `TOKENS` tokens a side
is marked whole instead of compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

TOKENS = 400
ALIKE = 0.45
"""Share of common text below which two lines are called different, and nothing is emphasised."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")

Span = tuple[int, int]
Spans = tuple[Span, ...]


def changed_spans(old: str, new: str) -> tuple[Spans, Spans]:
    """Returns the character ranges of each line that the other lacks, in order, never touching.

    Both are empty when the lines are equal, or so different that emphasis would only be noise.
    """
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    shared = _shared(a[:head]) + _shared(a[len(a) - tail :])
    at = sum(map(len, a[:head]))
    if max(len(middle_a), len(middle_b)) > TOKENS:
        return _whole(at, middle_a), _whole(at, middle_b)
    ranges = SequenceMatcher(None, middle_a, middle_b, autojunk=False).get_opcodes()
    shared += sum(_shared(middle_a[i1:i2]) for tag, i1, i2, _, _ in ranges if tag == "equal")
    if shared < ALIKE * max(_shared(a), _shared(b)):
        return (), ()
    return (
        _spans(at, middle_a, [(i1, i2) for tag, i1, i2, _, _ in ranges if tag != "equal"]),
        _spans(at, middle_b, [(j1, j2) for tag, _, _, j1, j2 in ranges if tag != "equal"]),
    )


def pair_lines(olds: Sequence[str], news: Sequence[str]) -> list[tuple[int, int]]:
    """Returns which removed line became which added line: index pairs, ascending on both sides.

    Runs of equal length whose lines match one by one keep their places; otherwise each removed
    line takes the first added line after the last pair that is alike.
    """
    bags = [Counter(_TOKEN.findall(text)) for text in news]
    pairs: list[tuple[int, int]] = []
    start = 0
    for i, text in enumerate(olds):
        bag = Counter(_TOKEN.findall(text))
        for j in range(start, len(news)):
            if _alike(bag, bags[j]):
                pairs.append((i, j))
                start = j + 1
                break
    return pairs


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count


def _shared(tokens: Sequence[str]) -> int:
    """How much text the tokens hold; white space tells nothing about likeness."""
    return sum(len(token) for token in tokens if not token.isspace())


def _alike(a: Counter[str], b: Counter[str]) -> bool:
    common = sum(len(t) * n for t, n in (a & b).items() if not t.isspace())
    size = max(sum(len(t) * n for t, n in bag.items() if not t.isspace()) for bag in (a, b))
    return common > 0 and common >= ALIKE * size


def _whole(at: int, tokens: Sequence[str]) -> Spans:
    size = sum(map(len, tokens))
    return ((at, at + size),) if size else ()


def _spans(at: int, tokens: Sequence[str], ranges: Sequence[Span]) -> Spans:
    ends = [at]
    for token in tokens:
        ends.append(ends[-1] + len(token))
    spans: list[Span] = []
    before = 0
    for first, last in ranges:
        if first == last:
            continue
        # One changed phrase reads better than confetti: bridge what is only a space.
        if spans and not "".join(tokens[before:first]).strip():
            spans[-1] = (spans[-1][0], ends[last])
        else:
            spans.append((ends[first], ends[last]))
        before = last
    return tuple(spans)
