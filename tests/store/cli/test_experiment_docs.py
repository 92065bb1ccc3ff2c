"""The example of docs/experiments.md, run as it stands over the demo."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs" / "experiments.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_example_ranks_by_real_tests_merges_and_takes_back(tmp_path: Path) -> None:
    """What it says is printed, is; the winner's file is merged, and as before after the undo."""
    text = DOCS.read_text("utf-8")
    files, tries, rest = BLOCK.findall(text)
    surroundings = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "STEPWELL_HOME": str(tmp_path / "home"),
        "STEPWELL_CONFIG": str(tmp_path / "config.toml"),
    }

    def shell(script: str) -> str:
        words = ["bash", "-euc", script]
        ran = subprocess.run(words, cwd=tmp_path, env=surroundings, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    shell(files)
    source = tmp_path / "hop" / "hop" / "saving.py"
    before = source.read_text()
    told = shell(tries).splitlines()[1:]
    promised = text.split("One keeps too long:\n\n```\n")[1].split("```")[0].splitlines()[1:]
    assert [_plain(line) for line in told] == [_plain(line) for line in promised]
    judging, promoting, undoing = rest.splitlines()
    shell(judging)
    told_json = json.loads(shell("stepwell -C hop experiment show cache --json"))
    verdicts = {one["label"]: one["verdict"] for one in told_json["candidates"]}
    assert verdicts == {"lru": None, "ttl": "rejected"}
    shell(promoting)
    assert "@lru_cache(maxsize=8)" in source.read_text()
    shell(undoing)
    assert source.read_text() == before


def _plain(line: str) -> str:
    """Returns a line without its score, in which durations count."""
    return re.sub(r"  [01]\.\d\d  ", "  ", line)
