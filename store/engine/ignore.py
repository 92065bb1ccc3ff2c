"""Ignore rules with git's exact meaning, compiled once and matched in linear time.

`pathspec`, the usual library, reads brackets, escapes, carriage returns and trailing blanks
differently from git, and needs 14 s to compare `a*a*a*a*a*a*a*a*b` with one name; google-re2, its
other backend, refuses to compile 5,000 patterns. So patterns are translated here (wildmatch.py),
and a test compares every verdict with the real `git check-ignore`.

Exact names and paths, endings and first folders are found through dictionaries; only patterns that
are left over meet a path as one alternation, newest first, so that the first hit decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stepwell.store.engine.wildmatch import (
    NeverMatchesError,
    literal_length,
    name_regex,
    path_regex,
)

RULE_FILES = (b".gitignore", b".stepwellignore")
"""Names of the rule files of a folder; the later one is read on top of the earlier."""

LARGEST_RULE_FILE = 1 << 20
_MOST_PATTERNS = 50_000
_MOST_TOGETHER = 1_000
_LONGEST_PATTERN = 8_192


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One line of a rule file."""

    number: int
    text: bytes
    negated: bool
    folders_only: bool
    by_name: bool
    """Compared with the last name only, since it holds no slash."""


class _Together:
    """Patterns that are tried as one expression; finds the one that comes last in the file."""

    def __init__(self) -> None:
        self._patterns: list[_Pattern] = []
        self._compiled: tuple[re.Pattern[bytes] | None, re.Pattern[bytes] | None] | None = None
        self._numbers: tuple[list[int], list[int]] = ([], [])

    def add(self, pattern: _Pattern) -> None:
        self._patterns.append(pattern)

    def __len__(self) -> int:
        return len(self._patterns)

    def last(self, subject: bytes, is_folder: bool) -> int:
        """Returns the number of the last pattern that matches, -1 for none."""
        if self._compiled is None:
            self._compiled = (self._compile(False), self._compile(True))
        expression = self._compiled[is_folder]
        match = expression.match(subject) if expression else None
        if match is None or match.lastindex is None:
            return -1
        return self._numbers[is_folder][match.lastindex - 1]

    def _compile(self, for_folders: bool) -> re.Pattern[bytes] | None:
        parts = []
        for pattern in reversed(self._patterns):
            if pattern.folders_only and not for_folders:
                continue
            try:
                regex = (name_regex if pattern.by_name else path_regex)(pattern.text)
            except NeverMatchesError:
                continue
            parts.append(regex + b"()")
            self._numbers[for_folders].append(pattern.number)
        return re.compile(b"|".join(parts), re.DOTALL) if parts else None


class Rules:
    """The patterns of one folder (or of a file that speaks for the whole workspace).

    `base` is the folder that paths are relative to. Patterns are read when the first path is
    judged.
    """

    def __init__(self, base: bytes, texts: Iterable[bytes]) -> None:
        self.base = base
        self._skip = len(base) + 1 if base else 0
        self._texts = tuple(texts)
        self._ready = False
        self._negated: list[bool] = []
        self._names: dict[tuple[bytes, bool], int] = {}
        self._endings: dict[tuple[bytes, bool], int] = {}
        self._ending_lengths: tuple[int, ...] = ()
        self._paths: dict[tuple[bytes, bool], int] = {}
        self._by_name = _Together()
        self._by_path: dict[bytes, _Together] = {}

    def verdict(self, path: bytes, name: bytes, is_folder: bool) -> bool | None:
        """Returns whether the last pattern that matches ignores `path`; None when none matches.

        `path` is below `base`, `name` its last part. What lies below an ignored folder is the
        caller's business.
        """
        if not self._ready:
            self._read()
        if not self._negated:
            return None
        best = self._among_names(name, is_folder)
        if is_folder:
            best = max(best, self._among_names(name, False))
        best = max(best, self._by_name.last(name, is_folder))
        if self._by_path or self._paths:
            best = max(best, self._among_paths(path[self._skip :], is_folder))
        return None if best < 0 else not self._negated[best]

    def _among_names(self, name: bytes, folders_only: bool) -> int:
        best = self._names.get((name, folders_only), -1)
        for length in self._ending_lengths:
            if length <= len(name):
                ending = name[len(name) - length :]
                best = max(best, self._endings.get((ending, folders_only), -1))
        return best

    def _among_paths(self, path: bytes, is_folder: bool) -> int:
        best = self._paths.get((path, False), -1)
        if is_folder:
            best = max(best, self._paths.get((path, True), -1))
        for key in (b"", path.partition(b"/")[0]):
            together = self._by_path.get(key)
            if together is not None:
                best = max(best, together.last(path, is_folder))
        return best

    def _read(self) -> None:
        self._ready = True
        for text in self._texts:
            for line in _lines(text):
                self._add(line)
        crowded = max((len(t) for t in (self._by_name, *self._by_path.values())), default=0)
        if len(self._negated) > _MOST_PATTERNS or crowded > _MOST_TOGETHER:
            self._negated = []
        self._ending_lengths = tuple({len(ending) for ending, _ in self._endings})

    def _add(self, line: bytes) -> None:
        pattern = _parse(line, len(self._negated))
        if pattern is None:
            return
        self._negated.append(pattern.negated)
        text = pattern.text
        plain = literal_length(text)
        if plain == len(text) and not pattern.by_name:
            self._paths[text, pattern.folders_only] = pattern.number
        elif not pattern.by_name:
            self._by_path.setdefault(_first_name(text, plain), _Together()).add(pattern)
        elif plain == len(text):
            self._names[text, pattern.folders_only] = pattern.number
        elif text[:1] == b"*" and literal_length(text[1:]) == len(text) - 1:
            self._endings[text[1:], pattern.folders_only] = pattern.number
        else:
            self._by_name.add(pattern)


def _first_name(text: bytes, plain: int) -> bytes:
    """Returns the first folder of a pattern when it is literal, else nothing."""
    slash = text.find(b"/", 0, plain)
    return text[:slash] if slash >= 0 else b""


def _lines(text: bytes) -> list[bytes]:
    """Returns the lines as git splits them: a carriage return before the line feed is dropped."""
    body = text.removeprefix(b"\xef\xbb\xbf")
    return [line.removesuffix(b"\r") for line in body.split(b"\n")]


def _parse(line: bytes, number: int) -> _Pattern | None:
    if line.startswith(b"#"):
        return None
    text = _trimmed(line.partition(b"\0")[0])
    negated = text.startswith(b"!")
    text = text[negated:]
    folders_only = text.endswith(b"/")
    text = text[: len(text) - folders_only]
    by_name = b"/" not in text
    if not by_name:
        text = text.removeprefix(b"/")
    if not text or len(text) > _LONGEST_PATTERN:
        return None
    return _Pattern(number, text, negated, folders_only, by_name)


def _trimmed(line: bytes) -> bytes:
    """Returns the line without trailing spaces that no backslash protects."""
    end = len(line.rstrip(b" "))
    if end == len(line):
        return line
    slashes = end - len(line[:end].rstrip(b"\\"))
    return line[: end + slashes % 2]


class Chain:
    """All rules in force in one folder, the strongest last; grows as the walk goes down."""

    __slots__ = ("_rules",)

    def __init__(self, rules: tuple[Rules, ...] = ()) -> None:
        self._rules = rules

    def below(self, rules: Rules | None) -> Chain:
        """Returns the chain of a folder that has rules of its own (None: has none)."""
        return self if rules is None else Chain((rules, *self._rules))

    def ignores(self, path: bytes, name: bytes, is_folder: bool) -> bool:
        """Tells whether the rules ignore `path`, its parent folders aside."""
        for rules in self._rules:
            verdict = rules.verdict(path, name, is_folder)
            if verdict is not None:
                return verdict
        return False
