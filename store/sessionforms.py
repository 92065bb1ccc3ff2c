"""The public JSON forms of what belongs to sessions: who has access."""

from __future__ import annotations

from stepwell.store.forms import Form, text_form
from stepwell.store.model.access import Granted, Lease, SessionAccess
from stepwell.store.model.text import rfc3339


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
