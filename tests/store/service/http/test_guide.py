"""What docs/http.md shows works as it stands there, and it names every route."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.httpserver import Served

from stepwell.store import Workspace

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "http.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tour_runs_from_its_first_line_to_its_last(server: Served) -> None:
    """With bash, stopping at the first failure."""
    (script,) = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "URL": f"http://127.0.0.1:{server.port}",
        "TOKEN_FILE": str(server.store / "http.token"),
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=server.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "first draft"
    with Workspace.open(server.root, home=server.home) as ws:
        assert ws.state("me:tour") == {"plan": {"step": 1}}
        assert ws.get_step("draft-1").title == "first draft"


def test_the_library_s_leases_are_taken_as_shown(
    server: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The block in Python, and what it says while another client has the session."""
    (program,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(server.root)
    monkeypatch.setenv("STEPWELL_HOME", str(server.home))
    (server.root / "a").write_text("by the library\n")
    exec(compile(program, "http.md", "exec", dont_inherit=True), {})
    assert capsys.readouterr().out == ""
    steps = server.ask("GET", "/sessions/me:guide/timeline").json["steps"]
    assert steps[0]["title"] == "only while the lease is mine"
    server.acquire("me:guide", "another")
    exec(compile(program, "http.md", "exec", dont_inherit=True), {})
    assert capsys.readouterr().out == "another writes it\n"


def test_every_route_is_named(server: Served) -> None:
    """As it stands in the OpenAPI document, by its last fixed word."""
    text = GUIDE.read_text()
    for path in server.ask("GET", "/openapi.json").json["paths"]:
        words = [word for word in path.split("/") if word and not word.startswith("{")]
        assert words[-1] in text, path
