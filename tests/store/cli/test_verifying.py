"""`verify` with its options at the command line."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.journals import flip

Run = Callable[..., Any]


def test_verify_repairs_and_says_from_where(folder: Path, run: Run) -> None:
    """What the folder still has comes back; the report is that of after it."""
    content = random.Random(7).randbytes(4000)
    (folder / "blob").write_bytes(content)
    run("capture")
    store = Path(run("status", "--json").json["store"])
    segment = store / "journal" / "00000001.segment"
    at = segment.read_bytes().index(zlib.compress(content, 1)[50:90])
    flip(segment, at)
    found = run("verify", "--full", "--json")
    assert (found.code, found.json["ok"], len(found.json["nearest"])) == (5, False, 1)
    assert "whole, and nearest to" in run("verify", "--full").text
    done = run("verify", "--repair", "--json")
    assert (done.code, done.json["ok"], done.json["damaged"]) == (0, True, [])
    assert done.json["repaired"] >= 1
    assert done.json["sources"] == {"workspace": 1}
    assert run("verify", "--sample", "30").code == 0
    assert run("verify", "--sample", "0").code == 2
