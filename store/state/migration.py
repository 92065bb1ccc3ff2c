"""From basic snapshots `{id, timestamp, state}` and older configurations."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stepwell.store.model.errors import UsageError
from stepwell.store.state.chain import Draft
from stepwell.store.state.documents import private_copy
from stepwell.store.state.values import MILLISECOND, StateConfig

TAG = "migration"

_OLD_NAMES = {
    "interval": "automatic_interval_ms",
    "automaticInterval": "automatic_interval_ms",
    "maxRetentionTime": "max_retention_ms",
    "maxSnapshots": "max_snapshots",
    "compressionEnabled": "compression_enabled",
    "compressionThreshold": "compression_threshold",
    "storageType": "storage_type",
    "persistenceEnabled": "persistence_enabled",
    "incrementalEnabled": "incremental_enabled",
    "checksumValidation": "checksum_validation",
    "taggedSnapshotsOnly": "tagged_snapshots_only",
}
_NAMES = {field.name for field in dataclasses.fields(StateConfig)}


def migrated_config(old: Any) -> StateConfig:
    """Returns the configuration that an older one, or one of ours as JSON, stands for.

    Raises:
        UsageError: it is no object, names an option that does not exist, or a value is out of range.
    """
    if not isinstance(old, Mapping):
        raise UsageError("the configuration is no object", hint='as in {"maxSnapshots": 100}')
    options = {_OLD_NAMES.get(str(name), str(name)): value for name, value in old.items()}
    if unknown := sorted(set(options) - _NAMES):
        raise UsageError(
            f"the configuration names {', '.join(unknown)}, which is no option",
            hint=f"there are {', '.join(sorted(_NAMES))}",
        )
    return StateConfig(**options)


def migrated_snapshot(session: str, old: Any) -> Draft:
    """Returns what to store for a basic snapshot; the same one always gets the same id.

    Raises:
        UsageError: it lacks something, or its state is not JSON.
    """
    if not isinstance(old, Mapping) or not {"id", "timestamp", "state"} <= set(old):
        raise UsageError(
            "a basic snapshot lacks id, timestamp or state",
            hint='as in {"id": "a", "timestamp": 1700000000000, "state": {}}',
        )
    text, value = private_copy(old["state"])
    name = json.dumps([session, old["id"]])
    return Draft(
        id=hashlib.sha256(name.encode("ascii")).hexdigest()[:32],
        session=session,
        time_ns=_time_ns(old["timestamp"]),
        text=text,
        value=value,
        tags=(TAG,),
        description=f"migrated from {old['id']}",
    )


def _time_ns(stamp: Any) -> int:
    """Returns a time of milliseconds since the epoch, or of RFC 3339, in nanoseconds."""
    try:
        if isinstance(stamp, str):
            moment = datetime.fromisoformat(stamp.upper())
            since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
            found = round(since * 1000) * MILLISECOND
        else:
            found = round(stamp) * MILLISECOND
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{stamp!r} is no time", hint="milliseconds since 1970, or 2026-01-31T12:00:00Z"
        ) from error
    if not 0 <= found < 1 << 63:
        raise UsageError(f"{stamp!r} is no time", hint="it lies outside 1970 to 2262")
    return found
