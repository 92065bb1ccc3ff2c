"""The retention policy of a person's configuration file: its table `[retention]`."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from stepwell.store.model.errors import UsageError
from stepwell.store.model.retention import Policy
from stepwell.store.settings import read_table

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(|k|M|G|T)B?")
_UNITS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
_MAX_SIZE = "max_size"
_NUMBERS = {f.name for f in fields(Policy) if f.type == "int"}


def read_policy(config: Path) -> Policy:
    """Returns the policy that a configuration file gives; what it does not say is as by default.

    A file that is not there says nothing.

    Raises:
        UsageError: it cannot be read, or a setting is unknown or out of range.
    """
    table = read_table(config, "retention")
    return Policy(**dict(_setting(config, key, value) for key, value in table.items()))


def _setting(config: Path, key: str, value: Any) -> tuple[str, Any]:
    if key == _MAX_SIZE:
        return "max_bytes", _bytes(config, value)
    if key == "imported" and isinstance(value, bool):
        return key, value
    if key in _NUMBERS and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return key, value
    if key in _NUMBERS:
        raise _wrong(config, key, "it must be a number from 0 on")
    if key == "imported":
        raise _wrong(config, key, "it must be true or false")
    known = ", ".join(sorted({*_NUMBERS, "imported", _MAX_SIZE}))
    raise _wrong(config, key, f"there is no such setting; there are {known}")


def _bytes(config: Path, value: Any) -> int:
    match = _SIZE.fullmatch(str(value)) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise _wrong(config, _MAX_SIZE, 'it must be a size, as in "500 MB"')
    return int(float(match[1]) * _UNITS[match[2]])


def _wrong(config: Path, key: str, why: str) -> UsageError:
    return UsageError(
        f"the setting {key} of [retention] in {config} makes no sense: {why}",
        hint="`stepwell prune --help` explains the settings",
        setting=key,
    )
