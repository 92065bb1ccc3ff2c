"""The public JSON forms of state snapshots."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stepwell.store.forms import Form, text_form
from stepwell.store.model.text import rfc3339
from stepwell.store.state.values import (
    ImportReport,
    StateChange,
    StateComparison,
    StateConfig,
    StateEvent,
    StateSnapshot,
    StateStatistics,
)


def snapshot_form(one: StateSnapshot) -> Form:
    """Returns everything but the state."""
    return {
        "id": one.id,
        "session": text_form(one.session),
        "number": one.number,
        "time": rfc3339(one.time_ns),
        "type": one.type,
        "tags": [text_form(tag) for tag in one.tags],
        "description": text_form(one.description),
        "size": one.size,
        "stored_bytes": one.stored_bytes,
        "checksum": {"algorithm": "sha256", "digest": one.checksum},
        "base": one.base,
        "compressed": one.compressed,
        "automatic": one.automatic,
    }


def comparison_form(found: StateComparison) -> Form:
    """Returns the changes in order, and their counts."""
    summary = found.summary
    return {
        "first": snapshot_form(found.first),
        "second": snapshot_form(found.second),
        "changes": [state_change_form(change) for change in found.changes],
        "summary": {
            "total_changes": summary.total_changes,
            "collections": {
                name: {**asdict(one), "items": one.items}
                for name, one in summary.collections.items()
            },
        },
    }


def state_change_form(change: StateChange) -> Form:
    """Returns `{op, path, old, new}`, without the side that there is not."""
    form: dict[str, Any] = {"op": change.op, "path": change.path}
    if change.op != "add":
        form["old"] = change.old
    if change.op != "remove":
        form["new"] = change.new
    return form


def statistics_form(found: StateStatistics, config: StateConfig) -> Form:
    """Returns the figures, and the configuration that they came about under."""
    return {
        "snapshots": {
            "total": found.total,
            "full": found.full,
            "incremental": found.incremental,
            "automatic": found.automatic,
            "tagged": found.tagged,
        },
        "sessions": {text_form(name): count for name, count in found.sessions.items()},
        "storage": {
            "total_size": found.total_size,
            "stored_bytes": found.stored_bytes,
            "compression_ratio": found.compression_ratio,
        },
        "oldest": None if found.oldest_ns is None else rfc3339(found.oldest_ns),
        "newest": None if found.newest_ns is None else rfc3339(found.newest_ns),
        "damaged": [asdict(one) for one in found.damaged],
        "config": asdict(config),
    }


def report_form(report: ImportReport) -> Form:
    """Returns what became of the items of an import."""
    return {
        "imported": report.imported,
        "skipped": report.skipped,
        "errors": [
            {"item": text_form(one.item), "reason": text_form(one.reason)} for one in report.errors
        ],
    }


def event_form(event: StateEvent) -> Form:
    """Returns a recorded event."""
    return {
        "session": text_form(event.session),
        "time": rfc3339(event.time_ns),
        "kind": text_form(event.kind),
        "data": event.data,
    }
