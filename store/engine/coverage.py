"""What a capture did not store, and the ignore rules in force then, as canonical blobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from stepwell.store.engine.ignore import RULE_FILES, Chain, Rules
from stepwell.store.model.errors import IntegrityError
from stepwell.store.model.paths import TrackedPath, join, parent
from stepwell.store.model.steps import CoverageCounts, Covered, Reason

_REASONS = frozenset(get_args(Reason))
_RULES_HEADER = b"stepwell-rules 1\n"
_GLOBAL, _EXCLUDE, _FOLDER = b"global", b"exclude", b"folder"

_LOST = frozenset({"capped", "unreadable", "special", "too_long", "purged"})


def encode_coverage(covered: Iterable[Covered]) -> bytes:
    """Returns the canonical bytes of a coverage list, whatever its order."""
    ordered = sorted(set(covered))
    return b"".join(b"%s %s\0" % (c.reason.encode("ascii"), c.path) for c in ordered)


def decode_coverage(data: bytes) -> list[Covered]:
    """Returns the list in path order; no bytes, no entries.

    Raises:
        IntegrityError: the bytes are no coverage list.
    """
    if data and not data.endswith(b"\0"):
        raise IntegrityError("a step's coverage cannot be read: the blob is cut short")
    return [_covered(line) for line in data.split(b"\0")[:-1]]


def _covered(line: bytes) -> Covered:
    reason, space, path = line.partition(b" ")
    word = reason.decode("ascii", "replace")
    if not space or word not in _REASONS:
        raise IntegrityError("a step's coverage cannot be read: the blob is malformed")
    return Covered(TrackedPath(path), cast(Reason, word))


def left_out(covered: Iterable[Covered]) -> tuple[Covered, ...]:
    """Returns the paths that a person would miss: not what rules ignore, nor version control's data."""
    return tuple(c for c in covered if c.reason in _LOST or c.reason == "unstable")


def count_coverage(covered: Iterable[Covered], stored: int) -> CoverageCounts:
    """Returns the counts that a step carries; other version control's data counts nowhere."""
    reasons = [c.reason for c in covered]
    return CoverageCounts(
        stored=stored,
        skipped=sum(r in _LOST for r in reasons),
        unstable=reasons.count("unstable"),
        ignored=reasons.count("ignored"),
    )


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """The text of every rule file in force, as read at one capture."""

    user: bytes | None = None
    """The person's ignore file for all repositories."""
    exclude: bytes | None = None
    """The repository's own `info/exclude`."""
    folders: Mapping[TrackedPath, bytes] = field(default_factory=dict)
    """Path of a `.gitignore` or `.stepwellignore` -> its text."""

    def outer(self) -> Chain:
        """Returns the rules that hold for the whole workspace, weakest first applied."""
        texts = [t for t in (self.user, self.exclude) if t is not None]
        chain = Chain()
        for text in texts:
            chain = chain.below(Rules(b"", (text,)))
        return chain


def folder_rules(folder: bytes, texts: Mapping[bytes, bytes]) -> Rules | None:
    """Returns a folder's rules from its rule files' texts by name; None when it has none."""
    found = [texts[name] for name in RULE_FILES if name in texts]
    return Rules(folder, found) if found else None


def encode_rules(texts: RuleTexts) -> bytes:
    """Returns the canonical bytes; none when no rules are in force."""
    records = list(_records(texts))
    if not records:
        return b""
    heads = (b"%s %d %d\n%s%s" % (k, len(p), len(t), p, t) for k, p, t in records)
    return _RULES_HEADER + b"".join(heads)


def _records(texts: RuleTexts) -> Iterator[tuple[bytes, bytes, bytes]]:
    if texts.user is not None:
        yield _GLOBAL, b"", texts.user
    if texts.exclude is not None:
        yield _EXCLUDE, b"", texts.exclude
    for path in sorted(texts.folders):
        yield _FOLDER, path, texts.folders[path]


class RulesThen:
    """The ignore rules of a past capture."""

    def __init__(self, texts: RuleTexts) -> None:
        self.texts = texts
        self._outer = texts.outer()
        by_folder: dict[bytes, dict[bytes, bytes]] = {}
        for path, text in texts.folders.items():
            by_folder.setdefault(parent(path), {})[path.rpartition(b"/")[2]] = text
        self._folders = {f: folder_rules(f, t) for f, t in by_folder.items()}

    def matches(self, path: bytes, is_folder: bool) -> bool:
        """Tells whether the rules ignored `path`, or a folder that it lies in."""
        chain, folder = self._outer, b""
        names = path.split(b"/")
        for name in names:
            chain = chain.below(self._folders.get(folder))
            here = join(folder, name)
            if chain.ignores(here, name, is_folder or here != path):
                return True
            folder = here
        return False


def decode_rules(data: bytes) -> RulesThen:
    """Returns the rules of canonical bytes; no bytes stand for no rules.

    Raises:
        IntegrityError: the bytes are no rules blob.
    """
    try:
        return RulesThen(_decoded(data))
    except ValueError as error:
        raise IntegrityError("a step's ignore rules cannot be read: malformed blob") from error


def _decoded(data: bytes) -> RuleTexts:
    if not data:
        return RuleTexts()
    if not data.startswith(_RULES_HEADER):
        raise ValueError("not a rules blob")
    outer: dict[bytes, bytes] = {}
    folders: dict[TrackedPath, bytes] = {}
    at = len(_RULES_HEADER)
    while at < len(data):
        line_end = data.index(b"\n", at)
        kind, path_size, text_size = data[at:line_end].split(b" ")
        middle = line_end + 1 + int(path_size)
        at = middle + int(text_size)
        if at > len(data) or kind not in (_GLOBAL, _EXCLUDE, _FOLDER):
            raise ValueError("a record is cut short or of an unknown kind")
        if kind == _FOLDER:
            folders[TrackedPath(data[line_end + 1 : middle])] = data[middle:at]
        else:
            outer[kind] = data[middle:at]
    return RuleTexts(outer.get(_GLOBAL), outer.get(_EXCLUDE), folders)
