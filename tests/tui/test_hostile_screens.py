"""Every screen in a real terminal over hostile content: no control sequence but the program's own."""

from __future__ import annotations

import base64
import os
import re
import sys
from functools import partial
from pathlib import Path

import pytest
from support.terminal import Terminal, timeline

from stepwell.store import Act, StepResult, Workspace

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

_STYLE = r"(?:[0-4]|7|9|2[2-9]|3[0-79]|4[0-79]|9[0-7]|10[0-7]|[34]8;[25](?:;\d{1,3}){1,3})"
OWN = re.compile(
    rf"\r\n|\x1b\[(?:{_STYLE}(?:;{_STYLE})*)?m"  # colours
    r"|\x1b\[\d+;\d+H"  # where what follows is drawn
    r"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"  # modes
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[<>]\d*u"  # what the terminal can do; keys
    r"|\x1b\]22;(?:default|pointer|text)\x07"  # the mouse's shape
    r"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # what was copied
)
UNSAFE = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")

CHECK = f"cat '{{0}}'; echo; echo '=== short test summary info ==='; echo 'FAILED tests/{WORD}.py::test_x'; echo '1 failed in 0.1s'; exit 1\n"
RULES = "[rules]\nmode = 'suggest'\n[rules.tests]\nrun = \"sh '{0}'\"\n"


def foreign(written: bytes) -> list[str]:
    """Returns, with what stands around, the control signs that are not the program's own."""
    text = OWN.sub("", written.decode("utf-8"))
    return [repr(text[max(0, m.start() - 30) : m.end() + 30]) for m in UNSAFE.finditer(text)]


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


def workspace(folder: Path, files: int) -> tuple[Path, Path]:
    """Makes a workspace with hostile titles, prompts, notes, tags, branches; root and home.

    `STEPWELL_CONFIG` names `config.toml` in the folder.
    """
    root, home = folder / "orchard", folder / "home"
    root.mkdir()
    (folder / "said").write_bytes(RAW + b"\n")
    (folder / "check.sh").write_text(CHECK.format(folder / "said"))
    (folder / "config.toml").write_text(RULES.format(folder / "check.sh"))
    with Workspace.init(root, home=home) as ws:
        plant(root, "first", 0)
        ws.capture(PLANTED)
        ws.create_branch(f"b{WORD}\u202e")
        ws.apply(ws.plan_switch(f"b{WORD}\u202e"))
        (root / NAME).write_bytes(RAW + f"\ntheirs {WORD}\n".encode())
        ws.capture(f"theirs {PLANTED}")
        ws.apply(ws.plan_switch("main"))
        ws.record(act=Act(f"asked {PLANTED}", "prompt", session=f"claude:{PLANTED[:20]}"))
        plant(root, "second", files)
        failed = StepResult(False, 1)
        act = Act(f"ran {PLANTED}", "tool", session="claude:1", tool=PLANTED, result=failed)
        step = ws.record(act=act).step
        ws.mark(step, label=f"{WORD}\u202e", note=f"n {PLANTED}", tags=[f"t\x1b[5m{WORD}"])
        write = f"open({NAME!r}, 'wb').write({RAW!r} + b'tried')"
        check = [sys.executable, "-c", f"print({PLANTED!r}); raise SystemExit(3)"]
        ws.try_approaches(
            [(f"one{WORD}\u202e", [sys.executable, "-c", write])],
            name=f"e{WORD}\u202e",
            check=check,
        )
        ws.check()
        ws.judge(f"e{WORD}\u202e", f"one{WORD}\u202e", "rejected", note=PLANTED)
    (root / NAME).write_bytes(RAW + f"\non disk {WORD}\n".encode())
    return root, home


WALK = (
    ("k j", "1 Timeline", f"ran {SHOWN}", SHOWN),
    ("3 s w", "[ hunk", SHOWN),
    ("L L H w s", "[ hunk", SHOWN),
    ("} ] ) ( W", "[ hunk"),
    ("y", "the hunk's code"),
    ("p", "copied the patch"),
    ("z g", SHOWN, "-1 Timeline"),
    ("2 G", "2 Files", "line"),
    ("`", "2 Files", "line"),
    ("z", "1 Timeline"),
    ("1 G k r", "Put ", "Changes", WORD),
    ("tab space A o", "Put "),
    ("esc", "-Put "),
    ("u", "Undo: ", "Changes"),
    ("esc", "-Undo: "),
    ("G k space k space c", "✓ capture theirs"),
    ("esc", "-✓ capture theirs"),
    ("esc", "1 Timeline"),
    ("O", "O Operations", SHOWN),
    ("esc", "1 Timeline"),
    ("b", "b Branches", SHOWN),
    ("esc", "1 Timeline"),
    ("s", "s Sessions", SHOWN),
    ("esc", "1 Timeline"),
    ("S w i c k e d", "S Everything", "diff ", "note ", SHOWN),
    ("esc", "1 Timeline"),
    ("E", "E Experiments", "verdict", SHOWN),
    ("v", "the end of what its check said", SHOWN),
    ("t", "accepted"),
    ("esc", "-accepted"),
    ("esc", "1 Timeline"),
    ("V", "V Rules", f"failed: tests/{WORD}"),
    ("esc", "1 Timeline"),
    ("I", "I Figures"),
    ("esc", "1 Timeline"),
    ("?", "type to search keys"),
    ("esc", "-type to search keys"),
    ("g j j a", "ctrl+s"),
    ("esc", "-ctrl+s"),
    ("t", "label:NAME"),
    ("esc", "-label:NAME"),
    (": l o g enter", ": Commands", SHOWN),
    ("d i f f enter", "1 file changed", SHOWN),
    ("esc", "1 Timeline"),
    ("/ w i c k e d enter", SHOWN),
    ("esc", "1 Timeline"),
    ("f w i c k e d enter", "filter", SHOWN),
    ("esc", "1 Timeline"),
    ("b g M", "Merge branch", SHOWN),
    ("A y", "M Conflicts", SHOWN),
    ("j J ] [", "M Conflicts", SHOWN),
    ("esc", "1 Timeline"),
)
"""What is pressed, and what is on the screen then; after `-`, what is not any more."""


def walk(screen: Terminal) -> None:
    """Goes through all screens; each is there, and at rest, before the next key."""
    for keys, *wanted in WALK:
        screen.press(*keys.split())
        for part in wanted:
            screen.until(partial(holds, screen, part))
        while screen.read(0.12):
            pass


def holds(screen: Terminal, part: str) -> bool:
    return (part[1:] not in screen.text) if part[0] == "-" else part in screen.text


@pytest.mark.parametrize(
    ("size", "files"),
    [
        ((130, 40), 60),
        pytest.param((80, 24), 60, marks=pytest.mark.long),
        pytest.param((170, 45), 10_000, marks=pytest.mark.long),
    ],
)
def test_only_our_own_control_sequences_come_out_of_any_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], files: int
) -> None:
    """Hostile names, contents, titles, notes and outputs are drawn, and only as text."""
    config = str(tmp_path / "config.toml")
    monkeypatch.setenv("STEPWELL_CONFIG", config)
    root, home = workspace(tmp_path, files)
    with timeline(root, home, size, STEPWELL_CONFIG=config) as screen:
        walk(screen)
        assert screen.leave("q") == 0
    assert foreign(screen.written) == []
    copied = [base64.b64decode(found) for found in COPIED.findall(screen.written)]
    assert len(copied) == 1 and copied[0].startswith(b"diff --git")


@pytest.mark.parametrize("planted", [PLANTED, "\x9b5m", "\x1b[5m", "\x1b]0;x\x07", "\u202e", "\r"])
def test_a_sequence_that_is_not_ours_is_found(planted: str) -> None:
    """Else the test above could not fail."""
    assert foreign(f"\x1b[1;38;2;1;2;3mx{planted}\x1b[0m".encode())
