"""Taking in exported snapshots, item by item; nothing is believed that can be computed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from stepwell.store.model.errors import FailedError, StepwellError, UsageError
from stepwell.store.state.chain import Chain, Draft
from stepwell.store.state.documents import encode, private_copy
from stepwell.store.state.labels import checked_description, checked_session, checked_tags
from stepwell.store.state.patches import apply_patch, is_stored_patch
from stepwell.store.state.portable import Item
from stepwell.store.state.record import digest
from stepwell.store.state.storage import StateStorage
from stepwell.store.state.values import ImportProblem, ImportReport, SnapshotType

_ID = re.compile(r"[0-9a-f]{32}")
_LAST_NS = 1 << 63
_SHOWN = 40

Outcome = Literal["imported", "skipped"]


class Importer:
    """Stores items; needs the storage's `exclusive`."""

    def __init__(
        self, chain: Chain, storage: StateStorage, *, overwrite: bool, validate: bool
    ) -> None:
        self._chain = chain
        self._storage = storage
        self._overwrite = overwrite
        self._validate = validate

    def run(self, items: Iterable[Any]) -> ImportReport:
        """Stores what can be stored; an item that cannot is reported, and the rest goes on.

        Raises:
            FailedError: the system refused; what was stored until then stays.
        """
        counts: dict[Outcome, int] = {"imported": 0, "skipped": 0}
        problems: list[ImportProblem] = []
        for place, item in enumerate(items, 1):
            try:
                counts[self._take(item)] += 1
            except FailedError:
                raise
            except StepwellError as error:
                problems.append(ImportProblem(_name(item, place), error.message))
        return ImportReport(**counts, errors=tuple(problems))

    def _take(self, item: Any) -> Outcome:
        if not isinstance(item, dict) or not _is_id(item.get("id")):
            raise _wrong("it has no id of 32 hex digits")
        identity = item["id"]
        if identity in self._storage.snapshots() and not self._overwrite:
            return "skipped"
        draft = self._draft(item)
        # What builds on the snapshot that is there does not on the one that replaces it.
        self._chain.detach({identity})
        self._chain.add(draft)
        self._chain.sweep()
        return "imported"

    def _draft(self, item: Item) -> Draft:
        self._check_digest(item)
        time_ns, wanted, automatic = item.get("time_ns"), item.get("type"), item.get("automatic")
        if type(time_ns) is not int or not 0 <= time_ns < _LAST_NS:
            raise _wrong("its time is none")
        if wanted not in ("full", "incremental") or type(automatic) is not bool:
            raise _wrong("its type is neither full nor incremental")
        tags = item.get("tags")
        text, value = private_copy(self._state(item))
        if self._validate and digest(text) != item.get("checksum"):
            raise _wrong("its state does not match its checksum")
        kind: SnapshotType = "full" if wanted == "full" else "incremental"
        return Draft(
            id=item["id"],
            session=checked_session(item.get("session")),
            time_ns=time_ns,
            text=text,
            value=value,
            type=kind,
            tags=checked_tags(tags if isinstance(tags, list) else [None]),
            description=checked_description(item.get("description")),
            automatic=automatic,
        )

    def _check_digest(self, item: Item) -> None:
        covered = {name: value for name, value in item.items() if name != "digest"}
        if self._validate and digest(encode(covered)) != item.get("digest"):
            raise _wrong("it does not match its digest")

    def _state(self, item: Item) -> Any:
        base = item.get("base")
        if base is None:
            if "state" not in item:
                raise _wrong("it has no state")
            return item["state"]
        known = self._storage.snapshots().get(base) if _is_id(base) else None
        if known is None:
            raise _wrong("the snapshot on which it builds is not there")
        if not is_stored_patch(item.get("patch")):
            raise _wrong("its patch is none")
        return apply_patch(self._chain.state(known), item["patch"])


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _name(item: Any, place: int) -> str:
    identity = item.get("id") if isinstance(item, dict) else None
    return identity[:_SHOWN] if isinstance(identity, str) else f"item {place}"


def _wrong(why: str) -> UsageError:
    return UsageError(f"the item cannot be imported: {why}", hint="export it again")
