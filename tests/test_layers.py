"""Imports run one way, heavy packages stay out of hot paths, and pieces stay small."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(p for top in ("store", "tui") for p in (ROOT / top).rglob("*.py"))
HEAVY = ("fastapi", "git", "pydantic", "pygit2", "pygments", "rich", "textual", "tinydb", "uvicorn")

# Functions in lines as they stand, classes and files in lines of code: contracts are worth words.
LONGEST_FUNCTION = 60
LONGEST_CLASS = 250
LONGEST_FILE = 400


def _loaded_by(statement: str) -> set[str]:
    """Returns which of the heavy packages a fresh interpreter holds after `statement`."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/"
    )
    return set(HEAVY) & set(json.loads(run.stdout))


def test_import_contracts_hold() -> None:
    """import-linter's contracts in pyproject.toml are kept."""
    linter = Path(sys.executable).with_name("lint-imports")
    command = [linter, "--no-cache", "--no-logo", "--config", ROOT / "pyproject.toml"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_importing_the_library_loads_nothing_heavy() -> None:
    """A hook around every tool call pays for each import."""
    assert _loaded_by("import stepwell.store") == set()


def test_every_public_name_of_the_library_loads_nothing_of_the_screen() -> None:
    """Names that are resolved on first use stay headless too."""
    every = "import stepwell.store as s\nfor name in s.__all__: getattr(s, name)"
    assert _loaded_by(every) == set()


def test_importing_the_command_line_loads_neither_screen_nor_git() -> None:
    """`stepwell log` must not wait for Textual."""
    loaded = _loaded_by("import stepwell.store.cli.main")
    assert not loaded & {"fastapi", "git", "pydantic", "pygments", "rich", "textual", "uvicorn"}
    loaded = _loaded_by("import stepwell.store.cli.serving")
    assert not loaded & {"fastapi", "pydantic", "uvicorn"}


def test_the_probe_sees_what_is_loaded() -> None:
    """The tests above could fail: the same probe finds a package that is imported."""
    assert "textual" in _loaded_by("import textual")


def _code_lines(tree: ast.AST) -> int:
    """Counts the lines that hold code: no docstrings, comments or blank lines."""
    docstrings = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for part in (node, node.value)
    }
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt) and id(node) not in docstrings:
            lines.update((node.lineno, node.end_lineno or node.lineno))
    return len(lines)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pieces_stay_small(path: Path) -> None:
    """Functions, classes and files keep to the sizes that a reader can hold."""
    tree = ast.parse(path.read_bytes())
    sizes = {"the file": (_code_lines(tree), LONGEST_FILE)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            sizes[f"class {node.name}"] = (_code_lines(node), LONGEST_CLASS)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            whole = (node.end_lineno or node.lineno) - node.lineno + 1
            sizes[f"function {node.name}"] = (whole, LONGEST_FUNCTION)
    assert {name: size for name, size in sizes.items() if size[0] > size[1]} == {}


def test_only_the_output_module_prints() -> None:
    """Results leave through one door."""
    printing = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert printing <= {"store/cli/output.py"}


def test_the_first_frame_waits_for_no_part_that_only_some_commands_need() -> None:
    """What experiments, rules, merges and long notes load comes when somebody asks for them."""
    late = {"stepwell.store.sdk", "textual.document", "textual.widgets._text_area"}
    late |= {f"stepwell.store.{one}" for one in ("workspace", "model.plans", "model.reports")}
    script = f"import sys, stepwell.tui.app; print({late!r} & set(sys.modules) or 'none')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/")
    assert run.stdout == "none\n", run.stderr
