"""Our hooks in agents' configurations: all else kept, removal exact, and never in an agent's way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.trees import contents

import stepwell.store.agents.hook as hook
from stepwell.store import RefusedError
from stepwell.store.agents.installing import (
    AGENTS,
    Backups,
    Door,
    Scope,
    apply,
    plan_install,
    plan_uninstall,
)
from stepwell.store.agents.installing.jsonhooks import with_hooks, without_hooks

DOOR = Door(sys.executable, hook.__file__)
CLAUDE = AGENTS["claude"]
SCOPES: tuple[Scope, ...] = ("user", "project")


class Person:
    """An agent's own folder, a project, and a data folder."""

    def __init__(self, base: Path) -> None:
        self.folder, self.project = base / "agent", base / "project"
        self.folder.mkdir()
        self.project.mkdir()
        self.backups = Backups(base / "home")

    def install(self, agent: str, scope: Scope = "user", door: Door = DOOR) -> int:
        """Installs, and returns how many files were written."""
        setup = plan_install(AGENTS[agent], scope, self.folder, self.project, door)
        apply(setup, self.backups)
        return len(setup.edits)

    def uninstall(self, agent: str, scope: Scope = "user") -> int:
        """Uninstalls, and returns how many files were written or removed."""
        setup = plan_uninstall(AGENTS[agent], scope, self.folder, self.project)
        apply(setup, self.backups, remove=True)
        return len(setup.edits)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("agent", AGENTS)
def test_installing_is_idempotent_and_its_removal_exact(
    agent: str, scope: Scope, person: Person
) -> None:
    """Where there was nothing, no file is left."""
    before = {p for p, (mode, _) in contents(person.folder.parent).items() if mode & 0o100000}
    assert person.install(agent, scope) > 0
    assert person.install(agent, scope) == 0
    assert person.uninstall(agent, scope) > 0
    after = {p for p, (mode, _) in contents(person.folder.parent).items() if mode & 0o100000}
    assert {p for p in after if not p.startswith("home")} == before
    assert person.uninstall(agent, scope) == 0


ODD = b'{\n\t"model": "opus",   "hooks" : {"PreToolUse": [\n{"matcher":"Bash","hooks":[{"type":"command","command":"mine"}]}]},\n\t"z": [1,2]}'


@pytest.mark.parametrize("agent", ["claude", "codex", "gemini", "qwen"])
def test_what_was_there_stays_in_its_order_and_comes_back_to_the_byte(
    agent: str, person: Person
) -> None:
    """However oddly it is written."""
    path = AGENTS[agent].place("user", person.folder, person.project)
    path.write_bytes(ODD)
    path.chmod(0o640)
    person.install(agent)
    document = json.loads(path.read_text())
    assert list(document) == ["model", "hooks", "z"]
    assert next(iter(document["hooks"])) == "PreToolUse"
    assert document["hooks"]["PreToolUse"][0]["hooks"][0]["command"] == "mine"
    assert path.stat().st_mode & 0o777 == 0o640
    person.uninstall(agent)
    assert path.read_bytes() == ODD


def test_a_change_made_since_survives_the_removal(person: Person) -> None:
    """Only our own entries go."""
    path = CLAUDE.place("user", person.folder, person.project)
    path.write_bytes(ODD)
    person.install("claude")
    document = json.loads(path.read_text())
    document["theme"] = "dark"
    document["hooks"]["PreToolUse"][1]["hooks"].append({"type": "command", "command": "theirs"})
    path.write_text(json.dumps(document))
    person.uninstall("claude")
    left = json.loads(path.read_text())
    assert left["theme"] == "dark"
    commands = [h["command"] for g in left["hooks"]["PreToolUse"] for h in g["hooks"]]
    assert commands == ["mine", "theirs"]
    assert "stepwell" not in path.read_text()


def test_a_moved_python_is_put_right_by_installing_again(person: Person) -> None:
    """And then the removal is still exact."""
    path = CLAUDE.place("user", person.folder, person.project)
    path.write_bytes(ODD)
    person.install("claude", door=Door("/old/python", "/old/hook.py"))
    assert person.install("claude") == 1
    assert "/old/" not in path.read_text()
    person.uninstall("claude")
    assert path.read_bytes() == ODD


@pytest.mark.parametrize(
    "text", ["{", "[]", '"x"', '{"hooks": []}', '{"hooks": {"Stop": {}}}', "\ufeff{}", "// c\n{}"]
)
def test_what_cannot_be_understood_is_left_alone(text: str, person: Person) -> None:
    """With a hint, and not a byte changed."""
    path = CLAUDE.place("user", person.folder, person.project)
    path.write_text(text)
    with pytest.raises(RefusedError):
        person.install("claude")
    assert path.read_text() == text


def test_somebody_elses_hook_file_is_left_alone(person: Person) -> None:
    """Cline has one file an event: ours must not take its place."""
    path = person.folder / "hooks" / "PreToolUse"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho mine\n")
    with pytest.raises(RefusedError):
        person.install("cline")
    assert [p.name for p in path.parent.iterdir()] == ["PreToolUse"]


def test_a_linked_configuration_stays_a_link(person: Person, tmp_path: Path) -> None:
    """As people have who keep their settings in a repository of their own."""
    real = tmp_path / "dotfiles.json"
    real.write_bytes(ODD)
    path = CLAUDE.place("user", person.folder, person.project)
    path.symlink_to(real)
    person.install("claude")
    assert path.is_symlink()
    assert b"stepwell" in real.read_bytes()
    person.uninstall("claude")
    assert real.read_bytes() == ODD


def test_a_file_that_changes_between_plan_and_writing_is_left_alone(person: Person) -> None:
    """The plan was shown for another content."""
    path = CLAUDE.place("user", person.folder, person.project)
    setup = plan_install(CLAUDE, "user", person.folder, person.project, DOOR)
    path.write_text("{}")
    with pytest.raises(RefusedError):
        apply(setup, person.backups)
    assert path.read_text() == "{}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOOKS = st.dictionaries(
    st.sampled_from(["PreToolUse", "Stop", "Other"]), st.lists(JSON, min_size=1, max_size=3)
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(), JSON, max_size=4), HOOKS)
def test_adding_then_removing_is_the_identity(rest: Mapping[str, Any], hooks: Any) -> None:
    """Whatever else is in the configuration."""
    document = {**rest, **({"hooks": hooks} if hooks else {})}
    if not hooks:
        document.pop("hooks", None)
    text = json.dumps(document)
    added = with_hooks(CLAUDE, text, DOOR.command, "x")
    assert with_hooks(CLAUDE, added, DOOR.command, "x") == added
    assert json.loads(without_hooks(added, "x") or "{}") == (
        document if document.keys() - {"version"} else {}
    )


def commands(person: Person, agent: str) -> list[str]:
    """Returns every command that installing has written."""
    text = AGENTS[agent].place("user", person.folder, person.project).read_text()
    return [
        h["command"]
        for groups in json.loads(text)["hooks"].values()
        for g in groups
        for h in g["hooks"]
    ]


@pytest.mark.parametrize("gone", ["python", "hook", "nothing"])
def test_the_command_cannot_fail_or_speak(gone: str, person: Person, tmp_path: Path) -> None:
    """Also when Stepwell or its Python was removed after it was installed."""
    door = Door(
        "/gone/python" if gone == "python" else sys.executable,
        "/gone/hook.py" if gone == "hook" else hook.__file__,
    )
    person.install("gemini", door=door)
    environment = {**os.environ, "STEPWELL_HOME": str(tmp_path / "none")}
    for command in commands(person, "gemini"):
        for shell in ("sh", "bash"):
            ran = subprocess.run(
                [shell, "-c", command],
                input=b"{}",
                capture_output=True,
                cwd=tmp_path,
                env=environment,
            )
            assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", ["opencode.js", "pi.ts"])
def test_a_plugin_names_the_hook_and_nothing_of_this_project_otherwise(
    name: str, person: Person
) -> None:
    """Its words are filled in as JSON, so that no path can break out of them."""
    agent = name.partition(".")[0]
    person.install(agent, door=Door('/a "b"/python', "/c\\d/hook.py"))
    text = AGENTS[agent].place("user", person.folder, person.project).read_text()
    assert json.dumps(['/a "b"/python', "-I", "-S", "/c\\d/hook.py", agent]) in text
    assert '["stepwell"]' not in text
