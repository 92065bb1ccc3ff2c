"""git's wildcard patterns as regular expressions that match in linear time.

Each `*` is followed by a piece of fixed length, and the leftmost place where that piece fits is as
good as any later one, since the next `*` can take up the rest. So every piece but a segment's last
is matched in an atomic group and never tried again; the same holds for what stands between two
`**`. No pattern, however hostile, makes the search go back over ground it has covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_SPECIAL = b"*?[\\"
_SLASH = ord("/")
_ANY = frozenset(range(1, 256))
_ALPHA = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGIT = frozenset(b"0123456789")
_GRAPH = frozenset(range(0x21, 0x7F))
_CLASSES = {
    b"alnum": _ALPHA | _DIGIT,
    b"alpha": _ALPHA,
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset((*range(0x20), 0x7F)),
    b"digit": _DIGIT,
    b"graph": _GRAPH,
    b"lower": frozenset(b"abcdefghijklmnopqrstuvwxyz"),
    b"print": _GRAPH | {0x20},
    b"punct": _GRAPH - _ALPHA - _DIGIT,
    b"space": frozenset(b" \t\n\r\v\f"),
    b"upper": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    b"xdigit": _DIGIT | frozenset(b"abcdefABCDEF"),
}


class NeverMatchesError(Exception):
    """git accepts the pattern but it can match no path: unclosed bracket, dangling backslash."""


class _Piece(NamedTuple):
    """One element of a pattern: what kind it is and the regular expression of one character."""

    kind: str
    """`char`, `slash`, `star` (within a name), `deep` (any text), `folders` (any folders)."""
    regex: bytes = b""


def literal_length(pattern: bytes) -> int:
    """Returns how many bytes stand before the first wildcard or backslash."""
    for at, byte in enumerate(pattern):
        if byte in _SPECIAL:
            return at
    return len(pattern)


def name_regex(pattern: bytes) -> bytes:
    """Returns the expression for a whole name without slashes; every `*` is an ordinary one.

    Raises:
        NeverMatchesError: nothing can match.
    """
    pieces = [_Piece("star") if p.kind in ("deep", "folders") else p for p in _pieces(pattern)]
    return _joined(pieces)


def path_regex(pattern: bytes) -> bytes:
    """Returns the expression for a whole path relative to the rule file's folder.

    The literal beginning is compared on its own, as git does, so `**` right behind it counts as
    standing at the beginning.

    Raises:
        NeverMatchesError: nothing can match.
    """
    plain = literal_length(pattern)
    return _quoted(pattern[:plain]) + _joined(list(_pieces(pattern[plain:])))


def _pieces(pattern: bytes) -> Iterator[_Piece]:
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        if char == b"*":
            piece, at = _stars(pattern, at)
        elif char == b"[":
            members, at = _bracket(pattern, at + 1)
            piece = _Piece("char", _set_regex(members))
        else:
            piece, at = _plain(pattern, at)
        yield piece


def _plain(pattern: bytes, at: int) -> tuple[_Piece, int]:
    if pattern[at : at + 1] == b"?":
        return _Piece("char", b"[^/]"), at + 1
    if pattern[at : at + 1] == b"\\":
        at += 1
        if at == len(pattern):
            raise NeverMatchesError
    kind = "slash" if pattern[at] == _SLASH else "char"
    return _Piece(kind, _quoted(pattern[at : at + 1])), at + 1


def _stars(pattern: bytes, start: int) -> tuple[_Piece, int]:
    at = start
    while pattern[at : at + 1] == b"*":
        at += 1
    opens_name = start == 0 or pattern[start - 1] == _SLASH
    if at - start == 1 or not opens_name:
        return _Piece("star"), at
    if pattern[at : at + 1] == b"/":
        return _Piece("folders"), at + 1
    closes_name = at == len(pattern) or pattern[at : at + 2] == b"\\/"
    return _Piece("deep" if closes_name else "star"), at


def _bracket(pattern: bytes, at: int) -> tuple[frozenset[int], int]:
    """Returns the bytes that a bracket expression matches and where it ends."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members: set[int] = set()
    previous, first = -1, True
    while first or pattern[at : at + 1] != b"]":
        first = False
        previous, at = _member(pattern, at, previous, members)
    chosen = _ANY - members if negated else frozenset(members)
    return chosen - {_SLASH}, at + 1


def _member(pattern: bytes, at: int, previous: int, members: set[int]) -> tuple[int, int]:
    """Adds one member; returns what a following `-` would start from (-1: nothing) and the place."""
    char = pattern[at : at + 1]
    if char == b"-" and previous >= 0 and pattern[at + 1 : at + 2] not in (b"", b"]"):
        last, at = _escaped(pattern, at + 1)
        members.update(range(previous, last + 1))
        return -1, at
    if pattern[at : at + 2] == b"[:":
        end = pattern.find(b"]", at + 2)
        if end < 0:
            raise NeverMatchesError
        if end > at + 2 and pattern[end - 1 : end] == b":":
            name = pattern[at + 2 : end - 1]
            if name not in _CLASSES:
                raise NeverMatchesError
            members.update(_CLASSES[name])
            return -1, end + 1
    one, at = _escaped(pattern, at)
    members.add(one)
    return one, at


def _escaped(pattern: bytes, at: int) -> tuple[int, int]:
    if pattern[at : at + 1] == b"\\":
        at += 1
    if at >= len(pattern):
        raise NeverMatchesError
    return pattern[at], at + 1


def _set_regex(members: frozenset[int]) -> bytes:
    if not members:
        return b"(?!)"
    return b"[" + b"".join(b"\\x%02x" % m for m in sorted(members)) + b"]"


def _quoted(text: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in text)


def _joined(pieces: list[_Piece]) -> bytes:
    """Returns the expression of all pieces, anchored at the end."""
    groups: list[tuple[bytes, list[_Piece]]] = [(b"", [])]
    for piece in pieces:
        if piece.kind == "folders":
            groups.append((b"(?:[^/]*+/)*?", []))
        elif piece.kind == "deep":
            groups.append((b"(?s:.)*?", []))
        else:
            groups[-1][1].append(piece)
    *earlier, (reach, body) = groups
    parts = [b"(?>" + r + _names(b) + b")" for r, b in earlier if r or b]
    if reach == b"(?s:.)*?" and not body:
        reach = b"(?s:.)*"
    return b"".join((*parts, reach, _names(body), rb"\Z"))


def _names(pieces: list[_Piece]) -> bytes:
    """Returns the expression of a run of names between slashes."""
    parts: list[bytes] = []
    run: list[_Piece] = []
    for piece in pieces:
        if piece.kind == "slash":
            parts.append(_name(run) + piece.regex)
            run = []
        else:
            run.append(piece)
    return b"".join((*parts, _name(run)))


def _name(pieces: list[_Piece]) -> bytes:
    """Returns the expression of one name: pieces of fixed length with stars between them."""
    chunks: list[bytes] = [b""]
    for piece in pieces:
        if piece.kind == "star":
            chunks.append(b"")
        else:
            chunks[-1] += piece.regex
    head, *rest = chunks
    if not rest:
        return head
    *middle, tail = rest
    between = b"".join(b"(?>[^/]*?" + chunk + b")" for chunk in middle if chunk)
    return head + between + (b"[^/]*" + tail if tail else b"[^/]*+")
