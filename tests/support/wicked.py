"""A history in which whatever can be named, said or written tries to act on the terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from stepwell.store import Act, StepResult, Workspace
from stepwell.store.agents.transcripts.git import import_git
from stepwell.store.engine.marking import LONGEST_TEXT

PLANTED = (
    "\x1b[2J\x1b[5;31m\x1b[6n\x1b[?47h\x1b]0;wicked\x07\x1b]52;c;d2lja2Vk\x07"
    "\x1b]8;;http://wicked.example\x1b\\\x1bP$qm\x1b\\\x1b_Gwicked\x1b\\\x1bc"
    "\x9b5m\x9d0;wicked\x9c\x85\u202e\u2066\u200f\u2028[@click=app.exit]wicked[/][red] wicked\x7f"
)
"""CSI, OSC 0, 8 and 52, DCS, APC, a reset, C1 signs, bidi controls, markup."""
NAME = PLANTED.replace("/", ":").replace("\x1bP", "\r\n\t\b\x1bP") + "\udc9b5m\udcff"
RAW = PLANTED.encode() + b"\x9b5m\x9d0;wicked\x07\xff\xfe\xc0\xaf wicked\r\x0c\x08\x1b[3"
"""As above, and what is not UTF-8: C1 bytes, a sequence that does not end."""
WORD = "wicked"
SHOWN = r"\x1b[2J"
"""How a terminal may see it."""
BRANCH = f"b{WORD}\u202e"
EXPERIMENT = f"e{WORD}\u202e"
LABEL = f"{WORD}\u202e"
MEGABYTE = 1 << 20

ACTING = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""What could act on a terminal; the line feed alone may."""

_CHECK = (
    f"cat '{{0}}'; echo; echo '=== short test summary info ==='; echo 'FAILED tests/{WORD}.py::test_x';"
    " echo '1 failed in 0.1s'; exit 1\n"
)
_RULES = "[rules]\nmode = 'suggest'\n[rules.tests]\nrun = \"sh '{0}'\"\n"


def plant(root: Path, version: str, files: int) -> None:
    """Writes hostile files under hostile names, other ones for each version."""
    for number in range(files):
        (root / f"{number:05}").write_text(f"{version} {number}\n")
    (root / NAME).write_bytes(RAW + f"\n{version} {WORD}\n".encode())
    code = b"# " + RAW + b"\nx = '''" + version.encode() + RAW + b"'''\n"
    (root / f"a{PLANTED[:9]}.py").write_bytes(code)
    (root / "binary").write_bytes(RAW + b"\0" + version.encode())
    (root / "line").write_text(f"{version} {WORD} \x1b[5m" + f"{version}\x9b5m " * 130_000 + "\n")
    (root / "link").unlink(missing_ok=True)
    os.symlink(f"{PLANTED}{version}", root / "link")


def commit(root: Path) -> None:
    """Makes a repository of one commit with a hostile subject, author and branch."""
    git = ["git", "-c", f"user.name={PLANTED.replace('<', '')}", "-c", f"user.email={WORD}"]
    for words in (
        ["init", "-q", "-b", f"g{WORD}\u202e"],
        ["commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m", f"commit {PLANTED}"],
    ):
        subprocess.run([*git, *words], cwd=root, check=True)


def workspace(folder: Path, files: int, *, line: int = 2_000) -> tuple[Path, Path]:
    """Makes a workspace in which everything is hostile; returns root and home.

    Its newest step changes `files` files more; what is said has lines of `line` characters.
    `STEPWELL_CONFIG` has to name `config.toml` in the folder.
    """
    root, home = folder / "orchard", folder / "home"
    root.mkdir()
    (folder / "said").write_bytes(RAW + b"\n")
    (folder / "check.sh").write_text(_CHECK.format(folder / "said"))
    (folder / "config.toml").write_text(_RULES.format(folder / "check.sh"))
    with Workspace.init(root, home=home) as ws:
        plant(root, "first", 0)
        ws.capture(PLANTED)
        commit(root)
        import_git(ws)
        _branch_off(ws, root)
        said = f"said {PLANTED} " + PLANTED * (line // len(PLANTED)) + f"\n{PLANTED}\n"
        _record(ws, said)
        plant(root, "second", files)
        act = Act(f"ran {PLANTED}", "tool", session="claude:1", tool=PLANTED)
        act = replace(act, input=said, result_text=said, result=StepResult(False, 1))
        step = ws.record(act=act).step
        ws.mark(
            step, label=LABEL, note=f"n {said}"[:LONGEST_TEXT], by=PLANTED, tags=[f"t\x1b[5m{WORD}"]
        )
        ws.mark(step, note="n", path=os.fsencode(NAME), line=1)
        _experiment(ws)
    (root / NAME).write_bytes(RAW + f"\non disk {WORD}\n".encode())
    return root, home


def _branch_off(ws: Workspace, root: Path) -> None:
    ws.create_branch(BRANCH)
    ws.apply(ws.plan_switch(BRANCH))
    (root / NAME).write_bytes(RAW + f"\ntheirs {WORD}\n".encode())
    ws.capture(f"theirs {PLANTED}")
    ws.apply(ws.plan_switch("main"))


def _record(ws: Workspace, said: str) -> None:
    asked = Act(f"asked {PLANTED}", "prompt", session=f"c\x1b[1m:{PLANTED[:20]}", prompt=said)
    ws.record(act=asked)
    for value in (PLANTED, [said, {PLANTED: None}]):
        ws.capture(f"state {PLANTED}", session=f"{PLANTED}:1", state={PLANTED[:40]: value})
    ws.note_gap(f"gap {PLANTED}", title=PLANTED, session=f"me:{PLANTED[:20]}")


def _experiment(ws: Workspace) -> None:
    write = f"open({NAME!r}, 'wb').write({RAW!r} + b'tried')"
    check = [sys.executable, "-c", f"print({PLANTED!r}); raise SystemExit(3)"]
    tries = [(f"one{WORD}\u202e", [sys.executable, "-c", write])]
    ws.try_approaches(tries, name=EXPERIMENT, check=check)
    ws.check()
    ws.judge(EXPERIMENT, tries[0][0], "rejected", note=PLANTED)
