"""The tables of a person's configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepwell.store.model.errors import UsageError


def read_table(config: Path, name: str) -> dict[str, Any]:
    """Returns a table of the file; empty when it, or the file, is not there.

    Raises:
        UsageError: the file cannot be read, or that is no table.
    """
    try:
        text = config.read_text("utf-8")
        import tomllib  # few have such a file, and each daemon asks

        document = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the settings {config} cannot be read: {error}", hint="mend the file, or move it away"
        ) from error
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(config, name, f"it must be a table: [{name}]")
    return table


def keeps_text(config: Path) -> bool:
    """Tells whether prompts, inputs and results are stored: unless `[capture]` has `no_text = true`.

    Raises:
        UsageError: the file cannot be read, or the table has anything else.
    """
    table = read_table(config, "capture")
    for key, value in table.items():
        if key != "no_text":
            raise _wrong(
                config,
                f"the setting {key} of [capture]",
                "there is no such setting; there is no_text",
            )
        if not isinstance(value, bool):
            raise _wrong(config, f"the setting {key} of [capture]", "it must be true or false")
    return not table.get("no_text", False)


def daemon_idle_s(config: Path) -> float | None:
    """Returns after how long without a request a daemon ends: `idle_s` of `[daemon]`; None: not said.

    Raises:
        UsageError: the file cannot be read, or the table has anything else.
    """
    table = read_table(config, "daemon")
    for key in table.keys() - {"idle_s"}:
        raise _wrong(
            config, f"the setting {key} of [daemon]", "there is no such setting; there is idle_s"
        )
    value = table.get("idle_s")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise _wrong(config, "the setting idle_s of [daemon]", "it must be a number of seconds")
    return float(value)


def _wrong(config: Path, key: str, why: str) -> UsageError:
    return UsageError(f"{key} in {config} makes no sense: {why}", hint="mend the file", setting=key)
