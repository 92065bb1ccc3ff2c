"""The person's own weights, from their settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.store.experiments.ranking import check_weights, fitting_weights
from stepwell.store.experiments.weights import read_weights
from stepwell.store.model.errors import UsageError
from stepwell.store.model.experiments import Candidate, CheckResult
from stepwell.store.model.ids import StepId


def test_weights_are_read_from_their_table(tmp_path: Path) -> None:
    """Whole numbers and fractions, below 0 too; nothing without a file or a table."""
    config = tmp_path / "config.toml"
    assert read_weights(config) == {}
    config.write_text("[retention]\nkeep_last = 3\n")
    assert read_weights(config) == {}
    config.write_text("[experiments.weights]\nsize = 3\nduration = 0.5\nlatency = -2\n")
    assert read_weights(config) == {"size": 3.0, "duration": 0.5, "latency": -2.0}


@pytest.mark.parametrize(
    "text",
    [
        "[experiments]\nweights = 3\n",
        "[experiments]\nwaits = {}\n",
        "[experiments.weights]\nsize = 'much'\n",
        "[experiments.weights]\nsize = true\n",
        "experiments = 1\n",
        "[experiments",
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    """With the file's name."""
    config = tmp_path / "config.toml"
    config.write_text(text)
    with pytest.raises(UsageError, match=r"config\.toml"):
        read_weights(config)


def test_usual_weights_fit_any_experiment() -> None:
    """Those of figures that it lacks are left out; what is no number weighs nothing."""
    check = CheckResult(True, 0, 5, metrics={"latency": 3.0})
    candidate = Candidate("a", "x/a", ("true",), StepId("0" * 32), check=check)
    usual = {"size": 2.0, "latency": -1.0, "coverage": 4.0}
    assert fitting_weights(usual, [candidate]) == {"size": 2.0, "latency": -1.0}
    for weight in (float("nan"), float("inf")):
        with pytest.raises(UsageError):
            check_weights({"size": weight}, ())
