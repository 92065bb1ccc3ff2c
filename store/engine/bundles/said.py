"""What steps and marks from elsewhere say, held against what the rest of the store takes for granted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from stepwell.store.engine.bundles.format import malformed
from stepwell.store.model.steps import LONGEST_TEXT, Mark, Note, Step, StepKind, StepResult

_ID = re.compile("[0-9a-f]{32}")
_KINDS = get_args(StepKind)
_LONGEST_NAME = 255
_LONGEST_MILESTONE = 1 << 20
_DEEPEST_MILESTONE = 20
_NUMBERS = 1 << 63


def is_id(value: object) -> bool:
    """Tells whether that can be the id of a step."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Tells whether that is text, and not endless."""
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def is_nameable(value: object) -> bool:
    """Tells whether that is text which UTF-8 can hold, as names have to be."""
    return isinstance(value, str) and is_text(value) and _is_utf8(value)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(name: bytes) -> bool:
    """Tells whether a folder may hold something of that name."""
    return 0 < len(name) <= _LONGEST_NAME and name not in (b".", b"..") and not set(name) & {0, 47}


def is_path(path: bytes) -> bool:
    """Tells whether a path stays in the workspace and away from a repository's own folder."""
    names = path.split(b"/")
    return all(map(is_name, names)) and b".git" not in names


def check_said(step: Step, mark: Mark | None) -> None:
    """Looks at everything but the objects that a step names.

    Raises:
        IntegrityError: something is not of the type, size or form that it has here.
    """
    if not all(map(is_id, (step.id, *step.parents))):
        raise malformed("a step's id is none")
    if not is_nameable(step.branch):
        raise malformed("a step is on a branch of no name")
    if step.kind not in _KINDS or not all(map(is_text, step.flags)):
        raise malformed("a step is of an unknown kind")
    optional = (step.session, step.agent, step.tool, step.model, step.author, step.source)
    _check_texts((step.title,), (*optional, step.reason, step.call))
    _check_numbers(_counted(step), (step.turn,))
    if step.result is not None:
        _check_result(step.result)
    if mark is not None:
        _check_mark(mark)


def _counted(step: Step) -> Iterable[object]:
    yield from (step.time_ns, step.raw_bytes, step.stored_bytes)
    for counts in (step.changes, step.coverage, step.tokens):
        if counts is not None:
            yield from (getattr(counts, name) for name in counts.__slots__)


def _check_result(result: StepResult) -> None:
    numbers = (result.exit_code, result.duration_ms, result.peak_memory_bytes)
    if not isinstance(result.ok, bool) or not all(n is None or _is_whole(n) for n in numbers):
        raise malformed("a result of a step is none")


def _check_mark(mark: Mark) -> None:
    _check_texts((mark.by, *mark.tags), ())
    if mark.label is not None and not is_nameable(mark.label):
        raise malformed("a label in it is no name")
    _check_numbers((), (mark.created_ns,))
    for note in mark.notes:
        _check_note(note)
    if mark.milestone is not None and not _is_milestone(mark.milestone):
        raise malformed("a milestone in it is none")


def _check_note(note: Note) -> None:
    _check_texts((note.id, note.text, note.by), ())
    _check_numbers((note.time_ns,), (note.line,))
    if note.path is not None and not is_path(note.path):
        raise malformed("a note in it is on a path that leads out of the workspace")


def _check_texts(required: Iterable[object], optional: Iterable[object]) -> None:
    if not all(map(is_text, required)) or not all(t is None or is_text(t) for t in optional):
        raise malformed("a step says something that is no text, or too long")


def _check_numbers(required: Iterable[object], optional: Iterable[object]) -> None:
    if not all(map(_is_count, required)) or not all(n is None or _is_count(n) for n in optional):
        raise malformed("a number of a step is none")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _NUMBERS


def _is_count(value: object) -> bool:
    return isinstance(value, int) and _is_whole(value) and value >= 0


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and abs(value) < _NUMBERS)


def _is_milestone(value: object) -> bool:
    """Tells whether a JSON value has the form of a milestone, so far as a reader relies on that.

    What else it holds may be anything, but neither large nor deep.
    """
    if not isinstance(value, Mapping) or not _is_bounded(value, _DEEPEST_MILESTONE):
        return False
    parts = [value.get(name) for name in ("project_state", "history", "quality", "baseline")]
    if not all(part is None or isinstance(part, Mapping) for part in parts):
        return False
    if len(json.dumps(value)) > _LONGEST_MILESTONE:
        return False
    state, history, quality = (part or {} for part in parts[:3])
    return _is_state(state) and _is_history(history) and _is_quality(quality)


def _is_bounded(value: object, depth: int) -> bool:
    if isinstance(value, Mapping):
        return depth > 0 and all(
            is_text(name) and _is_bounded(one, depth - 1) for name, one in value.items()
        )
    if isinstance(value, list):
        return depth > 0 and all(_is_bounded(one, depth - 1) for one in value)
    return value is None or isinstance(value, bool) or is_text(value) or _is_number(value)


def _has(form: Mapping[str, Any], is_such: Callable[[object], bool], *names: str) -> bool:
    return all(is_such(form[name]) for name in names if name in form)


def _is_state(state: Mapping[str, Any]) -> bool:
    kinds = state.get("kinds", {})
    counted = isinstance(kinds, Mapping) and all(map(_is_count, kinds.values()))
    return counted and _has(state, _is_count, "files")


def _is_history(history: Mapping[str, Any]) -> bool:
    since = history.get("since_seq")
    counted = _has(history, _is_count, "steps", "failed", "added", "deleted")
    return counted and (since is None or _is_count(since))


def _is_quality(quality: Mapping[str, Any]) -> bool:
    worst, checks = quality.get("worst") or {}, quality.get("checks") or {}
    if not isinstance(worst, Mapping) or not isinstance(checks, Mapping):
        return False
    if quality.get("functions") and not _is_number(quality.get("mean")):
        return False
    return _has(quality, _is_count, "functions") and all(map(_is_check, checks.values()))


def _is_check(check: object) -> bool:
    if not isinstance(check, Mapping):
        return False
    took = check.get("duration_ms")
    return took is None or _is_number(took)
