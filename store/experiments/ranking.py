"""Ranking candidates by their figures, with the reasons in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from stepwell.store.model.errors import UsageError
from stepwell.store.model.experiments import Candidate, Ranked
from stepwell.store.model.text import plural

Weights = Mapping[str, float]

WEIGHTS: Weights = {"checks": 10.0, "size": 1.0, "complexity": 1.0, "duration": 1.0}
"""What counts how much; metrics by their own names. A weight below 0: less is better."""

_LESS: Mapping[str, Callable[[Candidate], float | None]] = {
    "size": lambda c: float(c.added + c.deleted),
    "complexity": lambda c: None if c.complexity is None else float(c.complexity),
    "duration": lambda c: float(c.check.duration_ms) if c.check else None,
}
"""Figures of which less is better. `duration` is the check's."""

_UNITS: Mapping[str, float] = {"size": 10.0, "complexity": 5.0, "duration": 1_000.0}
"""Differences in lines, paths and milliseconds below which a figure hardly matters."""

_NOTABLE = 1.2


def rank(candidates: Sequence[Candidate], weights: Weights | None = None) -> tuple[Ranked, ...]:
    """Returns the candidates, best first: all that passed before all that did not, then by score.

    A score is the weighted mean of shares from 0 to 1: of tests the part that passed, of other
    figures how near it comes to the best sibling. Figures that a candidate lacks count nothing.

    Raises:
        UsageError: a weight is of no figure, or none is above 0.
    """
    chosen = {**WEIGHTS, **(weights or {})}
    check_weights(chosen, {name for c in candidates if c.check for name in c.check.metrics})
    scored = [(c, _score(c, candidates, chosen)) for c in candidates]
    scored.sort(key=lambda pair: (not pair[0].passed, not pair[0].tried, -pair[1], pair[0].label))
    best = scored[0][0] if scored else None
    return tuple(
        Ranked(c, at, round(score, 4), "; ".join(_why(c, best, candidates)))
        for at, (c, score) in enumerate(scored, 1)
    )


def fitting_weights(usual: Weights, candidates: Sequence[Candidate]) -> Weights:
    """Returns those of a person's usual weights that are of figures of these candidates."""
    known = {*WEIGHTS, *(name for c in candidates if c.check for name in c.check.metrics)}
    return {name: weight for name, weight in usual.items() if name in known}


def check_weights(weights: Weights, metrics: Collection[str]) -> None:
    """Raises UsageError when a weight is of no figure, or they leave nothing to rank by."""
    for name in weights.keys() - WEIGHTS.keys() - set(metrics):
        raise UsageError(
            f"there is no figure {name} to weigh",
            hint=f"the figures are {', '.join(sorted({*WEIGHTS, *metrics}))}",
            figure=name,
        )
    chosen = {**WEIGHTS, **weights}
    unfit = any(not math.isfinite(weight) for weight in chosen.values())
    if unfit or any(chosen[name] < 0 for name in WEIGHTS) or not any(chosen.values()):
        raise UsageError(
            "the weights make no sense: those of tests, size, complexity and duration are 0 or "
            "more, and not all of them are 0",
            hint="a metric of which less is better has a weight below 0",
        )


def _score(candidate: Candidate, among: Sequence[Candidate], weights: Weights) -> float:
    total = reached = 0.0
    for name, weight in weights.items():
        share = _checks(candidate) if name == "checks" else _share(name, candidate, among, weight)
        if share is not None:
            total += abs(weight)
            reached += abs(weight) * share
    return reached / total if total else 0.0


def _checks(candidate: Candidate) -> float:
    check = candidate.check
    if check is None or check.passed is None or check.total is None:
        return 1.0 if candidate.passed else 0.0
    counted = check.passed + (check.failed or 0)
    return check.passed / counted if counted else (1.0 if candidate.passed else 0.0)


def _share(
    name: str, candidate: Candidate, among: Sequence[Candidate], weight: float
) -> float | None:
    """Returns how near a figure comes to the best sibling's, 1 to 0; None when it has none.

    Half is reached at a distance as large as the best itself, so noise in a small figure is noise.
    """
    value = _figure(name, candidate)
    values = [found for one in among if (found := _figure(name, one)) is not None]
    if value is None:
        return None
    best = min(values) if name in _LESS or weight < 0 else max(values)
    unit = max(_UNITS.get(name, 0.0), abs(best)) or 1.0
    return unit / (unit + abs(value - best))


def _figure(name: str, candidate: Candidate) -> float | None:
    if name in _LESS:
        return _LESS[name](candidate)
    return candidate.check.metrics.get(name) if candidate.check else None


def _why(candidate: Candidate, best: Candidate | None, among: Sequence[Candidate]) -> Iterator[str]:
    yield _outcome(candidate)
    if not candidate.tried or not candidate.passed:
        return
    if candidate is best:
        yield from _ahead(candidate, [c for c in among if c.passed and c is not candidate])
    elif best is not None:
        yield from _behind(candidate, best)


def _outcome(candidate: Candidate) -> str:
    if not candidate.tried:
        return candidate.reason or "it was not begun"
    if candidate.reason:
        return f"its command was {candidate.reason}"
    if candidate.exit_code != 0:
        return f"its command failed with status {candidate.exit_code}"
    check = candidate.check
    if check is None:
        return "its command succeeded; nothing was checked"
    if check.total and check.failed:
        return f"fails {check.failed} of {plural(check.total, 'test')}"
    if not check.ok:
        return f"its check was {check.reason}" if check.reason else _status(check.exit_code)
    if check.total:
        return f"passes {check.passed} of {plural(check.total, 'test')}"
    return "its check passes"


def _status(code: int | None) -> str:
    return f"its check failed with status {code}"


def _ahead(candidate: Candidate, others: Sequence[Candidate]) -> Iterator[str]:
    size = candidate.added + candidate.deleted
    if others and size < min(c.added + c.deleted for c in others):
        yield f"the smallest change, {_size(candidate)}"
    else:
        yield _size(candidate)
    if candidate.complexity is not None:
        known = [c.complexity for c in others if c.complexity is not None]
        if known and candidate.complexity < min(known):
            yield f"the least complexity, {candidate.complexity:+d}"


def _behind(candidate: Candidate, best: Candidate) -> Iterator[str]:
    larger = candidate.added + candidate.deleted > best.added + best.deleted
    word = "a larger change" if larger else "a change"
    yield f"{word}, {_size(candidate)} beside {_size(best)}"
    own, least = candidate.complexity, best.complexity
    if own is not None and least is not None and own > least:
        yield f"more complexity, {own:+d} beside {least:+d}"
    if candidate.check and best.check:
        times = candidate.check.duration_ms / max(1, best.check.duration_ms)
        if times >= _NOTABLE:
            yield f"its check takes {times:.1f} times as long"


def _size(candidate: Candidate) -> str:
    return f"+{candidate.added} −{candidate.deleted}"
