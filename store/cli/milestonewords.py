"""How what a milestone holds reads in lines. Prints nothing; knows no store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.store.model.text import plural


def milestone_lines(milestone: Mapping[str, Any]) -> list[str]:
    """Returns a line each for the files, the history, the sources and the checks; none is made up.

    Milestones of other versions may lack any of it.
    """
    return [
        *_files(milestone.get("project_state") or {}),
        *_history(milestone.get("history") or {}),
        *_sources(milestone.get("quality") or {}),
        *_checks((milestone.get("quality") or {}).get("checks") or {}),
    ]


def _files(state: Mapping[str, Any]) -> Iterator[str]:
    if "files" in state:
        kinds = (f"{count:,} {kind}" for kind, count in list(state.get("kinds", {}).items())[:4])
        yield f"{plural(state['files'], 'file')}: {', '.join(kinds)}"


def _history(history: Mapping[str, Any]) -> Iterator[str]:
    if "steps" in history:
        since = history.get("since_seq")
        begun = "from the beginning" if since is None else f"since milestone #{since}"
        yield (
            f"{plural(history['steps'], 'step')} {begun}, {history.get('failed', 0):,} failed, "
            f"+{history.get('added', 0):,} −{history.get('deleted', 0):,} lines"
        )


def _sources(quality: Mapping[str, Any]) -> Iterator[str]:
    if quality.get("functions"):
        worst = quality.get("worst") or {}
        yield (
            f"complexity {quality['mean']:g} on average of "
            f"{plural(quality['functions'], 'changed function')}, at most "
            f"{worst.get('complexity', 0)}: {worst.get('name')} in {worst.get('path')}"
        )


def _checks(checks: Mapping[str, Any]) -> Iterator[str]:
    for name, one in checks.items():
        took = one.get("duration_ms")
        spent = "" if took is None else f", {took / 1000:.1f} s"
        yield f"{name}: {one.get('detail') or 'looked at'}{spent}"
