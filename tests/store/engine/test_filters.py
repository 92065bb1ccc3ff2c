"""The filter grammar: what it lets through, and where it points when it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.store.engine.filters import KEYS, KINDS, STATUSES, Filter, parse
from stepwell.store.model.errors import UsageError
from stepwell.store.model.ids import Oid, StepId
from stepwell.store.model.steps import (
    CoverageCounts,
    Mark,
    Note,
    Snapshot,
    Step,
    StepResult,
)

NOW = datetime(2026, 3, 10, 14, 30, 20, tzinfo=timezone(timedelta(hours=2)))
SNAPSHOT = Snapshot(Oid(b"\0" * 20), Oid(b"\0" * 20))


def _at(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


STEP = Step(
    id=StepId("ab" * 16),
    seq=12,
    branch="try-lru",
    parents=(),
    kind="tool",
    title="Fix the Parser again",
    time_ns=_at(NOW - timedelta(hours=3)),
    snapshot=SNAPSHOT,
    session="claude:s1",
    agent="claude",
    tool="Edit",
    result=StepResult(ok=False, exit_code=1),
    checkpoint=Mark(
        label="green",
        tags=("perf", "wip"),
        notes=(Note("1", "slow on big trees", "ann", 0), Note("2", "ok now", "bob", 0)),
    ),
)
PATHS = (b"src/parser.py", b"docs/a b.md", b"odd\xff.bin")


def _matches(query: str, step: Step = STEP) -> bool:
    return parse(query, NOW).matches(step, lambda _step: PATHS)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "parser",
        "PARSER fix",
        '"the parser"',
        "-lexer",
        '-"parser the"',
        "green",
        "perf",
        "#12",
        "text:slow",
        'text:"on big"',
        '"claude:s1"',
        "path:src/",
        "path:parser",
        "path:*.py",
        "path:src/*",
        'path:"a b"',
        r"path:odd\xff",
        "kind:tool",
        "kind:prompt,tool",
        "kind:checkpoint",
        "-kind:milestone",
        "tool:edit",
        "tool:ed*",
        "tag:perf",
        "tag:none,wip",
        "tag:w?p",
        "-tag:we",
        "note:slow",
        "by:ann",
        "by:claude",
        "branch:try-lru",
        "branch:try-*",
        "-branch:try",
        "session:s1",
        "status:failed",
        "-status:ok",
        "since:4h",
        "-since:2h",
        "until:2h",
        "since:today",
        "-since:12:00",
        "since:11:30",
        "until:11:30",
        "since:2026-03-10",
        "until:2026-03-10",
        "-until:2026-03-09",
        "until:today",
        "-until:yesterday",
        "since:2026-03-10T09:30Z",
        "since:2026-03-10T11:30:20",
        "-since:2026-03-10T11:30:21",
        "until:2026-03-10t11:30:20",
        "-until:2026-03-10T11:30:19",
        "until:2026-03-10T09:30:20Z",
        "until:2026-03-10T09:30:20+00:00",
        "fix path:*.md status:failed -tag:done since:1d",
        "Fix",
    ],
)
def test_queries_that_fit_the_step(query: str) -> None:
    """One example of every key, of patterns, alternatives, quotes and negation."""
    assert _matches(query)


@pytest.mark.parametrize(
    "query",
    [
        "lexer",
        "parser lexer",
        "-parser",
        '"parser the"',
        "#1",
        "try-lru",
        "path:tests/",
        "path:*.rs",
        "kind:prompt",
        "kind:milestone",
        "tool:Ed?",
        "tag:per",
        "note:green",
        "by:s1",
        "branch:try",
        "status:ok",
        "status:unknown,gap",
        "since:2h",
        "until:4h",
        "since:11:31",
        "until:yesterday",
        "parser -status:failed",
    ],
)
def test_queries_that_do_not_fit_the_step(query: str) -> None:
    """Each differs in one respect only."""
    assert not _matches(query)


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ('"open', 0),
        ("fix path:", 9),
        ("fix path: x", 9),
        ("fix colour:red", 4),
        ("fix -colour:red", 5),
        ("-", 0),
        ("a - b", 2),
        ("kind:toool", 5),
        ("a kind:tool,nope", 7),
        ("status:great", 7),
        ("since:soon", 6),
        ("since:2026-13-01", 6),
        ("until:25:00", 6),
        ("since:1d,2d", 6),
        ('tag:""', 4),
        ("tag:a,", 6),
        ('x tag:"y', 6),
        ("since:999999w", 6),
    ],
)
def test_a_query_that_cannot_be_read_points_at_the_place(query: str, position: int) -> None:
    """The message counts characters from 1, the fact from 0, and there is a hint."""
    with pytest.raises(UsageError) as caught:
        parse(query, NOW)
    assert caught.value.facts["position"] == position
    assert f"character {position + 1}:" in caught.value.message
    assert caught.value.hint


def test_changed_paths_are_only_asked_for_when_nothing_else_turns_the_step_away() -> None:
    """A diff of each step is dear."""

    def never(_step: Step) -> tuple[bytes, ...]:
        raise AssertionError("asked for paths")

    assert not parse("path:x lexer", NOW).matches(STEP, never)
    assert parse("parser", NOW).matches(STEP, never)
    assert parse("-path:x", NOW).needs_paths
    assert not parse("parser", NOW).needs_paths


def test_an_empty_query_lets_everything_through() -> None:
    """Also a gap without a mark."""
    assert parse("", NOW) == Filter()
    assert _matches("", replace(STEP, checkpoint=None, kind="gap"))


@dataclass(frozen=True)
class Wanted:
    """A term as a test thinks of it, before it is spelled."""

    key: str
    values: tuple[str, ...]
    negated: bool
    quoted: bool

    def spelled(self) -> str:
        texts = [f'"{_escaped(v)}"' if self.quoted or self._must(v) else v for v in self.values]
        key = "" if self.key == "bare" else f"{self.key}:"
        return "-" * self.negated + key + ",".join(texts)

    def _must(self, value: str) -> bool:
        return any(c in value for c in ' ",:') or value.startswith("-")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


_WORDS = st.text(alphabet='abAB -:,"\\é#1', min_size=1, max_size=4).filter(lambda w: w.strip() == w)


@st.composite
def _wanted(draw: st.DrawFn) -> Wanted:
    key = draw(st.sampled_from(["bare", *(k for k in KEYS if k not in ("since", "until"))]))
    choices = {"kind": st.sampled_from(KINDS), "status": st.sampled_from(STATUSES)}
    many = 1 if key in ("bare", "text") else 3
    values = draw(st.lists(choices.get(key, _WORDS), min_size=1, max_size=many))
    return Wanted(key, tuple(values), draw(st.booleans()), draw(st.booleans()))


_NAMES = st.none() | _WORDS
_MARKS = st.none() | st.builds(
    Mark,
    label=_NAMES,
    tags=st.lists(_WORDS, max_size=2).map(tuple),
    notes=st.lists(
        st.builds(Note, id=st.just("1"), text=_WORDS, by=_WORDS, time_ns=st.just(0)), max_size=2
    ).map(tuple),
    milestone=st.none() | st.just({}),
)
_STEPS = st.builds(
    lambda **fields: replace(STEP, **fields),
    seq=st.sampled_from([1, 11]),
    kind=st.sampled_from(["prompt", "tool", "gap"]),
    title=_WORDS,
    tool=_NAMES,
    session=_NAMES,
    agent=_NAMES,
    branch=_WORDS,
    reason=_NAMES,
    result=st.none() | st.builds(StepResult, ok=st.booleans()),
    flags=st.sampled_from([(), ("safety",)]),
    coverage=st.builds(CoverageCounts, unstable=st.integers(0, 1)),
    checkpoint=_MARKS,
)


def _naive(term: Wanted, step: Step, paths: list[str]) -> bool:
    mark = step.checkpoint or Mark()
    whole = {
        "kind": [step.kind, *_naive_kinds(step)],
        "status": _naive_status(step),
        "branch": [step.branch],
        "tag": list(mark.tags),
    }
    part = {
        "path": paths,
        "tool": [step.tool],
        "session": [step.session],
        "note": [n.text for n in mark.notes],
        "by": [step.agent, *(n.by for n in mark.notes)],
    }
    texts = [step.title, step.tool, step.session, step.reason, mark.label, *mark.tags]
    texts += [n.text for n in mark.notes]
    part["bare"] = part["text"] = texts
    held = False
    for value in term.values:
        for text in whole.get(term.key, []):
            held = held or value.lower() == (text or "").lower()
        for text in part.get(term.key, []):
            held = held or (text is not None and value.lower() in text.lower())
        if term.key in ("bare", "text") and value == f"#{step.seq}":
            held = True
    return held != term.negated


def _naive_kinds(step: Step) -> list[str]:
    words = ["checkpoint"] if step.checkpoint else []
    if step.checkpoint and step.checkpoint.milestone is not None:
        words.append("milestone")
    return words + list(step.flags)


def _naive_status(step: Step) -> list[str]:
    words = ["gap"] if step.kind == "gap" else []
    if step.coverage.unstable:
        words.append("unstable")
    if step.result is None:
        return [*words, "unknown"]
    return [*words, "ok" if step.result.ok else "failed"]


@settings(max_examples=300, deadline=None)
@given(
    terms=st.lists(_wanted(), max_size=3),
    step=_STEPS,
    paths=st.lists(st.text("abAB /é#1", max_size=6), max_size=3),
)
def test_a_filter_agrees_with_a_naive_evaluation_of_its_terms(
    terms: list[Wanted], step: Step, paths: list[str]
) -> None:
    """Spelled, parsed and answered, against the same terms evaluated directly."""
    found = parse("  ".join(term.spelled() for term in terms), NOW)
    answer = found.matches(step, lambda _step: [path.encode() for path in paths])
    assert answer == all(_naive(term, step, paths) for term in terms)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='abn -:,"\\*[]?#12tagkindsince\t\n\udcff', max_size=24))
def test_any_text_is_either_read_or_refused_with_a_position(query: str) -> None:
    """No other exception; answering never raises either, and more terms never match more."""
    try:
        found = parse(query, NOW)
    except UsageError as error:
        assert 0 <= error.facts["position"] <= len(query)
        return
    assert [query[t.start : t.end] for t in found.terms] == [
        query[t.start : t.end].strip() for t in found.terms
    ]
    narrower = parse(query + ' "fix"', NOW)
    if narrower.matches(STEP, lambda _step: PATHS):
        assert found.matches(STEP, lambda _step: PATHS)


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)))
def test_since_and_until_of_one_second_hold_exactly_in_that_second(moment: datetime) -> None:
    """Both bounds include the second that they name and nothing else."""
    second = moment.replace(microsecond=0, tzinfo=UTC)
    query = f"since:{second:%Y-%m-%dT%H:%M:%SZ} until:{second:%Y-%m-%dT%H:%M:%SZ}"
    start = _at(second)
    for time_ns, inside in [(start - 1, False), (start, True), (start + 10**9 - 1, True)]:
        assert _matches(query, replace(STEP, time_ns=time_ns)) is inside
    assert not _matches(query, replace(STEP, time_ns=start + 10**9))
