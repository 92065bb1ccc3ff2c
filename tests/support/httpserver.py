"""The HTTP server as users get it, and a client that says exactly what it is told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    token: str
    reading: str
    store: Path
    root: Path
    home: Path
    leases: dict[str, int] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        lease: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends one request on a connection of its own; the token is the writing one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.token if token is None else token}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if lease is not None:
            sent["Stepwell-Lease"] = str(lease)
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, content, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def acquire(self, session: str, client: str = "test", ttl_ms: int = 60_000) -> int:
        """Returns the number of a write lease."""
        asked = {"client_id": client, "mode": "write", "ttl_ms": ttl_ms}
        granted = self.ask("POST", f"/sessions/{quote(session, safe='')}/access", asked).json
        assert granted["granted"], granted
        return int(granted["lease"])

    def raw(self, content: bytes, seconds: float = 20.0) -> bytes:
        """Sends bytes and returns all that comes until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as sock:
            sock.sendall(content)
            parts = []
            while part := sock.recv(65_536):
                parts.append(part)
        return b"".join(parts)

    def stop(self) -> int:
        """Ends it in good order and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def http_server(
    root: Path, home: Path, *, files: int | None = None, stderr: int | None = None
) -> Iterator[Served]:
    """Runs `stepwell serve` over a workspace; `files` limits its file descriptors."""
    stepwell = Path(sys.executable).with_name("stepwell")
    command = [str(stepwell), "serve", "-C", str(root)]
    if files is not None:
        limit = f"import resource as r,os,sys;r.setrlimit(r.RLIMIT_NOFILE,({files},{files}));"
        command = [sys.executable, "-c", limit + "os.execv(sys.argv[1],sys.argv[1:])", *command]
    environment = {**os.environ, "STEPWELL_HOME": str(home), "HOME": str(home.parent)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3)]
            assert lines[0].startswith("serving http://"), lines
            port = int(lines[0].rsplit(":", 1)[1])
            paths = [Path(line.split(" in ", 1)[1].strip()) for line in lines[1:]]
            token, reading = (path.read_text().strip() for path in paths)
            yield Served(process, port, token, reading, paths[0].parent, root, home)
        finally:
            if process.poll() is None:
                process.kill()
