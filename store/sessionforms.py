"""The public JSON forms of what belongs to sessions: access, figures, snapshots, annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.store.forms import Form, mark_form, step_form, text_form, type_of
from stepwell.store.model.access import Granted, Lease, SessionAccess
from stepwell.store.model.steps import Mark, Note, Step
from stepwell.store.model.text import rfc3339

if TYPE_CHECKING:
    from stepwell.store.catalogue.rows import SessionFigures


def granted_form(granted: Granted) -> Form:
    """Returns `{granted, lease, expires, holder}`; `lease` is the number, null when refused."""
    lease = granted.lease
    return {
        "granted": lease is not None,
        "lease": None if lease is None else lease.number,
        "expires": None if lease is None else rfc3339(lease.expires_ns),
        "holder": text_form(granted.holder),
    }


def access_form(access: SessionAccess) -> Form:
    """Returns `{session, clients, write_holder, locked}`."""
    return {
        "session": text_form(access.session),
        "clients": [_client_form(lease) for lease in access.clients],
        "write_holder": text_form(access.writer.client) if access.writer else None,
        "locked": access.writer is not None,
    }


def _client_form(lease: Lease) -> Form:
    return {
        "client_id": text_form(lease.client),
        "mode": lease.mode,
        "expires": rfc3339(lease.expires_ns),
    }


def session_form(figures: SessionFigures) -> Form:
    """Returns a session with its figures."""
    row, average = figures.row, figures.row.average_ms
    return {
        "name": text_form(row.name),
        "agent": text_form(row.agent),
        "steps": row.steps,
        "first": rfc3339(row.first_ns),
        "last": rfc3339(row.last_ns),
        "prompt": text_form(figures.prompt),
        "commands": row.commands,
        "failed": row.failed,
        "average_ms": None if average is None else round(average, 1),
        "peak_memory_bytes": figures.peak_memory_bytes,
        "peak_memory_of": figures.peak_memory_of,
        "last_accessed": rfc3339(figures.last_accessed_ns),
        "session_bytes": row.stored_bytes,
        "writer": text_form(figures.writer),
    }


def annotation_form(step: Step) -> Form | None:
    """Returns `{label, description, tags, created, by}`; None when the step is not annotated.

    The description is the newest note; `created` and `by` are those of the first marking.
    """
    return None if step.checkpoint is None else _annotation(step.checkpoint)


def _annotation(mark: Mark) -> Form:
    return {
        "label": text_form(mark.label),
        "description": text_form(mark.notes[-1].text if mark.notes else ""),
        "tags": [text_form(tag) for tag in mark.tags],
        "created": _created(mark),
        "by": text_form(_by(mark)),
    }


def _created(mark: Mark) -> str | None:
    first = _first(mark)
    since = first.time_ns if mark.created_ns is None and first else mark.created_ns
    return None if since is None else rfc3339(since)


def _by(mark: Mark) -> str:
    first = _first(mark)
    return mark.by or (first.by if first else "")


def _first(mark: Mark) -> Note | None:
    return mark.notes[0] if mark.notes else None


def timeline_form(step: Step, tier: str | None = None) -> Form:
    """Returns a step with its annotation; `tier` as `step_form` takes it."""
    return {**step_form(step, tier), "annotation": annotation_form(step)}


def marked_form(form: Form, mark: Mark) -> Form:
    """Returns what `timeline_form` makes of a step with a mark, from what it made of it without one."""
    said = {"checkpoint": mark_form(mark), "type": type_of(mark), "annotation": _annotation(mark)}
    return {**form, **said}


def snapshot_form(step: Step, tier: str | None = None) -> Form:
    """Returns a session's snapshot: `{id, session, seq, created, description, tags, by, step}`.

    `tier` as `step_form` takes it.
    """
    said = annotation_form(step) or {}
    notes = step.checkpoint.notes if step.checkpoint else ()
    return {
        "id": step.id,
        "session": text_form(step.session),
        "seq": step.seq,
        "created": rfc3339(step.time_ns),
        "description": text_form(notes[0].text if notes else ""),
        "tags": said.get("tags", []),
        "by": said.get("by", ""),
        "step": step_form(step, tier),
    }


def version_form(step: Step) -> Form:
    """Returns a snapshot as a version, whose number is its step's: it never becomes another's."""
    form = snapshot_form(step)
    kept = ("id", "created", "description", "tags", "by")
    changes = form["step"]["changes"]
    return {"version": step.seq, **{name: form[name] for name in kept}, "changes": changes}
