"""Several persons' workspaces, and the git server that they share timelines through."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stepwell.store import Workspace

Make = Callable[[str], Workspace]


def git(*arguments: str | Path, feed: bytes | None = None) -> str:
    """Runs the real git and returns what it printed."""
    done = subprocess.run(["git", *arguments], input=feed, capture_output=True, check=True)
    return done.stdout.decode().strip()


def workspaces(above: Path, server: Path) -> tuple[Make, Callable[[], None]]:
    """Returns what makes workspaces that know the server as `origin`, and what closes them all."""
    opened: list[Workspace] = []

    def made(name: str) -> Workspace:
        folder = above / name
        folder.mkdir(exist_ok=True)
        (folder / "who").write_text(f"{name}\n")
        opened.append(Workspace.init(folder, home=above / f"home of {name}"))
        opened[-1].add_remote("origin", str(server))
        return opened[-1]

    def close() -> None:
        for ws in opened:
            ws.close()

    return made, close


def forge(server: Path, lines: list[bytes], workspace: str = "ab" * 8) -> None:
    """Makes the server hold a timeline with these operations, as somebody hostile could."""
    blob = git("-C", server, "hash-object", "-w", "--stdin", feed=b"\n".join(lines) + b"\n")
    entry = f"100644 blob {blob}\t0000000001-{len(lines):010d}.jsonl\n"
    tree = git("-C", server, "mktree", feed=entry.encode())
    person = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    commit = git("-C", server, *person, "commit-tree", tree, "-m", "x")
    git("-C", server, "update-ref", f"refs/stepwell/{workspace}/operations", commit)


def joined(first: Workspace, second: Workspace) -> list[bytes]:
    """Returns the lines of a history that begins as the first's and goes on as the second's."""
    from stepwell.store.engine import codec

    told = [operation for ws in (first, second) for operation in ws.operations_after(0, 2)]
    forms = [
        codec.operation_to_json(replace(operation, number=number))
        for number, operation in enumerate(told, 1)
    ]
    steps = [effect["step"] for form in forms for effect in form["effects"] if "step" in effect]
    for seq, step in enumerate(steps, 1):
        step["seq"] = seq
    return [json.dumps(form).encode() for form in forms]
