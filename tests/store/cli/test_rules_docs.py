"""The example of docs/rules.md, run as it stands over the demo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs" / "rules.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_an_agent_breaks_the_tests_and_the_rule_finds_out_and_goes_back(tmp_path: Path) -> None:
    """It names the step and the tests; auto goes back once, and undo is the last word."""
    text = DOCS.read_text("utf-8")
    make, break_it, automatic, undo = BLOCK.findall(text)
    surroundings = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "STEPWELL_HOME": str(tmp_path / "home"),
    }

    def shell(script: str) -> str:
        words = ["bash", "-euc", script]
        ran = subprocess.run(words, cwd=tmp_path, env=surroundings, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    source = tmp_path / "hop" / "hop" / "links.py"
    shell(make)
    before = source.read_text()
    found = shell(break_it).splitlines()
    promised = text.split("the step that broke them:\n\n```\n")[1].split(", ...")[0]
    assert any(line.startswith(promised) for line in found)
    broken = source.read_text()
    assert broken != before and "stepwell rollback" in found[-1]
    went_back = shell(automatic)
    assert "went back to #76" in went_back and source.read_text() == before
    again = shell(undo)
    assert "it went back for this once already" in again and source.read_text() == broken
