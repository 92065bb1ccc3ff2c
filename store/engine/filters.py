"""The filter grammar of `log QUERY` and of the timeline. Pure: time is passed in.

    QUERY  = TERM*                     all must hold
    TERM   = ["-"] (WORD | "PHRASE" | KEY:VALUE[,VALUE]...)      "-" turns one term round
    VALUE  = WORD | "PHRASE"           within quotes \\" and \\\\ stand for themselves

    word, text:   part of title, label, note, tag, tool or session; `#12` is step 12
    path:         part of a changed path, or a pattern with * ? [ for a whole path or its last name
    kind:         prompt tool capture rollback merge outside gap, checkpoint, milestone, safety
    status:       ok failed unknown gap unstable
    tool: note: by: session:           part of the name (a pattern matches the whole)
    tag: branch:                       the whole name, or a pattern
    since: until:                      2026-01-31, 2026-01-31T09:30, 09:30, today, yesterday, 2h, 3d

Upper and lower case count as equal. `until:` includes the day, minute or second that it names.
What a query asks is answered from the step, its mark, and (only for `path:`) its changed paths.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, get_args

from stepwell.store.model.errors import UsageError
from stepwell.store.model.paths import escape
from stepwell.store.model.steps import Step, StepKind

Paths = Callable[[Step], Iterable[bytes]]
"""Returns the paths that a step changed; called only when a `path:` term needs them."""

Key = Literal[
    "text", "path", "kind", "tool", "tag", "note", "by", "branch", "session", "since", "until",
    "status",
]  # fmt: skip

KEYS: tuple[str, ...] = get_args(Key)
KINDS: tuple[str, ...] = (*get_args(StepKind), "checkpoint", "milestone", "safety")
STATUSES = ("ok", "failed", "unknown", "gap", "unstable")

_KEY = re.compile(r"([A-Za-z]+):")
_WORD = re.compile(r'[^\s",]+')
_BARE = re.compile(r'[^\s"]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
TIMES = "as in 2026-01-31, 2026-01-31T09:30, 09:30, today, yesterday, 45m, 2h or 3d"
"""How a time is written, as a hint."""

_AGO = re.compile(r"([0-9]{1,6})(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `start` and `end` are its character positions in the query."""

    key: Key
    values: tuple[str, ...]
    """Any of them may hold; as typed, without quotes."""
    negated: bool
    start: int
    end: int
    bound_ns: int = 0
    """Of `since:` the first instant inside, of `until:` the first one outside."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed query; an empty one lets every step through."""

    terms: tuple[Term, ...] = ()

    @property
    def needs_paths(self) -> bool:
        """Tells whether answering may ask for the paths that a step changed."""
        return any(term.key == "path" for term in self.terms)

    def matches(self, step: Step, paths: Paths) -> bool:
        """Tells whether the step, its checkpoint folded in, fulfils every term."""
        # What needs a diff comes last, so that most steps are turned away before it.
        ordered = sorted(self.terms, key=lambda term: term.key == "path")
        return all(_holds(term, step, paths) is not term.negated for term in ordered)


def parse(query: str, now: datetime) -> Filter:
    """Returns the filter that `query` spells; dates are read in the time zone of `now`.

    Raises:
        UsageError: with `position` (characters, 0-based) and `query` among its facts.
    """
    terms = []
    position = _after_space(query, 0)
    while position < len(query):
        term = _term(query, position, now)
        terms.append(term)
        position = _after_space(query, term.end)
    return Filter(tuple(terms))


def quoted(text: str) -> str:
    """Returns a text as a query's phrase, whatever characters it has."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _after_space(query: str, position: int) -> int:
    while position < len(query) and query[position].isspace():
        position += 1
    return position


def _wrong(query: str, position: int, problem: str, hint: str) -> UsageError:
    return UsageError(
        f"the filter cannot be read at character {position + 1}: {problem}",
        hint=hint,
        query=query,
        position=position,
    )


def _term(query: str, start: int, now: datetime) -> Term:
    negated = query[start] == "-"
    position = start + negated
    if position == len(query) or query[position].isspace():
        raise _wrong(query, start, "nothing follows the minus", 'write -word, or "-" in quotes')
    found = _KEY.match(query, position)
    if found is None:
        value, end = _value(query, position, _BARE)
        return Term("text", (value,), negated, start, end)
    key = _key(query, position, found[1].lower())
    values, end = _values(query, found.end(), key)
    for value in values:
        _check(query, found.end(), key, value)
    bound = _bound(query, found.end(), key, values, now) if key in ("since", "until") else 0
    return Term(key, values, negated, start, end, bound)


def _key(query: str, position: int, word: str) -> Key:
    for key in get_args(Key):
        if key == word:
            return key  # type: ignore[no-any-return]
    hint = f"the keys are {' '.join(k + ':' for k in KEYS)}; quote the word to search for it"
    raise _wrong(query, position, f"{word}: is no key", hint)


def _values(query: str, position: int, key: Key) -> tuple[tuple[str, ...], int]:
    values = []
    while True:
        value, position = _value(query, position, _BARE if key == "text" else _WORD)
        values.append(value)
        if key == "text" or query[position : position + 1] != ",":
            return tuple(values), position
        position += 1


def _value(query: str, position: int, word: re.Pattern[str]) -> tuple[str, int]:
    if query[position : position + 1] == '"':
        quoted = _QUOTED.match(query, position)
        if quoted is None:
            raise _wrong(query, position, "the quote is not closed", 'end it with another "')
        if not quoted[1]:
            raise _wrong(query, position, "the quotes are empty", "put the text between them")
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), quoted.end()
    found = word.match(query, position)
    if found is None:
        raise _wrong(query, position, "a value is missing", "as in tag:green or kind:tool,prompt")
    return found[0], found.end()


def _check(query: str, position: int, key: Key, value: str) -> None:
    known = {"kind": KINDS, "status": STATUSES}.get(key)
    if known is not None and value.lower() not in known:
        raise _wrong(query, position, f"{value} is no {key}", f"one of {', '.join(known)}")


def _bound(query: str, position: int, key: Key, values: tuple[str, ...], now: datetime) -> int:
    if len(values) > 1:
        raise _wrong(query, position, f"{key}: takes one time", f"as in {key}:2h")
    try:
        return bound_ns(values[0], now, end=key != "since")
    except ValueError as error:
        raise _wrong(query, position, f"{values[0]} is no time", TIMES) from error


def bound_ns(text: str, now: datetime, *, end: bool = False) -> int:
    """Returns the first instant of what a time names, or with `end` the one after its last.

    Raises:
        ValueError: it names no time; `TIMES` tells what does.
    """
    try:
        first, length = _period(text.lower(), now)
        bound = first + length if end else first
        # Whole seconds apart, because a float cannot hold today's nanoseconds.
        return int(bound.timestamp()) * 1_000_000_000 + bound.microsecond * 1000
    except OverflowError as error:
        raise ValueError(text) from error


def _period(text: str, now: datetime) -> tuple[datetime, timedelta]:
    """Returns what a time names as its first instant and its length."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]]), timedelta()
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    if text in ("today", "yesterday"):
        return midnight - timedelta(days=text == "yesterday"), timedelta(days=1)
    if re.fullmatch("[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", text):
        clock = time.fromisoformat(text.zfill(5 if text.count(":") == 1 else 8))
        return datetime.combine(now.date(), clock, now.tzinfo), _grain(text)
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo)
    return moment, timedelta(days=1) if "t" not in text else _grain(text.partition("t")[2])


def _grain(clock: str) -> timedelta:
    plain = re.split(r"z|[+-]", clock)[0]
    if "." in plain:
        return timedelta()
    return timedelta(seconds=1) if plain.count(":") == 2 else timedelta(minutes=1)


def _holds(term: Term, step: Step, paths: Paths) -> bool:
    if term.key == "since":
        return step.time_ns >= term.bound_ns
    if term.key == "until":
        return step.time_ns < term.bound_ns
    if term.key == "path":
        return _any_path(term.values, map(escape, paths(step)))
    test, texts = _QUESTIONS[term.key]
    found = [text.casefold() for text in texts(step)]
    return any(test(value.casefold(), text) for value in term.values for text in found) or (
        term.key == "text" and term.values[0] == f"#{step.seq}"
    )


def _any_path(values: Iterable[str], paths: Iterable[str]) -> bool:
    wanted = [value.casefold() for value in values]
    return any(_path_fits(value, path.casefold()) for path in paths for value in wanted)


def _path_fits(value: str, path: str) -> bool:
    if not _WILD.search(value):
        return value in path
    return _is_whole(value, path) or _is_whole(value, path.rpartition("/")[2])


def is_part(value: str, text: str) -> bool:
    """Tells whether a value is part of a text; a pattern must fit the whole. Both are casefolded."""
    return _is_whole(value, text) if _WILD.search(value) else value in text


def _is_in(value: str, text: str) -> bool:
    return value in text


def _is_whole(value: str, text: str) -> bool:
    return value == text or fnmatch.fnmatchcase(text, value)


def _texts(step: Step) -> list[str]:
    names = [step.title, step.tool, step.session, step.reason]
    if mark := step.checkpoint:
        names += [mark.label, *mark.tags, *(note.text for note in mark.notes)]
    return [name for name in names if name]


def _kinds(step: Step) -> list[str]:
    kinds: list[str] = [step.kind]
    if step.checkpoint is not None:
        kinds.append("checkpoint")
        kinds += ["milestone"] if step.checkpoint.milestone is not None else []
    return kinds + (["safety"] if "safety" in step.flags else [])


def _statuses(step: Step) -> list[str]:
    words = ["unknown"] if step.result is None else ["ok" if step.result.ok else "failed"]
    words += ["gap"] if step.kind == "gap" else []
    return words + (["unstable"] if step.coverage.unstable else [])


def _people(step: Step) -> list[str]:
    notes = step.checkpoint.notes if step.checkpoint else ()
    return [name for name in (step.agent, step.author, *(note.by for note in notes)) if name]


_Question = tuple[Callable[[str, str], bool], Callable[[Step], list[str]]]

_QUESTIONS: dict[str, _Question] = {
    "text": (_is_in, _texts),
    "kind": (_is_whole, _kinds),
    "status": (_is_whole, _statuses),
    "tool": (is_part, lambda step: [step.tool] if step.tool else []),
    "session": (is_part, lambda step: [step.session] if step.session else []),
    "branch": (_is_whole, lambda step: [step.branch]),
    "tag": (_is_whole, lambda step: list(step.checkpoint.tags) if step.checkpoint else []),
    "note": (
        is_part,
        lambda step: [n.text for n in step.checkpoint.notes] if step.checkpoint else [],
    ),
    "by": (is_part, _people),
}
