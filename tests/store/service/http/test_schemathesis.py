"""Schemathesis over the OpenAPI document: no 5xx, nothing that the document does not say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.httpserver import Served

from .conftest import S

# A stream has no end; releasing the lease would end the test.
_APART = ("/events", "/sessions/{name}/access/{client_id}")
# What the store holds decides, too, not the document alone: a branch is not merged into itself.
# And a header that nobody knows is no reason to refuse a request.
_HEURISTICS = "positive_data_acceptance,negative_data_rejection"


def _run(server: Served, folder: Path, config: str, *options: str) -> str:
    """Runs it and returns what it says; fails when it finds anything."""
    document = folder / "openapi.json"
    document.write_text(json.dumps(server.ask("GET", "/openapi.json").json))
    (folder / "schemathesis.toml").write_text(config)
    program = Path(sys.executable).with_name("schemathesis")
    apart = [word for path in _APART for word in ("--exclude-path", path)]
    command = [program, "--config-file", folder / "schemathesis.toml", "run", document, *apart]
    url = f"http://127.0.0.1:{server.port}"
    ran = subprocess.run(
        [*command, "--url", url, "--no-color", "--continue-on-failure", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1_500,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6_000:]
    return ran.stdout


def _with_token(server: Served) -> str:
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Stepwell-Lease": str(server.acquire(S, ttl_ms=3_600_000)),
    }
    told = ", ".join(f'{name} = "{value}"' for name, value in headers.items())
    return f'headers = {{ {told} }}\n[parameters]\n"path.name" = "{S}"\n"body.session" = "{S}"\n'


@pytest.mark.long
def test_with_the_token_nothing_breaks_and_nothing_is_undocumented(
    fresh: Served, tmp_path: Path
) -> None:
    """All phases, with write access, so that writes are really done."""
    said = _run(
        fresh, tmp_path, _with_token(fresh),
        "--checks", "all", "--exclude-checks", _HEURISTICS, "--max-examples", "30",
    )  # fmt: skip
    assert "generated" in said
    assert fresh.ask("GET", "/healthz").status == 200


def test_with_the_token_a_few_requests_of_each_kind(server: Served, tmp_path: Path) -> None:
    """The same, short."""
    _run(
        server, tmp_path, _with_token(server),
        "--checks", "all", "--exclude-checks", _HEURISTICS, "--phases", "fuzzing", "--max-examples", "1",
    )  # fmt: skip


@pytest.mark.long
def test_without_the_token_everything_is_refused(server: Served, tmp_path: Path) -> None:
    """Whatever is sent, valid or not, the answer is 401 or the refusal of what is no request."""
    config = "".join(
        f'[checks.{name}]\nexpected-statuses = ["401"]\n' for name in _HEURISTICS.split(",")
    )
    _run(
        server, tmp_path, config,
        "--checks", f"not_a_server_error,{_HEURISTICS}", "--max-examples", "20",
    )  # fmt: skip
