"""Rules as files give them, and whose word counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.store import FailedError, NotFoundError, UsageError, Workspace
from stepwell.store.rules.reading import effective_rules
from stepwell.store.rules.tables import read_rules


def test_a_ready_made_rule_needs_only_what_to_run() -> None:
    """By the name of its table, or by its kind."""
    rules = read_rules(
        {
            "mode": "auto",
            "with": [".venv"],
            "tests": {"run": "python -m pytest -q"},
            "speed": {"kind": "performance", "run": ["./bench", "a b"]},
            "complexity": {},
            "style": {"run": "ruff check . && true", "shell": True, "if": "fails", "do": "mark"},
        },
        "config.toml",
        "config",
    )
    assert rules.mode == "auto" and rules.extras == (".venv",)
    complexity, speed, style, tests = rules.rules
    assert tests.command == ("python", "-m", "pytest", "-q")
    assert (tests.condition.text, tests.action, tests.milestone) == (
        "failures > 30%",
        "rollback",
        True,
    )
    assert speed.command == ("./bench", "a b") and (speed.when, speed.confirm) == ("turn", 3)
    assert complexity.command == () and complexity.condition.limit == 10
    assert style.command == ("/bin/sh", "-c", "ruff check . && true") and style.action == "mark"


@pytest.mark.parametrize(
    "table",
    [
        {"mode": "always"},
        {"tests": {}},
        {"tests": {"run": ""}},
        {"tests": {"run": 3}},
        {"tests": {"run": "a 'b"}},
        {"tests": {"run": ["a"], "shell": True}},
        {"tests": {"run": "true", "confirm": 0}},
        {"tests": {"run": "true", "limit_s": "1"}},
        {"tests": {"run": "true", "do": "delete"}},
        {"tests": {"run": "true", "weather": 1}},
        {"tests": {"run": "true", "if": "fails > 3"}},
        {"tests": {"run": "true", "junit": "../report.xml"}},
        {"tests": {"run": "true", "numbers": {"a": "("}}},
        {"complexity": {"run": "true"}},
        {"x": {"kind": "weather", "run": "true"}},
        {"with": "x"},
        {"quiet": 3},
    ],
)
def test_a_table_that_makes_no_sense_is_refused(table: dict[str, object]) -> None:
    """And the file is named."""
    with pytest.raises(UsageError) as refused:
        read_rules(table, "some.toml", "config")
    assert "some.toml" in refused.value.message


def test_nothing_of_a_rule_file_counts_before_it_is_trusted(
    ws: Workspace, project: Path, tmp_path: Path
) -> None:
    """Nor once it has changed by a byte; trust again, or take it away."""
    config, file = tmp_path / "config.toml", project / "stepwell.toml"

    def named() -> list[str]:
        return [rule.name for rule in ws.rules(config=config).rules]

    with pytest.raises(NotFoundError):
        ws.trust()
    file.write_text('[rules.tests]\nrun = "true"\n')
    assert named() == [] and ws.rules(config=config).untrusted
    ws.trust()
    assert named() == ["tests"] and not ws.rules(config=config).untrusted
    file.write_text('[rules.tests]\nrun = "true "\n')
    assert named() == [] and ws.rules(config=config).untrusted
    ws.trust()
    assert ws.distrust() and not ws.distrust() and named() == []


def test_a_broken_rule_file_is_only_refused_when_it_is_trusted(
    ws: Workspace, project: Path, tmp_path: Path
) -> None:
    """Whoever can write it must not be able to stop the person's own rules."""
    config = tmp_path / "config.toml"
    config.write_text('[rules.mine]\nrun = "true"\n')
    (project / "stepwell.toml").write_text("rules = ")
    assert [rule.name for rule in ws.rules(config=config).rules] == ["mine"]
    ws.trust()
    with pytest.raises(UsageError, match=r"stepwell\.toml"):
        ws.rules(config=config)


def test_a_rule_file_that_is_a_link_is_refused(
    ws: Workspace, project: Path, tmp_path: Path
) -> None:
    """What it leads to could be changed without the file being changed; the person's rules stay."""
    (tmp_path / "elsewhere").write_text('[rules.tests]\nrun = "true"\n')
    (project / "stepwell.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FailedError, match=r"stepwell\.toml"):
        ws.trust()
    config = tmp_path / "config.toml"
    config.write_text('[rules.mine]\nrun = "true"\n')
    rules = ws.rules(config=config)
    assert [rule.name for rule in rules.rules] == ["mine"] and rules.untrusted


def test_the_persons_rules_and_mode_win(ws: Workspace, project: Path, tmp_path: Path) -> None:
    """And hold only in the workspaces that they name."""
    config = tmp_path / "config.toml"
    config.write_text(
        '[rules]\nmode = "off"\n[rules.tests]\nrun = "mine"\n'
        '[rules.else]\nrun = "true"\nworkspaces = ["/somewhere/else"]\n'
    )
    (project / "stepwell.toml").write_text(
        '[rules]\nmode = "auto"\nwith = ["node_modules"]\n'
        '[rules.tests]\nrun = "theirs"\n[rules.lint]\nrun = "lint"\n'
    )
    ws.trust()
    rules = effective_rules(ws.root, ws.store, config)
    assert rules.mode == "off" and rules.extras == ("node_modules",)
    assert [(r.name, r.command, r.source) for r in rules.rules] == [
        ("lint", ("lint",), "workspace"),
        ("tests", ("mine",), "config"),
    ]
