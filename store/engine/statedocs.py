"""JSON state beside the files: the documents that steps carry, by session.

A step names one blob with the documents of all sessions as they were then. It takes over its
parent's unless it brings its own session's, so that a step has all state without any search, and
going back to it brings files and state together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepwell.store.engine.objects import BLOB, ObjectReader, ObjectSink
from stepwell.store.model.errors import IntegrityError, UsageError
from stepwell.store.model.ids import Oid

MOST_BYTES = 16 << 20
LONGEST_NAME = 256

Documents = dict[str, Any]
"""Name -> JSON value."""


def state_text(documents: Mapping[str, Any]) -> str:
    """Returns documents as the one JSON text that they are stored as.

    Raises:
        UsageError: they are no JSON, too large or nested too deeply, or a name is empty or too long.
    """
    for name in documents:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            raise UsageError(f"a state document needs a name of up to {LONGEST_NAME} characters")
    try:
        text = json.dumps(documents, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the state is no JSON: {error}") from error
    except RecursionError as error:
        raise UsageError("the state is nested too deeply", hint="flatten it") from error
    if len(text) > MOST_BYTES:
        raise UsageError(
            f"the state has {len(text):,} bytes of JSON, more than {MOST_BYTES:,}",
            hint="keep large things in files, and their paths in the state",
        )
    return text


def with_state(
    sink: ObjectSink, before: Oid | None, session: str | None, text: str | None
) -> Oid | None:
    """Returns the blob of all state once a session's documents are `text` (None: as before).

    Without any document there is no blob.
    """
    if text is None:
        return before
    found = _all(sink, before)
    found.pop(session or "", None)
    documents = json.loads(text)
    if documents:
        found[session or ""] = documents
    return sink.add(BLOB, encode_state(found)) if found else None


def documents_of(reader: ObjectReader, blob: Oid | None, session: str | None) -> Documents:
    """Returns a session's documents in a blob of state; empty when it has none."""
    found: Documents = _all(reader, blob).get(session or "", {})
    return found


def all_documents(reader: ObjectReader, blob: Oid | None) -> dict[str, Documents]:
    """Returns session -> documents of a blob of state; state of no session is below ""."""
    return _all(reader, blob)


def _all(reader: ObjectReader, blob: Oid | None) -> dict[str, Documents]:
    return {} if blob is None else decode_state(reader.read(blob)[1])


def encode_state(documents: Mapping[str, Documents]) -> bytes:
    """Returns the bytes of a blob with the documents of all sessions."""
    return json.dumps(documents, sort_keys=True, separators=(",", ":")).encode("ascii")


def decode_state(content: bytes) -> dict[str, Documents]:
    """Returns session -> documents of a blob's bytes.

    Raises:
        IntegrityError: they are no such thing.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"the state of a step cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise IntegrityError("the state of a step is no documents by session")
    return found
