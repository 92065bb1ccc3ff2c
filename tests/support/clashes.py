"""How two sides of a merge come into each kind of conflict, and what its paths are."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TEXT = "".join(f"line {number}\n" for number in range(1, 13))


def edited(word: str) -> str:
    """Returns the text with one line replaced."""
    return TEXT.replace("line 6\n", f"{word}\n")


@dataclass(frozen=True)
class Clash:
    """What each side does to a folder made by `begin`, and how a person settles it by hand."""

    path: str
    ours: Callable[[Path], object]
    theirs: Callable[[Path], object]
    settle: Callable[[Path], object]
    also: frozenset[str] = frozenset()
    """Other paths that are part of the same conflict."""


def begin(folder: Path, text: str = TEXT) -> None:
    """Writes what both sides begin with; only renames do without the usual text."""
    (folder / "f").write_text(text)
    (folder / "bin").write_bytes(b"\0base")


def _move(folder: Path, name: str) -> None:
    (folder / "f").rename(folder / name)


def _to_folder(folder: Path) -> None:
    (folder / "new").mkdir()
    (folder / "new" / "inside").write_text("in\n")


def _keep_only(*names: str) -> Callable[[Path], None]:
    def settle(folder: Path) -> None:
        for name in ("theirs-name", "new~main"):
            if name not in names:
                (folder / name).unlink(missing_ok=True)

    return settle


CLASHES = {
    "content": Clash(
        "f",
        lambda p: (p / "f").write_text(edited("ours")),
        lambda p: (p / "f").write_text(edited("theirs")),
        lambda p: (p / "f").write_text(edited("both")),
    ),
    "add/add": Clash(
        "new",
        lambda p: (p / "new").write_text("ours\n"),
        lambda p: (p / "new").write_text("theirs\n"),
        lambda p: (p / "new").write_text("ours\ntheirs\n"),
    ),
    "modify/delete": Clash(
        "f",
        lambda p: (p / "f").write_text(edited("ours")),
        lambda p: (p / "f").unlink(),
        lambda p: (p / "f").unlink(),
    ),
    "rename/rename": Clash(
        "f",
        lambda p: _move(p, "our-name"),
        lambda p: _move(p, "theirs-name"),
        _keep_only("our-name"),
        frozenset({"our-name", "theirs-name"}),
    ),
    "mode": Clash(
        "f",
        lambda p: os.chmod(p / "f", 0o600),
        lambda p: os.chmod(p / "f", 0o640),
        lambda p: os.chmod(p / "f", 0o660),
    ),
    "binary": Clash(
        "bin",
        lambda p: (p / "bin").write_bytes(b"\0ours"),
        lambda p: (p / "bin").write_bytes(b"\0theirs"),
        lambda p: (p / "bin").write_bytes(b"\0both"),
    ),
    "file/directory": Clash(
        "new~main",
        lambda p: (p / "new").write_text("a file\n"),
        _to_folder,
        _keep_only(),
    ),
}


def sides_taken(
    clash: Clash, scratch: Path, text: str = TEXT
) -> dict[str, dict[str, tuple[int, bytes]]]:
    """Returns what taking all of `ours`, `theirs` or `base` leaves at the conflict's paths."""
    found = {}
    for name, act in (("ours", clash.ours), ("theirs", clash.theirs), ("base", lambda _: None)):
        folder = scratch / name
        folder.mkdir(parents=True)
        begin(folder, text)
        act(folder)
        if clash.path == "new~main" and (folder / "new").is_file():
            (folder / "new").rename(folder / clash.path)
        found[name] = at_paths(clash, folder)
    return found


def at_paths(clash: Clash, folder: Path) -> dict[str, tuple[int, bytes]]:
    """Returns mode and content of the files at the conflict's paths."""
    return {
        name: (os.lstat(folder / name).st_mode, (folder / name).read_bytes())
        for name in {clash.path, *clash.also}
        if (folder / name).is_file()
    }
