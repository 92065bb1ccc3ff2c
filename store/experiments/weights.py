"""How much a person lets each figure count: the table `[experiments.weights]` of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepwell.store.model.errors import UsageError
from stepwell.store.settings import read_table


def read_weights(config: Path) -> Mapping[str, float]:
    """Returns the weights of a configuration file by figure; empty when it, or the table, is not there.

    Raises:
        UsageError: the file cannot be read, or the table holds anything but numbers.
    """
    table = read_table(config, "experiments")
    weights = table.get("weights", {})
    unknown = table.keys() - {"weights"}
    if unknown or not isinstance(weights, dict):
        what = f"the setting {min(unknown)} of [experiments]" if unknown else "[experiments]"
        raise _wrong(config, what, "there is only the table [experiments.weights]")
    for name, value in weights.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(config, f"the weight {name} of [experiments.weights]", "it is no number")
    return {name: float(value) for name, value in weights.items()}


def _wrong(config: Path, what: str, why: str) -> UsageError:
    return UsageError(f"{what} in {config} makes no sense: {why}", hint="mend the file")
