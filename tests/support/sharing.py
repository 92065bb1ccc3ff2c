"""Several persons' workspaces, and the git server that they share timelines through."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
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
