"""The text of a filter while a person types it: its terms, and what tab would complete. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def words_of(query: str) -> list[str]:
    """Returns the terms as typed; quotes hold words together, also when they are not closed yet."""
    words: list[str] = []
    word, quoted, escaped = "", False, False
    for sign in query:
        if sign.isspace() and not quoted:
            words += [word] if word else []
            word = ""
            continue
        quoted ^= sign == '"' and not escaped
        escaped = sign == "\\" and quoted and not escaped
        word += sign
    return [*words, word] if word else words


def without_last(query: str) -> str:
    """Returns the filter without its last term."""
    return " ".join(words_of(query)[:-1])


def completed(query: str, keys: Sequence[str], values: dict[str, Sequence[str]]) -> str:
    """Returns the query with its last word completed as far as there is one way to go on."""
    before, _, word = query.rpartition(" ")
    lead = f"{before} " if before else ""
    sign = "-" if word.startswith("-") else ""
    body = word[len(sign) :]
    key, colon, value = body.partition(":")
    if not colon:
        ends = [f"{known}:" for known in keys if known.startswith(key.lower())] if key else []
    else:
        chosen, comma, part = value.rpartition(",")
        known_values = values.get(key.lower(), ())
        front = f"{key}:{chosen}{comma}"
        ends = [f"{front}{known}" for known in known_values if known.startswith(part.lower())]
    common = _common(ends)
    return f"{lead}{sign}{common}" if len(common) > len(body) else query


def _common(words: Sequence[str]) -> str:
    if not words:
        return ""
    low, high = min(words), max(words)
    size = next((i for i, sign in enumerate(low) if sign != high[i : i + 1]), len(low))
    return low[:size]
