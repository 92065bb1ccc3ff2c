"""TinyDB tables whose every write costs what it changes, not what the table holds.

TinyDB's own methods run unchanged (queries, ids, upserts, their order and their errors); only the
two hooks through which they reach the storage are ours. They are handed mappings that decode
documents when they are touched, and report which ones were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, cast

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from stepwell.store.catalogue.storage import AppendStorage, Change, encode

Json = dict[str, Any]


class Documents(Mapping[str, Json]):
    """A table as TinyDB reads it: ids as text, each document decoded on access."""

    def __init__(self, texts: Mapping[int, bytes]) -> None:
        self._texts = texts

    def __getitem__(self, key: str) -> Json:
        try:
            text = self._texts[int(key)]
        except ValueError:
            raise KeyError(key) from None
        return cast(Json, json.loads(text))

    def __iter__(self) -> Iterator[str]:
        # A loop over a table may change the table, so it must run over what was there.
        frozen = self._texts = dict(self._texts)
        return map(str, frozen)

    def __len__(self) -> int:
        return len(self._texts)


class Draft(MutableMapping[int, Json]):
    """A table as TinyDB changes it; remembers what was touched."""

    def __init__(self, texts: Mapping[int, bytes]) -> None:
        self._texts = texts
        self._touched: dict[int, Json] = {}
        self._removed: set[int] = set()
        self._cleared = False

    def __getitem__(self, key: int) -> Json:
        if key not in self._touched:
            if not self._stands(key):
                raise KeyError(key)
            self._touched[key] = json.loads(self._texts[key])
        return self._touched[key]

    def __setitem__(self, key: int, document: Json) -> None:
        self._touched[key] = document

    def __delitem__(self, key: int) -> None:
        if key not in self:
            raise KeyError(key)
        self._touched.pop(key, None)
        if key in self._texts:
            self._removed.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._touched or self._stands(key)

    def __iter__(self) -> Iterator[int]:
        yield from [key for key in self._texts if self._stands(key)]
        yield from [key for key in self._touched if not self._stands(key)]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Removes every document, at no cost for each."""
        self._touched.clear()
        self._cleared = True

    def _stands(self, key: object) -> bool:
        return not self._cleared and key in self._texts and key not in self._removed

    def changes(self, table: str) -> Iterator[Change]:
        """Returns what turns the stored table into this one."""
        if self._cleared:
            yield Change(table, None, b"")
        else:
            for key in self._texts if self._removed else ():
                if key in self._removed:
                    yield Change(table, key, None)
        for key, document in self._touched.items():
            text = encode(document)
            if not self._stands(key) or self._texts[key] != text:
                yield Change(table, key, text)


class AppendTable(Table):
    """A TinyDB table on an AppendStorage."""

    def __init__(
        self, storage: Storage, name: str, cache_size: int = 0, persist_empty: bool = False
    ) -> None:
        # TinyDB's cache hands the same document to every caller, who may change it, and knows
        # nothing of what another process appends.
        super().__init__(storage, name, cache_size=0, persist_empty=persist_empty)

    @property
    def _appends(self) -> AppendStorage:
        return cast(AppendStorage, self._storage)

    def _read_table(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[override]
        return Documents(self._appends.texts(self.name))

    def _update_table(self, updater: Callable[[dict[int, Mapping[Any, Any]]], None]) -> None:
        draft = Draft(self._appends.texts(self.name))
        # TinyDB's updaters use what any mutable mapping offers.
        updater(cast(dict[int, Mapping[Any, Any]], draft))
        changes = list(draft.changes(self.name))
        if not self._appends.has_table(self.name):
            changes.insert(0, Change(self.name, None, b""))
        self._appends.apply(changes)
        self.clear_cache()


class CatalogueDB(TinyDB):
    """A TinyDB database of such tables; the arguments are AppendStorage's."""

    table_class = AppendTable
    default_storage_class = AppendStorage  # type: ignore[assignment] # declared as JSONStorage

    @property
    def storage(self) -> AppendStorage:
        return cast(AppendStorage, self._storage)
