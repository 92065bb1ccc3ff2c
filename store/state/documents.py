"""JSON as it is stored: one canonical text for a value, and limits on what strangers hand in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from stepwell.store.model.errors import RefusedError, UsageError

MAX_DEPTH = 200
"""How deep a state may be nested; low enough that no walk meets the interpreter's limit."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

# Possessive, so that no text makes it go back over what it has read.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True, slots=True)
class Limits:
    """What is accepted from a file or another machine, checked before it is parsed."""

    input_bytes: int = 1 << 30
    total_bytes: int = 4 << 30
    """Decompressed."""
    document_bytes: int = 64 << 20
    """Of a JSON export, or of one item of a binary one."""
    entries: int = 1_000_000
    """Members and items of one document, at most."""
    depth: int = MAX_DEPTH
    ratio: int = 250
    """Compressed bytes may grow this many times, or else to 64 MiB."""
    snapshots: int = 100_000


DEFAULT_LIMITS = Limits()


def encode(value: Any) -> bytes:
    """Returns the canonical text: sorted keys, no blanks, ASCII.

    Raises:
        UsageError: the value is not JSON (NaN, infinity, sets, cycles, integers of more digits than
            Python writes), or nested too deeply.
    """
    try:
        return _ENCODER.encode(value).encode("ascii")
    except RecursionError as error:
        raise _too_deep(MAX_DEPTH) from error
    except (TypeError, ValueError) as error:
        raise _not_json(value, str(error)) from error


def private_copy(value: Any) -> tuple[bytes, Any]:
    """Returns the canonical text of a value and a copy that shares nothing with it.

    Raises:
        UsageError: as `encode`, and where a text would not come back as what it was: keys that are
            no strings, tuples, halves of surrogate pairs.
    """
    text = encode(value)
    copy = json.loads(text)
    if _depth(copy) > MAX_DEPTH:
        raise _too_deep(MAX_DEPTH)
    if copy != value:
        raise _not_json(value, "it would not come back as it is")
    return text, copy


def decode(text: bytes) -> Any:
    """Returns the value of a text that `encode` made."""
    return json.loads(text)


def parse(text: bytes, what: str, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Returns the value of a stranger's JSON text, within the limits.

    `what` names it in errors.

    Raises:
        RefusedError: it exceeds a limit.
        UsageError: it is not JSON, repeats a key, or holds a number that is none.
    """
    check_size(text, what, limits)
    try:
        value = json.loads(text, parse_constant=_no_number, object_pairs_hook=_no_repeats)
    except RecursionError as error:
        raise _too_deep(limits.depth) from error
    except ValueError as error:
        raise UsageError(f"{what} is no JSON: {error}", hint="RFC 8259 says what is") from error
    encode(value)  # 1e999 is an infinity by now
    return value


def check_size(text: bytes, what: str, limits: Limits) -> None:
    """Raises RefusedError when parsing the text would take more than the limits allow."""
    if len(text) > limits.document_bytes:
        raise too_large(what, "bytes", limits.document_bytes)
    bare = _STRING.sub(b"", text)
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > limits.entries:
        raise too_large(what, "entries", limits.entries)
    depth = 0
    for bracket in bare.translate(None, _ALL_BUT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > limits.depth:
            raise too_large(what, "levels", limits.depth)


def too_large(what: str, unit: str, limit: int) -> RefusedError:
    """Returns the error for input beyond a limit."""
    return RefusedError(
        f"{what} was refused: it has more than {limit:,} {unit}",
        hint="split it, or raise the limit if you trust where it comes from",
        limit=limit,
        unit=unit,
    )


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _depth(value: Any) -> int:
    """Returns how many containers lie in one another; the value must be a tree."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            break
        inner: list[Any] = []
        for one in level:
            inner.extend(one.values() if isinstance(one, dict) else one)
        level = inner
    return depth


def _too_deep(limit: int) -> UsageError:
    return UsageError(
        f"the state is nested more than {limit} levels deep", hint="flatten it before storing it"
    )


def _not_json(value: Any, why: str) -> UsageError:
    path, reason = next(_faults(value, "", 0), ("", why))
    where = f" at {path}" if path else ""
    return UsageError(
        f"the state is not JSON{where}: {reason}",
        hint="use null, booleans, finite numbers, text, lists and objects with text keys",
        path=path,
    )


def _faults(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yields where a value is not JSON, and why."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                yield path, f"the key {key!r} is no text"
            else:
                yield from _faults(value[key], pointer(path, key), depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _faults(inner, f"{path}/{index}", depth + 1)
    elif reason := _fault(value):
        yield path, reason


def _fault(value: Any) -> str:
    """Returns why a value that holds no others is not JSON; empty when it is."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is no number of JSON"
    if isinstance(value, int):
        return "the integer has more digits than are written" if _is_huge(value) else ""
    if isinstance(value, str):
        whole = json.loads(json.dumps(value)) == value
        return "" if whole else "the text holds halves of surrogate pairs"
    return "" if value is None else f"a {type(value).__name__} has no form in JSON"


def _is_huge(value: int) -> bool:
    try:
        str(value)
    except ValueError:
        return True
    return False


def pointer(parent: str, key: str) -> str:
    """Returns the JSON pointer (RFC 6901) of a member."""
    return f"{parent}/{key.replace('~', '~0').replace('/', '~1')}"
